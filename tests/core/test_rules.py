"""Table 2, row by row: who may post. Aligned like the table itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from listserv.core.address import Address
from listserv.core.administrivia import Asked, Doubtful
from listserv.core.changes import Finish, KeepPost, KeepRelay, OpenHold, SendNotice
from listserv.core.decide import decide
from listserv.core.facts import PostFacts
from listserv.core.guard import Company
from listserv.core.rules import POSTING_RULES, judge, table
from listserv.core.threads import Reins
from listserv.core.types import ArrivalState, Automatic, Check, Mail, MemberState, Part, Policy, Proof, Role
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject, Verdict
from tests.kit.people import ANA, BOOK, DOMAIN, NOW, a_list, a_mail, a_member, the_facts

HOST = a_member(role=Role.HOST)
OTHER = Address("other", DOMAIN)
SIGNED = Proof(dkim=Check.PASSES, policy=Policy.REJECT, intact=True)
TRUSTED = Proof(trusted=Check.PASSES, policy=Policy.REJECT)
UNSIGNED = Proof(policy=Policy.REJECT)
SECRET = a_list(visible="hidden")
KEY = Part(1, "application/pgp-keys", "key.asc", 900, attached=True)
SECRETLY = "Between you and me, it was awful."
FILE = Part(1, "application/zip", "prices.zip", 9_000, attached=True)
LATER = NOW + timedelta(hours=1)


def mail(**fields: Any) -> Mail:
    return a_mail(**fields)


def facts(**fields: Any) -> PostFacts:
    return the_facts(**fields)


# fmt: off
CASES: list[tuple[str, Mail, PostFacts, Verdict]] = [
    #  what                                     mail                                        facts                                          verdict
    ("a member's post",                         mail(),                                     facts(),                                       Accept("welcome")),
    ("a host's post",                           mail(),                                     facts(member=HOST),                            Accept("welcome")),
    ("a paused member's post",                  mail(),                                     facts(member=a_member(state=MemberState.PAUSED)), Accept("welcome")),
    ("a stranger at a hidden list",             mail(),                                     facts(list=SECRET, member=None),               Discard("hidden list")),
    ("nobody at a hidden list",                 mail(author=None, oddity="no author"),      facts(list=SECRET, member=None),               Discard("hidden list")),
    ("who left, at a hidden list",              mail(),                                     facts(list=SECRET, member=a_member(state=MemberState.LEFT)), Discard("hidden list")),
    ("a bounce to the list",                    mail(automatic=Automatic.REPORT),           facts(),                                       Discard("report")),
    ("our own List-Id",                         mail(list_ids=(f"book.{DOMAIN}",)),         facts(),                                       Discard("loop")),
    ("our own X-Loop",                          mail(loops=(str(BOOK),)),                   facts(),                                       Discard("loop")),
    ("a post come back changed",                mail(),                                     facts(come_back=True),                         Discard("loop")),
    ("a prove-that-you-are-a-person",           mail(automatic=Automatic.CHALLENGE),        facts(),                                       Discard("automatic")),
    ("another list's post",                     mail(list_ids=("news.other.example",)),     facts(),                                       Accept("welcome")),
    ("a vacation mail",                         mail(automatic=Automatic.REPLY),            facts(),                                       Discard("automatic")),
    ("a robot",                                 mail(automatic=Automatic.GENERATED),        facts(),                                       Discard("automatic")),
    ("a thumb that a mail program sends",       mail(oddity="reaction"),                    facts(),                                       Discard("reaction")),
    ("the same mail again",                     mail(),                                     facts(duplicate=True, preclaimed=True),        Discard("duplicate")),
    ("a twin waits, this one would too",        mail(),                                     facts(member=None, held_twin=True),            Discard("duplicate")),
    ("a twin waits, this one may go out",       mail(),                                     facts(held_twin=True),                         Accept("welcome")),
    ("signed, but the Message-ID was seen",     mail(proof=SIGNED),                         facts(preclaimed=True),                        Hold("forged")),
    ("the same Message-ID, other words",        mail(),                                     facts(preclaimed=True),                        Accept("welcome")),
    ("a stranger's, let through",               mail(),                                     facts(member=None, approved=True),             Accept("approved")),
    ("a forged one, let through",               mail(proof=UNSIGNED),                       facts(approved=True),                          Accept("approved")),
    ("asked without a name",                    mail(oddity="NUL"),                         facts(member=None, is_quiet=True, list=SECRET), Hold("quietly")),
    ("asked without a name, let through",       mail(),                                     facts(member=None, is_quiet=True, approved=True), Accept("approved")),
    ("from whom a host banned",                 mail(),                                     facts(member=None, banned=True),               Discard("banned")),
    ("from whom a host banned, let through",    mail(),                                     facts(member=None, banned=True, approved=True), Accept("approved")),
    ("approved, but a duplicate",               mail(),                                     facts(approved=True, duplicate=True),          Discard("duplicate")),
    ("nothing but a request",                   mail(),                                     facts(request=Asked("mute")),                  Obey("a request")),
    ("a request, forged",                       mail(proof=UNSIGNED),                       facts(request=Asked("leave")),                 Obey("a request")),
    ("a stranger's request",                    mail(),                                     facts(request=Asked("leave"), member=None),    Obey("a request")),
    ("a request from nobody",                   mail(author=None, oddity="no author"),      facts(request=Asked("leave"), member=None),    Hold("no clear author")),
    ("what our mail server calls spam",         mail(spam=True),                            facts(),                                       Hold("spam")),
    ("a stranger's spam",                       mail(spam=True),                            facts(member=None),                            Hold("spam")),
    ("a host's spam, signed",                   mail(spam=True, proof=SIGNED),              facts(member=HOST),                            Hold("spam")),
    ("spam in a member's name",                 mail(spam=True, proof=UNSIGNED),            facts(),                                       Hold("spam")),
    ("spam at a hidden list",                   mail(spam=True),                            facts(list=SECRET, member=None),               Discard("hidden list")),
    ("no spam after all: let through",          mail(spam=True),                            facts(member=None, approved=True),             Accept("approved")),
    ("the same spam again",                     mail(spam=True),                            facts(member=None, held_twin=True),            Discard("duplicate")),
    ("spam from whom a host banned",            mail(spam=True),                            facts(member=None, banned=True),               Discard("banned")),
    ("a request that looks like spam",          mail(spam=True),                            facts(request=Asked("mute")),                  Obey("a request")),
    ("one bare word that looks like spam",      mail(spam=True),                            facts(request=Doubtful("3")),                  Hold("spam")),
    ("a stranger's files where anyone may post", mail(parts=(FILE,)),                       facts(member=None, list=a_list(posting="anyone")), Hold("stranger")),
    ("a stranger's links where anyone may post", mail(text="https://a.example/"),           facts(member=None, list=a_list(posting="anyone")), Hold("stranger")),
    ("a newcomer's files",                      mail(parts=(FILE,)),                        facts(member=a_member(probation_left=1)),      Hold("probation")),
    ("one bare word",                           mail(),                                     facts(request=Doubtful("3")),                  Hold("post or setting")),
    ("one bare word of a stranger's",           mail(),                                     facts(request=Doubtful("3"), member=None),     Hold("stranger")),
    ("one bare word, let through",              mail(),                                     facts(request=Doubtful("3"), approved=True),   Accept("approved")),
    ("no author",                               mail(author=None, oddity="no author"),      facts(member=None),                            Hold("no clear author")),
    ("From that reads two ways",                mail(oddity="ambiguous From"),              facts(),                                       Hold("no clear author")),
    ("two From fields",                         mail(oddity="two From fields"),             facts(),                                       Hold("no clear author")),
    ("two Subject fields",                      mail(oddity="two Subject fields"),          facts(),                                       Hold("odd mail")),
    ("a piece of a mail",                       mail(oddity="message/partial"),             facts(),                                       Hold("odd mail")),
    ("the list in Bcc",                         mail(to=(ANA,)),                            facts(),                                       Hold("not addressed to us")),
    ("the list in Cc",                          mail(to=(ANA,), cc=(BOOK,)),                facts(),                                       Accept("welcome")),
    ("an alias of the list in To",              mail(to=(OTHER,)),                          facts(list=replace(a_list(), aliases=(OTHER,))), Accept("welcome")),
    ("p=reject, nothing passes",                mail(proof=UNSIGNED),                       facts(),                                       Hold("forged")),
    ("p=quarantine, nothing passes",            mail(proof=Proof(policy=Policy.QUARANTINE)), facts(),                                      Hold("forged")),
    ("p=reject, a stranger",                    mail(proof=UNSIGNED),                       facts(member=None),                            Hold("stranger")),
    ("p=reject, signed",                        mail(proof=SIGNED),                         facts(),                                       Accept("welcome")),
    ("p=reject, a trusted hop says pass",       mail(proof=TRUSTED),                        facts(),                                       Accept("welcome")),
    ("signed, but for another list",            mail(proof=SIGNED, to=(ANA,)),              facts(),                                       Hold("not addressed to us")),
    ("p=none, nothing passes",                  mail(proof=Proof(policy=Policy.NONE)),      facts(),                                       Accept("welcome")),
    ("DNS does not answer",                     mail(proof=Proof(policy=Policy.UNKNOWN)),   facts(),                                       Accept("welcome")),
    ("passed before, not now",                  mail(proof=Proof(policy=Policy.NONE)),      facts(earlier_proved=True),                    Hold("unproven")),
    ("a host where only hosts post, unproven",  mail(),                                     facts(member=HOST, list=a_list(posting="hosts")), Hold("unproven")),
    ("a host where only hosts post, signed",    mail(proof=SIGNED),                         facts(member=HOST, list=a_list(posting="hosts")), Accept("welcome")),
    ("also to a hidden list",                   mail(),                                     facts(others=(SECRET,)),                       Hold("would reveal another list")),
    ("also to a list as private",               mail(),                                     facts(others=(a_list(),)),                     Accept("welcome")),
    ("also to a private one, from a listed",    mail(),                                     facts(list=a_list(visible="listed"), others=(a_list(),)), Hold("would reveal another list")),
    ("also to a listed one",                    mail(),                                     facts(others=(a_list(visible="listed"),)),     Accept("welcome")),
    ("private archive beside a public one",     mail(),                                     facts(list=a_list(archive="public"), others=(a_list(),)), Hold("would reveal another list")),
    ("signed, where addresses are hidden",      mail(sealed=True),                          facts(list=a_list(from_="relay")),             Hold("would show an address")),
    ("with a key, where they are hidden",       mail(parts=(KEY,)),                         facts(list=a_list(from_="relay")),             Hold("would show an address")),
    ("signed, and its author said yes",         mail(sealed=True),                          facts(list=a_list(from_="relay"), approved=True), Accept("approved")),
    ("signed, where they are not hidden",       mail(sealed=True),                          facts(),                                       Accept("welcome")),
    ("too big",                                 mail(size=11_000_000),                      facts(),                                       Reject("too big")),
    ("the eleventh post of a day",              mail(),                                     facts(list=a_list(max_posts_per_day=10), posts_today=10), Hold("posts per day")),
    ("the tenth post of a day",                 mail(),                                     facts(list=a_list(max_posts_per_day=10), posts_today=9), Accept("welcome")),
    ("the hundred and first in ten minutes",    mail(),                                     facts(storm_count=100),                        Hold("storm")),
    ("a storm, breaker off",                    mail(),                                     facts(list=a_list(storm="0"), storm_count=100), Accept("welcome")),
    ("a stranger",                              mail(),                                     facts(member=None),                            Hold("stranger")),
    ("a stranger where anyone may post",        mail(),                                     facts(member=None, list=a_list(posting="anyone")), Hold("stranger")),
    ("who has not confirmed yet",               mail(),                                     facts(member=a_member(state=MemberState.PENDING)), Hold("stranger")),
    ("a newcomer",                              mail(),                                     facts(member=a_member(probation_left=1)),      Hold("probation")),
    ("says that it is for one person",          mail(said=SECRETLY),                        facts(),                                       Hold("guard")),
    ("a host says so",                          mail(said=SECRETLY),                        facts(member=HOST),                            Hold("guard")),
    ("says so, guard off",                      mail(said=SECRETLY),                        facts(list=a_list(guard=False)),               Accept("welcome")),
    ("says so, let through",                    mail(said=SECRETLY),                        facts(approved=True),                          Accept("approved")),
    ("a newcomer says so",                      mail(said=SECRETLY),                        facts(member=a_member(probation_left=1)),      Hold("probation")),
    ("a stranger says so",                      mail(said=SECRETLY),                        facts(member=None),                            Hold("stranger")),
    ("a request, whatever it says",             mail(said=SECRETLY),                        facts(request=Asked("mute")),                  Obey("a request")),
    ("answers a private mail",                  mail(),                                     facts(company=Company(private=True)),          Hold("guard")),
    ("a member where only hosts post",          mail(),                                     facts(list=a_list(posting="hosts")),           Hold("hosts only")),
    ("a hundred machines' mails in ten minutes", mail(),                                    facts(automatic_count=100),                    Hold("storm")),
    ("the twenty-first of one thread in ten",   mail(),                                     facts(reins=Reins(1, lately=20)),              Hold("storm")),
    ("the twentieth of one thread in ten",      mail(),                                     facts(reins=Reins(1, lately=19)),              Accept("welcome")),
    ("a thread storm, breaker off",             mail(),                                     facts(list=a_list(storm="0"), reins=Reins(1, lately=99)), Accept("welcome")),
    ("in a thread that rests",                  mail(),                                     facts(reins=Reins(1, rests_until=LATER)),      Hold("resting")),
    ("in a thread that has rested",             mail(),                                     facts(reins=Reins(1, rests_until=NOW)),        Accept("welcome")),
    ("a host, in a thread that rests",          mail(),                                     facts(member=HOST, reins=Reins(1, rests_until=LATER, steers=True)), Accept("welcome")),
    ("a newcomer, in a thread that rests",      mail(),                                     facts(member=a_member(probation_left=1), reins=Reins(1, rests_until=LATER)), Hold("probation")),
    ("the second of a day where one is allowed", mail(),                                    facts(reins=Reins(1, slow=1, today=1)),        Hold("slowed")),
    ("the first of a day where one is allowed", mail(),                                     facts(reins=Reins(1, slow=1)),                 Accept("welcome")),
    ("in a closed thread",                      mail(),                                     facts(reins=Reins(1, closed=True, rests_until=LATER)), Hold("closed")),
    ("a section's host, in a closed thread",    mail(),                                     facts(reins=Reins(1, closed=True, steers=True)), Accept("welcome")),
    ("into a closed thread, let through",       mail(),                                     facts(approved=True, reins=Reins(1, closed=True)), Accept("approved")),
]
# fmt: on


@pytest.mark.parametrize(
    ("mail", "facts", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_verdict_is(mail: Mail, facts: PostFacts, verdict: Verdict) -> None:
    assert judge(mail, facts) == verdict


def test_every_row_of_the_table_decides_some_case() -> None:
    assert {rule.name for rule in POSTING_RULES} == {verdict.rule for *_, verdict in CASES}


def test_every_combination_has_exactly_one_verdict_and_its_row_fits() -> None:
    proofs = (Proof(), SIGNED, UNSIGNED)
    members = (None, a_member(), HOST, a_member(probation_left=2))
    lists = (a_list(), SECRET, a_list(posting="hosts"), a_list(posting="anyone", visible="listed"))
    oddities = ("", "no author", "NUL")
    for proof, member, list_, oddity, automatic in product(proofs, members, lists, oddities, Automatic):
        one, known = mail(proof=proof, oddity=oddity, automatic=automatic), facts(member=member, list=list_)
        assert dict(table(one, known))[judge(one, known).rule]


def test_deciding_twice_asks_for_the_very_same_changes() -> None:
    for _, one, known, _ in CASES:
        assert decide(one, known) == decide(one, known)


def test_every_decision_ends_its_arrival_exactly_once() -> None:
    for _, one, known, _ in CASES:
        assert sum(isinstance(change, Finish) for change in decide(one, known)) == 1


# -- what follows from a verdict --------------------------------------------------------------------


def kept(one: Mail, known: PostFacts) -> KeepPost:
    return next(change for change in decide(one, known) if isinstance(change, KeepPost))


def end(one: Mail, known: PostFacts) -> Finish:
    return next(change for change in decide(one, known) if isinstance(change, Finish))


def told(one: Mail, known: PostFacts) -> list[SendNotice]:
    return [change for change in decide(one, known) if isinstance(change, SendNotice)]


def test_a_post_rests_in_the_outbox_as_long_as_the_list_says() -> None:
    assert (kept(mail(), facts()).release_at, end(mail(), facts()).state) == (
        NOW.replace(minute=2),
        ArrivalState.HELD,
    )
    at_once = facts(list=a_list(outbox_minutes=0))
    assert (kept(mail(), at_once).release_at, end(mail(), at_once).state) == (None, ArrivalState.POSTED)


def test_what_a_host_let_through_does_not_rest_in_the_outbox_again() -> None:
    assert kept(mail(), facts(member=None, approved=True)).release_at is None


def test_a_preclaimed_message_id_gets_an_archive_key_of_its_own() -> None:
    assert kept(mail(), facts(preclaimed=True)).hash != kept(mail(), facts()).hash


def test_a_stranger_learns_of_a_hold_only_if_authentication_passes() -> None:
    assert told(mail(), facts(member=None)) == []
    assert told(mail(proof=SIGNED), facts(member=None))[0].to == ANA


def test_a_stranger_never_reads_a_private_lists_title() -> None:
    private = told(mail(proof=SIGNED), facts(member=None))[0]
    assert "Book Circle" not in repr(private.notice)
    listed = told(mail(proof=SIGNED), facts(member=None, list=a_list(visible="listed")))[0]
    assert "Book Circle" in repr(listed.notice)


def test_a_member_is_told_at_the_known_address_once_a_day_where_nothing_passes() -> None:
    newcomer = facts(member=a_member(probation_left=1, address=Address("ana", "known.example")))
    assert [str(notice.to) for notice in told(mail(), newcomer)] == ["ana@known.example"]
    assert told(mail(), replace(newcomer, answered=frozenset({"Held"}))) == []


def test_nobody_is_told_of_a_forged_or_a_machines_mail() -> None:
    assert told(mail(proof=UNSIGNED), facts()) == []
    assert told(mail(automatic=Automatic.REPLY), facts(member=None)) == []


def test_nobody_is_told_of_what_seems_to_be_spam() -> None:
    for member in (None, a_member(), HOST):
        for proof in (Proof(), SIGNED, TRUSTED):
            assert told(mail(spam=True, proof=proof), facts(member=member)) == []


def test_an_author_without_dmarc_policy_stays_in_from() -> None:
    assert kept(mail(), facts()).from_ == "author"


@pytest.mark.parametrize(
    ("proof", "settings", "from_"),
    [
        (SIGNED, {}, "author"),
        (SIGNED, {"subject_tag": "Book"}, "relay"),
        (SIGNED, {"footer": "Bye"}, "relay"),
        (TRUSTED, {}, "relay"),
        (Proof(policy=Policy.UNKNOWN), {}, "relay"),
        (Proof(policy=Policy.NONE), {}, "author"),
        (SIGNED, {"from_": "relay"}, "hidden"),
        (TRUSTED, {"from_": "author"}, "author"),
    ],
)
def test_from_shows_the_author_where_that_arrives(proof: Proof, settings: dict[str, str], from_: str) -> None:
    post = kept(mail(proof=proof), facts(list=a_list(**settings)))
    assert post.from_ == from_
    assert bool(post.public_id) is (from_ == "hidden")


def test_a_gmail_author_that_is_not_signed_is_relayed_whatever_gmail_publishes() -> None:
    gmail = Address("ana", "gmail.com")
    assert kept(mail(author=gmail, proof=Proof(policy=Policy.NONE)), facts()).from_ == "relay"


def test_a_relayed_author_can_be_reached() -> None:
    changes = decide(mail(proof=TRUSTED), facts())
    assert [change.address for change in changes if isinstance(change, KeepRelay)] == [ANA]


def test_a_hold_names_its_rule() -> None:
    changes = decide(mail(), facts(member=None))
    assert [change.why for change in changes if isinstance(change, OpenHold)] == ["stranger"]
