"""What we changed in a mail, as data from which it can be made again (standards.md A10, for DKIM2).

It is not kept: the mail's bytes are, and both are at hand where a copy is made, which is where a scheme
that signs changes wants to know them. It costs one pass over two headers.
"""

from __future__ import annotations

from collections import deque

from listserv.core.records import dataclass
from listserv.mail.compose import Variant
from listserv.mail.fields import Field, split


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that copies have not: before which field of the original that is left it stood."""

    at: int
    field: Field


@dataclass(frozen=True, slots=True)
class Recipe:
    """The changes of one variant. ``kept``: by number, the fields of a copy that are the author's.

    ``body``: where in a copy's body the author's lies, from octet to octet. ``front`` and ``gap``: an mbox
    line before the header, and what parted header and body. Where the body is no part of the copy's,
    ``instead`` is the author's.
    """

    fields: int  # of the shared header: what stands above it is one copy's own
    kept: tuple[int, ...]
    added: tuple[str, ...]  # names, in the copy's order
    taken: tuple[Taken, ...]
    body: tuple[int, int]
    front: bytes = b""
    gap: bytes = b"\r\n"
    instead: bytes | None = None

    @property
    def replaced(self) -> tuple[str, ...]:
        """Names of fields that were taken, and of which there is one of ours."""
        return tuple(sorted({one.field.name for one in self.taken} & set(self.added)))

    @property
    def removed(self) -> tuple[str, ...]:
        """Names of fields that were taken, and none is there instead."""
        return tuple(sorted({one.field.name for one in self.taken} - set(self.added)))


def recipe(raw: bytes, made: Variant) -> Recipe:
    """How ``made`` differs from ``raw``, of which it is a variant. Raises nothing; linear."""
    came, gap, body = split(raw)
    ours, _, now = split(made.tail)
    kept, taken = _compared(came, ours)
    front = raw[: len(raw) - sum(len(f.raw) for f in came) - len(gap) - len(body)]
    at = now.find(body)
    left = set(kept)
    return Recipe(
        fields=len(ours),
        kept=kept,
        added=tuple(field.name for number, field in enumerate(ours) if number not in left),
        taken=taken,
        body=(at, at + len(body)) if at >= 0 else (0, 0),
        front=front,
        gap=gap,
        instead=None if at >= 0 else body,
    )


def _compared(came: tuple[Field, ...], ours: tuple[Field, ...]) -> tuple[tuple[int, ...], tuple[Taken, ...]]:
    """Which of ours are theirs, byte for byte and in their order; and which of theirs are not there."""
    places: dict[bytes, deque[int]] = {}
    for number, field in enumerate(ours):
        places.setdefault(field.raw, deque()).append(number)
    kept: list[int] = []
    taken: list[Taken] = []
    for field in came:
        left = places.get(field.raw, deque())
        while left and kept and left[0] < kept[-1]:  # passed by: no later one can stand there either
            left.popleft()
        if left:
            kept.append(left.popleft())
        else:
            taken.append(Taken(len(kept), field))
    return tuple(kept), tuple(taken)


def original(copy: bytes, changes: Recipe) -> bytes:
    """The mail as it came, from a copy as it went out."""
    fields, _, body = split(copy)
    shared = fields[len(fields) - changes.fields :]
    theirs = [shared[number] for number in changes.kept]
    for offset, one in enumerate(changes.taken):
        theirs.insert(one.at + offset, one.field)
    start, end = changes.body
    words = body[start:end] if changes.instead is None else changes.instead
    return b"".join((changes.front, *(field.raw for field in theirs), changes.gap, words))
