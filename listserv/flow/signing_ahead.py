"""Personal blocks of many copies, a few at a time, while the next ones are being signed (signers.py)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from listserv.core.types import Copy
from listserv.flow.signers import Signers, Ticket

Own = TypeVar("Own", contravariant=True)


class Printed(Protocol[Own]):
    """Prints a copy's block from what is its own; see ``mail.signing.Press`` and ``Whole``."""

    def digests(self, own: Iterable[Own], /) -> list[bytes]: ...

    def block(self, own: Own, signature: bytes | None, /) -> bytes: ...


def blocks(
    copies: list[Copy],
    printed: Printed[Own],
    own: Callable[[list[Copy]], Sequence[Own]],
    signers: Signers | None,
) -> Iterator[tuple[list[Copy], list[bytes]]]:
    """``own``: what is each copy's own, in order. Without signers the blocks are unsigned."""
    if signers is None:
        yield copies, [printed.block(one, None) for one in own(copies)]
        return
    chunk, left = signers.share(len(copies)), iter(copies)
    under_way: deque[tuple[list[Copy], Sequence[Own], Ticket]] = deque()
    try:
        while True:
            while len(under_way) < signers.depth and (few := list(islice(left, chunk))):
                told = own(few)
                under_way.append((few, told, signers.sign(printed.digests(told))))
            if not under_way:
                return
            few, told, ticket = under_way.popleft()
            yield few, list(map(printed.block, told, ticket.result()))
    finally:  # the relay is in trouble, or we close: a child must not be left with words nobody reads
        for _, _, ticket in under_way:
            ticket.result()
