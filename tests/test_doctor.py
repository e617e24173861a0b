"""`listserv doctor` as the operator meets it: by command and by mail, all well and all dead."""

from __future__ import annotations

import ast
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listserv import doctor
from listserv.doctor.examining import examine
from listserv.doctor.finding import Told, table
from listserv.doctor.monthly import tell_monthly
from listserv.doctor.seen import Step
from listserv.mail.signing import load_key
from listserv.opening import upgrade_site
from listserv.settings import settings_from
from tests.kit.clinic import (
    ASKS,
    DMARC,
    NOW,
    good_zone,
    key,
    running,
    zone,
)
from tests.kit.desk import DOMAIN, Desk
from tests.kit.mailroom import Mailroom, Script
from tests.kit.postfix import free_port
from tests.kit.server import Server
from tests.kit.world import open_world
from tests.kit.zone import SILENT, Zone

__all__ = ["key", "running", "zone"]  # fixtures


def test_everything_dead_at_once_ends_within_fifteen_seconds(tmp_path: Path) -> None:
    begun = time.monotonic()
    with Mailroom(Script(hang="banner")) as room, Zone() as zone:
        zone.faults = {"*": SILENT}
        told = {"site": {"domain": DOMAIN, "owner": "o@example.org"}, "dns": {"servers": [zone.server]}}
        told["web"] = {"listen": f"127.0.0.1:{free_port()}"}
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
