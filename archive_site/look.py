"""The templates of the site, ready to render; and a hash of them, so that a new look renders all anew."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ASSETS = Path(__file__).parent / "assets"
_CODE = 4  # raised when the code makes other pages of the same rows


def environment(templates: Path, *, plain: bool = False, searched: bool = True) -> Environment:
    """``templates`` is the folder above ``site/``. Autoescape is on, an unknown name is an error.

    ``plain``: for pages without a gate, which have no links to what only a gate makes.
    ``searched``: there is a search to lead to.
    """
    pages = Environment(
        loader=FileSystemLoader(templates / "site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    pages.filters["octets"] = octets
    pages.globals |= {"plain": plain, "searched": searched}
    return pages


def octets(size: int) -> str:
    """A size as people read it."""
    for unit, step in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= step:
            return f"{size / step:.1f} {unit}" if size < 10 * step else f"{size // step} {unit}"
    return f"{size} bytes"


def fingerprint(templates: Path) -> str:
    """A hash of everything but rows that a page is made of."""
    look = sha256(str(_CODE).encode())
    for file in sorted((templates / "site").glob("*.html")):
        look.update(file.name.encode() + b"\0" + file.read_bytes())
    return look.hexdigest()[:32]
