"""What `listserv doctor` says of machine, database, relay, and of a server in front."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listserv.doctor.finding import Told, tell
from listserv.doctor.machine import look_around, tls
from listserv.doctor.questions import Questions
from listserv.doctor.relay import judge_relay, look_at_relay
from listserv.doctor.seen import File, Seen
from listserv.mail.signing import PrivateKey
from listserv.settings import settings_from
from listserv.store.checkup import Checkup, LateHolds, Month
from listserv.store.relay_rest import Rest
from tests.kit.clinic import (
    DKIM,
    DMARC,
    NOW,
    PLACE,
    Case,
    key,
    running,
    site,
    the_line,
    zone,
)
from tests.kit.desk import DOMAIN
from tests.kit.mailroom import Mailroom, Script, make_papers
from tests.kit.zone import Zone

__all__ = ["key", "running", "zone"]  # fixtures

# -- the machine, the database ----------------------------------------------------------------------

WAITS = NOW - timedelta(hours=1)
MACHINE: list[Case] = [
    ("settings", {"settings": File(Path("/site/listserv.toml"), 0o666)}, "failed", "chmod go-w"),
    ("settings", {"settings": File(Path("/site/listserv.toml"), 0o644)}, "ok", ""),
    ("keys", {"secret": File(Path("/site/data/secret"), 0o644)}, "failed", "chmod 600 /site/data/secret"),
    ("keys", {"key": File(Path("/site/ls1.pem"), 0o640)}, "failed", "chmod 600 /site/ls1.pem"),
    ("keys", {"key_trouble": "No such file", "signer": None}, "failed", "Restore it"),
    ("keys", {"secret_trouble": "secret can't be read; restore it"}, "failed", "Restore it"),
    ("tls", {}, "ok", "theirs"),
    ("disk", {"free": 50_000_000}, "failed", "Make room"),
    ("disk", {"free": 500_000_000}, "warning", "Make room"),
    ("clock", {"newest": NOW + timedelta(days=2)}, "failed", "set-ntp"),
]
DATABASE: list[Case] = [
    ("database", {"fault": "row 3 missing from index"}, "failed", "restore the last backup"),
    ("database", {"fault": None}, "ok", "too large"),
    ("clock", {"clock": NOW + timedelta(minutes=20)}, "failed", "set-ntp"),
    ("clock", {"clock": NOW - timedelta(minutes=2)}, "warning", "set-ntp"),
    ("clock", {"newest": NOW + timedelta(hours=1)}, "failed", "set-ntp"),
    ("queue", {"oldest_waiting": WAITS}, "warning", "listserv queue ls"),
    ("queue", {"longest_due": NOW - timedelta(hours=9)}, "failed", "queue retry --all"),
    ("queue", {"longest_due": NOW + timedelta(hours=9)}, "ok", ""),
    ("queue", {"rest": Rest(NOW + timedelta(minutes=1), 3, "421 too busy")}, "warning", "421 too busy"),
    ("queue", {"paused": True}, "warning", "queue drop --all"),
    ("set aside", {"aside": 2}, "warning", "queue ls --aside"),
    ("holds", {"late": (LateHolds(f"book@{DOMAIN}", 3, WAITS),)}, "warning", f"hold ls book@{DOMAIN}"),
    ("hosts", {"hostless": (f"book@{DOMAIN}",)}, "failed", f"member set book@{DOMAIN} EMAIL role=host"),
    ("backup", {"last_backup": None}, "warning", "listserv backup FILE"),
    ("backup", {"last_backup": "2026-11-24T03:00:00+00:00"}, "warning", "by a timer"),
    ("backup", {"last_backup": "2026-11-01T03:00:00+00:00"}, "failed", "by a timer"),
    ("backup", {"last_backup": "nonsense"}, "warning", "by a timer"),
    ("complaints", {"month": Month(10_000, 11)}, "warning", "Invite"),
    ("complaints", {"month": Month(10_000, 10)}, "ok", ""),
    ("complaints", {"month": Month(10_000, 30)}, "failed", "0.3 %"),
    ("complaints", {"month": Month(100, 2)}, "ok", ""),
    ("arc", {"members": 100, "at_gmail": 60}, "ok", "ARC"),
    ("volume", {"sent": {"gmail": 6000, "yahoo": 10}}, "ok", "6000 copies to Gmail"),
]


@pytest.mark.parametrize("case", MACHINE)
def test_each_fault_of_the_machine_has_its_remedy(zone: Zone, key: PrivateKey, case: Case) -> None:
    check, changes, result, words = case
    seen = site(zone, key)
    line = the_line(replace(seen, machine=replace(seen.machine, **changes)), check)
    assert (line.result, words in f"{line.says} {line.remedy}") == (result, True), line


@pytest.mark.parametrize("case", DATABASE)
def test_each_fault_that_the_database_shows_has_its_remedy(zone: Zone, key: PrivateKey, case: Case) -> None:
    check, changes, result, words = case
    seen = site(zone, key)
    line = the_line(replace(seen, database=replace(seen.database or Checkup(), **changes)), check)
    assert (line.result, words in f"{line.says} {line.remedy}") == (result, True), line


@pytest.mark.parametrize(
    ("lacks", "provider", "words"),
    [
        (DMARC, "gmail", "DMARC is not published"),
        (DMARC, "microsoft", "550 5.7.515"),
        (DKIM, "yahoo", "DKIM is not published"),
        (DOMAIN, "gmail", "SPF is not published"),
    ],
)
def test_who_sends_more_than_5000_a_day_to_one_provider_has_to_publish_all_three(
    zone: Zone, key: PrivateKey, lacks: str, provider: str, words: str
) -> None:
    zone.records[lacks] = PLACE if lacks == DOMAIN else []
    seen = site(zone, key)
    large = replace(seen.database or Checkup(), sent={provider: 5001})
    line = the_line(replace(seen, database=large), "volume")
    assert (line.result, words in line.says) == ("failed", True), line
    assert "SPF, DKIM and DMARC" in line.remedy
    small = replace(large, sent={provider: 5000})
    assert the_line(replace(seen, database=small), "volume").result == "ok"


def test_a_password_in_a_settings_file_that_others_read_is_told(zone: Zone, key: PrivateKey) -> None:
    seen = site(zone, key, {"deliver": {"relay": "smtp+starttls://me:word@smtp.example.net"}})
    file = File(Path("/site/listserv.toml"), 0o640)
    line = the_line(replace(seen, machine=replace(seen.machine, settings=file)), "settings")
    assert (line.result, line.remedy) == ("failed", "`chmod go-rwx /site/listserv.toml`")


CERTIFICATE = {"tls_cert": "door.pem", "tls_key": "door.key"}


@pytest.mark.parametrize(
    ("receive", "ends", "result", "words"),
    [
        ({"smtp": "0.0.0.0:25"}, None, "warning", "receive.tls_cert"),
        ({"smtp": "[::]:25"}, None, "warning", "receive.tls_cert"),
        ({"smtp": ""}, None, "ok", "theirs"),
        (CERTIFICATE, NOW + timedelta(days=60), "ok", "2027-01-27"),
        (CERTIFICATE, NOW + timedelta(days=9), "warning", "Renew it"),
        (CERTIFICATE, NOW, "failed", "Renew it"),
        (CERTIFICATE, None, "failed", "PEM"),
    ],
)
def test_doors_that_the_world_reaches_want_a_certificate_that_is_good(
    tmp_path: Path, receive: dict[str, str], ends: datetime | None, result: str, words: str
) -> None:
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "receive": receive}
    settings = settings_from(told, {}, tmp_path)
    there = replace(look_around(settings, tmp_path / "listserv.toml"), certificate_ends=ends)
    (found,) = tls(Seen(settings, NOW, there, Questions(("127.0.0.1:9",))))
    line = tell("tls", found)
    assert (line.result, words in f"{line.says} {line.remedy}") == (result, True), line


def test_a_certificate_tells_its_end(tmp_path: Path) -> None:
    make_papers(tmp_path)
    receive = {"tls_cert": "expired.pem", "tls_key": "expired.pem"}
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "receive": receive}
    there = look_around(settings_from(told, {}, tmp_path), tmp_path / "listserv.toml")
    assert there.certificate_ends == datetime(2021, 1, 1, tzinfo=UTC)


def test_without_https_there_is_no_one_click(zone: Zone, key: PrivateKey) -> None:
    told = {"domain": DOMAIN, "owner": "o@example.org", "base_url": "http://lists.example.org"}
    line = the_line(site(zone, key, {"site": told}), "base_url")
    assert (line.result, "one-click" in line.says, f"https://{DOMAIN}" in line.remedy) == (
        "failed",
        True,
        True,
    )


# -- mail that comes through a server in front ------------------------------------------------------

DATE = "Sat, 28 Nov 2026 11:00:00 +0000"
OURS = f"Received: from mx.example.org ([127.0.0.1])\r\n\tby {DOMAIN} with LMTP id 1;\r\n\t{DATE}\r\n"
HOP = (
    "Received: from far.example.net (far.example.net [198.51.100.3])\r\n"
    f"\tby mx.example.org (Postfix) with ESMTP id 2;\r\n\t{DATE}\r\n"
)
FAR = "Received: from a by far.example.net with ESMTP id 3; Sat, 28 Nov 2026 10:00:00 +0000\r\n"
REST = "From: ana@example.net\r\n\r\nHello\r\n"


def found_by(name: str) -> str:
    return f"Authentication-Results: {name}; spf=pass smtp.mailfrom=example.net\r\n"


THROUGH = (OURS + found_by("mx.example.org") + HOP + FAR + REST).encode()
WITHOUT = (OURS + HOP + FAR + found_by("stranger.example") + REST).encode()
STRAIGHT = (OURS.replace("127.0.0.1", "198.51.100.3").replace("LMTP", "ESMTPS") + FAR + REST).encode()


@pytest.mark.parametrize(
    "case",
    [
        ([], [], "ok", "straight"),
        ([STRAIGHT] * 3, [], "ok", "straight"),
        ([THROUGH], [], "failed", 'receive.trusted_authserv_ids = ["mx.example.org"]'),
        ([WITHOUT] * 9, [], "failed", "OpenDMARC or rspamd"),
        ([WITHOUT, WITHOUT, THROUGH], [], "failed", "OpenDMARC or rspamd"),
        ([THROUGH] * 3, ["MX.example.org"], "ok", "is believed"),
        ([WITHOUT] * 3, ["mx.example.org"], "warning", "drop what comes from outside"),
        ([], ["mx.example.org"], "ok", "no mail of the last days"),
    ],
)
def test_what_the_server_in_front_finds_is_to_be_believed_and_only_that(
    zone: Zone, key: PrivateKey, case: tuple[list[bytes], list[str], str, str]
) -> None:
    heads, trusted, result, words = case
    seen = site(zone, key, {"receive": {"trusted_authserv_ids": trusted}})
    line = the_line(replace(seen, database=Checkup(heads=tuple(heads))), "trust")
    assert (line.result, words in f"{line.says} {line.remedy}") == (result, True), line
    assert "stranger" not in line.remedy or trusted


@pytest.mark.parametrize(
    "head", [b"", b"\0" * 50, b"Received:\r\n" * 999, OURS.encode() * 2, b"Received: by\r\n" + b"(" * 9000]
)
def test_no_mail_upsets_it(zone: Zone, key: PrivateKey, head: bytes) -> None:
    assert the_line(replace(site(zone, key), database=Checkup(heads=(head,))), "trust").result in (
        "ok",
        "failed",
    )


# -- the relay and the web door, for real -----------------------------------------------------------


def visited(tmp_path: Path, relay: str) -> Told:
    """What is said of a relay."""
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "deliver": {"relay": relay}}
    settings = settings_from(told, {}, tmp_path)
    return tell("relay", judge_relay(look_at_relay(settings), settings.receive.max_message_bytes))


@pytest.mark.parametrize(
    ("script", "kind", "result", "words"),
    [
        (Script(), "smtp://", "ok", "would take mail"),
        (Script(offers=("SIZE 1000000",)), "smtp://", "warning", "receive.max_message_bytes = 1000000"),
        (Script(banner="554 go away"), "smtp://", "failed", "554 go away"),
        (Script(), "smtp+starttls://", "failed", "smtps on 465"),
        (Script(lmtp=True), "lmtp://", "ok", "would take mail"),
        (Script(login=("me", "right")), "smtp://me:wrong@", "failed", "user and password"),
        (Script(login=("me", "right")), "smtp://me:right@", "ok", "would take mail"),
    ],
)
def test_the_relay_is_visited_and_handed_no_mail(
    tmp_path: Path, script: Script, kind: str, result: str, words: str
) -> None:
    with Mailroom(script) as room:
        line = visited(tmp_path, f"{kind}127.0.0.1:{room.port}")
    assert (line.result, words in f"{line.says} {line.remedy}") == (result, True), line
    assert room.offered == []
    assert "right" not in str(line)


def test_a_certificate_that_is_not_good_and_a_relay_that_is_not_there_are_told(tmp_path: Path) -> None:
    with Mailroom(Script(tls=make_papers(tmp_path).good)) as room:
        line = visited(tmp_path, f"smtp+starttls://127.0.0.1:{room.port}")
    assert (line.result, "?ca=FILE" in line.remedy) == ("failed", True), line
    line = visited(tmp_path, "smtp://127.0.0.1:1")
    assert (line.result, "can't be reached" in line.says) == ("failed", True), line
