"""Where is this mail? One call answers, from whatever the operator has in hand (docs/watching.md)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listserv.core.types import ArrivalState, Deferred, Failed, Sent
from listserv.errors import BadData
from listserv.life_story import Surroundings, mails, why_nothing_leaves
from listserv.store import arrivals, holds, lives
from listserv.where_is import find
from tests.kit.house import BOOK, House, found
from tests.kit.mailroom import Mailroom, Script
from tests.kit.people import SITE
from tests.kit.server import HANG
from tests.kit.world import World, open_world, sqlite_in

__all__ = ["found"]  # a fixture

REFUSED = {
    "m1@members.example": "450 4.2.0 <m1@members.example> greylisted",
    "m2@members.example": "550 5.1.1 <m2@members.example> nobody here",
}


def send(house: House, raw: bytes, sender: str, to: str = BOOK) -> str:
    """What our 250 said."""
    with smtplib.SMTP("127.0.0.1", house.port, timeout=HANG) as client:
        client.ehlo()
        client.mail(sender)
        client.rcpt(to)
        code, said = client.data(raw)
    assert code == 250
    return f"{code} {said.decode()}"


def test_whatever_an_operator_has_in_hand_leads_to_the_mail(
    found: Callable[..., House], database_url: str
) -> None:
    with Mailroom(Script(refuse=REFUSED)) as room:
        house = found(room, url=database_url, members=5)
        letter, reply = house.letter(0), house.letter(3)
        answer = reply.raw.replace(b"Date:", b"In-Reply-To: <m0@k.example>\r\nDate:", 1)
        with house.life():
            said = send(house, letter.raw, letter.sender)
            house.settled()
            send(house, answer, reply.sender)
            send(house, letter.raw, letter.sender)
            send(house, house.letter(7).raw, "far@away.example", f"book+host@{BOOK.partition('@')[2]}")
            house.settled()
    kept = said.split()[-1]
    (first,) = house.tell("queue", "show", "arrival=1")["mails"]
    assert first["kept_as"] == kept
    assert first["story"][0].endswith(f"for {BOOK}, and was kept as {kept}.")
    assert first["copies"]["states"] == {"due": 0, "sending": 0, "sent": 3, "deferred": 1, "failed": 1}
    assert {one["to"]: one["state"] for one in first["copies"]["troubled"]} == {
        "m1@members.example": "deferred",
        "m2@members.example": "failed",
    }
    hash_ = first["post"]["hash"]
    for word in (said, kept, "<m0@k.example>", "m0@k.example", "post=1", '"arrival": 1', "mail 1"):
        assert house.tell("queue", "show", word)["mails"][0] == first, word
    for word in (hash_, first["link"]):
        assert house.tell("queue", "show", word)["mails"] == [first], word
    twice = house.tell("queue", "show", "<m0@k.example>")["mails"]
    assert [(mail["state"], mail["why"]) for mail in twice] == [
        ("posted", "welcome"),
        ("discarded", "duplicate"),
    ]
    (passed,) = house.tell("queue", "show", "m7@k.example")["mails"]
    assert (passed["state"], passed["why"]) == ("commands", "passed on")
    assert [(letter["to"], letter["kind"]) for letter in passed["letters"]] == [
        ("ana@members.example", "notice")
    ]
    _a_copy_and_an_address(house, first)


def _a_copy_and_an_address(house: House, first: dict[str, Any]) -> None:
    (copy,) = (one for one in first["copies"]["troubled"] if one["state"] == "deferred")
    for word in (str(copy["id"]), f"delivery={copy['id']}"):
        told = house.tell("queue", "show", word)
        assert (told["to"], told["state"], told["mails"]) == ("m1@members.example", "deferred", [first])
        assert "Words of number 0." in told["raw"]
    theirs = house.tell("queue", "show", "M1@Members.example")
    assert theirs["copies"]["states"]["deferred"] == 2
    assert [one["subject"] for one in theirs["newest"]] == ["Number 3", "Number 0"]
    author = house.tell("queue", "show", "ana@members.example")
    assert {mail["arrival"] for mail in author["mails"]} == {1, 3}
    assert "post" in {one["kind"] for one in author["newest"]}
    envelope = house.tell("queue", "show", "far@away.example")
    assert [mail["message_id"] for mail in envelope["mails"]] == ["<m7@k.example>"]
    assert len(house.tell("queue", "show", BOOK)["mails"]) == 3
    assert len(house.tell("queue", "ls", "arrival=1")) == 5
    assert {one["to"] for one in house.tell("queue", "ls", "m2@members.example")} == {"m2@members.example"}
    several = house.tell("queue", "show", "arrival=1", "arrival=2")
    assert [one["asked"] for one in several] == ["arrival=1", "arrival=2"]
    shown = house.desk.does("queue", "show", "<m0@k.example>").out
    assert "1 copy to be tried again" in shown
    assert "450 4.2.0 <m1@members.example> greylisted" in shown
    for word in (
        "arrival=99",
        "post=99",
        "0123456789abcdef",
        "<none@k.example>",
        "nobody@nowhere.example",
        "<>",
        "\udcff@a.example",
    ):
        assert "nothing is known of" in house.desk.fails("queue", "show", word)
    assert "there is no copy 99" in house.desk.fails("queue", "show", "99")


# -- each state in words ----------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


def mail(
    number: int = 1, author: str = "ana@ana.example", to: str = "book@lists.example.org", words: str = ""
) -> bytes:
    head = f"From: {author}\r\nTo: {to}\r\nSubject: Number {number}\r\nMessage-ID: <{number}@x.example>\r\n"
    return f"{head}Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n\r\nGood morning. {words}\r\n".encode()


def tell(world: World, word: str = "arrival=1") -> dict[str, Any]:
    """The last mail that is meant."""
    with world.store.read() as tx:
        now = world.clock.now()
        stops = why_nothing_leaves(tx, now)
        around = Surroundings(now, SITE.base_url, SITE.domain, stops, world.ring)
        return mails(tx, find(tx, word).arrivals, around)[-1]


def test_a_mail_that_waits_is_told_with_whose_turn_it_is(world: World) -> None:
    here = world.circle()
    world.host(here, "ana@ana.example")
    world.accept(mail())
    assert tell(world)["next"] == "It is read as soon as a running `listserv serve` gets to it."
    world.store.do(lambda tx: arrivals.claim(tx, world.clock.now(), 1))
    assert tell(world)["next"].startswith("It is being read; if its reader died, another takes it at 2026-")
    world.settle()
    world.pass_time(minutes=1)
    told = tell(world)
    assert 'It was posted by the rule "welcome".' in told["story"]
    assert told["next"] == "All is sent; nothing more happens."


def test_a_held_mail_is_told_with_who_decides_and_how_it_was_decided(world: World) -> None:
    here = world.circle()
    world.host(here, "ana@ana.example")
    world.receive(mail(author="stranger@far.example"))
    told = tell(world)
    assert 'It waits for a host of book@lists.example.org, because of the rule "stranger".' in told["story"]
    assert "`listserv hold ok book@lists.example.org 1`" in told["next"]
    world.clock.move(timedelta(hours=3))
    world.store.do(lambda tx: holds.approve(tx, told["hold"]["id"], "operator", world.clock.now()))
    world.settle()
    story = " ".join(tell(world)["story"])
    assert '("stranger"), and was approved by operator at' in story
    assert 'It was posted by the rule "approved".' in story


def test_a_post_in_the_outbox_is_told_with_when_it_goes_out(world: World) -> None:
    here = world.circle(outbox_minutes=10)
    world.host(here, "ana@ana.example")
    world.receive(mail())
    told = tell(world)
    assert (told["state"], told["link"]) == ("held", "")
    assert (
        told["next"] == f"It goes out at {world.clock.now() + timedelta(minutes=10):%Y-%m-%d %H:%M:%S} UTC."
    )
    world.pass_time(minutes=11)
    assert tell(world)["next"] == "All is sent; nothing more happens."


def test_a_mail_that_came_to_nothing_is_found_by_its_message_id_and_told_with_the_rule(world: World) -> None:
    here = world.circle(max_bytes=20_000)
    world.host(here, "ana@ana.example")
    world.receive(mail(1))
    world.receive(mail(1))
    world.receive(mail(2, words="x " * 20_000))
    assert [tell(world, f"{number}@x.example")["state"] for number in (1, 2)] == ["discarded", "refused"]
    assert 'It was discarded by the rule "duplicate".' in tell(world, "1@x.example")["story"]
    assert 'It was refused by the rule "too big".' in tell(world, "2@x.example")["story"]
    assert tell(world, "2@x.example")["next"] == "Nothing more happens to it."
    reply = mail(4).replace(b"Date:", b"References: <5@x.example>\r\nDate:", 1)
    world.receive(reply)
    with world.store.read() as tx, pytest.raises(BadData):
        find(tx, "5@x.example")  # only named by another mail


def test_a_mail_set_aside_is_told_with_the_commands_that_decide(world: World) -> None:
    here = world.circle()
    world.host(here, "ana@ana.example")
    world.accept(mail())
    end = arrivals.Ended(ArrivalState.ASIDE, "too deep", world.clock.now())
    world.store.do(lambda tx: arrivals.finish(tx, 1, end))
    told = tell(world)
    assert 'It was set aside: "too deep".' in told["story"]
    assert told["next"] == "You decide: `listserv queue retry --aside 1`, or `queue drop --aside`."


def test_a_private_reply_is_told_with_the_letter_that_it_became(world: World) -> None:
    here = world.circle(reply_to="author")
    world.host(here, "ana@ana.example")
    world.member(here, "ben@ben.example")
    world.receive(mail())
    copy = next(one for one in world.outbox if one.recipient == "ben@ben.example")
    (relay,) = re.findall(rb"^Reply-To: .*?<?([^<> ]+@[^<>\r ]+)", copy.raw, re.M)
    world.receive(mail(2, "ben@ben.example", relay.decode()), relay.decode(), "ben@ben.example")
    told = tell(world, "2@x.example")
    assert (told["state"], told["why"]) == ("commands", "relayed")
    assert [letter["to"] for letter in told["letters"]] == ["ana@ana.example"]
    assert "A letter about it for ana@ana.example (copy 3) is sent: 250 ok" in told["story"]


def test_copies_that_wait_for_the_relay_are_told_with_what_it_said(world: World) -> None:
    here = world.circle()
    world.host(here, "ana@ana.example")
    world.pigeons.answer = lambda parcel: Deferred(421, "4.7.0 come later", of_relay=True)
    world.accept(mail())
    world.settle()
    assert "But the relay rests until" in tell(world)["next"]
    assert tell(world)["next"].endswith("since it said: 4.7.0 come later.")
    world.pigeons.answer = lambda parcel: Sent(250, "fine")
    world.pass_time(minutes=1)
    assert tell(world)["next"] == "All is sent; nothing more happens."


def test_of_many_copies_the_troubled_are_named_and_no_more_than_a_few(world: World) -> None:
    here = world.circle()
    world.host(here, "ana@ana.example")
    for number in range(120):
        world.member(here, f"m{number}@m.example")
    world.pigeons.answer = lambda parcel: (
        Failed(550, "5.1.1 nobody") if parcel.envelope.recipients[0][1] == "1" else Sent(250, "fine")
    )
    world.receive(mail())
    told = tell(world)
    assert told["copies"]["states"]["failed"] == 31
    assert told["copies"]["states"]["sent"] == 90
    assert len(told["copies"]["troubled"]) == lives.TROUBLED
    assert {one["answer"] for one in told["copies"]["troubled"]} == {"550 5.1.1 nobody"}
    assert told["next"] == "Nothing more happens; `listserv queue retry ID` tries a failed copy again."
