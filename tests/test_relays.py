"""Relay addresses at work: whom they reach, what they show, and what comes to rest (product.md F6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from listserv.core.address import read_address
from listserv.core.changes import AddAddress, DropAddress
from listserv.core.types import Failed, MailList, Outcome, Sent
from listserv.flow.admission import Admission
from listserv.flow.door import Caller, Refusal
from listserv.flow.parcel import Parcel
from listserv.flow.reception import Reception
from listserv.mail.washing import Washer
from listserv.store import aliases, erasing, own_acts, passing, rosters, schema
from listserv.store.aliases import Somebody
from listserv.store.engine import Transaction
from tests.kit.doorstep import SETTINGS, RememberingLog
from tests.kit.people import DOMAIN
from tests.kit.returned import failure
from tests.kit.speaker import NONE, Letter, Speaker, read
from tests.kit.world import World, open_world, sqlite_in

ANA, BEN, CY = "ana@ana.example", "ben@ben.example", "cy@cy.example"
HANNA, EVE = "hanna@host.example", "eve@eve.example"
OTHER = "ana@work.example"
LIST = "book@lists.example.org"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    return a_book(world)


def a_book(world: World, **settings: Any) -> MailList:
    """Ana's post is out, and shows a relay address of hers."""
    chosen: dict[str, Any] = {"from_": "relay", "guard": False} | settings
    here = world.circle(**chosen)
    for name, address in (("Ana Silva", ANA), ("Ben Okafor", BEN), ("Cy Ng", CY)):
        world.member(here, address, name=name)
    world.host(here, HANNA, name="Hanna Host")
    world.receive(post(ANA, "Ana Silva (Tacoma)", 1))
    return here


def post(author: str, name: str, number: int) -> bytes:
    head = f'From: "{name}" <{author}>\nTo: {LIST}\nSubject: Garlic\nMessage-ID: <{number}@x.example>\n'
    return f"{head}Date: Sat, 21 Nov 2026 09:00:00 +0000\n\nWhen do you plant it, in {number}?\n".encode()


def shown(world: World, to: str = BEN) -> str:
    """The relay address in the latest copy."""
    latest = [one for one in world.outbox if one.recipient == to][-1]
    return parseaddr(from_of(read(latest)))[1]


def from_of(letter: Letter) -> str:
    found = re.search(rb"^From: (.*)\r$", letter.mailed.raw, re.M)
    assert found
    return found[1].decode()


def away(author: str, to: str, number: int = 1) -> bytes:
    """What a mail program answers for somebody on holiday."""
    head = f"From: <{author}>\nTo: <{to}>\nSubject: Automatic reply: Hello\n"
    ids = f"Message-ID: <away{number}@m.example>\nAuto-Submitted: auto-replied\n"
    return f"{head}{ids}\nI am away until Monday.\n".encode()


# -- one lasting address ----------------------------------------------------------------------------


def person_of(world: World, book: MailList, address: str) -> int:
    def find(tx: Transaction) -> int:
        found = rosters.find_member(tx, book.id, read_address(address))
        assert found is not None
        return found.person_id

    return world.store.do(find)


def change_address(world: World, book: MailList) -> None:
    """Ana adds her other address, gets the list's mail there, and gives up the first."""
    person = person_of(world, book, ANA)
    own, theirs = schema.addresses.c, schema.subscriptions.c

    def step(tx: Transaction) -> None:
        own_acts.carry_out(tx, AddAddress(person, read_address(OTHER)), world.clock.now())
        other = tx.scalar(select(own.id).where(own.key == OTHER))
        tx.execute(update(schema.subscriptions).where(theirs.person_id == person).values(address_id=other))
        own_acts.carry_out(tx, DropAddress(person, read_address(ANA)), world.clock.now())

    world.store.do(step)


def test_an_alias_has_the_name_and_the_place_that_its_author_wrote(world: World, book: MailList) -> None:
    latest = read(world.outbox[-1])
    assert re.fullmatch(
        r'"Ana Silva \(Tacoma\)" <ana\.silva\.[a-z2-7]{8}@lists\.example\.org>', from_of(latest)
    )


def test_a_member_keeps_one_alias_whatever_address_they_write_from(world: World, book: MailList) -> None:
    first = shown(world)
    change_address(world, book)
    world.receive(post(OTHER, "A. Silva", 2), sender=OTHER)
    assert shown(world) == first
    assert [letter.to for letter in Speaker(world, BEN).writes(first, "Are you there?")] == [OTHER]


