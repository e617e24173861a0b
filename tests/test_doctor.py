"""`listserv doctor`: for each thing that can be wrong one line, and in it what helps."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv import doctor
from listserv.dns_records import dkim_value, records
from listserv.doctor.checks import CHECKS, examined
from listserv.doctor.examining import examine
from listserv.doctor.finding import Told, table, tell
from listserv.doctor.machine import look_around, tls
from listserv.doctor.monthly import tell_monthly
from listserv.doctor.questions import Questions
from listserv.doctor.relay import judge_relay, look_at_relay
from listserv.doctor.seen import File, Machine, RelaySeen, Seen, Step, WebSeen
from listserv.doctor.signature import judge_dkim
from listserv.doctor.spf import evaluate
from listserv.mail.signing import PrivateKey, load_key, make_key
from listserv.opening import upgrade_site
from listserv.settings import settings_from
from listserv.store.checkup import Checkup, LateHolds, Month
from listserv.store.relay_rest import Rest
from tests.kit.desk import DOMAIN, Desk
from tests.kit.mailroom import Mailroom, Script, make_papers
from tests.kit.server import Server
from tests.kit.world import open_world
from tests.kit.zone import SERVFAIL, SILENT, Zone

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HERE, HERE6 = "192.0.2.10", "2001:db8::10"
BACK = "10.2.0.192.in-addr.arpa"
BACK6 = "0.1.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa"
DKIM = f"ls1._domainkey.{DOMAIN}"
DMARC = f"_dmarc.{DOMAIN}"
OTHER = "shop.example.com"
GB = 10**9
Case = tuple[str, dict[str, Any], str, str]  # check, what is different, result, words of the line


def good_zone(key: PrivateKey) -> dict[str, list[str]]:
    """What `init` tells an operator to publish, and the rest that a careful one does."""
    zone: dict[str, list[str]] = {}
    for one in records(DOMAIN, "ls1", dkim_value(key)):
        zone.setdefault(one.name.rstrip("."), []).append(f"{one.type} {one.value}")
    zone[DOMAIN] += [f"A {HERE}", f"AAAA {HERE6}"]
    zone |= {BACK: [f"PTR {DOMAIN}."], BACK6: [f"PTR {DOMAIN}."]}
    zone[f"_mta-sts.{DOMAIN}"] = ['TXT "v=STSv1; id=1"']
    zone[f"_smtp._tls.{DOMAIN}"] = [f'TXT "v=TLSRPTv1; rua=mailto:postmaster@{DOMAIN}"']
    return zone


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return load_key(make_key()[0])


@pytest.fixture(scope="module")
def running() -> Iterator[Zone]:
    with Zone() as zone:
        yield zone


@pytest.fixture
def zone(running: Zone, key: PrivateKey) -> Zone:
    running.records, running.faults = dict(good_zone(key)), {}
    return running


def site(zone: Zone, key: PrivateKey, said: Mapping[str, Any] | None = None) -> Seen:
    """All is well, but for DNS that is asked anew."""
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "dns": {"servers": [zone.server]}}
    settings = settings_from({**told, **(said or {})}, {}, Path("/site"))
    machine = Machine(
        File(Path("/site/listserv.toml"), 0o600),
        File(Path("/site/data/secret"), 0o600),
        File(Path("/site/dkim/ls1.pem"), 0o600),
        free=50 * GB,
        newest=NOW - timedelta(minutes=1),
        signer=key,
    )
    return Seen(
        settings,
        NOW,
        machine,
        Questions(settings.dns.servers, seconds=3.0, each=0.5),
        database=Checkup(
            size=1_000_000, last_backup="2026-11-28T03:00:00+00:00", members=5, domains=(DOMAIN,)
        ),
        relay=RelaySeen("127.0.0.1:25", Step.DONE, name=DOMAIN, near=True),
        web=WebSeen("ok"),
        runs=True,
    )


def lines(seen: Seen, check: str = "") -> list[Told]:
    told = list(examined(seen))
    assert "fault of ours" not in str(told)
    return [line for line in told if check in ("", line.check)]


def the_line(seen: Seen, check: str) -> Told:
    """The most serious of a check."""
    order = ("failed", "warning", "ok")
    return min(lines(seen, check), key=lambda line: order.index(line.result))


_SHORT = load_key(make_key(1024)[0])

# -- DNS --------------------------------------------------------------------------------------------


def test_where_everything_is_published_as_init_says_everything_is_ok(zone: Zone, key: PrivateKey) -> None:
    told = lines(site(zone, key))
    assert [line for line in told if line.result != "ok"] == []
    assert {line.check for line in told} == {check.name for check in CHECKS}
    assert [line for line in told if line.remedy] == []


TXT = 'TXT "v=spf1 a mx -all"'
PLACE = [f"MX 10 {DOMAIN}.", f"A {HERE}", f"AAAA {HERE6}"]
_ELEVEN = " ".join(f"include:s{number}.example.com" for number in range(11))
# check, what is changed in the good zone (None: not there), result, what the remedy (or else the line) says
FAULTS: list[Case] = [
    ("mx", {DOMAIN: [TXT]}, "failed", f"Publish: {DOMAIN}. IN MX 10"),
    ("mx", {DOMAIN: [TXT, f"A {HERE}"]}, "warning", f"Publish: {DOMAIN}. IN MX 10"),
    ("mx", {DOMAIN: [TXT, "MX 0 ."]}, "failed", "a null MX"),
    ("mx", {DOMAIN: [TXT, "MX 10 mx.example.org."]}, "failed", "A (and AAAA) record for mx.example.org"),
    ("mx", {DOMAIN: [TXT, f"MX 10 {HERE}."]}, "failed", "Publish a name there"),
    (
        "mx",
        {DOMAIN: [TXT, "MX 10 m.example.org."], "m.example.org": ["A 192.168.1.9"]},
        "failed",
        "by which the world",
    ),
    (
        "mx",
        {DOMAIN: [TXT, "MX 10 m.example.org."], "m.example.org": ["A 127.0.0.1"]},
        "failed",
        "by which the world",
    ),
    (
        "mx",
        {DOMAIN: [TXT, "MX 10 m.example.org."], "m.example.org": ["A 198.51.100.7"]},
        "warning",
        "send one and see",
    ),
    ("mx", {DOMAIN: [*PLACE, TXT], "m.example.org": [f"A {HERE}"]}, "ok", ""),
    ("mx", {DOMAIN: [TXT, f"A {HERE}", "MX 10 m.example.org."], "m.example.org": [f"A {HERE}"]}, "ok", ""),
    (
        "mx",
        {DOMAIN: [TXT, "MX 5 m.example.org."], "m.example.org": [f"A {HERE}", "CNAME x.example.org."]},
        "warning",
        "CNAME",
    ),
    ("ptr", {BACK: None}, "failed", f"set the name of {HERE} to {DOMAIN}"),
    ("ptr", {BACK6: None}, "failed", f"set the name of {HERE6} to {DOMAIN}"),
    ("ptr", {BACK: ["PTR host7.example.net."]}, "failed", "host7.example.net"),
    ("ptr", {BACK: ["PTR m.example.net."], "m.example.net": [f"A {HERE}"]}, "ok", ""),
    ("ptr", {DOMAIN: [TXT]}, "failed", f"A record for {DOMAIN}"),
    ("spf", {DOMAIN: PLACE}, "failed", f'Publish: {DOMAIN}. IN TXT "v=spf1 a mx -all"'),
    ("spf", {DOMAIN: [*PLACE, 'TXT "google-verification=1"']}, "failed", "IN TXT"),
    ("spf", {DOMAIN: [*PLACE, TXT, 'TXT "v=spf1 -all"']}, "failed", "Make one of them"),
    ("spf", {DOMAIN: [*PLACE, TXT, 'TXT "v=spf10 what"']}, "ok", ""),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a mx +all"']}, "failed", "Let it end with -all"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 ip4:0.0.0.0/0 -all"']}, "failed", "Let it end with -all"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a ip6:::/0 -all"']}, "failed", "Let it end with -all"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a mx ?all"']}, "warning", "-all"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a mx"']}, "warning", "-all"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a mx ~all"']}, "ok", ""),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/122 -all"']}, "ok", ""),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 ip4:192.0.2.10 -all"']}, "failed", f"Put a:{DOMAIN} before"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 ip4:198.51.100.1 -all"']}, "failed", HERE),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 a mx ipv4:192.0.2.10 -all"']}, "failed", "ipv4:192.0.2.10"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 ip4:192.0.2.300 -all"']}, "failed", "ip4:192.0.2.300"),
    ("spf", {DOMAIN: [*PLACE, 'TXT "v=spf1 include:gone.example.net -all"']}, "failed", "gone.example.net"),
    ("spf", {DOMAIN: [*PLACE, f'TXT "v=spf1 a include:{DOMAIN} -all"']}, "failed", "more than 10"),
    (
        "spf",
        {
            DOMAIN: [*PLACE, f'TXT "v=spf1 a {_ELEVEN[:100]}" "{_ELEVEN[100:]} -all"'],
            **{f"s{number}.example.com": ['TXT "v=spf1 -all"'] for number in range(11)},
        },
        "failed",
        "12 look-ups",
    ),
    (
        "spf",
        {
            DOMAIN: [*PLACE, 'TXT "v=spf1 redirect=_spf.example.org"'],
            "_spf.example.org": ['TXT "v=spf1 a:lists.example.org -all"'],
        },
        "ok",
        "",
    ),
    ("dkim", {DKIM: None}, "failed", f'Publish: {DKIM}. IN TXT "v=DKIM1; k=rsa; p='),
    ("dkim", {DKIM: ['TXT "v=DKIM1; k=rsa; p="']}, "failed", "make a new key"),
    ("dkim", {DKIM: ['TXT "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK"']}, "failed", "another key"),
    (
        "dkim",
        {DKIM: ['TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="']},
        "failed",
        "another key",
    ),
    ("dkim", {DKIM: ['TXT "v=spf1 -all"']}, "failed", "no DKIM record"),
    ("dkim", {DKIM: ['TXT "v=DKIM1; p=aaaa"', 'TXT "v=DKIM1; p=bbbb"']}, "failed", "Leave only this one"),
    ("dmarc", {DMARC: None}, "warning", f'Publish: {DMARC}. IN TXT "v=DMARC1; p=none; rua='),
    ("dmarc", {DMARC: ['TXT "v=DMARC1; p=none"', 'TXT "v=DMARC1; p=reject"']}, "failed", "Leave one"),
    ("dmarc", {DMARC: ['TXT "v=DMARC1; p=maybe; rua=mailto:a@example.org"']}, "failed", "p=maybe"),
    ("dmarc", {DMARC: ['TXT "v=DMARC1; p=none; sp=hard"']}, "failed", "sp=hard"),
    ("dmarc", {DMARC: ['TXT "p=none"']}, "failed", "Publish in its place"),
    ("dmarc", {DMARC: ['TXT "v=DMARC1; p=reject"']}, "warning", "rua=mailto:"),
    (
        "dmarc",
        {DMARC: [f'TXT "v=DMARC1; p=none; rua=mailto:x@{OTHER}"']},
        "warning",
        f"{DOMAIN}._report._dmarc.{OTHER}",
    ),
    (
        "dmarc",
        {
            DMARC: [f'TXT "v=DMARC1; p=none; rua=mailto:x@{OTHER}"'],
            f"{DOMAIN}._report._dmarc.{OTHER}": ['TXT "v=DMARC1"'],
        },
        "ok",
        "",
    ),
    (
        "dmarc",
        {DMARC: None, "_dmarc.example.org": ['TXT "v=DMARC1; p=reject; sp=quarantine"']},
        "ok",
        "example.org counts: quarantine",
    ),
    ("mta-sts", {f"_mta-sts.{DOMAIN}": None}, "warning", f"_mta-sts.{DOMAIN}. IN TXT"),
    ("tls-rpt", {f"_smtp._tls.{DOMAIN}": None}, "warning", f"_smtp._tls.{DOMAIN}. IN TXT"),
    ("base_url", {DOMAIN: [TXT]}, "failed", f"record for {DOMAIN}"),
]


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_of_dns_is_named_with_what_to_publish(zone: Zone, key: PrivateKey, case: Case) -> None:
    check, changes, result, words = case
    for name, found in changes.items():
        zone.records.pop(name, None)
        if found is not None:
            zone.records[name] = found
    line = the_line(site(zone, key), check)
    assert line.result == result, line
    assert words in f"{line.says} {line.remedy}", line
    assert bool(line.remedy) == (result != "ok"), line


_WORDS = st.sampled_from(
    [
        "v=spf1",
        "include:",
        "a",
        "mx/33",
        "ip4:1.2.3.4/99",
        "ip6:",
        "redirect=",
        "%{i}",
        "-all",
        "exists:x",
        "?",
        "//",
    ]
    + [DOMAIN, "v=DKIM1;", "p=", "k=rsa;", "t=y:s;", "=;", "\0", "ü", "v=DMARC1;", "10", "."]
)
_RECORD = st.one_of(
    st.lists(_WORDS, max_size=8).map(" ".join), st.lists(_WORDS, max_size=8).map("".join), st.text()
)


@given(st.lists(_RECORD, max_size=3), st.sampled_from([HERE, HERE6]))
def test_no_record_upsets_it_or_leads_it_round_in_circles(texts: list[str], address: str) -> None:
    asked: list[str] = []

    def ask(name: str, kind: str) -> tuple[str, ...] | None:
        asked.append(name)
        addresses = {"A": (HERE,), "AAAA": (HERE6,)}
        return tuple(texts) if kind == "TXT" else addresses.get(kind, (f"10 {DOMAIN}",))

    evaluate(DOMAIN, ip_address(address), ask)
    assert len(asked) < 400
    judge_dkim(DKIM, tuple(texts), _SHORT)


ASKS = ("mx", "ptr", "spf", "dkim", "dmarc", "mta-sts", "tls-rpt", "base_url")


@pytest.mark.parametrize("fault", [SERVFAIL, SILENT])
def test_without_dns_nothing_is_called_wrong_that_was_not_to_be_known(
    zone: Zone, key: PrivateKey, fault: str
) -> None:
    zone.faults = {"*": fault}
    seen, begun = site(zone, key), time.monotonic()
    told = lines(seen)
    assert time.monotonic() - begun < 6
    assert [line for line in told if line.result == "failed"] == []
    asked = [line for line in told if line.check in ASKS]
    assert {line.check for line in asked} == set(ASKS)
    for line in asked:
        assert (line.result, "could not ask" in line.says) == ("warning", True), line
        assert line.remedy == "See the line on dns; then run this again."
    (dns,) = (line for line in told if line.check == "dns")
    assert dns.result == "warning"
    assert zone.server in dns.says
    assert "dns.servers" in dns.remedy


def test_a_name_that_alone_is_not_answered_is_not_known_and_the_rest_is(zone: Zone, key: PrivateKey) -> None:
    zone.faults = {DMARC: SERVFAIL}
    told = {line.check: line.result for line in lines(site(zone, key))}
    assert {check for check, result in told.items() if result != "ok"} == {"dmarc"}
    assert told["dmarc"] == "warning"


def test_a_zone_where_every_second_name_hangs_is_left_after_a_few_seconds(
    zone: Zone, key: PrivateKey
) -> None:
    zone.faults = {f"{name} TXT": SILENT for name in (DOMAIN, DMARC, DKIM, f"_mta-sts.{DOMAIN}")}
    zone.faults |= {f"_smtp._tls.{DOMAIN}": SILENT, BACK: SILENT, BACK6: SILENT}
    begun = time.monotonic()
    told = lines(site(zone, key))
    assert time.monotonic() - begun < 5
    assert [line for line in told if line.result == "failed"] == []


def test_a_key_in_test_mode_and_a_short_key_are_told(zone: Zone, key: PrivateKey) -> None:
    (good,) = zone.records[DKIM]
    zone.records[DKIM] = [good.replace('"v=DKIM1; ', '"v=DKIM1; t=y;" "')]
    line = the_line(site(zone, key), "dkim")
    assert (line.result, line.remedy) == ("warning", "Take t=y out.")
    short = load_key(make_key(1024)[0])
    zone.records[DKIM] = [f'TXT "{dkim_value(short)}"']  # one string
    line = the_line(site(zone, short), "dkim")
    assert (line.result, "1024" in line.says, "2048" in line.remedy) == ("warning", True, True)


def test_a_provider_that_sends_for_us_has_to_be_in_spf_and_its_name_is_its_own_matter(
    zone: Zone, key: PrivateKey
) -> None:
    provider = RelaySeen("smtp.example.net:587", Step.DONE, name="smtp.example.net", tls="starttls")
    seen = replace(site(zone, key), relay=provider)
    line = the_line(seen, "spf")
    assert (line.result, "include:" in line.remedy, "smtp.example.net" in line.says) == ("failed", True, True)
    assert the_line(seen, "ptr").result == "ok"
    zone.faults = {"smtp.example.net": SERVFAIL}
    assert the_line(replace(site(zone, key), relay=provider), "spf").result == "warning"
    zone.records[DOMAIN] = [*PLACE, 'TXT "v=spf1 a mx include:spf.example.net -all"']
    zone.records["spf.example.net"] = ['TXT "v=spf1 ip4:198.51.100.0/24 -all"']
    assert the_line(replace(site(zone, key), relay=provider), "spf").result == "ok"


def test_a_lists_own_domain_is_looked_at_too(zone: Zone, key: PrivateKey) -> None:
    zone.records |= {
        OTHER: [*PLACE, TXT],
        f"_dmarc.{OTHER}": [f'TXT "v=DMARC1; p=none; rua=mailto:p@{OTHER}"'],
    }
    seen = site(zone, key)
    seen = replace(seen, database=replace(seen.database or Checkup(), domains=(DOMAIN, OTHER)))
    assert [line.result for line in lines(seen, "spf")] == ["ok", "ok"]
    own, other = lines(seen, "dmarc")
    assert (own.result, other.result) == ("ok", "warning")
    assert f"sign as {DOMAIN}" in other.says


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


def test_everything_dead_at_once_ends_within_fifteen_seconds(tmp_path: Path) -> None:
    begun = time.monotonic()
    with Mailroom(Script(hang="banner")) as room, Zone() as zone:
        zone.faults = {"*": SILENT}
        told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "dns": {"servers": [zone.server]}}
        relay = {"relay": f"smtp://127.0.0.1:{room.port}"}
        settings = settings_from({**told, "deliver": relay}, {}, tmp_path)
        said = {line.check: line for line in examine(settings, tmp_path / "listserv.toml", NOW)}
    assert time.monotonic() - begun < 12
    assert said["database"].remedy == "Run `listserv db upgrade` to make it"
    assert (said["relay"].result, said["dns"].result, said["serve"].result) == ("failed", "warning", "failed")


@pytest.mark.parametrize("what", ["gone", "foreign", "torn", "server away"])
def test_a_database_that_can_not_be_used_is_told_with_what_to_do(
    tmp_path: Path, zone: Zone, what: str
) -> None:
    file = tmp_path / "listserv.db"
    url = "postgresql+psycopg://nobody@127.0.0.1:1/x" if what == "server away" else f"sqlite:///{file}"
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "dns": {"servers": [zone.server]}}
    settings = settings_from({**told, "database": {"url": url}, "web": {"listen": ""}}, {}, tmp_path)
    if what == "foreign":
        file.write_bytes(b"no database at all " * 500)
    if what == "torn":
        upgrade_site(settings)
        data = bytearray(file.read_bytes())
        data[8192:] = b"\xff" * (len(data) - 8192)
        file.write_bytes(data)
    told_by = {line.check: line for line in examine(settings, tmp_path / "listserv.toml", NOW)}
    assert told_by["database"].result == "failed"
    assert told_by["database"].remedy
    assert "fault of ours" not in str(told_by)


def test_a_site_on_either_database_is_looked_at(tmp_path: Path, zone: Zone, database_url: str) -> None:
    told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "dns": {"servers": [zone.server]}}
    settings = settings_from({**told, "database": {"url": database_url}, "web": {"listen": ""}}, {}, tmp_path)
    (tmp_path / "data").mkdir()
    before = {line.check: line for line in examine(settings, tmp_path / "listserv.toml", NOW)}
    assert (before["database"].result, "db upgrade" in before["database"].remedy) == ("failed", True)
    upgrade_site(settings)
    now = datetime.now(UTC)
    after = {line.check: line.result for line in examine(settings, tmp_path / "listserv.toml", now)}
    assert (after["database"], after["clock"], after["queue"], after["hosts"]) == ("ok", "ok", "ok", "ok")
    assert (after["serve"], after["relay"], after["backup"]) == ("failed", "warning", "warning")


# -- as the operator meets it -----------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", "owner@example.org")
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    return desk


def test_a_good_site_gets_a_clean_bill_and_a_dead_resolver_only_warnings(
    desk: Desk, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.records |= good_zone(load_key((desk.folder / "dkim" / "ls1.pem").read_bytes()))
    desk.does("backup", str(desk.folder / "site.backup"))
    with Mailroom(Script(banner=f"220 {DOMAIN} ESMTP")) as room:
        monkeypatch.setenv("LISTSERV_DELIVER_RELAY", f"smtp://127.0.0.1:{room.port}")
        monkeypatch.setenv("LISTSERV_DNS_SERVERS", zone.server)
        monkeypatch.setenv("LISTSERV_WEB_LISTEN", "")
        with Server(desk.folder, {"LISTSERV_WEB_LISTEN": ""}).serving():
            done = desk.run("doctor", "--json")
            assert [line for line in done.json if line["result"] != "ok"] == []
            assert done.code == 0
            assert all(set(line) == {"check", "result", "says", "remedy"} for line in done.json)
            monkeypatch.setenv("LISTSERV_DNS_SERVERS", "127.0.0.1:9")
            done = desk.run("doctor", "--json")
    assert done.code == 0
    assert {line["check"] for line in done.json if line["result"] == "warning"} == {"dns", *ASKS}


def test_what_failed_stands_out_with_its_remedy_below_and_the_exit_code_says_so(
    desk: Desk, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_DNS_SERVERS", zone.server)
    monkeypatch.setenv("LISTSERV_WEB_LISTEN", "")
    del zone.records[DMARC]
    done = desk.run("doctor")
    assert (done.code, done.err) == (1, "")
    lines = done.out.splitlines()
    (place,) = (at for at, line in enumerate(lines) if line.startswith("serve "))
    assert lines[place] == "serve       FAILED   `listserv serve` does not run: no mail comes in or goes out"
    assert lines[place + 1].startswith("                     → ")
    assert [line for line in lines if len(line) > 80 and not _to_copy(line)] == []
    record = f'{DMARC}. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@{DOMAIN}"'
    assert record in map(str.strip, lines)
    assert re.fullmatch(r"\d+ ok, \d+ warning, \d+ FAILED", lines[-1])


def _to_copy(line: str) -> bool:
    """A record, a command or a path, which is longer than a line."""
    return bool(re.fullmatch(r' *(?:→ )?(?:\S+|`[^`]+`|(?:\S+ IN TXT )?"[^"]+")[.;]?', line[21:]))


def test_settings_that_can_not_be_read_are_a_finding_too(desk: Desk) -> None:
    with (desk.folder / "listserv.toml").open("a") as file:
        file.write("\n[dkin]\nselector = 'x'\n")
    done = desk.run("doctor", "--json")
    (line,) = done.json
    assert (done.code, line["check"], line["result"]) == (1, "settings", "failed")
    assert "[dkin]" in line["says"]


# -- by mail ----------------------------------------------------------------------------------------

BAD = Told("spf", "failed", f"{DOMAIN} has no SPF record", "Publish one.")
SOSO = Told("backup", "warning", "none was ever made", "Make one every night.")
FINE = Told("disk", "ok", "80 GB free", "")


def test_once_a_month_the_owner_hears_of_what_is_not_right_and_of_nothing_else(tmp_path: Path) -> None:
    looks: list[datetime] = []

    def tell_owner(*said: Told) -> int:
        def examined_at(now: datetime) -> tuple[Told, ...]:
            looks.append(now)
            return said

        return tell_monthly(world.pen, world.bells, examined_at)

    with open_world(f"sqlite:///{tmp_path / 'monthly.db'}") as world:
        assert (tell_owner(BAD), looks) == (0, [])  # a new site
        world.clock.move(timedelta(days=31))
        assert [tell_owner(FINE, SOSO, BAD), tell_owner(BAD)] == [1, 0]
        world.clock.move(timedelta(days=31))
        assert tell_owner(FINE) == 0
        world.clock.move(timedelta(days=31))
        assert tell_owner(SOSO) == 1
        world.settle()
        first, second = (mailed.raw.decode() for mailed in world.outbox)
    assert first.index("no SPF record") < first.index("Make one every night.")
    assert "80 GB" not in first
    assert "1 other thing is as it should be." in first
    assert "SPF" not in second


# -- its words --------------------------------------------------------------------------------------


def test_every_finding_has_words_and_all_words_are_some_findings() -> None:
    keys = {f"relay {step}" for step in Step if step is not Step.DONE}
    keys |= {f"volume {name}" for name in ("gmail", "microsoft", "yahoo")}
    keys |= {f"serve {word}" for word in ("database", "writer", "disk", "closing")}
    keys |= {f"{key} {end}" for key in ("mta-sts", "tls reports") for end in ("ok", "absent", "unknown")}
    for file in Path(doctor.__path__[0]).glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        texts = {one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        keys |= texts & set(table())
        calls = [one for one in nodes if isinstance(one, ast.Call) and one.args]
        made = [one.args[0] for one in calls if getattr(one.func, "id", "") in ("ok", "warning", "failed")]
        assert [one.value for one in made if isinstance(one, ast.Constant) and one.value not in table()] == []
    assert keys | {"settings bad"} == set(table())
