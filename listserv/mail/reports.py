"""Bounce reports: who could not be reached, for how long, and whose fault it is (RFC 3464, standards.md L5).

First the machine-readable part; where there is none, flufl.bounce's knowledge of old servers, then their own
words (prose.py). What a report says is a hint: nobody is paused by it unless the return path's token names
the member.
"""

from __future__ import annotations

import email
import re
from dataclasses import replace

from flufl.bounce import all_failures

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Automatic
from listserv.mail.automatic import automatic_kind
from listserv.mail.body import read_body
from listserv.mail.encoded import decode_words, one_line
from listserv.mail.fields import Field, all_of, first_of, split, walk_fields
from listserv.mail.leaves import content, read_leaf
from listserv.mail.prescan import refuse_early
from listserv.mail.prose import ADDRESS, read_prose, words_above
from listserv.mail.tree import Node, leaves, nodes

_MOST_RECIPIENTS = 100
_LONGEST_STATUS_PART = 64 * 1024
_LONGEST_FOR_HEURISTICS = 128 * 1024
_LONGEST_MIME_FIELD = 2048


@dataclass(frozen=True, slots=True)
class Bounce:
    """One report. ``recipients``: lower case, those with this action; ``also``: who they were at first.

    ``action``: failed, delayed or other. ``status``: RFC 3463, "5.1.1", or "". ``kind``: *hard* (no such
    mailbox or host, moved), *policy* (our mail was refused for what it is: never the member's fault, A7),
    *delayed* (may still arrive), *soft* (all else: full, broken, too big).
    """

    recipients: tuple[str, ...]
    action: str
    status: str
    diagnostic: str
    kind: str
    also: tuple[str, ...] = ()


def kind_of_report(raw: bytes) -> str:
    """``bounce``, ``complaint`` (ARF), ``receipt`` (MDN), ``auto-reply``, ``delivered`` or ``other``."""
    if refuse_early(raw) is not None:
        return "other"
    walked = nodes(raw)
    types = {node.type for node, _ in walked}
    top = walked[0][0].declared
    declared = top.params.get("report-type", "").lower() if top.main == "multipart/report" else ""
    if declared == "feedback-report" or "message/feedback-report" in types:
        return "complaint"
    if declared == "disposition-notification" or "message/disposition-notification" in types:
        return "receipt"
    fields, _, _ = split(raw)
    subject = first_of(fields, "subject")
    title = decode_words(subject.text) if subject else ""
    kind = automatic_kind(fields, top, types, title, read_body(raw).text)
    if kind in (Automatic.REPLY, Automatic.CHALLENGE):
        return "auto-reply"
    if read_report(raw) is not None:
        return "bounce"
    return "delivered" if _status_blocks(raw) else "other"


def read_report(raw: bytes) -> Bounce | None:
    """What a bounce says, None for anything else (successes, complaints and receipts too). Never raises."""
    if refuse_early(raw) is not None:
        return None
    types = {node.type for node in leaves(raw)}
    if types & {"message/feedback-report", "message/disposition-notification"}:
        return None
    blocks = _status_blocks(raw)
    if not blocks:
        return _from_heuristics(raw) or _from_prose(raw)
    found = _from_blocks(blocks, raw)
    if found is None or found.recipients:
        return found
    said = read_prose(raw)
    return replace(found, recipients=said.recipients) if said else found


# -- RFC 3464 -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """What a delivery-status part says of one recipient."""

    recipient: str
    original: str
    action: str
    status: str
    diagnostic: str


def _status_blocks(raw: bytes) -> list[_Block]:
    blocks: list[_Block] = []
    for number, node in enumerate(leaves(raw)):
        if node.type in ("message/delivery-status", "message/global-delivery-status"):
            blocks += _blocks(raw, number, node)
    return blocks[:_MOST_RECIPIENTS]


_GAP = regex(rb"(?:\r?\n[ \t]*)+\r?\n")


