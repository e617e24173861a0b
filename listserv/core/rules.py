"""Table 2: who may post. The first row that fits decides; the last always fits; the name travels along.

Order is policy: silent rows first, then what a host (or the operator) already decided, then rows that
doubt the sender, then rows about size and standing. A predicate only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from listserv.core.administrivia import Asked, Doubtful
from listserv.core.cards import CLOSED, RESTING, SLOWED
from listserv.core.facts import PostFacts, RelayFacts
from listserv.core.guard import sign_in
from listserv.core.privacy import is_more_open, may
from listserv.core.seals import loop_marks
from listserv.core.storms import blows
from listserv.core.types import Automatic, Check, Mail, Policy, Role, Standing
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject, Verdict

Known = PostFacts | RelayFacts  # what predicates that both tables use may look at
F = TypeVar("F", PostFacts, RelayFacts)
STRICT = (Policy.QUARANTINE, Policy.REJECT)
_NO_AUTHOR = ("no author", "several authors", "ambiguous From", "two From fields")


@dataclass(frozen=True, slots=True)
class Rule(Generic[F]):
    """A row of this table, or of that of private replies (relaying.py)."""

    name: str
    when: Callable[[Mail, F], bool]
    then: type[Accept] | type[Hold] | type[Reject] | type[Discard] | type[Obey]


def is_proven(mail: Mail, facts: PostFacts) -> bool:
    """Whether something that counts passes for From. A DKIM pass counts only for a mail to this list (§5)."""
    return facts.vouched or passes(mail, facts)


def passes(mail: Mail, facts: PostFacts) -> bool:
    """Whether that is said of the mail itself, not of the answer to a Brief that we took it out of."""
    if mail.proof.trusted is Check.PASSES:
        return True
    replayed = facts.preclaimed or is_addressed_elsewhere(mail, facts)
    return mail.proof.dkim is Check.PASSES and not replayed


def is_stranger_at_closed_door(mail: Mail, facts: Known) -> bool:
    return facts.list.settings.visible == "hidden" and facts.standing is Standing.STRANGER


def is_report(mail: Mail, facts: PostFacts) -> bool:
    return mail.automatic is Automatic.REPORT


def has_come_round(mail: Mail, facts: PostFacts) -> bool:
    marks = loop_marks(facts.ring, facts.list.list_id)
    ours = {facts.list.list_id.lower(), facts.list.address.key, *marks}
    return not ours.isdisjoint((*mail.list_ids, *mail.loops))


def is_automatic(mail: Mail, facts: PostFacts) -> bool:
    return mail.automatic in (Automatic.REPLY, Automatic.GENERATED)


def is_duplicate(mail: Mail, facts: Known) -> bool:
    return facts.duplicate


def is_banned(mail: Mail, facts: PostFacts) -> bool:
    return facts.banned


def is_approved(mail: Mail, facts: Known) -> bool:
    return facts.approved


def is_a_request(mail: Mail, facts: PostFacts) -> bool:
    return isinstance(facts.request, Asked)


def may_be_a_setting(mail: Mail, facts: PostFacts) -> bool:
    return isinstance(facts.request, Doubtful) and facts.standing is not Standing.STRANGER


def has_no_clear_author(mail: Mail, facts: PostFacts) -> bool:
    return mail.author is None or mail.oddity in _NO_AUTHOR


def is_odd(mail: Mail, facts: PostFacts) -> bool:
    return bool(mail.oddity)


def is_addressed_elsewhere(mail: Mail, facts: PostFacts) -> bool:
    ours = {facts.list.address.key, *(alias.key for alias in facts.list.aliases)}
    return ours.isdisjoint(address.key for address in (*mail.to, *mail.cc))


def is_forged(mail: Mail, facts: PostFacts) -> bool:
    known = facts.standing is not Standing.STRANGER
    return known and mail.proof.policy in STRICT and not is_proven(mail, facts)


def is_unproven(mail: Mail, facts: PostFacts) -> bool:
    if facts.standing is Standing.STRANGER or is_proven(mail, facts):
        return False
    return facts.earlier_proved or (
        facts.list.settings.posting == "hosts" and facts.standing is Standing.HOST
    )


def would_reveal_another_list(mail: Mail, facts: PostFacts) -> bool:
    return any(
        other.settings.visible != "listed" and is_more_open(facts.list.settings, other.settings)
        for other in facts.others
    )


def is_too_big(mail: Mail, facts: PostFacts) -> bool:
    return mail.size > facts.list.settings.max_bytes


def has_posted_enough_today(mail: Mail, facts: PostFacts) -> bool:
    most = facts.list.settings.max_posts_per_day
    return 0 < most <= facts.posts_today


def is_storm(mail: Mail, facts: PostFacts) -> bool:
    return blows(facts)


def is_stranger(mail: Mail, facts: Known) -> bool:
    return facts.standing is Standing.STRANGER


def is_on_probation(mail: Mail, facts: PostFacts) -> bool:
    member = facts.member
    return member is not None and member.role is Role.MEMBER and member.probation_left > 0


def is_for_hosts_only(mail: Mail, facts: PostFacts) -> bool:
    return not may("post", facts.standing, facts.list.settings)


def may_be_meant_for_one(mail: Mail, facts: PostFacts) -> bool:
    settings, known = facts.list.settings, facts.standing is not Standing.STRANGER
    return settings.guard and known and bool(sign_in(mail, facts.company, settings.guard_words))


def is_in_closed_thread(mail: Mail, facts: PostFacts) -> bool:
    return _held_by(facts) and facts.reins is not None and facts.reins.closed


def is_in_resting_thread(mail: Mail, facts: PostFacts) -> bool:
    return _held_by(facts) and facts.reins is not None and facts.reins.rests(facts.now)


def is_too_soon_again(mail: Mail, facts: PostFacts) -> bool:
    reins = facts.reins
    return _held_by(facts) and reins is not None and 0 < reins.slow <= reins.today


def _held_by(facts: PostFacts) -> bool:
    return facts.reins is not None and not facts.reins.steers


def anything(mail: Mail, facts: Known) -> bool:
    return True


# fmt: off
POSTING_RULES: tuple[Rule[PostFacts], ...] = (
    #    name                           when                         then
    Rule("hidden list",                 is_stranger_at_closed_door,  Discard),
    Rule("report",                      is_report,                   Discard),
    Rule("loop",                        has_come_round,              Discard),
    Rule("automatic",                   is_automatic,                Discard),
    Rule("duplicate",                   is_duplicate,                Discard),
    Rule("approved",                    is_approved,                 Accept),
    Rule("banned",                      is_banned,                   Discard),
    Rule("no clear author",             has_no_clear_author,         Hold),
    Rule("a request",                   is_a_request,                Obey),
    Rule("post or setting",             may_be_a_setting,            Hold),
    Rule("odd mail",                    is_odd,                      Hold),
    Rule("not addressed to us",         is_addressed_elsewhere,      Hold),
    Rule("forged",                      is_forged,                   Hold),
    Rule("unproven",                    is_unproven,                 Hold),
    Rule("would reveal another list",   would_reveal_another_list,   Hold),
    Rule("too big",                     is_too_big,                  Reject),
    Rule("posts per day",               has_posted_enough_today,     Hold),
    Rule("storm",                       is_storm,                    Hold),
    Rule("stranger",                    is_stranger,                 Hold),
    Rule("probation",                   is_on_probation,             Hold),
    Rule("hosts only",                  is_for_hosts_only,           Hold),
    # Only who may write here at all is told of these: what rests or is slowed goes out by itself.
    Rule(CLOSED,                        is_in_closed_thread,         Hold),
    Rule(RESTING,                       is_in_resting_thread,        Hold),
    Rule(SLOWED,                        is_too_soon_again,           Hold),
    Rule("guard",                       may_be_meant_for_one,        Hold),
    Rule("welcome",                     anything,                    Accept),
)
# fmt: on


def judge(mail: Mail, facts: PostFacts) -> Verdict:
    """Whether a mail is posted."""
    return first_fit(POSTING_RULES, mail, facts)


def first_fit(rules: Sequence[Rule[F]], mail: Mail, facts: F) -> Verdict:
    """The verdict of the first row that fits.

    A mail that would wait or be refused like a twin of it before is a duplicate; one that may go out goes
    out, so that nobody keeps a mail from being posted by sending a doubtful copy of it first.
    """
    rule = next(rule for rule in rules if rule.when(mail, facts))
    if facts.held_twin and rule.then in (Hold, Reject):
        return Discard("duplicate")
    return rule.then(rule.name)


def table(mail: Mail, facts: PostFacts) -> Iterator[tuple[str, bool]]:
    """Each row's name and whether it fits: what ``listserv explain`` prints."""
    return ((rule.name, rule.when(mail, facts)) for rule in POSTING_RULES)
