"""Every setting of a list: its key, what is allowed, what each preset sets, what it means (interface.md §3).

The table is the truth for ``list set``, a host's ``set``, ``list show``, exports and the stored JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from listserv.core import setting_words as read
from listserv.core.address import Address, BadAddress, read_address
from listserv.core.records import dataclass
from listserv.core.routing import COMMAND_WORDS
from listserv.core.setting_words import RHYTHMS, Value, read_rhythm
from listserv.core.types import ListSettings

PRESETS = ("circle", "practice", "announce", "public")
NAME_LENGTH = 38
# Mail that every domain must take (RFC 2142), and paths of the web that no list may lie on (interface.md §7).
RESERVED = frozenset(
    ("postmaster", "abuse", "mailer-daemon")
    + ("in", "u", "assets", "my-data", "search", "healthz", "metrics", "robots.txt", "favicon.ico")
)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. ``reader`` makes the value of a person's words, or raises ValueError(what is allowed)."""

    key: str
    allowed: str
    presets: tuple[Value, Value, Value, Value]  # circle, practice, announce, public
    meaning: str
    reader: Callable[[str], Value]

    @property
    def field(self) -> str:
        """The name in ListSettings: ``from`` is a word of Python's."""
        return "from_" if self.key == "from" else self.key


_EVERY = ("", "", "", "")
_MB = 1_000_000

# fmt: off
TABLE: tuple[Row, ...] = (
    #   key                 allowed                             circle     practice   announce   public
    Row("posting",          "members, hosts, anyone",          ("members", "members", "hosts",   "anyone"),
        "who may post; everybody else's mail waits for a host", read.one_of("members", "hosts", "anyone")),
    Row("join",             "invite, approve, confirm, closed", ("invite",  "approve", "confirm", "confirm"),
        "how people come in", read.one_of("invite", "approve", "confirm", "closed")),
    Row("vouch",            "on, off",                         (True, True, True, False),
        "hosts may `add` people at once, who did not say yes themselves", read.switch),
    Row("probation",        "0 to 20",                         (1, 1, 0, 1),
        "how many posts of a newcomer wait for a host", read.whole(0, 20)),
    Row("archive",          "members, hosts, public, off",     ("members", "members", "members", "public"),
        "who may read the archive; holds for later posts", read.one_of("members", "hosts", "public", "off")),
    Row("roster",           "hosts, members",                  ("hosts",   "members", "hosts",   "hosts"),
        "who may see who is in", read.one_of("hosts", "members")),
    Row("visible",          "listed, private, hidden",         ("private", "private", "private", "listed"),
        "private: shown nowhere; hidden: to those it does not know there is no such list",
        read.one_of("listed", "private", "hidden")),
    Row("reply_to",         "list, author",                    ("list",    "list",    "author",  "list"),
        "where a reply goes", read.one_of("list", "author")),
    Row("from",             "auto, relay, author",             ("auto",    "auto",    "auto",    "auto"),
        "auto: the author's own address unless its domain forbids; relay: always ours; author: always theirs",
        read.one_of("auto", "relay", "author")),
    Row("outbox_minutes",   "0 to 60",                         (2, 2, 0, 0),
        "how long an author can undo a post", read.whole(0, 60)),
    Row("guard",            "on, off",                         (True, True, False, False),
        'asks "did you mean everyone?"', read.switch),
    Row("guard_words",      "words with commas between, or nothing", _EVERY,
        'a post with one of these is asked about, too, where guard is on', read.one_line(1000)),
    Row("quietly",          "on, off",                         (False, False, False, False),
        "members may ask without a name; a host reads it first", read.switch),
    Row("rhythm",           RHYTHMS,                           ("now", "now", "now", "now"),
        "how often a new member gets mail", read_rhythm),
    Row("subject_tag",      "up to 40 characters, or nothing", _EVERY,
        "put in front of each subject", read.one_line(40)),
    Row("footer",           "up to 2,000 characters, or nothing", _EVERY,
        "put under each post", read.some_words(2000)),
    Row("personal",         "on, off",                         (True, True, True, True),
        "each copy has its own return path and one-click leave; off: for very large announce lists",
        read.switch),
    Row("max_bytes",        "10 kB to 1 GB",                   (10 * _MB, 10 * _MB, 10 * _MB, 2 * _MB),
        "the largest post", read.size),
    Row("attachments",      "keep, archive, drop",             ("keep",    "keep",    "keep",    "archive"),
        "archive: a link in the post instead", read.one_of("keep", "archive", "drop")),
    Row("max_posts_per_day", "0 to 1000",                      (0, 0, 0, 10),
        "of one member; 0: any number", read.whole(0, 1000)),
    Row("storm",            "POSTS/MINUTES such as 100/10, or 0", ("100/10", "100/10", "0", "100/10"),
        "so many posts, or mails of members' machines, within so many minutes stop the list until a host"
        " looks; a fifth of it in one conversation stops that; 0: never", read.storm),
    Row("hold_days",        "1 to 30",                         (2, 2, 2, 2),
        "after so many days hosts are reminded of what waits, then the author is told", read.whole(1, 30)),
    Row("language",         "a language tag such as en",       ("en", "en", "en", "en"),
        "what members who chose none are written to in: en or de; any other is English",
        read.language),
    Row("timezone",         "such as Europe/Berlin, or nothing", _EVERY,
        "of the list's hours and days; nothing: the site's", read.zone),
    Row("digest_at",        "a time such as 07:00",            ("07:00", "07:00", "07:00", "07:00"),
        "when digests leave", read.hour),
    Row("description",      "up to 1,000 characters, or nothing", _EVERY,
        "what the list is for", read.some_words(1000)),
    Row("welcome",          "up to 20,000 characters, or nothing", _EVERY,
        "the hosts' own words to a new member", read.some_words(20_000)),
)
# fmt: on

