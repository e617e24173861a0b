"""The reply guard through the whole program: nothing goes out before its author said to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from listserv.core.address import read_address
from listserv.core.types import MailList
from listserv.flow.process import process_due
from listserv.store import holds, rosters, schema
from listserv.store.acts import Hand
from tests.kit.speaker import FAIL, NONE, Letter, Speaker, read
from tests.kit.world import World, open_world

LIST = "book@lists.example.org"
ANA, BEN, CY, HANNA = "ana@ana.example", "ben@ben.example", "cy@cy.example", "hanna@host.example"
MALLORY = "mallory@evil.example"
SECRET = "Hi Ana,\n\nbetween us, our director wants to leave."
ASKED = "Did you mean everyone?"


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    """Ana asked something; nobody has answered yet."""
    here = world.circle(guard_words="salary")
    world.host(here, HANNA, name="Hanna Host")
    for address, name in ((ANA, "Ana Silva"), (BEN, "Ben Okafor"), (CY, "Cy Ng")):
        world.member(here, address, name=name)
    world.receive(post(ANA, "Ana Silva", "How deep do you plant it?"), LIST, ANA)
    return here


def post(address: str, name: str, text: str, subject: str = "Garlic", id_: str = "question") -> bytes:
    mail = Speaker.mail(Speaker(None, address), LIST, text, subject)  # type: ignore[arg-type]
    mail = mail.replace(f"<{address}>".encode(), f"{name} <{address}>".encode(), 1)
    return re.sub(rb"Message-ID: <.*>", f"Message-ID: <{id_}@{name[:3]}.example>".encode(), mail)


def answers(world: World, text: str = SECRET, who: str = BEN, proof: str = "pass") -> list[Letter]:
    """A reply to Ana's question, to the list; what we send because of it."""
    return Speaker(world, who, proof).writes(LIST, text, "Re: Garlic", "question@Ana.example")


def got(letters: list[Letter]) -> dict[str, str]:
    return {letter.to: letter.subject for letter in letters}


def states(world: World) -> list[tuple[str, str]]:
    with world.store.read() as tx:
        return [(row.why, row.state) for row in tx.execute(select(schema.holds).order_by(schema.holds.c.id))]


# -- asking -----------------------------------------------------------------------------------------


