"""Every setting of a list: its key, what is allowed, what each preset sets, what it means (interface.md §3).

The table is the truth for ``list set``, a host's ``set``, ``list show``, exports and the stored JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.routing import COMMAND_WORDS
from listserv.core.types import ListSettings

Value = str | int | bool
PRESETS = ("circle", "practice", "announce", "public")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAME_LENGTH = 38
# Mail that every domain must take (RFC 2142), and paths of the web that no list may lie on (interface.md §7).
RESERVED = frozenset(
    ("postmaster", "abuse", "mailer-daemon")
    + ("in", "u", "assets", "healthz", "metrics", "robots.txt", "favicon.ico")
)


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. ``read`` turns a person's words into the value, or raises ValueError(what is allowed)."""

    key: str
    allowed: str
    presets: tuple[Value, Value, Value, Value]  # circle, practice, announce, public
    meaning: str
    read: Callable[[str], Value]

    @property
    def field(self) -> str:
        """The name in ListSettings: ``from`` is a word of Python's."""
        return "from_" if self.key == "from" else self.key


# -- readers ----------------------------------------------------------------------------------------


def _one_of(*words: str) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        word = text.strip().lower()
        if word not in words:
            raise ValueError(", ".join(words))
        return word

    return read


def _whole(low: int, high: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        digits = text.strip()
        if not re.fullmatch(r"[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(digits)

    return read


def _switch(text: str) -> Value:
    word = text.strip().lower()
    if word not in ("on", "off", "yes", "no", "true", "false"):
        raise ValueError("on, off")
    return word in ("on", "yes", "true")


def _line(longest: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        line = text.strip()
        if len(line) > longest or any(_control(c) for c in line):
            raise ValueError(f"one line of up to {longest} characters, or nothing")
        return line

    return read


def _words(longest: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        words = text.replace("\r\n", "\n").strip()
        if len(words) > longest or any(_control(c) for c in words if c not in "\n\t"):
            raise ValueError(f"text of up to {longest} characters, or nothing")
        return words

    return read


def _control(character: str) -> bool:
    code = ord(character)
    return code < 32 or 127 <= code < 160 or code in (0x2028, 0x2029) or 0xD800 <= code < 0xE000


_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 1_000_000, "mb": 1_000_000, "gb": 1_000_000_000}


def _size(text: str) -> Value:
    match = re.fullmatch(r"([0-9]{1,10})\s*([a-z]{0,2})", text.strip().lower())
    size = int(match[1]) * _UNITS.get(match[2], 0) if match else 0
    if not 10_000 <= size <= 1_000_000_000:
        raise ValueError("a size from 10 kB to 1 GB, such as 10 MB")
    return size


def _storm(text: str) -> Value:
    word = text.strip().replace(" ", "")
    match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,4})", word)
    if word == "0":
        return word
    if not match or not int(match[1]) or not 1 <= int(match[2]) <= 1440:
        raise ValueError("POSTS/MINUTES such as 100/10, or 0 for off")
    return f"{int(match[1])}/{int(match[2])}"


RHYTHMS = "now, daily, weekly, mine, none, days such as mon thu, or 1 to 7 (mails a week)"


def read_rhythm(text: str) -> str:
    """How often a member gets mail, in its one written form. Raises ValueError(what is allowed)."""
    words = text.lower().replace(",", " ").split()
    if len(words) == 1 and words[0] in ("now", "daily", "weekly", "mine", "none", *"1234567"):
        return words[0]
    if not words or any(word[:3] not in DAYS or len(word) > len("wednesday") for word in words):
        raise ValueError(RHYTHMS)
    return " ".join(day for day in DAYS if day in {word[:3] for word in words})


def _zone(text: str) -> Value:
    name = text.strip()
    try:
        return name if not name or ZoneInfo(name) else ""
    except (KeyError, ValueError, OSError):
        raise ValueError("a zone such as Europe/Berlin, or nothing for the site's") from None


def _hour(text: str) -> Value:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a time such as 07:00")
    return f"{int(match[1]):02}:{match[2]}"


def _language(text: str) -> Value:
    word = text.strip()
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", word):
        raise ValueError("a language tag such as en, de or pt-BR")
    return word


# -- the table --------------------------------------------------------------------------------------

_EVERY = ("", "", "", "")
_MB = 1_000_000

# fmt: off
TABLE: tuple[Row, ...] = (
    #   key                 allowed                             circle     practice   announce   public
    Row("posting",          "members, hosts, anyone",          ("members", "members", "hosts",   "anyone"),
        "who may post; everybody else's mail waits for a host", _one_of("members", "hosts", "anyone")),
    Row("join",             "invite, approve, confirm, closed", ("invite",  "approve", "confirm", "confirm"),
        "how people come in", _one_of("invite", "approve", "confirm", "closed")),
    Row("probation",        "0 to 20",                         (1, 1, 0, 1),
        "how many posts of a newcomer wait for a host", _whole(0, 20)),
    Row("archive",          "members, hosts, public, off",     ("members", "members", "members", "public"),
        "who may read the archive; holds for later posts", _one_of("members", "hosts", "public", "off")),
    Row("roster",           "hosts, members",                  ("hosts",   "members", "hosts",   "hosts"),
        "who may see who is in", _one_of("hosts", "members")),
    Row("visible",          "listed, private, hidden",         ("private", "private", "private", "listed"),
        "private: shown nowhere; hidden: to those it does not know there is no such list",
        _one_of("listed", "private", "hidden")),
    Row("reply_to",         "list, author",                    ("list",    "list",    "author",  "list"),
        "where a reply goes", _one_of("list", "author")),
    Row("from",             "auto, relay, author",             ("auto",    "auto",    "auto",    "auto"),
        "auto: the author's address where its domain lets us; relay: never; author: always",
        _one_of("auto", "relay", "author")),
    Row("outbox_minutes",   "0 to 60",                         (2, 2, 0, 0),
        "how long an author can undo a post", _whole(0, 60)),
    Row("guard",            "on, off",                         (True, True, False, False),
        'asks "did you mean everyone?"', _switch),
    Row("rhythm",           RHYTHMS,                           ("now", "now", "now", "now"),
        "how often a new member gets mail", read_rhythm),
    Row("subject_tag",      "up to 40 characters, or nothing", _EVERY,
        "put in front of each subject", _line(40)),
    Row("footer",           "up to 2,000 characters, or nothing", _EVERY,
        "put under each post", _words(2000)),
    Row("personal",         "on, off",                         (True, True, True, True),
        "each copy has its own return path and one-click leave; off: for very large announce lists", _switch),
    Row("max_bytes",        "10 kB to 1 GB",                   (10 * _MB, 10 * _MB, 10 * _MB, 2 * _MB),
        "the largest post", _size),
    Row("attachments",      "keep, archive, drop",             ("keep",    "keep",    "keep",    "archive"),
        "archive: a link in the post instead", _one_of("keep", "archive", "drop")),
    Row("max_posts_per_day", "0 to 1000",                      (0, 0, 0, 10),
        "of one member; 0: any number", _whole(0, 1000)),
    Row("storm",            "POSTS/MINUTES such as 100/10, or 0", ("100/10", "100/10", "0", "100/10"),
        "so many posts within so many minutes stop the list until a host looks; 0: never", _storm),
    Row("hold_days",        "1 to 30",                         (2, 2, 2, 2),
        "after so many days hosts are reminded of what waits, then the author is told", _whole(1, 30)),
    Row("language",         "a language tag such as en",       ("en", "en", "en", "en"),
        "what a new member is written to in", _language),
    Row("timezone",         "such as Europe/Berlin, or nothing", _EVERY,
        "of the list's hours and days; nothing: the site's", _zone),
    Row("digest_at",        "a time such as 07:00",            ("07:00", "07:00", "07:00", "07:00"),
        "when digests leave", _hour),
    Row("description",      "up to 1,000 characters, or nothing", _EVERY,
        "what the list is for", _words(1000)),
    Row("welcome",          "up to 20,000 characters, or nothing", _EVERY,
        "the hosts' own words to a new member", _words(20_000)),
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
        value: Any = row.read(words)
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
                values[row.field] = row.read(str(stored[row.key]))
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
    title = str(_line(100)(words))
    if not title:
        raise ValueError("a list needs a title")
    return title


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:59] + "…"
