"""Table 3: who may see what. Absent means no.

A right is a row: the list setting that decides it, and for each of its values the least standing that
has the right. ``may`` is the one question, asked by commands, compose, pages, gate and notices.
"""

from __future__ import annotations

from typing import Literal

from listserv.core.types import ListSettings, Standing

Right = Literal["read archive", "see roster", "know of list", "post", "ask to join"]
NOBODY = None
_ORDER = (Standing.STRANGER, Standing.MEMBER, Standing.HOST)
_S, _M, _H = _ORDER

# fmt: off
RIGHTS: dict[str, tuple[str, dict[str, Standing | None]]] = {
    # right          decided by   value: least standing
    "read archive": ("archive",  {"public": _S, "members": _M, "hosts": _H, "off": NOBODY}),
    "see roster":   ("roster",   {"members": _M, "hosts": _H}),
    "know of list": ("visible",  {"listed": _S, "private": _M, "hidden": _M}),
    "post":         ("posting",  {"anyone": _M, "members": _M, "hosts": _H}),
    "ask to join":  ("visible",  {"listed": _S, "private": _S, "hidden": _M}),
}
# fmt: on


def may(right: Right, standing: Standing, settings: ListSettings) -> bool:
    """Whether somebody of this standing has the right on a list with these settings."""
    setting, least = RIGHTS[right]
    needed = least.get(getattr(settings, setting))
    return needed is not None and _ORDER.index(standing) >= _ORDER.index(needed)


_OPEN = {
    "visible": ("hidden", "private", "listed"),
    "archive": ("off", "hosts", "members", "public"),
}


def is_more_open(this: ListSettings, other: ListSettings) -> bool:
    """Whether ``this`` list shows itself or its archive to more people than ``other`` does."""
    return any(
        values.index(getattr(this, setting)) > values.index(getattr(other, setting))
        for setting, values in _OPEN.items()
    )
