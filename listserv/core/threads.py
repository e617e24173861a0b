"""Which thread a mail belongs to, and a thread's tree. By References, then In-Reply-To; never by Subject.

Nothing recurses and nothing trusts what strangers send: a chain may be long, circular, or name posts
that never came (ghosts). A thread's identity is fixed at first sight; two threads that a late mail
shows to be one become the older one, and the younger one points to it (archive.md, design 3 and 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from listserv.core.records import dataclass

MOST_REFERENCES = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What a list knows of a mail's own id and of its references: Message-ID hash → thread id."""

    own: str  # the mail's own Message-ID hash
    references: tuple[str, ...]  # hashes, oldest first
    threads: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a post goes. ``thread`` None: a new one. ``merge``: threads that turn out to be this one."""

    thread: int | None
    parent: str  # hash of the nearest reference, "" for none
    ghosts: tuple[str, ...]  # ids to remember for this thread
    merge: tuple[int, ...] = ()


def place(known: Known) -> Placement:
    """Put a mail in its thread.

    Only the nearest known reference counts, and a ghost of the mail's own id: so a References field
    made up by a stranger ties at most two threads together, and only if both were waiting for that id.
    """
    references = tuple(dict.fromkeys(known.references))[-MOST_REFERENCES:]
    references = tuple(hash_ for hash_ in references if hash_ != known.own)
    parent = references[-1] if references else ""
    nearest = next((known.threads[hash_] for hash_ in reversed(references) if hash_ in known.threads), None)
    awaited = known.threads.get(known.own)
    found = [thread for thread in (nearest, awaited) if thread is not None]
    thread = min(found, default=None)
    merge = tuple(sorted(set(found) - {thread}))
    ghosts = tuple(hash_ for hash_ in references if hash_ not in known.threads)
    return Placement(thread, parent, ghosts, merge)


@dataclass(frozen=True, slots=True)
class Reins:
    """How hosts hold a thread, as whoever writes in it meets it.

    ``words``: the host's own, where it is closed. ``steers``: the writer looks after it, and passes.
    ``today``: the writer's posts in it since the list's midnight, counted only where ``slow`` is set;
    ``lately``: everybody's within the storm breaker's minutes.
    """

    thread: int
    rests_until: datetime | None = None
    slow: int = 0  # posts a day of one member; 0: any number
    closed: bool = False
    words: str = ""
    steers: bool = False
    today: int = 0
    lately: int = 0

    def rests(self, now: datetime) -> bool:
        return self.rests_until is not None and now < self.rests_until

    def holds(self, now: datetime) -> bool:
        """Whether there is anything that the writer may have to be told."""
        return not self.steers and (self.closed or bool(self.slow) or self.rests(now))


def branch(posts: Iterable[tuple[int, str, str]], roots: Iterable[int]) -> frozenset[int]:
    """Of posts as (id, hash, parent hash): these ones, and all that answers them. Linear, no recursion."""
    children: dict[str, list[int]] = {}
    hashes: dict[int, str] = {}
    for number, hash_, parent in posts:
        hashes[number] = hash_
        children.setdefault(parent, []).append(number)
    found: set[int] = set()
    stack = [number for number in roots if number in hashes]
    while stack:
        number = stack.pop()
        if number not in found:
            found.add(number)
            stack.extend(children.get(hashes[number], ()))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Node:
    """A post's place in the tree: its depth (0 for a root) in reading order."""

    hash: str
    depth: int


def tree(posts: Iterable[tuple[str, str]]) -> tuple[Node, ...]:
    """Order (hash, parent hash) pairs, oldest first, as a tree in reading order.

    A parent that is missing makes a root; a cycle is cut at its oldest post. Linear, without recursion.
    """
    pairs = dict(posts)
    children: dict[str, list[str]] = {}
    roots: list[str] = []
    for hash_, parent in pairs.items():
        if parent in pairs and parent != hash_:
            children.setdefault(parent, []).append(hash_)
        else:
            roots.append(hash_)
    nodes: list[Node] = []
    seen: set[str] = set()
    for start in (*roots, *pairs):  # the second round meets only cycles, oldest post first
        stack = [Node(start, 0)]
        while stack:
            node = stack.pop()
            if node.hash in seen:
                continue
            seen.add(node.hash)
            nodes.append(node)
            stack.extend(Node(child, node.depth + 1) for child in reversed(children.get(node.hash, [])))
    return tuple(nodes)
