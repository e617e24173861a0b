"""Who may answer a member in private, through a relay address (interface.md §4): the first row that fits.

Order is policy, as in rules.py: silent rows first, then what a host decided, then rows that doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from listserv.core.facts import RelayFacts
from listserv.core.rules import STRICT
from listserv.core.types import Automatic, Check, Mail, Standing
from listserv.core.verdicts import Accept, Discard, Hold, Verdict


@dataclass(frozen=True, slots=True)
class RelayRule:
    name: str
    when: Callable[[Mail, RelayFacts], bool]
    then: type[Accept] | type[Hold] | type[Discard]


def is_automatic(mail: Mail, facts: RelayFacts) -> bool:
    return mail.automatic is not Automatic.NO


def is_stranger_at_closed_door(mail: Mail, facts: RelayFacts) -> bool:
    return is_stranger(mail, facts) and facts.list.settings.visible == "hidden"


def has_no_author(mail: Mail, facts: RelayFacts) -> bool:
    """Nobody whom an answer could reach, and nobody to tell."""
    return mail.author is None


def is_duplicate(mail: Mail, facts: RelayFacts) -> bool:
    return facts.duplicate


def is_approved(mail: Mail, facts: RelayFacts) -> bool:
    return facts.approved


def is_stranger(mail: Mail, facts: RelayFacts) -> bool:
    return facts.standing is Standing.STRANGER


def is_odd(mail: Mail, facts: RelayFacts) -> bool:
    """An answer to an invitation is meant for one person: here that is not odd."""
    return mail.oddity not in ("", "calendar reply")


def is_forged(mail: Mail, facts: RelayFacts) -> bool:
    named = facts.recipient.key in {address.key for address in (*mail.to, *mail.cc)}
    signed = mail.proof.dkim is Check.PASSES and named and not facts.preclaimed
    proven = signed or mail.proof.trusted is Check.PASSES
    return mail.proof.policy in STRICT and not proven


def anything(mail: Mail, facts: RelayFacts) -> bool:
    return True


# fmt: off
RELAY_RULES = (
    #         name            when                         then
    RelayRule("automatic",    is_automatic,                Discard),
    RelayRule("hidden list",  is_stranger_at_closed_door,  Discard),
    RelayRule("no author",    has_no_author,               Discard),
    RelayRule("duplicate",    is_duplicate,                Discard),
    RelayRule("approved",     is_approved,                 Accept),
    RelayRule("stranger",     is_stranger,                 Hold),
    RelayRule("odd mail",     is_odd,                      Hold),
    RelayRule("forged",       is_forged,                   Hold),
    RelayRule("relayed",      anything,                    Accept),
)
# fmt: on


def judge_relayed(mail: Mail, facts: RelayFacts) -> Verdict:
    """The verdict of the first row that fits; one that would wait like a twin of it does is a duplicate."""
    rule = next(rule for rule in RELAY_RULES if rule.when(mail, facts))
    if facts.held_twin and rule.then is Hold:
        return Discard("duplicate")
    return rule.then(rule.name)
