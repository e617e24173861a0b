"""Bounces in prose: what servers without RFC 3464 write above the mail that they give back.

A report begins with words of the server's own and ends with our mail, or its header. Only the words above
are read, and only where they come from a machine that delivers mail; addresses count where they stand as
servers write them: at the start of a line, or behind a reply code.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import decode_words
from listserv.mail.fields import Field, first_of, split
from listserv.mail.leaves import content, read_leaf
from listserv.mail.tree import leaves

_MOST_READ = 64 * 1024
_MOST_LINES = 600
_LONGEST_LINE = 1000
_MOST_FOUND = 100

ADDRESS = regex(r'(?:"[^"\s<>@]{1,64}"|[^\s<>;:,"()\[\]@]{1,64})@[^\s<>;:,"()\[\]@]{1,255}')

_DAEMON = regex(
    r"mailer-daemon|postmaster|mail ?deliver|delivery sub|system administrator|mail ?(?:er|system)\b|ndr\b",
    re.I,
)
_FAILED = regex(
    r"undeliver|un-?deliverable|returned|return to sender|fail|error|not (?:be )?deliver|could ?n[o']t"
    r"|unable|rejected|unknown|nondeliver|non-deliver|bounce|problem|disabled|wasn't able|did not reach",
    re.I,
)
_LATER = regex(
    r"delay|still (?:being|trying)|not yet|(?:will|we'll) (?:be )?(?:keep|continue|retr)|warning"
    r"|temporarily|you do not need to resend|no action is required",
    re.I,
)
# Where our mail begins: the line that announces it, or the first line of its header.
_ORIGINAL = regex(
    r"\W*(?:below this line|original (?:mail|message)|unsent message|returned message|the (?:original|attach)"
    r"|(?:here|this|below) is (?:a|the) copy|message header|copy of the|bounced (?:e-?)?mail|begin message"
    r"|(?:return-path|received|message-id|mime-version|dkim-signature|x-[a-z-]+):|from \S+ +\w{3} \w{3} )",
    re.I,
)
_NOT_YET = regex(r"the original message was received", re.I)
_AT_START = regex(rf"[\s>*-]*<?({ADDRESS.pattern})>?(?=$|[\s:;,.(\[<])")
_BEHIND_CODE = regex(
    rf"[\s>*<]*(?:(?:5\d\d|rcpt to:|returned permanent errors:)[ -]*(?:5\.\d\.\d{{1,3}} )?)"
    rf"(?:unknown user |[a-z ]*recipients? )?<?({ADDRESS.pattern})>?",
    re.I,
)
_NAMED = regex(rf".{{0,200}}?(?:errors|address|recipients?|to)[:=] ?<?({ADDRESS.pattern})", re.I)
_STATUS_FIELD = regex(rf"[\s>]*final-recipient: *(?:rfc822|utf-8) *; *<?({ADDRESS.pattern})", re.I)
_WRITTEN_TO = regex(rf"[\s>]*to: *(?:[^<]{{0,200}}<)?({ADDRESS.pattern})>?\s*$", re.I)


@dataclass(frozen=True, slots=True)
class Said:
    """What a server says: ``recipients`` (lower case, maybe none); whether it goes on trying; its words."""

    recipients: tuple[str, ...]
    goes_on: bool
    words: str


def read_prose(raw: bytes) -> Said | None:
    """The failure that a delivering machine tells of in words; None for anything else. Never raises."""
    fields, _, _ = split(raw)
    subject, sender = _text(fields, "subject"), _text(fields, "from")
    if sender.strip(" <>") and not _DAEMON.search(sender):
        return None
    answered = _text(fields, "auto-submitted").lower().startswith("auto-replied")
    if answered and "mailer-daemon" not in sender.lower():  # a person's machine, not one that delivers
        return None
    lines = words_above(raw)
    words = "\n".join(lines)
    if not _FAILED.search(f"{subject}\n{words}"):
        return None
    not_theirs = {found.lower() for found in ADDRESS.findall(f"{sender} {_text(fields, 'to')}")}
    goes_on = bool(_LATER.search(subject)) or (
        bool(_LATER.search(words)) and not re.search(r"\b5\d\d\b", words)
    )
    return Said(_recipients(lines, not_theirs) or _in_what_follows(raw, not_theirs), goes_on, words)


def words_above(raw: bytes) -> list[str]:
    """The lines that a server wrote itself, in front of our mail."""
    for number, node in enumerate(leaves(raw)):
        if node.type.startswith("text/") or "/" not in node.type:
            data = content(raw, read_leaf(number, node))[:_MOST_READ]
            text = data.decode("utf-8", "replace")
            return _above([line[:_LONGEST_LINE] for line in text.splitlines()[:_MOST_LINES]])
    return []


def _above(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if _ORIGINAL.match(line) and any(map(str.strip, found)) and not _NOT_YET.search(line):
            break
        found.append(line)
    return found


def _recipients(lines: list[str], not_theirs: set[str]) -> tuple[str, ...]:
    """Those at the start of lines; else those behind reply codes; else those that are named as such."""
    for pattern in (_AT_START, _BEHIND_CODE, _NAMED):
        if found := _matches(pattern, lines, not_theirs):
            return found
    return ()


def _matches(pattern: re.Pattern[str], lines: list[str], not_theirs: set[str]) -> tuple[str, ...]:
    found = dict.fromkeys(match[1].lower().rstrip(".") for line in lines if (match := pattern.match(line)))
    return tuple([one for one in found if one not in not_theirs][:_MOST_FOUND])


def _in_what_follows(raw: bytes, not_theirs: set[str]) -> tuple[str, ...]:
    """Status fields that stand in no part of their own; else whom the mail that came back was written to."""
    lines = [line[:_LONGEST_LINE] for line in raw[:_MOST_READ].decode("utf-8", "replace").splitlines()]
    found = _matches(_STATUS_FIELD, lines, not_theirs)
    if found:
        return found
    below = [match for line in lines[1:] if (match := _WRITTEN_TO.match(line))][1:]  # behind the report's own
    return (below[0][1].lower(),) if below and below[0][1].lower() not in not_theirs else ()


def _text(fields: tuple[Field, ...] | list[Field], name: str) -> str:
    found = first_of(fields, name)
    return decode_words(found.text)[:_LONGEST_LINE] if found else ""
