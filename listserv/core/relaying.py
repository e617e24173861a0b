"""Who may answer a member in private, through a relay address (interface.md §4): the first row that fits.

Order is policy, as in rules.py: silent rows first, then what a host decided, then rows that doubt. A private
mail is screened as a post is; what doubts it is shown to the hosts, as a post would be.
"""

from __future__ import annotations

from listserv.core.cards import SPAM
from listserv.core.facts import RelayFacts, Traffic
from listserv.core.records import dataclass
from listserv.core.rules import (
    STRICT,
    Rule,
    anything,
    first_fit,
    is_a_request,
    is_addressed_elsewhere,
    is_approved,
    is_banned,
    is_duplicate,
    is_proven,
    is_spam,
    is_stranger,
    is_stranger_at_closed_door,
    is_too_big,
    is_unproven,
)
from listserv.core.types import Automatic, Mail
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject, Verdict

AWAY = "out of office"  # the row's name: a machine says that somebody is away
LIMIT = "private mails"  # the row's name: too many within an hour or a day


@dataclass(frozen=True, slots=True)
class Limit:
    """How many private mails pass: where something passes for From, and where nothing does.

    The second is lower, so that who writes in somebody's name leaves them a share of their own.
    """

    counted: str  # a field of Traffic
    proven: int
    other: int


# fmt: off
LIMITS = (
    #     what        proven  other
    Limit("sent_hour",   20,     8),
    Limit("sent_day",    60,    20),
    Limit("got_hour",    40,    15),
    Limit("got_day",    120,    40),
)
# fmt: on


def is_over(traffic: Traffic, *, proven: bool) -> bool:
    """Whether one more is one too many."""
    return any(getattr(traffic, one.counted) >= (one.proven if proven else one.other) for one in LIMITS)


def says_who_is_away(mail: Mail, facts: RelayFacts) -> bool:
    """The first such answer of a day to whom they wrote lately; to a machine's mail never (RFC 3834 §2)."""
    unwanted = facts.duplicate or facts.blocked or facts.banned or facts.of_ours
    good = facts.awaited and not unwanted and not is_too_big(mail, facts) and not is_forged(mail, facts)
    return mail.automatic is Automatic.REPLY and mail.author is not None and good


def is_automatic(mail: Mail, facts: RelayFacts) -> bool:
    return mail.automatic is not Automatic.NO


def comes_from_us(mail: Mail, facts: RelayFacts) -> bool:
    """Relay addresses that lead to one another would never come to rest."""
    return facts.of_ours


def has_no_author(mail: Mail, facts: RelayFacts) -> bool:
    """Nobody whom an answer could reach, and nobody to tell."""
    return mail.author is None


def is_blocked(mail: Mail, facts: RelayFacts) -> bool:
    return facts.blocked


def is_odd(mail: Mail, facts: RelayFacts) -> bool:
    """An answer to an invitation is meant for one person: here that is not odd."""
    return mail.oddity not in ("", "calendar reply")


def is_forged(mail: Mail, facts: RelayFacts) -> bool:
    return mail.proof.policy in STRICT and not is_proven(mail, facts)


def is_one_too_many(mail: Mail, facts: RelayFacts) -> bool:
    return is_over(facts.traffic, proven=is_proven(mail, facts))


# fmt: off
RELAY_RULES: tuple[Rule[RelayFacts], ...] = (
    #    name                    when                         then
    Rule(AWAY,                   says_who_is_away,            Accept),
    Rule("automatic",            is_automatic,                Discard),
    Rule("hidden list",          is_stranger_at_closed_door,  Discard),
    Rule("no author",            has_no_author,               Discard),
    Rule("loop",                 comes_from_us,               Discard),
    Rule("duplicate",            is_duplicate,                Discard),
    Rule("a request",            is_a_request,                Obey),
    Rule("blocked",              is_blocked,                  Discard),
    Rule("approved",             is_approved,                 Accept),
    Rule("banned",               is_banned,                   Discard),
    Rule(SPAM,                   is_spam,                     Hold),
    Rule("stranger",             is_stranger,                 Hold),
    Rule("odd mail",             is_odd,                      Hold),
    Rule("not addressed to them", is_addressed_elsewhere,      Hold),
    Rule("forged",               is_forged,                   Hold),
    Rule("unproven",             is_unproven,                 Hold),
    Rule("too big",              is_too_big,                  Reject),
    Rule(LIMIT,                  is_one_too_many,             Hold),
    Rule("relayed",              anything,                    Accept),
)
# fmt: on


def judge_relayed(mail: Mail, facts: RelayFacts) -> Verdict:
    """Whether a private reply is passed on."""
    return first_fit(RELAY_RULES, mail, facts)
