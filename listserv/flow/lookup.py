"""TXT look-ups: cached, bounded, and never in the way. DNS failing is an answer (None), not an exception.

Nothing here validates DNSSEC; the resolver in front does, or nobody.
"""

from __future__ import annotations

import time
from collections import OrderedDict

import dns.exception
import dns.resolver

from listserv.core.records import dataclass

_SECONDS_PER_QUESTION = 2.0
_SECONDS_OF_PROBE = 1.0
_LONGEST_KEPT = 3600.0
_FAILURE_KEPT = 60.0
_MOST_KEPT = 10_000
_MOST_BYTES = 16_384  # of one name's records: a DKIM key of 4096 bits takes 800
_FAILURES_IN_A_ROW = 3
_REST = 30.0
# Names that no public server can know (RFC 2606, RFC 6761, RFC 6762).
_RESERVED = frozenset(("test", "example", "invalid", "localhost", "local"))
_RESERVED_DOMAINS = ("example.com", "example.net", "example.org")


@dataclass(frozen=True, slots=True)
class _Kept:
    records: list[str] | None
    until: float


class Txt:
    """Ask for TXT records: ``txt(name)`` gives them, [] where there are none, None where DNS failed.

    ``servers`` are ``host`` or ``host:port`` (IPv6: ``[::1]:53``); with none, the system's are asked, and
    names of the reserved domains are answered with [] unasked. A question takes two seconds at most; when
    three failed in a row and the resolver can't name the root's servers within one more, everything is a
    failure at once for half a minute; then the first failure leads to that question. So a resolver that
    hangs takes seven seconds at first, then three each half minute. One caller at a time.
    """

    def __init__(self, servers: tuple[str, ...] = ()) -> None:
        self._resolver = make_resolver(servers)
        self._reserved = not servers
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._failures = 0
        self._resting_until = 0.0
        self.asked = 0  # questions that went out

    def __call__(self, name: str, seconds: float = _SECONDS_PER_QUESTION) -> list[str] | None:
        name = name.rstrip(".").lower()
        if not _is_name(name) or (self._reserved and _is_reserved(name)):
            return []
        now = time.monotonic()
        kept = self._kept.get(name)
        if kept and kept.until > now:
            self._kept.move_to_end(name)
            return kept.records
        if now < self._resting_until:
            return None
        records, lasts = self._ask(name, min(seconds, _SECONDS_PER_QUESTION))
        self._count(failed=records is None)
        self._keep(name, records, lasts)
        return records

    def _ask(self, name: str, seconds: float) -> tuple[list[str] | None, float]:
        """The records, and for how long they may be kept."""
        self.asked += 1
        if self._resolver is None:
            return None, _FAILURE_KEPT
        try:
            answer = self._resolver.resolve(name, "TXT", search=False, lifetime=seconds)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return [], _LONGEST_KEPT / 6
        except (dns.exception.DNSException, OSError, ValueError):
            return None, _FAILURE_KEPT
        texts = [b"".join(record.strings) for record in answer]
        if sum(map(len, texts)) > _MOST_BYTES:
            return [], _LONGEST_KEPT
        seconds = float(answer.rrset.ttl) if answer.rrset is not None else 0.0
        return [text.decode("utf-8", "replace") for text in texts], min(seconds, _LONGEST_KEPT)

    def _count(self, *, failed: bool) -> None:
        """Rest only where the resolver itself is away: strangers' broken domains must not blind us to all."""
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= _FAILURES_IN_A_ROW:
            self._failures = 0
            if not self._resolver_answers():
                self._failures = _FAILURES_IN_A_ROW - 1
                self._resting_until = time.monotonic() + _REST

    def _resolver_answers(self) -> bool:
        """Whether it can say anything at all about the root, which no stranger has in hand."""
        if self._resolver is None:
            return False
        try:
            self._resolver.resolve(".", "NS", search=False, lifetime=_SECONDS_OF_PROBE)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return True
        except (dns.exception.DNSException, OSError, ValueError):
            return False
        return True

    def _keep(self, name: str, records: list[str] | None, seconds: float) -> None:
        self._kept[name] = _Kept(records, time.monotonic() + seconds)
        self._kept.move_to_end(name)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)


def make_resolver(servers: tuple[str, ...]) -> dns.resolver.Resolver | None:
    """Asks these for two seconds, or the system's. None where it names none: nothing is known then."""
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except dns.exception.DNSException:
        return None
    if servers:
        split = [_host_and_port(server) for server in servers]
        resolver.nameservers = [host for host, _ in split]
        resolver.nameserver_ports = dict(split)
    resolver.timeout = _SECONDS_PER_QUESTION
    resolver.lifetime = _SECONDS_PER_QUESTION
    resolver.cache = None
    return resolver


def _host_and_port(server: str) -> tuple[str, int]:
    if server.startswith("["):
        host, _, port = server[1:].partition("]")
        return host, int(port.lstrip(":") or 53)
    host, _, port = server.rpartition(":")
    return (server, 53) if not host or ":" in host else (host, int(port))


def _is_name(name: str) -> bool:
    """Whether this can be asked at all: ASCII, 253 octets, labels of 1 to 63."""
    return name.isascii() and len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))


def _is_reserved(name: str) -> bool:
    labels = name.split(".")
    return labels[-1] in _RESERVED or ".".join(labels[-2:]) in _RESERVED_DOMAINS


class Within:
    """The same look-ups for one mail: once they have taken ``seconds`` together, the rest are failures."""

    def __init__(self, txt: Txt, seconds: float) -> None:
        self._txt = txt
        self._left = seconds

    def __call__(self, name: str) -> list[str] | None:
        if self._left <= 0:
            return None
        begun = time.monotonic()
        records = self._txt(name, self._left)
        self._left -= time.monotonic() - begun
        return records
