"""Private replies through relay addresses, and reports: what follows, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from listserv.core.address import Address
from listserv.core.administrivia import Asked
from listserv.core.aliases import Alias
from listserv.core.changes import CountBounce, Finish, KeepRelay, MarkSeen, OpenHold, PassOn, SendNotice
from listserv.core.decide import decide
from listserv.core.facts import RelayFacts, ReturnFacts, Traffic
from listserv.core.relaying import RELAY_RULES
from listserv.core.types import (
    ArrivalState,
    Automatic,
    Check,
    Mail,
    MemberState,
    Policy,
    Proof,
    Report,
    ReportClass,
    Role,
)
from tests.kit.people import ANA, DOMAIN, NOW, RING, SITE, a_list, a_mail, a_member

FORGED = Proof(policy=Policy.REJECT)
PROVEN = Proof(policy=Policy.REJECT, dkim=Check.PASSES)
TRUSTED = Proof(policy=Policy.REJECT, trusted=Check.PASSES)
RELAYED = (ArrivalState.COMMANDS, "relayed")
AWAY = (ArrivalState.COMMANDS, "out of office")
RELAY = Address("ana.silva.abcdefgh", DOMAIN)
OTHER_NAME, ELSEWHERE = Address("a.abcdefgh", DOMAIN), Address("ana.silva.abcdefgh", "elsewhere.example")


def facts(**fields: Any) -> RelayFacts:
    known: dict[str, Any] = {
        "list": a_list(),
        "member": a_member(),
        "approved": False,
        "duplicate": False,
        "held_twin": False,
        "preclaimed": False,
        "recipient": RELAY,
    }
    return RelayFacts(now=NOW, site=SITE, to=ANA, receiver=Alias("abcdefgh"), ring=RING, **(known | fields))


def private(**fields: Any) -> Mail:
    """A mail to the relay address."""
    return a_mail(**({"to": (RELAY,)} | fields))


HIDDEN, LEFT = a_list(visible="hidden"), a_member(state=MemberState.LEFT)
NOBODY = private(author=None, oddity="no author")

# fmt: off
CASES = [
    #  what                                mail                                       facts                                       end
    ("a member's reply",                   private(),                                  facts(),                                    RELAYED),
    ("a host's",                           private(),                                  facts(member=a_member(role=Role.HOST)),     RELAYED),
    ("a newcomer's",                       private(),                                  facts(member=a_member(probation_left=1)),   RELAYED),
    ("a member's in a hidden list",        private(),                                  facts(list=HIDDEN),                         RELAYED),
    ("a stranger's",                       private(),                                  facts(member=None),                         (ArrivalState.HELD, "stranger")),
    ("of somebody who left",               private(),                                  facts(member=LEFT),                         (ArrivalState.HELD, "stranger")),
    ("a stranger's in a hidden list",      private(),                                  facts(list=HIDDEN, member=None),            (ArrivalState.DISCARDED, "hidden list")),
    ("nobody's in a hidden list",          NOBODY,                                    facts(list=HIDDEN, member=None),            (ArrivalState.DISCARDED, "hidden list")),
    ("a stranger's, let through",          private(),                                  facts(member=None, approved=True),          RELAYED),
    ("what looks like spam",               private(spam=True),                         facts(),                                    (ArrivalState.HELD, "spam")),
    ("a stranger's spam",                  private(spam=True),                         facts(member=None),                         (ArrivalState.HELD, "spam")),
    ("no spam after all: let through",     private(spam=True),                         facts(approved=True),                       RELAYED),
    ("a vacation answer",                  private(automatic=Automatic.REPLY),         facts(),                                    (ArrivalState.DISCARDED, "automatic")),
    ("a bounce",                           private(automatic=Automatic.REPORT),        facts(),                                    (ArrivalState.DISCARDED, "automatic")),
    ("a machine's, let through",           private(automatic=Automatic.REPLY),         facts(approved=True),                       (ArrivalState.DISCARDED, "automatic")),
    ("nobody's",                           NOBODY,                                    facts(member=None),                         (ArrivalState.DISCARDED, "no author")),
    ("two Subjects",                       private(oddity="two Subject fields"),       facts(),                                    (ArrivalState.HELD, "odd mail")),
    ("two Subjects, let through",          private(oddity="two Subject fields"),       facts(approved=True),                       RELAYED),
    ("the answer to an invitation",        private(oddity="calendar reply"),           facts(),                                    RELAYED),
    ("p=reject, nothing passes",           private(proof=FORGED),                      facts(),                                    (ArrivalState.HELD, "forged")),
    ("p=reject, let through",              private(proof=FORGED),                      facts(approved=True),                       RELAYED),
    ("p=reject, signed",                   private(proof=PROVEN),                     facts(),                                    RELAYED),
    ("p=reject, signed for another place", a_mail(proof=PROVEN),                      facts(),                                    (ArrivalState.HELD, "not addressed to them")),
    ("in Bcc",                             a_mail(to=()),                             facts(),                                    (ArrivalState.HELD, "not addressed to them")),
    ("in Cc, by another name",             a_mail(cc=(OTHER_NAME,)),                  facts(),                                    RELAYED),
    ("to the same seal elsewhere",         a_mail(to=(ELSEWHERE,)),                   facts(),                                    (ArrivalState.HELD, "not addressed to them")),
    ("of whom the receiver blocks",        private(),                                 facts(blocked=True),                        (ArrivalState.DISCARDED, "blocked")),
    ("blocked, let through before that",   private(),                                 facts(blocked=True, approved=True),         (ArrivalState.DISCARDED, "blocked")),
    ("of whom a host banned",              private(),                                 facts(member=None, banned=True),            (ArrivalState.DISCARDED, "banned")),
    ("from an address of ours",            private(),                                 facts(of_ours=True),                        (ArrivalState.DISCARDED, "loop")),
    ("unlike this author's earlier mails", private(),                                 facts(earlier_proved=True),                 (ArrivalState.HELD, "unproven")),
    ("too big",                            private(size=10_000_001),                  facts(),                                    (ArrivalState.REFUSED, "too big")),
    ("too many within the hour",           private(),                                 facts(traffic=Traffic(sent_hour=8)),        (ArrivalState.HELD, "private mails")),
    ("as many, proven",                    private(proof=TRUSTED),                    facts(traffic=Traffic(sent_hour=8)),        RELAYED),
    ("too many, proven",                   private(proof=TRUSTED),                    facts(traffic=Traffic(sent_hour=20)),       (ArrivalState.HELD, "private mails")),
    ("too many, let through",              private(),                                 facts(traffic=Traffic(20), approved=True),  RELAYED),
    ("too many for one person today",      private(),                                 facts(traffic=Traffic(got_day=40)),         (ArrivalState.HELD, "private mails")),
    ("an awaited vacation answer",         private(automatic=Automatic.REPLY),        facts(awaited=True),                        AWAY),
    ("an awaited one, of whom is blocked", private(automatic=Automatic.REPLY),        facts(awaited=True, blocked=True),          (ArrivalState.DISCARDED, "automatic")),
    ("an awaited one, of nobody",          private(automatic=Automatic.REPLY, author=None), facts(awaited=True),                  (ArrivalState.DISCARDED, "automatic")),
    ("an awaited one, forged",             private(automatic=Automatic.REPLY, proof=FORGED), facts(awaited=True),                 (ArrivalState.DISCARDED, "automatic")),
    ("an awaited one, again",              private(automatic=Automatic.REPLY),        facts(awaited=True, duplicate=True),        (ArrivalState.DISCARDED, "automatic")),
    ("an awaited robot",                   private(automatic=Automatic.GENERATED),    facts(awaited=True),                        (ArrivalState.DISCARDED, "automatic")),
    ("a word for us",                      private(),                                 facts(request=Asked("block")),              (ArrivalState.COMMANDS, "block")),
    ("a word for us of whom is blocked",   private(),                                 facts(request=Asked("block"), blocked=True), (ArrivalState.COMMANDS, "block")),
    ("p=reject, signed, an old id",        private(proof=PROVEN),                     facts(preclaimed=True),                     (ArrivalState.HELD, "forged")),
    ("p=reject, a trusted hop says pass",  private(proof=TRUSTED),                     facts(),                                    RELAYED),
    ("the same mail again",                private(),                                  facts(duplicate=True),                      (ArrivalState.DISCARDED, "duplicate")),
    ("the same again, let through",        private(),                                  facts(duplicate=True, approved=True),       (ArrivalState.DISCARDED, "duplicate")),
    ("a stranger's twin of one that waits", private(),                                 facts(member=None, held_twin=True),         (ArrivalState.DISCARDED, "duplicate")),
    ("a member's twin of one that waits",  private(),                                  facts(held_twin=True),                      RELAYED),
    ("let through, its twin is out",       private(),                                  facts(duplicate=True, approved=True),       (ArrivalState.DISCARDED, "duplicate")),
    ("like one that waits, and would too", private(),                                  facts(member=None, held_twin=True),         (ArrivalState.DISCARDED, "duplicate")),
    ("like one that waits, now proven",    private(proof=TRUSTED),                     facts(held_twin=True),                      RELAYED),
    ("p=none, nothing passes",             private(proof=Proof(policy=Policy.NONE)),   facts(),                                    RELAYED),
]
# fmt: on


@pytest.mark.parametrize(
    ("mail", "facts", "end"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_private_reply_ends(mail: Mail, facts: RelayFacts, end: tuple[ArrivalState, str]) -> None:
    changes = decide(mail, facts)
    assert decide(mail, facts) == changes
    (finish,) = [change for change in changes if isinstance(change, Finish)]
    assert (finish.state, finish.why) == end
    kinds = {type(change) for change in changes} - {Finish, MarkSeen, SendNotice}
    expected = {ArrivalState.HELD: {OpenHold}, ArrivalState.COMMANDS: {KeepRelay, PassOn}}
    assert kinds == (set() if facts.request else expected.get(finish.state, set()))


@pytest.mark.parametrize(
    ("mail", "facts", "told"),
    [
        (private(to=()), facts(), True),
        (private(to=()), facts(answered=frozenset(["PrivateWaits"])), False),
        (private(to=(), proof=TRUSTED), facts(answered=frozenset(["PrivateWaits"])), True),
        (private(proof=TRUSTED), facts(traffic=Traffic(20)), True),
        (private(proof=TRUSTED), facts(traffic=Traffic(20), answered=frozenset(["PrivateWaits"])), False),
        (private(proof=FORGED), facts(), False),
        (private(), facts(member=None), False),
        (private(proof=TRUSTED), facts(member=None), True),
        (private(), facts(blocked=True), False),
    ],
)
def test_the_writer_hears_that_it_waits_where_nothing_fails_and_once_where_nothing_passes(
    mail: Mail, facts: RelayFacts, told: bool
) -> None:
    letters = [change for change in decide(mail, facts) if isinstance(change, SendNotice)]
    assert [letter.to for letter in letters] == [ANA] * told


def test_what_is_passed_on_comes_from_the_writers_own_relay_address() -> None:
    changes = decide(private(), facts())
    (kept,) = [change for change in changes if isinstance(change, KeepRelay)]
    (passed,) = [change for change in changes if isinstance(change, PassOn)]
    assert passed.sender.seal == kept.seal
    assert kept.address == ANA


@pytest.mark.parametrize("kind", [None, *ReportClass])
@pytest.mark.parametrize("subscription", [None, 7])
def test_only_failures_of_a_known_copy_count(kind: ReportClass | None, subscription: int | None) -> None:
    known = ReturnFacts(NOW, SITE, a_list(), 5, subscription)
    changes = decide(a_mail(report=Report(kind) if kind else None), known)
    counts = kind in (ReportClass.HARD, ReportClass.SOFT, ReportClass.POLICY) and subscription is not None
    assert [one.subscription_id for one in changes if isinstance(one, CountBounce)] == [7] * counts
    assert [one.state for one in changes if isinstance(one, Finish)] == [ArrivalState.COMMANDS]


def test_every_row_is_reached_and_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in RELAY_RULES]
    assert len(set(names)) == len(names)
    reached = {next(rule.name for rule in RELAY_RULES if rule.when(*case[1:3])) for case in CASES}
    assert reached == set(names)
