"""What `listserv doctor` says of DNS: each fault by its name, with what to publish."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.dns_records import dkim_value
from listserv.doctor.checks import CHECKS
from listserv.doctor.seen import RelaySeen, Step
from listserv.doctor.signature import judge_dkim
from listserv.doctor.spf import evaluate
from listserv.mail.signing import PrivateKey, load_key, make_key
from listserv.store.checkup import Checkup
from tests.kit.clinic import (
    ASKS,
    BACK,
    BACK6,
    DKIM,
    DMARC,
    HERE,
    HERE6,
    OTHER,
    PLACE,
    TXT,
    Case,
    key,
    lines,
    running,
    site,
    the_line,
    zone,
)
from tests.kit.desk import DOMAIN
from tests.kit.zone import SERVFAIL, SILENT, Zone

__all__ = ["key", "running", "zone"]  # fixtures

_SHORT = load_key(make_key(1024)[0])


def test_where_everything_is_published_as_init_says_everything_is_ok(zone: Zone, key: PrivateKey) -> None:
    told = lines(site(zone, key))
    assert [line for line in told if line.result != "ok"] == []
    assert {line.check for line in told} == {check.name for check in CHECKS}
    assert [line for line in told if line.remedy] == []


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