def test_who_takes_over_an_address_gets_an_alias_of_their_own(world: World, book: MailList) -> None:
    first = shown(world)
    change_address(world, book)
    world.member(book, ANA, name="Somebody Else")
    world.receive(post(ANA, "Somebody Else", 3))
    second = shown(world)
    assert second != first
    ben = Speaker(world, BEN)
    assert [[one.to for one in ben.writes(to, "Who are you?")] for to in (first, second)] == [[OTHER], [ANA]]


def test_a_strangers_alias_is_of_the_address_and_stays_theirs_as_a_member(
    world: World, book: MailList
) -> None:
    def alias(address: str) -> str:
        with world.store.read() as tx:
            return aliases.alias_of(tx, world.ring, book, Somebody(read_address(address))).seal

    before = alias(EVE)
    assert alias("eve@elsewhere.example") != before
    Speaker(world, EVE).writes("book+host@lists.example.org", "May I join?")
    world.member(book, EVE, name="Eve")
    assert alias(EVE) == before
    world.receive(post(EVE, "Eve", 4), sender=EVE)
    assert before in shown(world)


# -- what passes, and what shows --------------------------------------------------------------------

TELLING = (BEN.encode(), b"ben.example", b"laptop", b"x-mailer", b"reply-to", b"192.0.2.7")


def test_neither_real_address_shows_in_either_direction(world: World, book: MailList) -> None:
    to = shown(world)
    traces = "Received: from laptop.ben.example ([192.0.2.7])\nX-Mailer: Ben's\nReply-To: <spy@ben.example>\n"
    raw = traces.encode() + Speaker(world, BEN).mail(to, "Could I see it?", answers="1@laptop.ben.example")
    (got,) = Speaker(world, BEN).sends(raw, to)
    assert got.to == ANA and "Could I see it?" in got.text
    assert [word for word in TELLING if word in got.mailed.raw.lower()] == []
    assert from_of(got).startswith('"Ben Okafor (Book Circle)" <ben.okafor.')
    (back,) = Speaker(world, ANA).answers(got, "Of course.")
    assert back.to == BEN and back.text.startswith("Of course.")
    assert b"ana.example" not in back.mailed.raw
    assert b"X-Listserv-Writer: member\r\n" in back.mailed.raw


def test_who_did_not_prove_to_be_the_writer_is_only_maybe_they(world: World, book: MailList) -> None:
    (got,) = Speaker(world, BEN, NONE).writes(shown(world), "Hello")
    assert from_of(got).startswith('"maybe Ben Okafor (Book Circle)" <')


def test_a_signed_private_mail_keeps_its_bytes(world: World, book: MailList) -> None:
    kinds = ("text/plain", "application/pgp-signature")
    body = "".join(f"--b\nContent-Type: {kind}\n\nkept  \n" for kind in kinds) + "--b--\n"
    head = Speaker(world, BEN).mail(shown(world)).partition(b"MIME-Version")[0]
    whole = f"MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n{body}".encode()
    (got,) = Speaker(world, BEN).sends(head + whole, shown(world))
    assert got.mailed.raw.endswith(f"\n\n{body}".replace("\n", "\r\n").encode())


def test_a_mail_that_names_the_list_in_cc_is_a_post_and_a_private_mail_once_each(
    world: World, book: MailList
) -> None:
    to = shown(world)
    raw = Speaker(world, BEN).mail(to, "For both.").replace(b"\nSubject", f"\nCc: {LIST}\nSubject".encode())
    (got,) = Speaker(world, BEN).sends(raw, to)
    assert got.to == ANA and LIST.encode() not in got.mailed.raw
    assert sorted(one.to for one in Speaker(world, BEN).sends(raw, LIST)) == [ANA, BEN, CY, HANNA]
    assert Speaker(world, BEN).sends(raw, to) == []


def test_a_strangers_mail_waits_and_says_so_when_a_host_lets_it_through(world: World, book: MailList) -> None:
    sent = Speaker(world, EVE).writes(shown(world), "Hello, Ana")
    assert [(one.to, one.subject) for one in sent if one.to == EVE] == [(EVE, "A host reads it first: Hello")]
    world.approve(1)
    got = read([one for one in world.outbox if one.recipient == ANA][-1])
    assert from_of(got).startswith('"Somebody (not on Book Circle)" <')


