"""Who may answer a member in private, through a relay address (interface.md §4): the first row that fits.

Order is policy, as in rules.py: silent rows first, then what a host decided, then rows that doubt.
"""

from __future__ import annotations

from listserv.core.facts import RelayFacts
from listserv.core.rules import (
    STRICT,
    Rule,
    anything,
    first_fit,
    is_approved,
    is_duplicate,
    is_stranger,
    is_stranger_at_closed_door,
)
from listserv.core.types import Automatic, Check, Mail
from listserv.core.verdicts import Accept, Discard, Hold, Verdict


def is_automatic(mail: Mail, facts: RelayFacts) -> bool:
    return mail.automatic is not Automatic.NO


def has_no_author(mail: Mail, facts: RelayFacts) -> bool:
    """Nobody whom an answer could reach, and nobody to tell."""
    return mail.author is None


def is_odd(mail: Mail, facts: RelayFacts) -> bool:
    """An answer to an invitation is meant for one person: here that is not odd."""
    return mail.oddity not in ("", "calendar reply")


def is_forged(mail: Mail, facts: RelayFacts) -> bool:
    named = facts.recipient.key in {address.key for address in (*mail.to, *mail.cc)}
    signed = mail.proof.dkim is Check.PASSES and named and not facts.preclaimed
    proven = signed or mail.proof.trusted is Check.PASSES or facts.vouched
    return mail.proof.policy in STRICT and not proven


# fmt: off
RELAY_RULES: tuple[Rule[RelayFacts], ...] = (
    #    name            when                         then
    Rule("automatic",    is_automatic,                Discard),
    Rule("hidden list",  is_stranger_at_closed_door,  Discard),
    Rule("no author",    has_no_author,               Discard),
    Rule("duplicate",    is_duplicate,                Discard),
    Rule("approved",     is_approved,                 Accept),
    Rule("stranger",     is_stranger,                 Hold),
    Rule("odd mail",     is_odd,                      Hold),
    Rule("forged",       is_forged,                   Hold),
    Rule("relayed",      anything,                    Accept),
)
# fmt: on


def judge_relayed(mail: Mail, facts: RelayFacts) -> Verdict:
    """Whether a private reply is passed on."""
    return first_fit(RELAY_RULES, mail, facts)
