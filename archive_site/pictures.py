"""Pictures of posts, for their pages: taken out of the mail, drawn anew by us, kept beside the pages.

What a browser gets is never a stranger's bytes: a picture of one of four kinds is decoded within bounds, made
smaller where it is large, and written as WebP without anything that was in it beside the picture (places,
cameras, names). Whatever is doubtful is not shown; it can be saved like every attachment. All of it happens
in the renderer, a process that may die (listserv/flow/renderer.py).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from PIL import Image, ImageOps

from archive_site.folder import Folder
from archive_site.pages import Shown
from listserv.core.patterns import regex
from listserv.mail.leaves import leaf
from listserv.store import reading
from listserv.store.reading import Attached, PostRow

_KINDS = ("JPEG", "PNG", "GIF", "WEBP")
_MODES = {"1": "L", "L": "L", "LA": "RGBA", "P": "RGBA", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
_LONGEST_SIDE = 1600  # pixels, of what we write
_SHORTEST_SIDE = 40  # what is smaller is a bullet, a logo or a beacon
_MOST_PIXELS = {"JPEG": 40_000_000}  # of what we read; a JPEG is made smaller while it is decoded
_MOST_OF_OTHERS = 25_000_000
_MOST_OCTETS = 25_000_000
_MOST = 12  # of one post
_QUALITY = 80
_NAMED = regex(r"\.(?:jpe?g|png|gif|webp)\Z", re.I)
_FILE = regex(r"([0-9]{1,5})-([0-9]{1,4})x([0-9]{1,4})\.webp")


class Readable(Protocol):
    """What this needs of a store."""

    def read(self) -> Any:
        """A context manager for a connection on a snapshot."""


class Pictures:
    """``alive`` is called before each picture that has to be drawn."""

    def __init__(self, store: Readable, folder: Folder, alive: Callable[[], None]) -> None:
        self._store = store
        self._folder = folder
        self._alive = alive

    def of(self, name: str, tree: str, row: PostRow) -> tuple[Shown, ...]:
        """The pictures of a post, drawn where they were not yet, below a tree of the list called ``name``."""
        wanted = [held for held in row.attached if _may_be_one(held)][:_MOST]
        if not wanted:
            return ()
        place = self._folder.pictures(name, tree, row.hash)
        known = dict(_known(place))
        for held in wanted:
            if held.position not in known:
                known[held.position] = self._draw(place, row, held.position)
        found = (known[held.position] for held in wanted)
        return tuple(shown for shown in found if shown is not None)

    def _draw(self, place: Path, row: PostRow, position: int) -> Shown | None:
        self._alive()
        with self._store.read() as tx:
            raw = reading.raw(tx, row.raw_hash)
        found = leaf(raw, position) if raw is not None else None
        drawn = redrawn(found[1]) if found is not None else None
        if drawn is None:
            self._folder.write(place / f"{position}.none", b"")  # so that nobody tries again
            return None
        data, (width, height) = drawn
        shown = Shown(position, f"{position}-{width}x{height}.webp", width, height)
        self._folder.write(place / shown.file, data)
        return shown


def redrawn(data: bytes) -> tuple[bytes, tuple[int, int]] | None:
    """A picture of ours that shows what these bytes show, and its size; None where that is in doubt."""
    if len(data) > _MOST_OCTETS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF, which nobody reads; bounds are our own
            return _drawn(data)
    except Exception:  # its decoders raise a dozen kinds, and each means the same
        return None


def _drawn(data: bytes) -> tuple[bytes, tuple[int, int]] | None:
    with Image.open(BytesIO(data), formats=_KINDS) as picture:
        width, height = picture.size
        most = _MOST_PIXELS.get(picture.format or "", _MOST_OF_OTHERS)
        if width * height > most or min(width, height) < _SHORTEST_SIDE or picture.mode not in _MODES:
            return None
        mode = _MODES[picture.mode]
        picture.draft(None, (_LONGEST_SIDE, _LONGEST_SIDE))  # a large JPEG is not decoded as a whole
        ImageOps.exif_transpose(picture, in_place=True)  # no copies: a large one fills much memory
        drawn = picture if picture.mode == mode else picture.convert(mode)
        drawn.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        if min(drawn.size) < 1:
            return None
        bare = Image.new(drawn.mode, drawn.size)  # pixels alone go over to it
        bare.paste(drawn)
        out = BytesIO()
        bare.save(out, "WEBP", quality=_QUALITY, method=4)
    return out.getvalue(), bare.size


def _may_be_one(held: Attached) -> bool:
    if held.type == "application/octet-stream":
        return held.size <= _MOST_OCTETS and _NAMED.search(held.name) is not None
    return held.size <= _MOST_OCTETS and held.type in _TYPES


_TYPES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg", "image/png", "image/gif", "image/webp"})


def _known(place: Path) -> Iterator[tuple[int, Shown | None]]:
    """What was drawn, or tried, before."""
    if not place.is_dir():
        return
    for file in place.iterdir():
        if match := _FILE.fullmatch(file.name):
            position, width, height = map(int, match.groups())
            yield position, Shown(position, file.name, width, height)
        elif file.suffix == ".none" and file.stem.isdecimal():
            yield int(file.stem), None
