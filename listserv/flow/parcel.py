"""A parcel: one transaction's worth of mail on its way out, and its bytes as they go over the wire.

What copies share is looked at and dot-stuffed once for all of them. It does not: talk to anybody, sign, or
convert; only line ends are set right (standards.md S1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from listserv.core.types import Envelope, Outcome

Report = Callable[[int, str, Outcome], None]


class Parcel(NamedTuple):
    """One transaction's worth of mail. ``key`` is the delivery's id.

    ``message``: pieces with CRLF line ends, not dot-stuffed, usually (personal header block, shared rest),
    so that a body is never copied per member. ``stuffed``: each piece is already what ``stuff`` makes of it,
    and each but the last ends with CRLF.
    """

    key: int
    envelope: Envelope
    message: tuple[bytes, ...]
    stuffed: bool = False


def offered(parcels: Iterable[Parcel | None]) -> Iterator[Parcel]:
    """Those that there are just now: up to the first None."""
    return takewhile(lambda parcel: parcel is not None, parcels)  # type: ignore[arg-type]


class Job:
    """A parcel under way: ``left`` are the recipients without an outcome yet."""

    __slots__ = ("accepted", "dot_at", "heard", "left", "losses", "parcel")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.left = list(parcel.envelope.recipients)
        self.accepted: list[str] = []  # by RCPT, in this transaction
        self.dot_at = 0  # which octet of the connection ends the message; 0 while it isn't under way
        self.heard = False  # the server has answered to MAIL
        self.losses = 0


def stuff(piece: bytes, *, after: bytes = b"\r\n") -> bytes:
    """A piece as it goes over the wire: lines end with CRLF, leading dots doubled (RFC 5321 §4.5.2).

    ``after``: how what comes before ends; as it stands, the piece begins at the start of a line. No copy
    is made of a piece that needs no change.
    """
    if not _clean(piece):
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    stuffed = piece.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") and after.endswith(b"\r\n") else stuffed


def plain(parcel: Parcel) -> bytes:
    """The message in one piece, not stuffed, as it came."""
    if not parcel.stuffed:
        return b"".join(parcel.message)
    return b"".join(map(_unstuffed, parcel.message))


def _clean(piece: bytes) -> bool:
    """No bare CR, no bare LF: either could end the message at a lenient next server (standards.md S1)."""
    ends = piece.count(b"\r\n")
    return piece.count(b"\n") == ends == piece.count(b"\r")


def _unstuffed(piece: bytes) -> bytes:
    bare = piece.replace(b"\r\n..", b"\r\n.")
    return bare[1:] if bare.startswith(b"..") else bare


class Wire:
    """Wire forms; those of shared pieces are kept, so that a body is looked at once for all members."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, bool], tuple[bytes, bytes | None]] = {}

    def pieces(self, parcel: Parcel) -> Sequence[bytes]:
        """What follows the 354, the final dot included."""
        if parcel.stuffed:
            return (*parcel.message, _dot_after(parcel.message[-1] or b"\r\n"))
        out: list[bytes] = []
        end = b"\r\n"
        for position, piece in enumerate(parcel.message):
            form = self._shared(piece, end) if position else _stuff_clean(piece, end)
            if form is None:  # bare CR or LF, perhaps a CRLF that is cut in two: rare, so slow will do
                form = stuff(plain(parcel))
                return [form, _dot_after(form)]
            out.append(form)
            end = form[-2:] or end
        out.append(_dot_after(end))
        return out

    def _shared(self, piece: bytes, end: bytes) -> bytes | None:
        place = (id(piece), end == b"\r\n")
        kept = self._kept.get(place)
        if kept is None:
            if len(self._kept) >= 16:
                self._kept.clear()
            # The piece too, or its id could be another's.
            kept = self._kept[place] = (piece, _stuff_clean(piece, end))
        return kept[1]


def _stuff_clean(piece: bytes, end: bytes) -> bytes | None:
    return stuff(piece, after=end) if _clean(piece) else None


def _dot_after(piece: bytes) -> bytes:
    return b".\r\n" if piece.endswith(b"\r\n") else b"\r\n.\r\n"
