"""A site where all is well, for tests of `listserv doctor`: what DNS says of it, and what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from listserv.dns_records import dkim_value, records
from listserv.doctor.checks import examined
from listserv.doctor.finding import Told
from listserv.doctor.questions import Questions
from listserv.doctor.seen import File, Machine, RelaySeen, Seen, Step, WebSeen
from listserv.mail.signing import PrivateKey, load_key, make_key
from listserv.settings import settings_from
from listserv.store.checkup import Checkup
from tests.kit.desk import DOMAIN
from tests.kit.zone import Zone

ASKS = ("mx", "ptr", "spf", "dkim", "dmarc", "mta-sts", "tls-rpt", "base_url")  # which checks ask DNS
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HERE, HERE6 = "192.0.2.10", "2001:db8::10"
BACK = "10.2.0.192.in-addr.arpa"
BACK6 = "0.1.0.0." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6.arpa"
DKIM = f"ls1._domainkey.{DOMAIN}"
DMARC = f"_dmarc.{DOMAIN}"
OTHER = "shop.example.com"
GB = 10**9
TXT = 'TXT "v=spf1 a mx -all"'
PLACE = [f"MX 10 {DOMAIN}.", f"A {HERE}", f"AAAA {HERE6}"]
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
