"""How a person and a list are named in the fields that we write. Pure text; writing is fields.py's."""

from __future__ import annotations

import re
import unicodedata

from listserv.core.address import Address
from listserv.core.aliases import Alias
from listserv.core.patterns import regex
from listserv.core.types import MailList
from listserv.mail.encoded import encode_words, one_line


def list_id(list_: MailList) -> str:
    """``"Title" <label>``: at most 255 octets, so the title gives way where both are long (RFC 2919 §3)."""
    title = shown_name(list_.title)
    while title:
        value = f"{_phrase(title)} <{list_.list_id}>"
        if len(value) <= 255:
            return value
        title = title[: len(title) * 3 // 4].rstrip()
    return f"<{list_.list_id}>"


def _phrase(text: str) -> str:
    if not text.isascii() or "=?" in text:
        return encode_words(text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_AT_SIGNS = regex(" ?[@\ufe6b\uff20] ?")


def shown_name(name: str) -> str:
    """A display name that can't be taken for an address (A5, S15): no @, 80 characters at most."""
    return _AT_SIGNS.sub(" at ", one_line(name[:1000])).strip()[:80].rstrip()


_ANY_AT = regex("[@\ufe6b\uff20]")


def discreet(name: str) -> str:
    """A name where addresses are hidden: "" for one that is an address, as many programs write it."""
    return "" if _ANY_AT.search(name) else name


_FOLDED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


def address_of(alias: Alias, here: MailList) -> Address:
    """A relay address as it is shown, the same in every mail: ``ana.silva.r4k2mmpq@lists.example.org``."""
    return Address(relay_local(discreet(alias.name), alias.seal), here.address.domain)


_IN_BRACKETS = regex(r"\([^()]*\)|\[[^\[\]]*\]")


def relay_local(name: str, seal8: str) -> str:
    """The local part of a relay address, ``ana.silva.r4k2xxxx``: ASCII, at most 64 octets."""
    bare = _IN_BRACKETS.sub(" ", name[:200])
    letters = (
        unicodedata.normalize("NFKD", bare.lower().translate(_FOLDED)).encode("ascii", "ignore").decode()
    )
    words = ".".join(re.findall(r"[a-z0-9]+", letters))
    room = 64 - len(seal8) - 1
    return f"{words[:room].strip('.') or 'member'}.{seal8}"