def test_an_answer_to_a_hosts_answer_shows_no_host_either(world: World, book: MailList) -> None:
    (asked,) = Speaker(world, EVE).writes("book+host@lists.example.org", "What is this list?")
    (told,) = Speaker(world, HANNA).answers(asked, "A circle of readers.")
    head = told.mailed.raw.partition(b"\r\n\r\n")[0]
    assert told.to == EVE and HANNA.encode() not in told.mailed.raw and b"Book Circle" not in head
    assert from_of(told).startswith('"Hanna Host (host of book)" <hanna.host.')
    Speaker(world, EVE).answers(told, "Thank you!")
    world.approve(1)
    back = read([one for one in world.outbox if one.recipient == HANNA][-1])
    assert "Thank you!" in back.text and EVE.encode() not in back.mailed.raw.partition(b"\r\n\r\n")[0]


# -- block ------------------------------------------------------------------------------------------


def test_who_is_blocked_reaches_them_no_more_by_any_address_and_hears_nothing(
    world: World, book: MailList
) -> None:
    ana, ben, to = Speaker(world, ANA), Speaker(world, BEN), shown(world)
    (got,) = ben.writes(to, "Hello")
    (told,) = ana.answers(got, "Block.")
    assert told.to == ANA and told.text.startswith("Blocked: Ben Okafor.")
    person = person_of(world, book, BEN)
    world.store.do(
        lambda tx: own_acts.carry_out(
            tx, AddAddress(person, read_address("b@work.example")), world.clock.now()
        )
    )
    for address in (BEN, "b@work.example"):
        assert Speaker(world, address).writes(to, "And again") == []
        assert world.why()[-1] == "blocked"
    assert [one.to for one in Speaker(world, CY).writes(to, "Hello")] == [ANA]
    (undone,) = ana.answers(told, "undo")
    assert undone.to == ANA
    assert [one.to for one in ben.writes(to, "Hello again")] == [ANA]


def test_unblock_brings_back_and_the_blocked_may_block_too(world: World, book: MailList) -> None:
    ana, ben, to = Speaker(world, ANA), Speaker(world, BEN), shown(world)
    (got,) = ben.writes(to, "Hello")
    (back,) = ana.answers(got, "Hello")
    ana.answers(got, "block")
    assert [one.to for one in ben.answers(back, "block")] == [BEN]
    ana.answers(got, "unblock")
    assert [one.to for one in ben.writes(to, "Hello again")] == [ANA]
    assert ana.answers(got, "What?") == []


def test_a_word_in_somebodys_name_is_asked_about_where_it_brings_back(world: World, book: MailList) -> None:
    (got,) = Speaker(world, BEN).writes(shown(world), "Hello")
    Speaker(world, ANA).answers(got, "block")
    (asked,) = Speaker(world, ANA, NONE).answers(got, "unblock")
    assert asked.to == ANA and asked.kind == "question"
    assert Speaker(world, BEN).writes(shown(world), "Hello?") == []


def test_forging_a_blocked_member_gets_nothing_and_a_longer_mail_is_no_word_for_us(
    world: World, book: MailList
) -> None:
    (got,) = Speaker(world, BEN).writes(shown(world), "Hello")
    (passed,) = Speaker(world, ANA).answers(got, "Block\n\nis a long novel, and I liked it.")
    assert passed.to == BEN
    Speaker(world, ANA).answers(got, "block")
    assert Speaker(world, BEN, NONE).writes(shown(world), "Hello") == []


def test_a_verb_in_answer_to_a_post_is_obeyed_and_between_two_people_it_is_a_word(world: World) -> None:
    a_book(world, from_="author", reply_to="author")
    ben, to = Speaker(world, BEN), read(world.outbox[-1]).answer_to
    (told,) = ben.writes(to, "mute", "Re: Garlic", answers="1@x.example")
    assert told.to == BEN and told.text.startswith("Muted.")
    (got,) = ben.writes(to, "Should we stay, or leave?", "Re: Garlic", answers="1@x.example")
    assert got.to == ANA
    (back,) = Speaker(world, ANA).writes(got.answer_to, "Leave.", "Re: Garlic", answers="private@ours")
    assert back.to == BEN and back.text.startswith("Leave.")


# -- limits -----------------------------------------------------------------------------------------


def test_spam_in_bcc_waits_and_its_writer_hears_so_once(world: World, book: MailList) -> None:
    ben, seal = Speaker(world, BEN, NONE), shown(world).partition(".silva.")[2]
    raw = ben.mail("undisclosed@ben.example", "Buy now")
    sent = [ben.sends(raw, f"{name}.{seal}") for name in "xyz"]
    assert [[one.to for one in each if one.to != HANNA] for each in sent] == [[BEN], [], []]
    assert set(world.why()[1:]) == {"not addressed to them"}


