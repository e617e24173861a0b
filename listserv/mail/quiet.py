"""A mail of ours in which somebody speaks without a name: nothing in it but the words and whither they go.

It has no Date: compose.py gives it the moment at which it goes out, which is a host's and not the asker's.
"""

from __future__ import annotations

from dataclasses import field

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.mail.dressing import text_part
from listserv.mail.fields import write_field, write_mailbox
from listserv.mail.names import shown_name


@dataclass(frozen=True, slots=True)
class Nameless:
    """``name``: "A member", "The asker". ``answers``, ``message_id``: without <>. ``date``: as written."""

    name: str
    from_address: Address
    to: Address
    subject: str
    message_id: str
    text: str = field(repr=False)
    answers: str = ""
    reply_to: Address | None = None
    date: str = ""


def nameless_mail(said: Nameless) -> bytes:
    """Its bytes, unsigned, CRLF line ends; the same input gives the same."""
    optional = (
        ("Date", said.date),
        ("In-Reply-To", said.answers and f"<{said.answers}>"),
        ("References", said.answers and f"<{said.answers}>"),
        ("Reply-To", str(said.reply_to) if said.reply_to else ""),
    )
    header = (
        ("From", write_mailbox(shown_name(said.name), said.from_address)),
        ("To", str(said.to)),
        ("Subject", said.subject),
        ("Message-ID", f"<{said.message_id}>"),
        *((name, value) for name, value in optional if value),
        ("MIME-Version", "1.0"),
    )
    body = text_part(said.text.replace("\r", "").rstrip("\n").replace("\n", "\r\n") + "\r\n")
    return b"".join(write_field(name, value) for name, value in header) + body
