"""Names and lines as they may be shown: no address, no control character, no direction trick. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import sha256

from listserv.core.patterns import regex

TINTS = 8
_CONTROLS = regex(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_MARKS = regex("[\u200e\u200f\u2066-\u2069]")
# The sign itself, its wide and small forms, and what a URL makes of it; then a domain or a literal.
_ADDRESS = regex(
    "(?<=\\S)(?:@|\uff20|\ufe6b|%40)(?:\\[[^\\]\\s]{1,80}\\]|[^\\W_](?:[\\w.\u200c\u200d-]*\\w)?)", re.I
)
_ENTITY = regex(r"&(?:#0*64|#x0*40|commat);", re.I)
_ADDRESS_IN_URL = regex(r"[\w.+%=~-](?:@|%40)[\w\[]", re.I)
_REPLY = regex(r"(?:\s*(?:re|aw|sv|vs|antw|odp|wg|fwd?)(?:\[[0-9]{1,3}\])?\s?:)+\s*", re.I)

_TAG = regex(r"\[([^\[\]]{1,80})\]\s*(?=\S)")


def hide(text: str) -> str:
    """``ana@example.org`` becomes ``ana@…``, wherever it stands and however its sign is written."""
    if "&" in text:
        text = _ENTITY.sub("@", text)
    signs = "@" in text or "%40" in text or "\uff20" in text or "\ufe6b" in text
    return _ADDRESS.sub("@…", text) if signs else text  # the signs alone are sooner looked for


def holds_address(url: str) -> bool:
    """Whether a link would tell somebody's address (or carries credentials)."""
    return _ADDRESS_IN_URL.search(url) is not None


def clean(text: str) -> str:
    """Running text without control characters and direction overrides; line ends are ``\\n``."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str, longest: int = 300) -> str:
    """One line to show: cleaned, spaces folded, addresses hidden, cut at ``longest`` characters."""
    # Cut before hiding too: a subject of 10 MB costs as much as one of 10 kB.
    short = hide(" ".join(_MARKS.sub("", clean(text[: longest * 8].replace("\n", " "))).split()))
    return short if len(short) <= longest else short[: longest - 1].rstrip() + "…"


def title(subject: str, tags: Collection[str] = ()) -> str:
    """A subject as a heading: without the ``Re:`` in front of it, and without ``[tag]``, in lower case, of
    the list where it stands."""
    shown = line(subject)
    for _ in range(4):  # "Re: [book] Re: [book] Garlic"
        if (match := _REPLY.match(shown)) or (match := _TAG.match(shown)) and match[1].casefold() in tags:
            shown = shown[match.end() :]
        else:
            break
    return shown


def name(written: str, address: str, *, hidden: bool) -> str:
    """Who wrote it: the name they gave; else the local part, unless the list hides addresses. May be ""."""
    shown = line(written, 80)
    if "@" in shown:
        # "boss@good.example" as a display name is somebody's address, perhaps somebody else's (S15).
        shown = shown.split("@")[0].strip("'\"<( ")
    return shown or ("" if hidden else line(address.split("@")[0], 60))


def initials(shown: str) -> str:
    """One or two letters in place of a face; "" where the name has none."""
    words = [letters for word in shown.split() if (letters := "".join(filter(str.isalnum, word)))]
    chosen = words[:1] + words[1:][-1:]
    return "".join(word[0] for word in chosen).upper()[:2]


def tint(key: str) -> int:
    """The same person has the same colour everywhere; the number tells nothing of the address."""
    return sha256(key.casefold().encode("utf-8", "replace")).digest()[0] % TINTS
