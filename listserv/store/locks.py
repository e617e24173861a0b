"""The first numbers of PostgreSQL's advisory locks: one for each thing that happens to one at a time."""

from __future__ import annotations

from enum import IntEnum


class Lock(IntEnum):
    """The second number says of what: a list, or 0 for the site."""

    LIST = 1  # a list's threads, its posts, and what hosts decide of what waits
    PRESENT = 2  # which programs are at work (presence.py)
    UPGRADE = 3
    OWNER = 4  # letters to the owner
    BOUNCES = 5  # what hosts and owner are told of mail that came back
    HOSTS = 6  # who is host of a list
    CARDS = 7
    BUCKETS = 8  # how much left lately (pace.py, breaker.py)
    PROVIDERS = 9  # which of them have had enough of us
