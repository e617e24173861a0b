"""Personal blocks of many copies, a few at a time, while the next ones are being signed (signers.py)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Generic, Protocol, TypeVar

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
    """``own``: what is each copy's own, in order. Without signers the blocks are unsigned.

    The first ones are being signed when this returns. Several calls' blocks may be under way; they are
    to be taken in the order of the calls.
    """
    if signers is None:
        return iter([(copies, [printed.block(one, None) for one in own(copies)])])
    ahead = _Ahead(copies, printed, own, signers)
    ahead.sign()
    return ahead.taken()


class _Ahead(Generic[Own]):
    def __init__(
        self,
        copies: list[Copy],
        printed: Printed[Own],
        own: Callable[[list[Copy]], Sequence[Own]],
        signers: Signers,
    ) -> None:
        self._printed, self._own, self._signers = printed, own, signers
        self._chunk, self._left = signers.share(len(copies)), iter(copies)
        self._under_way: deque[tuple[list[Copy], Sequence[Own], Ticket]] = deque()

    def sign(self) -> None:
        """Have as many signed as signers may have in hand."""
        while len(self._under_way) < self._signers.depth and (few := list(islice(self._left, self._chunk))):
            told = self._own(few)
            self._under_way.append((few, told, self._signers.sign(self._printed.digests(told))))

    def taken(self) -> Iterator[tuple[list[Copy], list[bytes]]]:
        try:
            while self._under_way:
                few, told, ticket = self._under_way.popleft()
                yield few, list(map(self._printed.block, told, ticket.result()))
                self.sign()
        finally:  # the relay is in trouble, or we close: a child must not be left with words nobody reads
            for _, _, ticket in self._under_way:
                ticket.result()