def test_nothing_goes_out_before_the_author_said_to_whom(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    assert (asked.to, asked.subject, asked.kind) == (BEN, ASKED, "question")
    told = " ".join(asked.text.split())
    assert "Hi Ana, between us, our director wants to leave." in told
    assert "It would go to 3 people. Nothing was sent yet." in told
    for word in ("all – send it to the list", "ana – send it to Ana Silva alone", "drop – forget it"):
        assert f"    {word}\n" in asked.text
    assert "No answer by 18:00: it stays unsent, and we remind you once." in told
    assert world.ends() == {"posted": 1, "held": 1}


def test_an_ordinary_answer_is_not_asked_about(world: World, book: MailList) -> None:
    assert got(answers(world, "Hi Ana,\n\ntwo inches.")).keys() == {ANA, BEN, CY, HANNA}
    assert answers(world, "Hi all,\n\ntwo inches.", CY) and answers(world, "Two inches.", HANNA)
    assert states(world) == []


def test_a_greeting_to_somebody_else_is_asked_about_and_can_go_to_them(world: World, book: MailList) -> None:
    answers(world, "I use a dibber.", CY)
    (asked,) = answers(world, "Hi Cy,\n\nAna will never learn it.")
    assert "    cy – send it to Cy Ng alone\n" in asked.text
    assert "greets one person by name" in asked.text
    (private, told) = Speaker(world, BEN).answers(asked, "cy")
    assert private.to == CY and "never learn" in private.text
    assert told.subject.startswith("Sent to Cy Ng alone")


def test_somebody_whom_the_list_never_heard_is_not_named(world: World, book: MailList) -> None:
    """Or people could find out who is on the list."""
    (asked,) = answers(world, "Hi Cy,\n\nAna will never learn it.")
    assert "cy" not in asked.text.replace("Hi Cy", "") and asked.text.count(" – ") == 2
    (again,) = Speaker(world, BEN).answers(asked, "cy")
    assert again.subject == ASKED and "I could not tell what this means" in again.text


def test_a_word_of_the_hosts_own_is_asked_about_in_a_new_mail_too(world: World, book: MailList) -> None:
    (asked,) = Speaker(world, BEN).writes(LIST, "Her salary went up.")
    assert "We ask because the hosts asked us to look out for this word: salary" in " ".join(
        asked.text.split()
    )
    assert asked.text.count(" – ") == 2


def test_a_list_that_does_not_want_it_asks_nobody(world: World) -> None:
    here = world.circle(guard=False, guard_words="salary")
    world.member(here, BEN)
    assert got(Speaker(world, BEN).writes(LIST, "Between us, her salary went up.")) == {BEN: "Hello"}


@pytest.mark.parametrize("text", ["mute", "Between you and me.\nunsubscribe", "unsubscribe"])
def test_what_is_a_request_is_obeyed_and_never_guarded(world: World, book: MailList, text: str) -> None:
    told = answers(world, text)
    whole = text in ("mute", "unsubscribe")
    assert (told[0].subject != ASKED) is whole
    assert [why for why, _ in states(world)] == ([] if whole else ["guard"])


def test_a_host_is_asked_as_anybody_else(world: World, book: MailList) -> None:
    assert got(answers(world, who=HANNA)) == {HANNA: ASKED}


# -- the three answers ------------------------------------------------------------------------------


def test_all_sends_it_to_the_list(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    told = Speaker(world, BEN).answers(asked, "all")
    assert {letter.to for letter in told if letter.subject == "Re: Garlic"} == {ANA, BEN, CY, HANNA}
    assert [letter.to for letter in told if letter.subject != "Re: Garlic"] == [BEN]
    assert world.ends() == {"posted": 2, "commands": 1}
    assert states(world) == [("guard", "approved")]


def test_a_first_name_sends_it_to_that_person_alone_and_the_answer_comes_back(
    world: World, book: MailList
) -> None:
    (asked,) = answers(world)
    (private, told) = Speaker(world, BEN).answers(asked, "Ana")
    assert private.to == ANA and "our director wants to leave" in private.text
    assert told.to == BEN and told.subject.startswith("Sent to Ana Silva alone")
    assert BEN.encode() not in private.mailed.raw and LIST.encode() not in private.mailed.raw
    assert re.fullmatch(r"[\w.]+\.[a-z2-7]{8}@lists.example.org", private.answer_to)
    assert world.ends() == {"posted": 1, "commands": 2}
    (back,) = Speaker(world, ANA).answers(private, "Really?")
    assert back.to == BEN and "Really?" in back.text
    assert world.copies()[CY] == world.copies()[HANNA] == 1


@pytest.mark.parametrize("words", ["only ana", "Ana Silva", "private", "nur an Ana"])
def test_a_name_may_be_said_in_several_ways(world: World, book: MailList, words: str) -> None:
    (asked,) = answers(world)
    assert Speaker(world, BEN).answers(asked, words)[0].to == ANA


def test_the_same_mail_sent_again_after_that_is_no_post(world: World, book: MailList) -> None:
    ben = Speaker(world, BEN)
    raw = ben.mail(LIST, SECRET, "Re: Garlic", "question@Ana.example")
    (asked,) = ben.sends(raw, LIST)
    ben.answers(asked, "ana")
    assert ben.sends(raw, LIST) == []
    assert world.why()[-1] == "duplicate"


def test_drop_forgets_it(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    (told,) = Speaker(world, BEN).answers(asked, "drop")
    assert told.text.startswith('Taken back: "Re: Garlic". Nobody has seen it.')
    assert world.ends() == {"posted": 1, "discarded": 1, "commands": 1}


def test_any_other_words_do_nothing_and_bring_the_three_again_once(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    ben = Speaker(world, BEN, NONE)
    (again,) = Speaker(world, BEN).answers(asked, "yes")
    assert again.subject == ASKED and "ana – send it to Ana Silva alone" in again.text
    assert ben.answers(asked, "what?") == []
    assert {letter.to for letter in ben.answers(again, "ana")} == {ANA, BEN}


def test_a_verb_in_reply_is_obeyed_and_the_mail_goes_on_waiting(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    (told,) = Speaker(world, BEN).answers(asked, "weekly")
    assert told.subject.startswith("From now on you get one mail a week")
    assert states(world) == [("guard", "waiting")]
    (told,) = Speaker(world, BEN).answers(asked, "cancel")
    assert told.text.startswith("Taken back")


@pytest.mark.parametrize(
    ("first", "second"), [("all", "drop"), ("ana", "all"), ("drop", "ana"), ("ana", "hm")]
)
def test_the_first_answer_counts_and_the_second_hears_so(
    world: World, book: MailList, first: str, second: str
) -> None:
    (asked,) = answers(world)
    ben = Speaker(world, BEN)
    ben.answers(asked, first)
    before = states(world), world.copies()[ANA]
    (told,) = ben.answers(asked, second)
    assert told.text.startswith("That was answered before, so nothing more was done.")
    assert (states(world), world.copies()[ANA]) == before


def test_two_answers_that_come_at_once_are_one(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    ben = Speaker(world, BEN)
    for word in ("ana", "all", "drop", "ana"):
        world.accept(ben.mail(asked.answer_to, word, "Re: x"), asked.answer_to, BEN)
    desks = [world.desk for _ in range(4)]
    before = len(world.outbox)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(process_due, desks))
    world.settle()
    told = list(map(read, world.outbox[before:]))
    assert sum("answered before" in letter.text for letter in told) == 3
    assert sum(letter.to == ANA for letter in told) <= 1


def test_who_has_left_can_not_be_sent_it_alone(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    with world.store.read() as tx:
        ana = rosters.find_member(tx, book.id, read_address(ANA))
    assert ana is not None
    world.store.do(lambda tx: rosters.remove_member(tx, ana, Hand("operator", world.clock.now())))
    (told,) = Speaker(world, BEN).answers(asked, "private")
    assert "is not on this list any more" in told.text.replace("\n", " ")
    assert states(world) == [("guard", "waiting")]
    assert Speaker(world, BEN).answers(asked, "drop")[0].text.startswith("Taken back")


# -- private mails ----------------------------------------------------------------------------------


def private_to_ben(world: World) -> Letter:
    """Ana writes to Ben alone, by the relay address that stands in a copy of his."""
    (asked,) = answers(world)
    Speaker(world, BEN).answers(asked, "ana")
    passed = read(next(mailed for mailed in reversed(world.outbox) if mailed.recipient == ANA))
    (private,) = Speaker(world, ANA).answers(passed, "He is ill.")
    assert private.to == BEN
    return private


def message_id(letter: Letter) -> str:
    found = re.search(rb"^Message-ID: <(.+)>", letter.mailed.raw, re.M)
    assert found
    return found[1].decode()


def test_an_answer_to_a_private_mail_that_goes_to_the_list_is_asked_about(
    world: World, book: MailList
) -> None:
    private = private_to_ben(world)
    (asked,) = Speaker(world, BEN).writes(LIST, "I did not know.", "Re: Garlic", message_id(private))
    assert asked.subject == ASKED and "only you were sent" in asked.text
    posted = Speaker(world, BEN).answers(asked, "all")
    assert {ANA, CY, HANNA} <= {letter.to for letter in posted}


def test_a_reply_to_what_all_had_after_that_is_not_asked_about(world: World, book: MailList) -> None:
    private = private_to_ben(world)
    (asked,) = Speaker(world, BEN).writes(LIST, "I did not know.", "Re: Garlic", message_id(private))
    posted = Speaker(world, BEN).answers(asked, "all")
    copy = next(letter for letter in posted if letter.to == CY)
    cy = Speaker(world, CY)
    raw = cy.mail(LIST, "Know what?", "Re: Garlic", message_id(copy))
    raw = raw.replace(b"References: <", f"References: <{message_id(private)}> <".encode())
    assert len(cy.sends(raw, LIST)) == 4


def test_a_mail_that_quotes_a_private_one_is_asked_about_and_can_go_back_to_its_writer(
    world: World, book: MailList
) -> None:
    private = private_to_ben(world)
    text = f"Look!\n\nOn Sat, Ana Silva <{private.answer_to}> wrote:\n> He is ill.\n"
    (asked,) = Speaker(world, BEN).writes(LIST, text)
    assert asked.subject == ASKED and "quotes a mail that only you were sent" in asked.text
    assert "    ana – send it to Ana Silva alone\n" in asked.text


def test_an_address_of_ours_that_posts_show_is_no_sign(world: World) -> None:
    here = world.circle(from_="relay")
    for address, name in ((ANA, "Ana Silva"), (BEN, "Ben Okafor")):
        world.member(here, address, name=name)
    world.receive(post(ANA, "Ana Silva", "How deep?"), LIST, ANA)
    copy = read(next(mailed for mailed in world.outbox if mailed.recipient == BEN))
    from_ = re.search(rb"^From:.*<(.+)>", copy.mailed.raw, re.M)
    assert from_
    text = f"Two inches.\n\nOn Sat, Ana Silva <{from_[1].decode()}> wrote:\n> How deep?\n"
    assert {ANA, BEN} == {
        letter.to for letter in Speaker(world, BEN).writes(LIST, text, "Re: Garlic", message_id(copy))
    }
    assert {ANA, BEN} == {letter.to for letter in Speaker(world, BEN).writes(LIST, f"Again. {text}")}


def test_a_mail_that_quotes_a_notice_of_ours_is_asked_about(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    quoted = "\n".join(f"> {line}" for line in asked.text.splitlines())
    text = f"What does it want?\n\nOn Sat, Book Circle <{asked.answer_to}> wrote:\n{quoted}\n"
    (again,) = Speaker(world, BEN).writes(LIST, text)
    assert again.subject == ASKED


# -- the reminder -----------------------------------------------------------------------------------


def test_who_does_not_answer_is_reminded_once_and_it_stays_unsent(world: World, book: MailList) -> None:
    answers(world)
    before = len(world.outbox)
    world.pass_time(hours=8.9)
    assert len(world.outbox) == before
    world.pass_time(hours=0.2)
    (reminder,) = map(read, world.outbox[before:])
    assert (reminder.to, reminder.subject) == (BEN, "Still unsent: Re: Garlic")
    assert "    ana – send it to Ana Silva alone\n" in reminder.text
    for _ in range(8):
        world.pass_time(days=1)
    more = [one for one in map(read, world.outbox[before + 1 :]) if one.kind != "card"]
    assert more == [], "and hosts learn that it waits, not what it says"
    assert SECRET not in "".join(one.text for one in map(read, world.outbox[before:]) if one.kind == "card")
    assert states(world) == [("guard", "waiting")]


def test_the_reminder_can_be_answered_and_then_the_question_can_not(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    before = len(world.outbox)
    world.pass_time(hours=10)
    (reminder,) = map(read, world.outbox[before:])
    ben = Speaker(world, BEN)
    assert {letter.to for letter in ben.answers(reminder, "ana")} == {ANA, BEN}
    for letter in (asked, reminder):
        (told,) = ben.answers(letter, "all")
        assert "answered before" in told.text


def test_who_answered_is_not_reminded(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    Speaker(world, BEN).answers(asked, "drop")
    before = len(world.outbox)
    world.pass_time(days=3)
    assert len(world.outbox) == before


def test_an_answer_after_a_month_is_too_late(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    world.pass_time(days=31)
    (told,) = Speaker(world, BEN).answers(asked, "all")
    assert told.text.startswith("That was too long ago.")
    assert states(world) == [("guard", "waiting")]


# -- others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["all", "ana", "drop"])
def test_a_forged_answer_asks_the_known_address_and_its_yes_does_it(
    world: World, book: MailList, word: str
) -> None:
    (asked,) = answers(world)
    (question,) = Speaker(world, BEN, FAIL).answers(asked, word)
    assert question.to == BEN and question.subject == "Was this you? (Book Circle)"
    assert f"    {word}\n" in question.text and states(world) == [("guard", "waiting")]
    Speaker(world, BEN).answers(question, "yes")
    assert states(world)[0][1] == {"all": "approved", "ana": "cancelled", "drop": "cancelled"}[word]
    assert (world.copies()[ANA] == 2) is (word != "drop")


def test_somebody_else_with_the_token_decides_nothing_and_its_owner_may_say_it_was_them(
    world: World, book: MailList
) -> None:
    (asked,) = answers(world)
    (question,) = Speaker(world, MALLORY).answers(asked, "all")
    assert question.to == BEN and states(world) == [("guard", "waiting")]
    assert "director" not in question.text
    Speaker(world, BEN).answers(question, "yes")
    assert states(world) == [("guard", "approved")]


def test_another_member_with_the_token_decides_nothing(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    assert Speaker(world, CY).answers(asked, "all") == []
    assert states(world) == [("guard", "waiting")]


def test_a_machine_or_a_replayed_answer_decides_nothing(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    ben = Speaker(world, BEN)
    raw = ben.mail(asked.answer_to, "all", "Re: x")
    away = raw.replace(b"MIME-Version", b"Auto-Submitted: auto-replied\nMIME-Version")
    assert ben.sends(away, asked.answer_to) == []
    assert states(world) == [("guard", "waiting")]
    drop = ben.mail(asked.answer_to, "drop", "Re: x")
    assert ben.sends(drop, asked.answer_to) and ben.sends(drop, asked.answer_to) == []


def test_where_from_fails_a_host_sees_it_and_nobody_is_asked(world: World, book: MailList) -> None:
    assert [one.kind for one in answers(world, proof=FAIL)] == ["card"]
    with world.store.read() as tx:
        (row,) = holds.waiting(tx, book.id)
    assert (row.why, row.tell) == ("guard", "")
    world.pass_time(days=2)
    assert sum(letter.recipient == BEN for letter in world.outbox) == 1
    world.approve(row.id)
    assert world.copies()[CY] == 2


def test_where_nothing_passes_its_author_is_asked_once_a_day_and_the_next_one_waits_for_a_host(
    world: World, book: MailList
) -> None:
    assert len(answers(world, proof=NONE)) == 1
    assert [one.kind for one in answers(world, f"{SECRET} Soon.", proof=NONE)] == ["card"]
    with world.store.read() as tx:
        assert [row.tell for row in holds.waiting(tx, book.id)] == [BEN, ""]


def test_the_operator_sees_it_and_may_decide(world: World, book: MailList) -> None:
    (asked,) = answers(world)
    with world.store.read() as tx:
        (row,) = holds.waiting(tx, book.id)
    assert (row.why, row.tell, row.subject) == ("guard", BEN, "Re: Garlic")
    world.approve(row.id)
    assert world.copies()[CY] == 2
    (told,) = Speaker(world, BEN).answers(asked, "drop")
    assert "answered before" in told.text


def test_where_is_tells_its_author_that_it_waits_for_a_word(world: World, book: MailList) -> None:
    answers(world)
    (told,) = Speaker(world, BEN).writes("book+ask@lists.example.org", "where")
    assert "waits for your answer: all, one person, or nobody?" in " ".join(told.text.split())


def test_a_member_on_two_lists_is_asked_by_each_for_itself(world: World, book: MailList) -> None:
    other = world.circle("seeds", "Seeds")
    world.member(other, BEN, name="Ben Okafor")
    told = Speaker(world, BEN).writes("seeds@lists.example.org", "Between you and me, no.")
    assert got(told) == {BEN: ASKED} and "0 people" not in told[0].text
