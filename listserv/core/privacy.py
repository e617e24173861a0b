"""Table 3: who may see what. Absent means no.

A right is a row: the list setting that decides it, and for each of its values the least standing that
has the right. ``may`` is the one question, asked by commands, compose, pages, gate and notices.
"""

from __future__ import annotations

from datetime import timedelta
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


# fmt: off
OPENNESS: dict[str, tuple[str | bool, ...]] = {
    # a setting that opens a list: its values, the most closed first
    "visible": ("hidden", "private", "listed"),
    "archive": ("off", "hosts", "members", "public"),
    "roster":  ("hosts", "members"),
    "from":    ("relay", "auto", "author"),
    "posting": ("hosts", "members", "anyone"),
    "join":    ("closed", "invite", "approve", "confirm"),
    "vouch":   (False, True),
}
# fmt: on
LOOSENED = ("archive", "roster", "visible", "from")  # opened only after all members were told (§3)
NOTICE = timedelta(days=7)  # how long before


def opens(setting: str, this: ListSettings, other: ListSettings) -> bool:
    """Whether ``this`` is more open than ``other`` by one setting; False for one that opens nothing."""
    values = OPENNESS.get(setting, ())
    field = "from_" if setting == "from" else setting
    return bool(values) and values.index(getattr(this, field)) > values.index(getattr(other, field))


def is_more_open(this: ListSettings, other: ListSettings) -> bool:
    """Whether ``this`` list shows itself or its archive to more people than ``other`` does."""
    return any(opens(setting, this, other) for setting in ("visible", "archive"))
