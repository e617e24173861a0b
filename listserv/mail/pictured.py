"""Our text once more as HTML, with a picture where a paragraph says the same in numbers.

The paragraph that begins with ``Picture:`` is that one: without the word it stands in the text, and it is
what the picture is called for who does not see it. Nothing is loaded from anywhere: the picture is in the
mail.
"""

from __future__ import annotations

import html
import re
from base64 import encodebytes

from listserv.core.patterns import regex
from listserv.mail.columns import COLUMNS
from listserv.mail.dressing import boundary_for, text_part
from listserv.mail.fields import write_field
from listserv.mail.picture import HEIGHT, WIDTH

_MARK = "Picture:"
_CALLED = regex(rf"^{_MARK}\s+(.+?)(?=\n\n|\Z)", re.M | re.S)
_STYLE = "font-family:sans-serif;font-size:15px;line-height:1.45;max-width:36em"


def without_mark(text: str) -> str:
    """The text as people read it."""
    return _CALLED.sub(lambda found: found[1], text, count=1)


def pictured(text: str, picture: bytes, name: str) -> bytes:
    """Content fields and body of a mail: the text, or beside it HTML with the picture in it.

    ``text``: filled, CRLF line ends, with its mark. ``name``: the picture's Content-ID, without <>.
    """
    plain = text.replace("\r\n", "\n")
    page = f'<html><body style="{_STYLE}">\n{_page(plain, name)}\n</body></html>\n'
    related = _multipart("related", (_html_part(page), _png_part(picture, name)), ' type="text/html";')
    return _multipart("alternative", (text_part(without_mark(plain).replace("\n", "\r\n")), related))


def _page(text: str, name: str) -> str:
    return "\n".join(_paragraph(part, name) for part in text.strip("\n").split("\n\n"))


def _paragraph(text: str, name: str) -> str:
    if found := _CALLED.fullmatch(text):
        called = html.escape(" ".join(found[1].split()))
        size = f'width="{WIDTH}" height="{HEIGHT}"'
        return f'<p><img src="cid:{html.escape(name)}" {size} alt="{called}"></p>'
    lines = list(map(html.escape, _unwrapped(text)))
    shown = (f"&nbsp;&nbsp;&nbsp;&nbsp;{line.strip()}" if line.startswith(" ") else line for line in lines)
    return f"<p>{'<br>'.join(shown)}</p>"


def _unwrapped(text: str) -> list[str]:
    """The lines as they were before columns.py filled them: one goes on where the next word had no room."""
    lines: list[str] = []
    last = ""
    for line in text.split("\n"):
        same = bool(lines) and line.startswith(" ") == last.startswith(" ")
        if same and len(last) + 1 + len(line.strip().split(" ")[0]) > COLUMNS:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
        last = line
    return lines


def _html_part(page: str) -> bytes:
    return text_part(page.replace("\n", "\r\n")).replace(b"text/plain", b"text/html", 1)


def _png_part(picture: bytes, name: str) -> bytes:
    fields = (
        ("Content-Type", "image/png"),
        ("Content-ID", f"<{name}>"),
        ("Content-Disposition", "inline"),
        ("Content-Transfer-Encoding", "base64"),
    )
    head = b"".join(write_field(*one) for one in fields)
    return head + b"\r\n" + encodebytes(picture).rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n"


def _multipart(kind: str, parts: tuple[bytes, ...], more: str = "") -> bytes:
    boundary = boundary_for(b"".join(parts))
    edge = f"--{boundary}".encode("ascii")
    head = write_field("Content-Type", f'multipart/{kind};{more} boundary="{boundary}"')
    return b"\r\n".join([head, *(edge + b"\r\n" + part for part in parts), edge + b"--\r\n"])
