"""How many may come in at once, how much they may carry, and who guesses too often.

Three counters in memory. They forget at a restart, which is kind; nothing here waits or writes.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from datetime import datetime, timedelta

_HOUR = timedelta(hours=1)
_PEERS_REMEMBERED = 10_000


def household(peer: str) -> str:
    """The peer as it is counted: an IPv6 address stands for its whole /64."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_near(peer: str) -> bool:
    """On this machine: a Unix socket or loopback, where an MTA of ours speaks for the world."""
    try:
        return ipaddress.ip_address(household(peer).partition("/")[0]).is_loopback or peer == "::1"
    except ValueError:
        return True


class Turnstile:
    """Counts the connections of one door (standards.md P23)."""

    def __init__(self, *, total: int, per_peer: int, per_loopback: int) -> None:
        self._total, self._per_peer, self._per_loopback = total, per_peer, per_loopback
        self._inside: Counter[str] = Counter()

    def enter(self, peer: str) -> bool:
        """True, and counted until ``leave``; False where the door or this peer is at its limit."""
        key = household(peer)
        limit = self._per_loopback if is_near(peer) else self._per_peer
        if self._inside.total() >= self._total or self._inside[key] >= limit:
            return False
        self._inside[key] += 1
        return True

    def leave(self, peer: str) -> None:
        key = household(peer)
        self._inside[key] -= 1
        if self._inside[key] <= 0:
            del self._inside[key]


class Scales:
    """Weighs all mails between the wire and the disk, so that memory stays bounded (§3.2 rule 9)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.weighed = 0  # octets of all loads

    def fits(self, octets: int) -> bool:
        """Is there room now? Nothing is set aside: what is only declared must not crowd out what comes."""
        return self.weighed + octets <= self.capacity


class Load:
    """One mail's share of the scales: nothing at first, then as it grows, until it is dropped."""

    def __init__(self, scales: Scales) -> None:
        self._scales = scales
        self._octets = 0

    def grow(self, octets: int) -> bool:
        """Weigh at least ``octets`` from now on; False, and nothing changed, where that is too much."""
        more = max(0, octets - self._octets)
        if not self._scales.fits(more):
            return False
        self._scales.weighed += more
        self._octets += more
        return True

    def drop(self) -> None:
        """Weigh nothing any more; may be called twice."""
        self._scales.weighed -= self._octets
        self._octets = 0


def guesser(peer: str, sender: str) -> str:
    """Who guesses, as it is counted. Behind an MTA of ours all the world is one peer: there it is the
    envelope sender's domain, where the answers go, and without which a guess teaches nobody anything."""
    return (
        f"{household(peer)} {sender.rpartition('@')[2].lower()[:253]}" if is_near(peer) else household(peer)
    )


class Guesses:
    """Unknown tokens and relay addresses, by who guesses: past the limit each further one waits an hour."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.peers: dict[str, tuple[int, datetime]] = {}

    def is_full(self, key: str, now: datetime) -> bool:
        """Whether this one's share of the hour is used up; nothing is counted."""
        count, until = self.peers.get(key, (0, now))
        return now < until and count >= self._limit

    def too_many(self, key: str, now: datetime) -> bool:
        """Count one more guess; True where the share of the hour is used up."""
        count, until = self.peers.pop(key, (0, now))
        if until <= now:
            count = 0
        if len(self.peers) >= _PEERS_REMEMBERED:
            del self.peers[next(iter(self.peers))]
        full = count >= self._limit
        self.peers[key] = (count, until) if full else (count + 1, now + _HOUR)
        return full
