"""SPF (RFC 7208): what a domain's record says of an address. Look-ups are handed in, and counted.

Where a macro stands in a record, or a mechanism is ``ptr`` or ``exists``, we do not know: it is counted, and
taken to match nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from listserv.core.patterns import regex
from listserv.core.records import dataclass

Ask = Callable[[str, str], tuple[str, ...] | None]  # name, kind -> records; () for none, None: DNS failed
Address = IPv4Address | IPv6Address

MOST_LOOKUPS = 10  # RFC 7208 §4.6.4
_MOST_TRIED = 25  # to tell how many there are, a little beyond
_MOST_TERMS, _MOST_HOSTS = 100, 10
NOBODY = (ip_address("192.0.2.99"), ip_address("2001:db8::99"))  # RFC 5737, RFC 3849: no machine's

_TERM = regex(r"([+?~-]?)([a-z][a-z0-9_.-]*)(?:([:=])([^/\s]*))?((?:/\d{1,3})?(?://\d{1,3})?)", re.I)
_KNOWN = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")


class Says(StrEnum):
    """What comes of an evaluation (RFC 7208 §2.6)."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    BROKEN = "permerror"
    UNKNOWN = "temperror"


_QUALIFIERS = {"": Says.PASS, "+": Says.PASS, "-": Says.FAIL, "~": Says.SOFTFAIL, "?": Says.NEUTRAL}


def records_of(texts: tuple[str, ...]) -> list[str]:
    """Which of a name's TXT records are SPF's (RFC 7208 §4.5)."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


@dataclass(slots=True)
class Count:
    """What an evaluation cost, and what was wrong with a record on the way."""

    lookups: int = 0
    fault: str = ""
    includes: list[str] = field(default_factory=list)


def evaluate(domain: str, address: Address, ask: Ask) -> tuple[Says, Count]:
    """What the domain's record says of mail from an address, and what it took to know."""
    count = Count()
    return _check(domain, address, ask, count), count


def _check(domain: str, address: Address, ask: Ask, count: Count) -> Says:
    texts = ask(domain, "TXT")
    if texts is None:
        return Says.UNKNOWN
    records = records_of(texts)
    if len(records) > 1:
        count.fault = count.fault or domain
        return Says.BROKEN
    if not records:
        return Says.NONE
    return _Record(domain, address, ask, count).says(records[0].split()[1 : _MOST_TERMS + 1])


@dataclass(frozen=True, slots=True)
class _Record:
    domain: str
    address: Address
    ask: Ask
    count: Count

    def says(self, terms: list[str]) -> Says:
        """The first mechanism that matches; else what ``redirect=`` says; else neutral."""
        redirect = ""
        for term in terms:
            found = _TERM.fullmatch(term)
            if found is None or (found[3] != "=" and found[2].lower() not in _KNOWN):
                self.count.fault = term
                return Says.BROKEN
            if found[3] == "=":
                redirect = found[4] if found[2].lower() == "redirect" else redirect
                continue
            said = self._mechanism(found)
            if said is not None:
                return said
        return self._redirected(redirect) if redirect else Says.NEUTRAL

    def _redirected(self, to: str) -> Says:
        if (said := self._counted()) is not None:
            return said
        said = _check(to, self.address, self.ask, self.count)
        return Says.BROKEN if said is Says.NONE else said

    def _mechanism(self, found: re.Match[str]) -> Says | None:
        """What it says if it matches, None if it does not; BROKEN or UNKNOWN end everything."""
        name, where, lengths = found[2].lower(), found[4] or self.domain, found[5]
        if name in ("include", "a", "mx", "ptr", "exists") and (said := self._counted()) is not None:
            return said
        if "%" in where:
            return None
        try:
            matches = self._matches(name, where, lengths)
        except ValueError:
            self.count.fault = found[0]
            return Says.BROKEN
        return matches if isinstance(matches, Says) else _QUALIFIERS[found[1]] if matches else None

    def _counted(self) -> Says | None:
        self.count.lookups += 1
        return Says.BROKEN if self.count.lookups > _MOST_TRIED else None

    def _matches(self, name: str, where: str, lengths: str) -> bool | Says:
        match name:
            case "all":
                return True
            case "ip4" | "ip6":
                network = ip_network(f"{where}{lengths}", strict=False)
                return self.address.version == network.version and self.address in network
            case "include":
                return self._includes(where)
            case "a":
                return self._is_one_of([where], lengths)
            case "mx":
                return self._is_mx(where, lengths)
        return False

    def _includes(self, where: str) -> bool | Says:
        self.count.includes.append(where)
        said = _check(where, self.address, self.ask, self.count)
        if said is Says.NONE:
            self.count.fault = self.count.fault or f"include:{where}"
            return Says.BROKEN
        return said if said in (Says.BROKEN, Says.UNKNOWN) else said is Says.PASS

    def _is_mx(self, where: str, lengths: str) -> bool | Says:
        found = self.ask(where, "MX")
        if found is None:
            return Says.UNKNOWN
        return self._is_one_of([record.split()[-1] for record in found[:_MOST_HOSTS]], lengths)

    def _is_one_of(self, hosts: list[str], lengths: str) -> bool | Says:
        four, _, six = lengths.partition("//")
        length = six or "128" if self.address.version == 6 else four.strip("/") or "32"
        for host in hosts:
            found = self.ask(host, "AAAA" if self.address.version == 6 else "A")
            if found is None:
                return Says.UNKNOWN
            if any(self.address in ip_network(f"{one}/{length}", strict=False) for one in found):
                return True
        return False