def _blocks(raw: bytes, number: int, node: Node) -> list[_Block]:
    found = []
    data = content(raw, read_leaf(number, node))[:_LONGEST_STATUS_PART]
    for piece in _GAP.split(data.lstrip(b"\r\n")):
        fields = [field for field, _ in walk_fields(piece, 0, len(piece))]
        original = _address(fields, "original-recipient")
        recipient = _address(fields, "final-recipient") or original
        if recipient or all_of(fields, "action"):
            status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", _said(fields, "status"))
            block = _Block(
                recipient=recipient,
                original=original,
                action=re.split(r"[\s(;]", _said(fields, "action").lower())[0],
                status=status[0] if status else "",
                diagnostic=_said(fields, "diagnostic-code")[:500],
            )
            found.append(block)
    return found


def _said(fields: list[Field], name: str) -> str:
    found = first_of(fields, name)
    return one_line(found.text) if found else ""


def _address(fields: list[Field], name: str) -> str:
    match = ADDRESS.search(_said(fields, name).partition(";")[2] or _said(fields, name))
    return match[0].lower().rstrip(".") if match else ""


def _from_blocks(blocks: list[_Block], raw: bytes) -> Bounce | None:
    """The failures if there are any, else the delays; successes are no bounce."""
    failed = [block for block in blocks if block.action in ("failed", "")]
    # Some say "failed" only by the status.
    failed = [block for block in failed if block.action or block.status.startswith("5")]
    delayed = [block for block in blocks if block.action == "delayed"]
    chosen = failed or delayed
    if not chosen:
        return None
    first = chosen[0]
    return Bounce(
        recipients=tuple(dict.fromkeys(block.recipient for block in chosen if block.recipient)),
        action="failed" if failed else "delayed",
        status=_best_status(first),
        diagnostic=first.diagnostic,
        kind=_kind(_best_status(first), first.diagnostic or _words(raw)) if failed else "delayed",
        also=tuple(dict.fromkeys(block.original for block in chosen if block.original)),
    )


def _best_status(block: _Block) -> str:
    """The status, or the one inside the remote server's own words where ours says no more than "failed"."""
    inside = re.search(r"\b([45]\.[1-7]\.\d{1,3})\b", block.diagnostic)
    if inside and (not block.status or block.status.endswith(".0.0")):
        return inside[1]
    return block.status


def kind_of_refusal(code: int, words: str) -> str:
    """The same for a relay's own "no" to a recipient: hard, soft or policy. ``words``: its reply's text."""
    status = re.match(r"[45]\.\d{1,3}\.\d{1,3}", words)
    return _kind(status[0] if status else f"{code // 100}.0.0", words)


# -- what kind of failure ------------------------------------------------------------------------------

_HARD = regex(
    r"""user\ (?:is\ )?(?:unknown|not\ (?:found|known)|doesn't\ exist|does\ not\ exist)
    | unknown\ (?:user|recipient|local) | no\ such\ (?:user|recipient|mailbox|address|person|domain|host)
    | (?:address|recipient|mailbox|account|user)\s(?:\S+\s){0,3}(?:does\ not|doesn't|do\ not)\ exist
    | invalid\ (?:recipient|mailbox|user|address) | not\ a\ valid\ (?:user|mailbox) | not\ our\ customer
    | recipient\ (?:address\ )?(?:unknown|not\ found|rejected:\ user) | no\ mailbox\ (?:here|by\ that)
    | unrouteable\ (?:address|mail) | account\ (?:has\ been\ )?closed | mailbox\ (?:not\ found|unavailable)
    | (?:host|domain)\ (?:unknown|not\ found|name\ not\ found|does\ not\ exist) | bad\ destination
    | host\ or\ domain\ name\ not\ found | has\ moved | no\ longer\ (?:valid|available|on|here|with)
    | isn't\ (?:listed|known) | not\ listed\ in | no\ account\ (?:here|by)
    | unable\ to\ find\ (?:user|recipient) | user\ not\ exist | recipient\ not\ found
    | doesn't\ have\ an?\ \S+\ account | recipient\ address\ rejected:\ access\ denied
    | domain\ is\ not\ reachable | does\ not\ accept\ mail
    """,
    re.I | re.X,
)
_POLICY = regex(
    r"dmarc|spam|\bspf\b|dkim|blacklist|block ?list|blocked|reputation|policy|denied by|unsolicited|virus"
    r"|not authenticated",
    re.I,
)
_FULL = regex(
    r"quota|full\b|over (?:its |the )?(?:limit|storage)|too (?:large|big)|insufficient (?:system )?storage",
    re.I,
)
_HARD_STATUS = regex(r"5\.1\.(?:1|2|3|6|10)|5\.4\.4|5\.2\.0|4\.1\.[12]")
# Words that speak of us whatever status a server puts in front of them.
_OURS = regex(
    r"spamhaus|spamcop|black ?-?list|block ?-?list|blocked using|dmarc|bad reputation"
    r"|domain of sender|sender address rejected",
    re.I,
)
_OUR_SENDER = regex(r"5\.1\.[78]")  # RFC 3463: the sender's address, which is ours


