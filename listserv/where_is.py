"""What an operator means by a word: a number, what our 250 said, a Message-ID, an address."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection

from listserv.core.address import BadAddress, read_address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.errors import BadData
from listserv.mail.fields import first_of, split
from listserv.store import lives, queue, tracing
from listserv.store.queue import Whose

_NUMBER = regex(r'"?(copy|delivery|mail|arrival|post)"?\s*[ =:]\s*([0-9]{1,18}),?')  # as a log has it
_KEPT = regex(r"(?:.*\bkept as )?([0-9a-f]{16})", re.I)
_HASH = regex(r"(?:https?://.*/m/)?([a-z2-7]{32})/?", re.I)


@dataclass(frozen=True, slots=True)
class Found:
    """Mails, and which copies are meant. ``copy``: just one was; ``address``: all that went there."""

    arrivals: tuple[int, ...]
    copies: Whose
    copy: int | None = None
    address: str = ""


def find(tx: Connection, word: str) -> Found:
    """What was meant. Raises BadData where nothing is known of it."""
    word = word.strip()
    if not word.isprintable():  # octets that are no UTF-8, too: no mail of ours is known by such a name
        return _mails(ascii(word), [])
    if match := _NUMBER.fullmatch(word.lower()):
        return _numbered(tx, match[1], int(match[2]))
    if match := _KEPT.fullmatch(word):
        return _mails(word, tracing.by_kept_id(tx, match[1].lower()))
    if re.fullmatch(r"[0-9]{1,18}", word):
        return _copy(tx, int(word))
    if match := _HASH.fullmatch(word):
        return _mails(word, tracing.by_archive_hash(tx, match[1]))
    return _named(tx, word)


def _numbered(tx: Connection, what: str, number: int) -> Found:
    match what:
        case "arrival" | "mail":
            there = lives.life(tx, number) is not None
            return _mails(f"{what}={number}", [number] if there else [])
        case "post":
            return _mails(f"{what}={number}", tracing.by_post(tx, number))
    return _copy(tx, number)


def _copy(tx: Connection, number: int) -> Found:
    copy = queue.find(tx, number)
    if copy is None:
        raise BadData(
            f"there is no copy {number}; `listserv queue ls` shows what there is; "
            f"for a mail's number say arrival={number}"
        )
    arrivals = tracing.by_post(tx, copy.post_id) if copy.post_id is not None else []
    return Found(tuple(arrivals), queue.one(number), copy=number)


def _named(tx: Connection, word: str) -> Found:
    """A Message-ID or an address; many a Message-ID looks like an address."""
    name = word.removeprefix("<").removesuffix(">")
    mails = tracing.by_message_id(tx, name)
    if not mails and (key := _key(name)):
        copies = queue.to_address(tx, key)
        letters = tracing.by_envelope(tx, key)
        if letters or queue.chosen(tx, copies, queue.ALL, 1):
            return Found(tuple(letters), copies, address=key)
    others = [number for number in tracing.by_bytes(tx, name) if has_message_id(tx, number, name)]
    return _mails(word, sorted({*mails, *others}))


def _key(word: str) -> str:
    try:
        return read_address(word).key
    except BadAddress:
        return ""


def has_message_id(tx: Connection, arrival_id: int, message_id: str) -> bool:
    """Whether that is its own Message-ID, and not one that it answers."""
    fields, _, _ = split(tracing.heads(tx, [arrival_id])[arrival_id])
    own = first_of(fields, "message-id")
    return own is not None and f"<{message_id}>" in own.text


def _mails(word: str, arrivals: Iterable[int]) -> Found:
    found = tuple(arrivals)
    if not found:
        raise BadData(
            f"nothing is known of {word[:200]!r}; what never became a post is looked for among the newest "
            f"{tracing.MOST} mails; `listserv queue show --help` says what can be asked for"
        )
    return Found(found, queue.of_arrivals(found))
