"""A private mail between two relay addresses: the words as they came, nothing that shows a real address.

Only header fields from an allow-list go on (cleansing.py); the body is not looked into. What a writer
puts into the words themselves, a signature or a vCard, can't be hidden.
"""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, derived
from listserv.mail.cleansing import anonymous, single
from listserv.mail.fields import split, write_field, write_mailbox
from listserv.mail.names import shown_name


@dataclass(frozen=True, slots=True)
class Way:
    """From which relay address to whom. ``message_id`` is ours, without <>.

    ``name``: of the writer, with the list's; ``writer``: what they are to it, for programs. ``away``: a
    machine wrote it, and it says so.
    """

    sender: Address
    name: str
    to: Address
    message_id: str
    writer: str = "member"
    away: bool = False


def passing_token(ring: Keyring, arrival_id: int) -> str:
    """The left part of the Message-ID under which an arrival is passed on."""
    return derived(ring, "passed", f"{arrival_id}")


def pass_on(raw: bytes, way: Way) -> bytes:
    """The mail as its receiver shall get it, unsigned."""
    fields, _, body = split(raw)
    ours = (
        write_field("From", write_mailbox(shown_name(way.name), way.sender)),
        write_field("To", str(way.to)),
        write_field("Message-ID", f"<{way.message_id}>"),
        write_field("X-Listserv-Kind", "notice"),
        write_field("X-Listserv-Writer", way.writer),
        *((write_field("Auto-Submitted", "auto-replied"),) if way.away else ()),
    )
    # Of a person's mail, too: what says that a machine wrote it would let it reach nobody.
    kept = (field.raw for field in single(anonymous(fields)) if field.name != "auto-submitted")
    return b"".join((*ours, *kept, b"\r\n", body))