_ROWS = {row.key: row for row in TABLE}
# Kept beside the settings, set by the same command.
OUTSIDE = {
    "address": "renames the list; the old address goes on working",
    "title": "the list's name, in words",
    "aliases": "further addresses that lead here, with commas between; nothing for none",
    "preset": f"sets everything a preset names: {', '.join(PRESETS)}",
}
KEYS = (*OUTSIDE, *_ROWS)


def preset_settings(preset: str) -> ListSettings:
    """A new list's settings. Raises ValueError."""
    if preset not in PRESETS:
        raise ValueError(f"preset is {preset!r}; allowed: {', '.join(PRESETS)}")
    column = PRESETS.index(preset)
    values: dict[str, Any] = {row.field: row.presets[column] for row in TABLE}
    return ListSettings(preset=preset, **values)


def change(settings: ListSettings, key: str, words: str) -> ListSettings:
    """One setting anew, from a person's words. Raises ValueError: key, value and what is allowed.

    ``preset`` sets everything in which presets differ and leaves the rest (footer, welcome, …) alone.
    """
    if key == "preset":
        fresh = preset_settings(words.strip().lower())
        kept: dict[str, Any] = {
            row.field: getattr(settings, row.field) for row in TABLE if len(set(row.presets)) == 1
        }
        return replace(fresh, **kept)
    row = _ROWS.get(key)
    if row is None:
        raise ValueError(f"there is no setting {key!r}; there are: {', '.join(KEYS)}")
    try:
        value: Any = row.reader(words)
    except ValueError as allowed:
        raise ValueError(f"{key} is {_short(words)!r}; allowed: {allowed}") from None
    return replace(settings, **{row.field: value})


def dump(settings: ListSettings) -> dict[str, str | int]:
    """Settings by key, as they are stored, exported and shown: switches as ``on`` and ``off``."""
    told: dict[str, str | int] = {"preset": settings.preset}
    for row in TABLE:
        value: Value = getattr(settings, row.field)
        told[row.key] = ("on" if value else "off") if isinstance(value, bool) else value
    return told


def load(stored: Mapping[str, Any]) -> ListSettings:
    """What ``dump`` gave. Missing keys get the preset's value, unknown ones are left out.

    Raises ValueError where a value is not allowed.
    """
    settings = preset_settings(str(stored.get("preset", PRESETS[0])))
    values: dict[str, Any] = {}
    for row in TABLE:
        if row.key in stored:
            try:
                values[row.field] = row.reader(str(stored[row.key]))
            except ValueError as allowed:
                raise ValueError(
                    f"{row.key} is {_short(str(stored[row.key]))!r}; allowed: {allowed}"
                ) from None
    return replace(settings, **values)


def name_rules(address: Address) -> Address:
    """The address of a list, in lower case. Raises ValueError with what a list's name may be."""
    name = address.local.lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", name) or len(name) > NAME_LENGTH or ".." in name:
        raise ValueError(
            f"{address.local!r} can't name a list: up to {NAME_LENGTH} of a-z, 0-9, '.' and '-', "
            "a letter or digit at both ends"
        )
    last = name.rpartition("-")[2]
    if last in COMMAND_WORDS:
        raise ValueError(f"{name!r} can't name a list: it ends in {last!r}, which is a command")
    if name in RESERVED:
        raise ValueError(f"{name!r} can't name a list: it has another meaning")
    return Address(name, address.domain)


def read_aliases(words: str) -> tuple[Address, ...]:
    """Addresses with commas between, each fit to name a list. Raises ValueError."""
    try:
        found = [name_rules(read_address(word)) for word in words.split(",") if word.strip()]
    except BadAddress as error:
        raise ValueError(f"aliases is {_short(words)!r}: {error}") from None
    return tuple(dict.fromkeys(found))


def read_title(words: str) -> str:
    """One line of up to 100 characters. Raises ValueError."""
    title = str(read.one_line(100)(words))
    if not title:
        raise ValueError("a list needs a title")
    return title


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:59] + "…"
