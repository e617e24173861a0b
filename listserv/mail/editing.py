"""A host's text in place of the author's: the same mail, its attachments, and no signature that would lie."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from listserv.mail.body import read_body
from listserv.mail.dressing import boundary_for
from listserv.mail.fields import split
from listserv.mail.leaves import leaf

# What speaks for the mail as it was, or describes the body that it had.
_GONE = frozenset(
    (
        "dkim-signature",
        "authentication-results",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
        "received-spf",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-language",
        "content-id",
        "content-md5",
    )
)


def edited(raw: bytes, text: str, note: str) -> bytes:
    """The mail with ``text`` and, below it, ``note``. Alternatives of the old text (HTML) are gone.

    Raises ValueError for a mail that is signed or encrypted: what is inside is not ours to change.
    """
    fields, _, _ = split(raw)
    if read_body(raw).sealed:
        raise ValueError("signed or encrypted")
    kept = b"".join(field.raw for field in fields if field.name not in _GONE)
    return kept + with_text(raw, f"{text.strip()}\n\n{note}", files=True)


def with_text(raw: bytes, text: str, *, files: bool) -> bytes:
    """MIME fields and body of a mail with this text; ``files``: and with what was attached to another.

    Of one that is signed or encrypted nothing is taken.
    """
    made = EmailMessage(policy=SMTP)
    made.set_content(f"{text}\n", charset="utf-8", cte="quoted-printable")
    body = read_body(raw) if files and raw else None
    for part in body.parts if body and not body.sealed else ():
        found = leaf(raw, part.position) if part.attached else None
        if found is not None:
            main, _, sub = (part.type if part.type.count("/") == 1 else "application/octet-stream").partition(
                "/"
            )
            _attach(made, found[1], (main, sub), part.name)
    if made.is_multipart():
        made.set_boundary(boundary_for(raw))
    return made.as_bytes()


def _attach(made: EmailMessage, content: bytes, kind: tuple[str, str], name: str) -> None:
    main, sub = kind if kind[0] not in ("multipart", "message") else ("application", "octet-stream")
    made.add_attachment(content, maintype=main, subtype=sub, filename=name or "attachment")
