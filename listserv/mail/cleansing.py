"""What of an author's header goes on to the members, and what does not.

Fields are kept or dropped whole: what stays keeps its bytes, its folds and its order (standards.md
finding 9, H2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from listserv.core.patterns import regex
from listserv.core.seals import is_loop_mark
from listserv.core.types import MailList
from listserv.mail.fields import Field, read_mailboxes

# Answered by reading programs, they would tell a poster who is a member (H14).
_RECEIPTS = """disposition-notification-to disposition-notification-options return-receipt-to
    return-receipt-requested receipt-requested-to read-receipt-to x-confirm-reading-to x-pmrqc
    x-ms-read-receipt generate-delivery-report"""
# Passwords of other list programs, and what a forger would write in our place (H14, §5 69 and 70).
_SECRETS = "approved x-approved approve x-approve x-moderation-token bcc resent-bcc return-path"
# Another list's; ours take their place (H6, H12, A2).
_OF_LISTS = "precedence feedback-id errors-to"
_GONE = frozenset(f"{_RECEIPTS} {_SECRETS} {_OF_LISTS}".split())

# At most once each (RFC 5322 §3.6). Lists of people and of ids are joined, so that none of them is lost.
_ONCE = "from sender reply-to subject date message-id"
_SINGLE = frozenset(_ONCE.split())
_JOINED = {"to": b",", "cc": b",", "in-reply-to": b"", "references": b""}

# All that is left of a header where the list hides addresses. An allow-list: who knows what else tells.
_TELLS_NOTHING = """subject date mime-version content-type content-transfer-encoding content-disposition
    content-description content-language importance priority x-priority auto-submitted x-no-archive"""
_HARMLESS = frozenset(_TELLS_NOTHING.split())


def cleansed(fields: Iterable[Field], list_: MailList, site: str) -> tuple[Field, ...]:
    """Without what must not go on. ``site``: our domain, which is also our authserv-id (RFC 8601 §5)."""
    return tuple(_ended(field) for field in fields if not _goes(field, list_, site))


# What goes or stays by what it says (_goes): whoever counts on it had better not.
_PERHAPS = ("delivered-to", "x-loop", "authentication-results")


def unsure(fields: Iterable[Field]) -> frozenset[str]:
    """Names of the fields of this header that may not go on as they came. Reply-To: core/showing.py."""
    names = [field.name for field in fields]
    twice = {name for name in (*_SINGLE, *_JOINED) if names.count(name) > 1}
    return frozenset(name for name in names if name in _PERHAPS or _never_goes_on(name)) | twice


def _never_goes_on(name: str) -> bool:
    return name in _GONE or name.startswith(("list-", "x-listserv-"))


def anonymous(fields: Iterable[Field]) -> tuple[Field, ...]:
    """Only the fields that can't say who wrote, from where and to whom."""
    return tuple(field for field in fields if field.name in _HARMLESS or _is_mark(field))


def _is_mark(field: Field) -> bool:
    """A list's keyed mark names no list; without it a circle of lists that hide authors would never end."""
    return field.name == "x-loop" and is_loop_mark(field.text.strip().lower())


def single(fields: Iterable[Field]) -> tuple[Field, ...]:
    """With at most one of what RFC 5322 §3.6 wants once: the first stays, lists become one."""
    kept: list[Field] = []
    seen: dict[str, int] = {}
    for field in fields:
        if field.name not in seen:
            seen[field.name] = len(kept)
            kept.append(field)
        elif field.name in _JOINED:
            kept[seen[field.name]] = _joined(kept[seen[field.name]], field)
        elif field.name not in _SINGLE:
            kept.append(field)
    return tuple(kept)


def _goes(field: Field, list_: MailList, site: str) -> bool:
    match field.name:
        case name if _never_goes_on(name):
            return True
        case "message-id" | "date":
            return field.value in (b"", b"<>")  # says nothing: as if it were absent
        case "reply-to":
            return not field.value or not _answerable(field, list_)
        case "delivered-to" | "x-loop":
            return site in field.text.lower() or list_.address.key in field.text.lower()
        case "authentication-results":
            return site in re.split(r"[\s()]+", field.text.lower().partition(";")[0])
        case _:
            return False


def _joined(first: Field, second: Field) -> Field:
    """Both lists in one field: the second's bytes follow on a line of their own."""
    if not first.value or not second.value:
        return first if first.value else second
    more = second.raw[len(second.name) + 1 :].lstrip(b" \t")
    return Field(first.name, first.raw.rstrip(b" \t\r\n,") + _JOINED[first.name] + b"\r\n " + more)


def _ended(field: Field) -> Field:
    """A header that ends with the mail may lack its last line end."""
    return field if field.raw.endswith(b"\n") else Field(field.name, field.raw + b"\r\n")


_OURS = regex(
    r".*[+-](?:join|leave|subscribe|unsubscribe|help|ask|request|confirm|bounces)|.*[+-](?:re|to|back)=.*",
    re.I,
)


def _answerable(reply_to: Field, list_: MailList) -> bool:
    """Whether an author's Reply-To may stay: not if an answer would run into a command of ours (§5 71)."""
    found = read_mailboxes(reply_to.text).found
    return not any(
        b.address.domain == list_.address.domain and _OURS.fullmatch(b.address.local) for b in found
    )