def _kind(status: str, words: str) -> str:
    """RFC 3463's detail first; the remote server's words where the detail says nothing."""
    ours = re.match(r"[45]\.7\.", status) or _OURS.search(words)
    if _OUR_SENDER.fullmatch(status) or (ours and not _HARD.search(words)):
        return "policy"
    if _HARD_STATUS.fullmatch(status) and not _FULL.search(words):
        return "hard"
    if _FULL.search(words) or re.match(r"[45]\.2\.2", status):
        return "soft"
    if _HARD.search(words) and not status.startswith("4"):
        return "hard"
    if re.match(r"[45]\.3\.", status):
        return "soft"
    return "policy" if _POLICY.search(words) else "soft"


def _words(raw: bytes) -> str:
    """The first readable words, for servers that put their reason into prose."""
    return raw[:8192].decode("utf-8", "replace")


# -- servers without RFC 3464 ---------------------------------------------------------------------------


def _from_heuristics(raw: bytes) -> Bounce | None:
    """flufl.bounce reads the standard library's tree: kept small, and nothing that it raises matters."""
    if any(len(field.raw) > _LONGEST_MIME_FIELD for node in leaves(raw) for field in _mime(node)):
        return None
    try:
        temporary, permanent = all_failures(email.message_from_bytes(raw[:_LONGEST_FOR_HEURISTICS]))
    except Exception:  # forty heuristics on a stranger's bytes
        return None
    found = permanent or temporary
    if not found:
        return None
    names = (
        address.decode("utf-8", "replace") if isinstance(address, bytes) else address for address in found
    )
    action = "failed" if permanent else "delayed"
    words = "\n".join(words_above(raw))
    status = re.search(r"\b([45]\.[0-7]\.\d{1,3})\b", words)
    return Bounce(
        recipients=_but_our_own({one_line(name).lower() for name in names}, raw)[:_MOST_RECIPIENTS],
        action=action,
        status=status[1] if status else "",
        diagnostic=_answer_in(words),
        kind=_kind(status[1] if status else "", words) if permanent else "delayed",
    )


def _but_our_own(found: set[str], raw: bytes) -> tuple[str, ...]:
    """Without what is no recipient: whom the report was written to, and Message-IDs of the mail in it."""
    to = first_of(split(raw)[0], "to")
    ours = {address.lower() for address in ADDRESS.findall(to.text)} if to else set()
    words = raw[:_LONGEST_FOR_HEURISTICS].decode("utf-8", "replace").lower()
    theirs = found - ours - set(re.findall(r"message-id:\s{0,20}<([^>\s]{1,250})>", words))
    return tuple(sorted(theirs or found))


def _from_prose(raw: bytes) -> Bounce | None:
    said = read_prose(raw)
    if said is None:
        return None
    status = re.search(r"\b([45]\.[0-7]\.\d{1,3})\b", said.words)
    return Bounce(
        recipients=said.recipients,
        action="delayed" if said.goes_on else "failed",
        status=status[1] if status else "",
        diagnostic=_answer_in(said.words),
        kind="delayed" if said.goes_on else _kind(status[1] if status else "", said.words),
    )


def _answer_in(words: str) -> str:
    """The line that reads like a server's answer, for people to see."""
    found = re.search(r"^.{0,100}\b(?:5\d\d[ -]|[45]\.\d\.\d).{0,300}", words, re.M)
    return one_line(found[0]).strip() if found else ""


def _mime(node: Node) -> list[Field]:
    return [field for field in node.fields if field.name.startswith("content-")]
