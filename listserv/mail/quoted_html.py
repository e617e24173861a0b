"""How mail programs mark in HTML what they quote and what is signature. A table, and its reader.

``blockquote`` (Apple Mail, Gmail, Thunderbird, Proton, Yandex, …) is not here: it is a quote for everybody.
"""

from __future__ import annotations

import re
from dataclasses import field

from listserv.core.patterns import regex
from listserv.core.records import dataclass

QUOTE, ORIGINAL, SIGNATURE, ANSWERED = "quote", "original", "signature", "answered"

# Gmail's and Proton's outer div is no quote as a whole: people answer inside it, between its blockquotes.
_MARKS = {
    "yahoo_quoted": QUOTE,  # Yahoo: class, and id with a number behind it
    "moz-cite-prefix": QUOTE,  # Thunderbird: "Am 3. Mai schrieb Ana:"
    "quoted-content": QUOTE,  # GMX, web.de, mail.com
    "name=quote": QUOTE,
    "zmail_extra": QUOTE,  # Zoho
    "tutanota_quote": QUOTE,
    "divrplyfwdmsg": ORIGINAL,  # Outlook on the web and on phones, over the header lines
    "divrpfwd": ORIGINAL,
    "olk_src_body_section": ORIGINAL,  # Outlook for Mac
    "mac_outlook_style_reply": ORIGINAL,
    "stopspelling": ORIGINAL,  # Hotmail: a ruled line
    "zwchr": ORIGINAL,  # Zimbra: a ruled line
    "gmail_quote": ANSWERED,
    "gmail_attr": ANSWERED,
    "protonmail_quote": ANSWERED,
    "moz-signature": SIGNATURE,
    "gmail_signature": SIGNATURE,
    "ms-outlook-mobile-signature": SIGNATURE,
    "protonmail_signature_block": SIGNATURE,
}
_VOID = ("hr", "br", "img")
_PREFIX = regex(
    r"^(?:x_+|ecx)"
)  # what Outlook on the web and Hotmail put before the names in what they quote
_LONGEST, _MOST = 400, 20
_NAMED = regex(r"""(?<![\w-])(class|id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_STYLED = regex(r"""\bstyle\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
# Outlook for Windows draws a line over the header lines; the border on the other sides is none.
_OUTLOOK_LINE = regex(r"border:none;border-top:solid #[0-9a-f]{6} 1\.0pt;padding:3\.0pt 0", re.I)


def mark_of(attributes: str) -> str:
    """quote, original (what is below it is the mail answered), signature, answered (neither begins here, but
    the author's part ends), or "" for an element like others."""
    for match in _NAMED.finditer(attributes):
        value = (match[2] or match[3] or match[4] or "").casefold()[:_LONGEST]
        for name in (*value.split()[:_MOST], f"{match[1].casefold()}={value}"):
            found = _MARKS.get(_PREFIX.sub("", name).rstrip("0123456789").rstrip("_"))
            if found:
                return found
    styled = _STYLED.search(attributes)
    if styled:
        style = " ".join((styled[1] or styled[2] or "")[:_LONGEST].split())
        if _OUTLOOK_LINE.search(style.replace(": ", ":").replace("; ", ";")):
            return ORIGINAL
    return ""


@dataclass(slots=True)
class Marked:
    """The open marked elements. Elements are counted by name; what is never closed harms no other."""

    _depth: dict[str, int] = field(default_factory=dict)
    _open: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def opens(self, name: str, attributes: str) -> str:
        """What opens with this element."""
        self._depth[name] = self._depth.get(name, 0) + 1
        mark = mark_of(attributes) if "=" in attributes else ""
        if mark and name not in _VOID:
            self._open.setdefault(name, []).append((self._depth[name], mark))
        return mark

    def closes(self, name: str) -> str:
        """What closes with this element."""
        depth, marks = self._depth.get(name, 0), self._open.get(name)
        self._depth[name] = max(0, depth - 1)
        return marks.pop()[1] if marks and marks[-1][0] == depth else ""