def test_of_fifty_private_mails_within_an_hour_a_few_pass_and_none_is_lost(
    world: World, book: MailList
) -> None:
    to = shown(world)
    for _ in range(50):
        world.accept(Speaker(world, BEN, NONE).mail(to, "Buy now"), to, BEN)
    world.settle()
    assert world.copies()[ANA] == 1 + 8
    assert world.ends() == {"posted": 1, "commands": 8, "held": 42}
    assert [one.to for one in map(read, world.outbox) if one.subject.startswith("A host reads")] == [BEN]
    assert ANA in [one.to for one in Speaker(world, BEN).writes(to, "That was not me, who can prove it")]
    world.pass_time(hours=1)
    assert ANA in [one.to for one in Speaker(world, BEN, NONE).writes(to, "Hello")]


# -- what comes back --------------------------------------------------------------------------------


def test_a_bounce_is_told_to_the_writer_without_the_receivers_address(world: World, book: MailList) -> None:
    (got,) = Speaker(world, BEN).writes(shown(world), "Hello")
    before = len(world.outbox)
    for number in (1, 2):
        world.receive(failure(ANA, number=number), got.mailed.sender, "")
    (told,) = map(read, world.outbox[before:])
    assert told.to == BEN and told.mailed.sender == "" and told.subject == "Not delivered: Hello"
    assert "mail to Ana Silva (Tacoma) through Book Circle could not be delivered" in told.text.replace(
        "\n", " "
    )
    assert b"ana@" not in told.mailed.raw and b"550" not in told.mailed.raw
    assert got.mailed.sender.startswith("book+back=")


def test_a_refusal_at_the_door_is_told_as_well(world: World, book: MailList) -> None:
    def no(parcel: Parcel) -> Outcome:
        to_ana = parcel.envelope.recipients == (ANA,)
        return Failed(550, "5.1.1 ana@ana.example is unknown") if to_ana else Sent(250, "ok")

    world.pigeons.answer = no
    (told,) = Speaker(world, BEN).writes(shown(world), "Hello")
    assert told.to == BEN and b"unknown" not in told.mailed.raw and b"ana@" not in told.mailed.raw


def test_an_absence_is_told_once_a_day_whichever_way_the_machine_answers(
    world: World, book: MailList
) -> None:
    (got,) = Speaker(world, BEN).writes(shown(world), "Hello")
    (told,) = Speaker(world, ANA).sends(away(ANA, got.answer_to), got.answer_to)
    assert told.to == BEN and told.mailed.sender == "" and "away until Monday" in told.text
    assert b"ana@" not in told.mailed.raw and told.mailed.raw.count(b"Auto-Submitted: auto-replied") == 1
    before = len(world.outbox)
    world.receive(away(ANA, got.answer_to, 2), got.answer_to, "")
    world.receive(away(ANA, got.mailed.sender, 3), got.mailed.sender, "")
    assert world.outbox[before:] == []
    world.pass_time(days=1, hours=1)
    world.receive(away(ANA, got.mailed.sender, 4), got.mailed.sender, "")
    assert [one.to for one in map(read, world.outbox[before:])] == [BEN]


def test_two_machines_that_answer_each_other_come_to_rest(world: World, book: MailList) -> None:
    """Both answer everything, machines too, to From and to the return path."""
    (got,) = Speaker(world, BEN).writes(shown(world), "Hello")
    number, at = 0, world.outbox.index(got.mailed)
    while at < len(world.outbox):
        one = read(world.outbox[at])
        for to in filter(None, (one.answer_to, one.mailed.sender)):
            number += 1
            world.receive(away(one.to, to, number), to, "" if number % 2 else one.to)
        at += 1
        assert number < 50
    assert world.outbox.index(got.mailed) >= len(world.outbox) - 3


def test_relay_addresses_that_lead_to_one_another_pass_nothing_on(world: World, book: MailList) -> None:
    to = shown(world)
    (got,) = Speaker(world, BEN).writes(to, "Hello")
    assert Speaker(world, got.answer_to).writes(to, "Hello") == []
    assert world.why()[-1] == "loop"


def test_what_was_passed_on_is_forgotten_after_a_month_and_with_whom_it_was(
    world: World, book: MailList
) -> None:
    Speaker(world, BEN).writes(shown(world), "Hello")
    world.store.do(lambda tx: passing.forget_old(tx, world.clock.now()))
    with world.store.read() as tx:
        assert len(tx.execute(select(schema.passed)).all()) == 1
    world.pass_time(days=31)
    world.store.do(lambda tx: passing.forget_old(tx, world.clock.now()))
    with world.store.read() as tx:
        assert tx.execute(select(schema.passed)).all() == []


