"""Private replies through relay addresses, and reports: what follows, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from listserv.core.address import Address
from listserv.core.changes import CountBounce, Finish, KeepRelay, MarkSeen, OpenHold, PassOn
from listserv.core.decide import decide
from listserv.core.facts import RelayFacts, ReturnFacts
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
RELAY = Address("ana.silva.abcdefgh", DOMAIN)


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
    return RelayFacts(now=NOW, site=SITE, to=ANA, to_name="Ana Silva", ring=RING, **(known | fields))


HIDDEN, LEFT = a_list(visible="hidden"), a_member(state=MemberState.LEFT)
NOBODY = a_mail(author=None, oddity="no author")

# fmt: off
CASES = [
    #  what                                mail                                       facts                                       end
    ("a member's reply",                   a_mail(),                                  facts(),                                    RELAYED),
    ("a host's",                           a_mail(),                                  facts(member=a_member(role=Role.HOST)),     RELAYED),
    ("a newcomer's",                       a_mail(),                                  facts(member=a_member(probation_left=1)),   RELAYED),
    ("a member's in a hidden list",        a_mail(),                                  facts(list=HIDDEN),                         RELAYED),
    ("a stranger's",                       a_mail(),                                  facts(member=None),                         (ArrivalState.HELD, "stranger")),
    ("of somebody who left",               a_mail(),                                  facts(member=LEFT),                         (ArrivalState.HELD, "stranger")),
    ("a stranger's in a hidden list",      a_mail(),                                  facts(list=HIDDEN, member=None),            (ArrivalState.DISCARDED, "hidden list")),
    ("nobody's in a hidden list",          NOBODY,                                    facts(list=HIDDEN, member=None),            (ArrivalState.DISCARDED, "hidden list")),
    ("a stranger's, let through",          a_mail(),                                  facts(member=None, approved=True),          RELAYED),
    ("what looks like spam",               a_mail(spam=True),                         facts(),                                    (ArrivalState.HELD, "spam")),
    ("a stranger's spam",                  a_mail(spam=True),                         facts(member=None),                         (ArrivalState.HELD, "spam")),
    ("no spam after all: let through",     a_mail(spam=True),                         facts(approved=True),                       RELAYED),
    ("a vacation answer",                  a_mail(automatic=Automatic.REPLY),         facts(),                                    (ArrivalState.DISCARDED, "automatic")),
    ("a bounce",                           a_mail(automatic=Automatic.REPORT),        facts(),                                    (ArrivalState.DISCARDED, "automatic")),
    ("a machine's, let through",           a_mail(automatic=Automatic.REPLY),         facts(approved=True),                       (ArrivalState.DISCARDED, "automatic")),
    ("nobody's",                           NOBODY,                                    facts(member=None),                         (ArrivalState.DISCARDED, "no author")),
    ("two Subjects",                       a_mail(oddity="two Subject fields"),       facts(),                                    (ArrivalState.HELD, "odd mail")),
    ("two Subjects, let through",          a_mail(oddity="two Subject fields"),       facts(approved=True),                       RELAYED),
    ("the answer to an invitation",        a_mail(oddity="calendar reply"),           facts(),                                    RELAYED),
    ("p=reject, nothing passes",           a_mail(proof=FORGED),                      facts(),                                    (ArrivalState.HELD, "forged")),
    ("p=reject, let through",              a_mail(proof=FORGED),                      facts(approved=True),                       RELAYED),
    ("p=reject, signed",                   a_mail(proof=PROVEN, to=(RELAY,)),         facts(),                                    RELAYED),
    ("p=reject, signed for another place", a_mail(proof=PROVEN),                      facts(),                                    (ArrivalState.HELD, "forged")),
    ("p=reject, signed, an old id",        a_mail(proof=PROVEN, to=(RELAY,)),         facts(preclaimed=True),                     (ArrivalState.HELD, "forged")),
    ("p=reject, a trusted hop says pass",  a_mail(proof=TRUSTED),                     facts(),                                    RELAYED),
    ("the same mail again",                a_mail(),                                  facts(duplicate=True),                      (ArrivalState.DISCARDED, "duplicate")),
    ("the same again, let through",        a_mail(),                                  facts(duplicate=True, approved=True),       (ArrivalState.DISCARDED, "duplicate")),
    ("a stranger's twin of one that waits", a_mail(),                                 facts(member=None, held_twin=True),         (ArrivalState.DISCARDED, "duplicate")),
    ("a member's twin of one that waits",  a_mail(),                                  facts(held_twin=True),                      RELAYED),
    ("let through, its twin is out",       a_mail(),                                  facts(duplicate=True, approved=True),       (ArrivalState.DISCARDED, "duplicate")),
    ("like one that waits, and would too", a_mail(),                                  facts(member=None, held_twin=True),         (ArrivalState.DISCARDED, "duplicate")),
    ("like one that waits, now proven",    a_mail(proof=TRUSTED),                     facts(held_twin=True),                      RELAYED),
    ("p=none, nothing passes",             a_mail(proof=Proof(policy=Policy.NONE)),   facts(),                                    RELAYED),
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
    kinds = {type(change) for change in changes} - {Finish, MarkSeen}
    expected = {ArrivalState.HELD: {OpenHold}, ArrivalState.COMMANDS: {KeepRelay, PassOn}}
    assert kinds == expected.get(finish.state, set())


def test_what_is_passed_on_comes_from_the_writers_own_relay_address() -> None:
    changes = decide(a_mail(), facts())
    (kept,) = [change for change in changes if isinstance(change, KeepRelay)]
    (passed,) = [change for change in changes if isinstance(change, PassOn)]
    assert passed.from_seal == kept.seal
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
