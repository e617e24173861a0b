"""An answer to a Brief as a mail of its own: by whom and when as their mail says, the rest as a reply has it.

Nothing of the mail that it was taken out of goes along but that, the words, and what was attached.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.mail.editing import with_text
from listserv.mail.fields import Field, all_of, read_mailboxes, split, write_field, write_mailbox
from listserv.mail.leaves import leaf
from listserv.mail.names import shown_name
from listserv.mail.words import html_to_text

_KEPT = ("x-no-archive", "content-language")  # of the mail that it was taken out of
_LONGEST_ID = 250


@dataclass(frozen=True, slots=True)
class Making:
    """``author``: for whom no From is left to copy. ``references``: oldest first; ids are without <>."""

    to: Address
    title: str
    message_id: str
    references: tuple[str, ...]
    words: str
    author: Address
    name: str
    now: datetime
    files: bool = False


def answered(raw: bytes, made: Making) -> bytes:
    """The mail, unsigned. ``raw``: the one that said it, b"" where it is not kept any more."""
    return b"".join(write_field(*one) for one in _fields(raw, made)) + with_text(
        raw, made.words, files=made.files
    )


def _fields(raw: bytes, made: Making) -> Iterator[tuple[str, str]]:
    fields = split(raw)[0] if raw else ()
    from_ = all_of(fields, "from")
    boxes = read_mailboxes(from_[0].text) if len(from_) == 1 else None
    known = boxes is not None and not boxes.trouble and len(boxes.found) == 1
    name, author = (
        (boxes.found[0].name, boxes.found[0].address) if boxes and known else (made.name, made.author)
    )
    yield "From", write_mailbox(shown_name(name), author)
    yield "To", str(made.to)
    yield "Subject", f"Re: {made.title}".rstrip()
    yield "Date", _date(fields) or format_datetime(made.now)
    yield "Message-ID", f"<{made.message_id}>"
    chain = [f"<{one}>" for one in made.references if _is_sane(one)]
    if chain:
        yield "In-Reply-To", chain[-1]
        yield "References", " ".join(chain)
    for field in fields:
        if field.name in _KEPT and len(field.text) < 100 and field.text.isprintable():
            yield field.name.title(), field.text.strip()


def _date(fields: tuple[Field, ...]) -> str:
    """When it was written, as its author's mail says; "" where that says nothing."""
    found = all_of(fields, "date")
    try:
        return format_datetime(parsedate_to_datetime(found[0].text[:100])) if len(found) == 1 else ""
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _is_sane(message_id: str) -> bool:
    return (
        len(message_id) <= _LONGEST_ID
        and message_id.isascii()
        and message_id.isprintable()
        and not (set(message_id) & set(" <>"))
    )


def our_texts(raw: bytes) -> tuple[str, ...]:
    """Of a letter of ours with two alternatives: its text, and its HTML as text; of any other nothing.

    Other forms hold whole mails of strangers: those are read in the child process alone.
    """
    kinds = all_of(split(raw)[0], "content-type")
    if len(kinds) != 1 or not kinds[0].text.strip().lower().startswith("multipart/alternative"):
        return ()
    found = [leaf(raw, position) for position in (0, 1)]
    texts = [(part.type, content.decode("utf-8", "replace")) for part, content in filter(None, found)]
    return tuple(
        (html_to_text(text) if kind == "text/html" else text.replace("\r\n", "\n")) for kind, text in texts
    )
