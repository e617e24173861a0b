"""Table 2: who may post. The first row that fits decides; the last always fits; the name travels along.

Order is policy: silent rows first, then what a host (or the operator) already decided, then rows that
doubt the sender, then rows about size and standing. A predicate only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from listserv.core.administrivia import Asked, Doubtful
from listserv.core.aliases import names_alias
from listserv.core.cards import CLOSED, RESTING, SLOWED, SPAM
from listserv.core.facts import PostFacts, RelayFacts
from listserv.core.guard import sign_in
from listserv.core.privacy import is_more_open, may
from listserv.core.quietly import QUIETLY
from listserv.core.records import dataclass
from listserv.core.seals import loop_marks, went_far
from listserv.core.storms import blows
from listserv.core.types import Automatic, Check, Mail, Policy, Role, Standing
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject, Verdict

Known = PostFacts | RelayFacts  # what predicates that both tables use may look at
F = TypeVar("F", PostFacts, RelayFacts)
STRICT = (Policy.QUARANTINE, Policy.REJECT)
_KEYS = ("application/pgp-keys", "application/pkix-cert", "application/x-x509-user-cert")
_NO_AUTHOR = ("no author", "several authors", "ambiguous From", "two From fields")


@dataclass(frozen=True, slots=True)
class Rule(Generic[F]):
    """A row of this table, or of that of private replies (relaying.py)."""

    name: str
    when: Callable[[Mail, F], bool]
    then: type[Accept] | type[Hold] | type[Reject] | type[Discard] | type[Obey]


def is_proven(mail: Mail, facts: Known) -> bool:
    """Whether something that counts passes for From. A DKIM pass counts only for mail to this place (§5)."""
    return facts.vouched or passes(mail, facts)


def passes(mail: Mail, facts: Known) -> bool:
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
    return not ours.isdisjoint((*mail.list_ids, *mail.loops)) or facts.come_back or went_far(mail)


def is_automatic(mail: Mail, facts: PostFacts) -> bool:
    return mail.automatic in (Automatic.REPLY, Automatic.CHALLENGE, Automatic.GENERATED)


def is_a_reaction(mail: Mail, facts: PostFacts) -> bool:
    """A thumb that a mail program sends as a mail. Hosts shall not have to wave each of them through."""
    return mail.oddity == "reaction"


def is_duplicate(mail: Mail, facts: Known) -> bool:
    return facts.duplicate


def is_banned(mail: Mail, facts: Known) -> bool:
    return facts.banned


def is_quiet(mail: Mail, facts: PostFacts) -> bool:
    """Asked without a name: a host always reads that first."""
    return facts.is_quiet


def is_approved(mail: Mail, facts: Known) -> bool:
    return facts.approved


def is_a_request(mail: Mail, facts: Known) -> bool:
    return isinstance(facts.request, Asked)


def is_spam(mail: Mail, facts: Known) -> bool:
    return mail.spam


def may_be_a_setting(mail: Mail, facts: PostFacts) -> bool:
    return isinstance(facts.request, Doubtful) and facts.standing is not Standing.STRANGER


def has_no_clear_author(mail: Mail, facts: PostFacts) -> bool:
    return mail.author is None or mail.oddity in _NO_AUTHOR


def is_odd(mail: Mail, facts: PostFacts) -> bool:
    return bool(mail.oddity)


def is_addressed_elsewhere(mail: Mail, facts: Known) -> bool:
    if isinstance(facts, RelayFacts):
        return not names_alias((*mail.to, *mail.cc), facts.recipient)
    ours = {facts.list.address.key, *(alias.key for alias in facts.list.aliases)}
    return ours.isdisjoint(address.key for address in (*mail.to, *mail.cc))


def is_forged(mail: Mail, facts: PostFacts) -> bool:
    known = facts.standing is not Standing.STRANGER
    return known and mail.proof.policy in STRICT and not is_proven(mail, facts)


def is_unproven(mail: Mail, facts: Known) -> bool:
    if facts.standing is Standing.STRANGER or is_proven(mail, facts):
        return False
    hosts_only = facts.list.settings.posting == "hosts" and facts.standing is Standing.HOST
    return facts.earlier_proved or hosts_only or is_of_our_domain(mail, facts)


def is_of_our_domain(mail: Mail, facts: Known) -> bool:
    """A From that our own signature would speak for: it must be proven before we sign it (A16)."""
    return mail.author is not None and mail.author.domain in (facts.site.domain, facts.list.address.domain)


def would_reveal_another_list(mail: Mail, facts: PostFacts) -> bool:
    return any(
        other.settings.visible != "listed" and is_more_open(facts.list.settings, other.settings)
        for other in facts.others
    )


def would_show_an_address(mail: Mail, facts: PostFacts) -> bool:
    """A signature or a key names its owner, and can't be changed: not without the author's word."""
    return facts.list.settings.from_ == "relay" and (mail.sealed or has_a_key(mail))


def has_a_key(mail: Mail) -> bool:
    return any(part.type in _KEYS for part in mail.parts)


def is_too_big(mail: Mail, facts: Known) -> bool:
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
    Rule("reaction",                    is_a_reaction,               Discard),
    Rule("duplicate",                   is_duplicate,                Discard),
    Rule("approved",                    is_approved,                 Accept),
    Rule(QUIETLY,                       is_quiet,                    Hold),
    Rule("banned",                      is_banned,                   Discard),
    Rule("no clear author",             has_no_clear_author,         Hold),
    Rule("a request",                   is_a_request,                Obey),
    Rule(SPAM,                          is_spam,                     Hold),
    Rule("post or setting",             may_be_a_setting,            Hold),
    Rule("odd mail",                    is_odd,                      Hold),
    Rule("not addressed to us",         is_addressed_elsewhere,      Hold),
    Rule("forged",                      is_forged,                   Hold),
    Rule("unproven",                    is_unproven,                 Hold),
    Rule("would reveal another list",   would_reveal_another_list,   Hold),
    Rule("would show an address",       would_show_an_address,       Hold),
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