def test_both_databases_keep_aliases_blocks_and_what_came_back(database_url: str) -> None:
    with open_world(database_url) as world:
        book = a_book(world)
        to, ana, ben = shown(world), Speaker(world, ANA), Speaker(world, BEN)
        (got,) = ben.writes(to, "Hello")
        assert [one.to for one in ana.sends(away(ANA, got.answer_to), got.answer_to)] == [BEN]
        assert ana.sends(away(ANA, got.answer_to, 2), got.answer_to) == []
        world.receive(failure(ANA), got.mailed.sender, "")
        assert read(world.outbox[-1]).subject == "Not delivered: Hello"
        ana.answers(got, "block")
        assert ben.writes(to, "Hello?") == []
        ana.answers(got, "unblock")
        change_address(world, book)
        world.receive(post(OTHER, "A. Silva", 2), sender=OTHER)
        assert shown(world) == to
        assert [one.to for one in ben.writes(to, "Hello!")] == [OTHER]
        world.pass_time(days=31)
        world.store.do(lambda tx: passing.forget_old(tx, world.clock.now()))


def test_who_is_forgotten_leaves_no_alias_no_block_and_no_news(world: World, book: MailList) -> None:
    to, ana = shown(world), Speaker(world, ANA)
    (got,) = Speaker(world, BEN).writes(to, "Hello")
    ana.answers(got, "block")
    wash = Washer(world.pen.words.mark("member"))
    for address in (BEN, ANA):
        forget = partial(
            erasing.anonymise, person_id=person_of(world, book, address), hand=world.hand, wash=wash
        )
        world.store.do(forget)
    with world.store.read() as tx:
        left = [tx.execute(select(one)).all() for one in (schema.relays, schema.passed, schema.blocks)]
    assert left == [[], [], []]
    assert ask(world, "192.0.2.1", [EVE], [to]) == [550]


def test_a_mail_sent_to_one_alone_by_the_guard_heeds_a_block_too(world: World) -> None:
    book = a_book(world, from_="auto", guard=True, guard_words="salary")
    with world.store.read() as tx:
        own = aliases.alias_of(tx, world.ring, book, Somebody(read_address(BEN))).seal
    ben = Speaker(world, BEN)
    raw = ben.mail(LIST, "Ana, what is your salary?", "Re: Garlic", "1@x.example")
    (asked,) = ben.sends(raw, LIST)
    assert [one.to for one in ben.answers(asked, "Ana")] == [ANA, BEN]
    got = read([one for one in world.outbox if one.recipient == ANA][-1])
    assert own in got.answer_to
    Speaker(world, ANA).answers(got, "block")
    (asked,) = ben.sends(
        raw.replace(b"Message-ID: <", b"Message-ID: <again").replace(b"salary?", b"salary now?"), LIST
    )
    (told,) = ben.answers(asked, "Ana")
    assert told.to == BEN and told.subject.startswith("Sent to Ana")


# -- guessing ---------------------------------------------------------------------------------------


def ask(world: World, peer: str, senders: list[str], recipients: list[str]) -> list[int]:
    """The answers at RCPT, one after the other."""
    admission = Admission(world.store, DOMAIN, 26_214_400, world.clock.now, world.bells, world.ring)
    reception = Reception(SETTINGS, admission, world.clock.now, RememberingLog())

    async def all_of_them() -> list[int]:
        found = []
        for sender in senders:
            for to in recipients:
                caller = Caller(peer, "client.example", sender, None, smtputf8=False, lmtp=True)
                answer = await reception.ask(to, caller)
                found.append(answer.code if isinstance(answer, Refusal) else 250)
        return found

    answers = asyncio.run(all_of_them())
    reception.shut()
    return answers


def guesses(many: int) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [f"ana.silva.{letters[n]}aaaaaaa@{DOMAIN}" for n in range(many)]


def test_after_twenty_guesses_a_hit_can_not_be_told_from_a_miss(world: World, book: MailList) -> None:
    told = ask(world, "192.0.2.1", [EVE], [*guesses(21), shown(world), LIST])
    assert told == [550] * 20 + [451] * 2 + [250]


def test_who_guesses_by_our_own_mta_locks_nobody_out(world: World, book: MailList) -> None:
    told = ask(world, "local", [EVE, BEN, ""], [*guesses(21), shown(world)])
    assert told == ([550] * 20 + [451, 250]) * 3
