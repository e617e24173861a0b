"""DNS of all kinds, with an end: each question takes two seconds at most, all together a few more.

Known limit: as in flow/lookup.py nothing validates DNSSEC; the resolver does, or nobody.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import dns.exception
import dns.resolver
from dns.rdata import Rdata

from listserv.flow.lookup import make_resolver

_SECONDS, _EACH = 8.0, 2.0
_MOST_RECORDS = 50  # of one name


class Questions:
    """Ask once and remember. After ``seconds`` in all, everything that was not asked yet is not known."""

    def __init__(self, servers: tuple[str, ...] = (), seconds: float = _SECONDS, each: float = _EACH) -> None:
        self.servers = servers
        self._resolver = make_resolver(servers)
        self._left, self._each = seconds, each
        self._known: dict[tuple[str, str], tuple[str, ...] | None] = {}

    def ask(self, name: str, kind: str) -> tuple[str, ...] | None:
        """What a name has of "A", "AAAA", "MX", "PTR", "TXT", …; () for nothing, None where DNS failed.

        As a zone file has it, names in lower case and without the last dot; of TXT the text.
        """
        key = (name.rstrip(".").lower() or ".", kind)
        if key not in self._known:
            self._known[key] = self._asked(*key)
        return self._known[key]

    def txt(self, name: str) -> list[str] | None:
        """As mail/dmarc.py asks."""
        found = self.ask(name, "TXT")
        return None if found is None else list(found)

    def addresses(self, name: str) -> tuple[str, ...] | None:
        """IPv4 and IPv6 together; None where one of both is not known and the other has nothing."""
        four, six = self.ask(name, "A"), self.ask(name, "AAAA")
        if not four and not six and (four is None or six is None):
            return None
        return (*(four or ()), *(six or ()))

    def answers(self, domain: str) -> bool:
        """Whether anybody answers at all; if not, nobody is asked again."""
        if self.ask(".", "NS") is None and self.ask(domain, "A") is None:
            self._left = 0.0
            return False
        return True

    def _asked(self, name: str, kind: str) -> tuple[str, ...] | None:
        if self._resolver is None or self._left <= 0:
            return None
        begun = time.monotonic()
        try:
            answer = self._resolver.resolve(name, kind, search=False, lifetime=min(self._each, self._left))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError, ValueError):
            return None
        finally:
            self._left -= time.monotonic() - begun
        return _texts(answer, kind)


def _texts(answer: Iterable[Rdata], kind: str) -> tuple[str, ...]:
    found = []
    for record in answer:
        if kind == "TXT":
            found.append(b"".join(getattr(record, "strings", ())).decode("utf-8", "replace"))
        else:
            found.append(_plain(record.to_text()))
    return tuple(sorted(found)[:_MOST_RECORDS])


def _plain(text: str) -> str:
    """Without the last dot; but the root's own, as in a null MX, stays."""
    return text.lower() if text == "." or text.endswith(" .") else text.lower().rstrip(".")
