"""What the owner hears of how our mail is received: once a day, with what can be done, and never too much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from listserv.core.refusals import cause_of
from listserv.core.types import Deferred, Failed, MemberState, Outcome, Sent
from listserv.flow.alarm_round import sound
from listserv.flow.deliver import deliver_due
from listserv.flow.parcel import Parcel
from listserv.store import schema
from tests.kit.returned import as_it_arrived, complaint
from tests.kit.world import World, open_world, sqlite_in

POST = b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: One\nMessage-ID: <%d@a>\n\nWords %d\n"
OWNER = "owner@example.org"
NO = "5.7.26 Unauthenticated email from lists.example.org is not accepted due to domain's DMARC policy"

# fmt: off
CAUSES = [
    ("550 5.7.26 " + NO,                                                         "authentication"),
    ("550 5.7.515 Access denied, sending domain does not meet the required level", "authentication"),
    ("550 5.7.1 SPF check failed",                                               "authentication"),
    ("550 5.7.25 The IP address sending this message does not have a PTR record", "name"),
    ("550 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",         "blocklist"),
    ("550 5.7.1 messages weren't sent; part of their network is on our block list (S3150)", "blocklist"),
    ("550 5.7.10 Must issue a STARTTLS command first",                           "tls"),
    ("550 5.7.1 very low reputation of the sending domain",                      "reputation"),
    ("554 5.7.1 This message is likely unsolicited mail",                        "reputation"),
    ("550 5.7.1 blocked by our policy",                                          "other"),
    ("",                                                                         "other"),
]
# fmt: on


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


def members(world: World, **many: int) -> None:
    book = world.circle("book", storm="0")
    world.member(book, "ana@ana.example", copies=False)
    for house, number in many.items():
        for n in range(number):
            world.member(book, f"m{n}@{house}.com")


def refusing(world: World, said: dict[str, Outcome]) -> None:
    def answer(parcel: Parcel) -> Outcome:
        return said.get(parcel.envelope.recipients[0].partition("@")[2], Sent(250, "ok"))

    world.pigeons.answer = answer


def heard(world: World) -> list[str]:
    """What the owner was told, each as one line."""
    return [" ".join(one.raw.decode().split()) for one in world.outbox if one.recipient == OWNER]


@pytest.mark.parametrize(("words", "cause"), CAUSES)
def test_a_providers_words_say_what_can_be_done(words: str, cause: str) -> None:
    assert cause_of(words) == cause


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
def test_many_refusals_by_one_provider_are_one_mail_a_day_and_nobodys_bounce(world: World, at: str) -> None:
    """standards.md §5, 89."""
    members(world, gmail=120)
    refusing(world, {"gmail.com": Failed(550, NO, at)})
    for number in range(3):
        world.receive(POST % (number, number))
        world.pass_time(minutes=15)
    (mail,) = heard(world)
    assert "Subject: Gmail refuses mails of lists.example.org" in mail
    assert "Gmail refused 120 mails, to 120 of our members. 550 5.7.26 Unauthenticated" in mail
    assert "SPF, DKIM or DMARC does not pass" in mail
    assert "listserv doctor" in mail
    with world.store.read() as tx:
        rows = tx.execute(select(schema.subscriptions.c.score, schema.subscriptions.c.state)).all()
    assert {tuple(row) for row in rows} == {(0, MemberState.ACTIVE)}
    world.pass_time(days=1)
    assert len(heard(world)) == 2
    assert "Gmail refused 360 mails, to 120 of our members." in heard(world)[1]


def test_a_mail_that_is_too_big_for_somebody_alarms_nobody(world: World) -> None:
    members(world, gmail=3)
    refusing(world, {"gmail.com": Failed(552, "5.3.4 message too big", "DATA")})
    world.receive(POST % (1, 1))
    world.pass_time(hours=1)
    assert heard(world) == []


def test_several_providers_are_one_mail_and_small_ones_one_line(world: World) -> None:
    no = Failed(550, "5.7.1 blocked using zen.spamhaus.org", "RCPT")
    members(world, gmail=2, hotmail=1, hill=1, lake=1)
    refusing(world, {f"{house}.com": no for house in ("gmail", "hotmail", "hill", "lake")})
    world.receive(POST % (1, 1))
    world.pass_time(minutes=10)
    (mail,) = heard(world)
    assert "Mails of lists.example.org are refused for what they are" in mail
    for line in ("Gmail refused 2 mails", "Microsoft refused 1 mail.", "Smaller providers refused 2 mails"):
        assert line in mail
    assert mail.count("stands on a blocklist") == 3
    refusing(world, {"yahoo.com": no, "gmail.com": no})
    with world.store.read() as tx:
        assert tx.scalar(select(schema.lists.c.id)) == 1
    world.receive(POST % (2, 2))
    world.pass_time(hours=2)
    assert len(heard(world)) == 1, "nothing new to tell"


def test_a_provider_that_rests_for_hours_is_told_of_once_a_day(world: World) -> None:
    members(world, gmail=12)
    refusing(world, {"gmail.com": Deferred(421, "4.7.28 unusual rate")})
    world.receive(POST % (1, 1))
    for _ in range(16):
        world.clock.move(timedelta(minutes=20))
        while deliver_due(world.depot):
            pass
        sound(world.pen, world.clock.now())
    while deliver_due(world.depot):
        pass
    (mail,) = heard(world)
    assert "Gmail puts off mails of lists.example.org" in mail
    assert "421 4.7.28 unusual rate" in mail


def test_three_complaints_of_members_are_too_many_of_thirty_mails_and_made_up_ones_count_for_nothing(
    world: World,
) -> None:
    members(world, gmail=10)
    for number in range(3):
        world.receive(POST % (number, number))
    copies = [one for one in world.outbox if b"Kind: post" in one.raw]
    for number in range(9):
        world.receive(complaint(b"Subject: x\n\nmade up", "abuse", number), to="abuse@lists.example.org")
    world.pass_time(hours=2)
    assert heard(world) == []
    for number, copy in enumerate(copies[:3]):
        world.receive(complaint(as_it_arrived(copy), "abuse", 100 + number), to="abuse@lists.example.org")
    world.pass_time(hours=2)
    (mail,) = heard(world)
    assert "Within 7 days 3 people told their providers" in mail
    assert "of 30 mails that went out" in mail
    assert "Book Circle: 3" in mail
    world.pass_time(hours=5)
    assert len(heard(world)) == 1
