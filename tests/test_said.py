"""What members say by mail, through the whole program: what happens, who is told, and who can't."""

from __future__ import annotations

import email
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from zipfile import ZipFile

import pytest
from sqlalchemy import select

from listserv.core.address import read_address
from listserv.core.types import MailList, Member
from listserv.store import arrivals, directory, holds, rosters, schema
from tests.kit.speaker import FAIL, NONE, Letter, Speaker, read
from tests.kit.world import World, open_world

ASK, LIST = "book+ask@lists.example.org", "book@lists.example.org"
JOIN, LEAVE, HELP = (f"book+{word}@lists.example.org" for word in ("join", "leave", "help"))
ANA, BEN, MALLORY = "ana@ana.example", "ben@ben.example", "mallory@evil.example"


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle(join="confirm")
    world.host(here, "hanna@host.example", name="Hanna Host")
    world.member(here, ANA, name="Ana Silva")
    world.member(here, BEN, name="Ben")
    return here


def member(world: World, here: MailList, address: str = ANA) -> Member:
    with world.store.read() as tx:
        found = rosters.find_member(tx, here.id, read_address(address))
    assert found is not None
    return found


def token(world: World) -> Letter:
    """A mail of ours that only Ana was sent."""
    return Speaker(world, ANA).writes(ASK, "settings")[0]


# -- with the token ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "field", "value", "line"),
    [
        ("weekly", "rhythm", "weekly", "From now on you get one mail a week."),
        ("Mon, Thu", "rhythm", "mon thu", "From now on you get one mail every Monday and Thursday."),
        ("3", "rhythm", "3", "From now on you get at most 3 mails a week."),
        ("NONE.", "rhythm", "none", "From now on you get no mails; you can read in the archive."),
        ("please mine", "rhythm", "mine", "From now on you get answers to what you wrote, and nothing else."),
        ("wöchentlich", "rhythm", "weekly", "From now on you get one mail a week."),
        ("at 7pm", "digest_at", "19:00", "Your mail comes at 19:00 your time."),
        ("no copies", "copies", False, "You no longer get copies of your own posts."),
        ("form index", "form", "index", 'Your digests come in the form "index".'),
        ("name Ana da Silva", "name", "Ana da Silva", "Your name here is now Ana da Silva."),
        ("pause", "state", "paused", 'No mail until you reply "resume".'),
        ("pause until 6 jan", "state", "paused", "No mail until Wednesday 6 January 2027, 07:00."),
        ("bye", "state", "left", "You have left Book Circle. No more mail comes."),
    ],
)
def test_one_word_in_reply_does_it_says_so_in_a_line_and_undo_takes_it_back(  # noqa: PLR0913
    world: World, book: MailList, words: str, field: str, value: object, line: str
) -> None:
    before = getattr(member(world, book), field)
    ana = Speaker(world, ANA)
    (told,) = ana.answers(token(world), words)
    assert getattr(member(world, book), field) == value
    assert told.to == ANA and line in " ".join(told.text.split())
    (undone,) = ana.answers(told, "undo")
    assert getattr(member(world, book), field) == before
    assert undone.text.startswith("Undone.")
    (again,) = ana.answers(told, "undo")
    assert getattr(member(world, book), field) == before
    assert again.text.startswith("That was undone before.")


def test_several_lines_are_several_verbs_and_one_answer(world: World, book: MailList) -> None:
    (told,) = Speaker(world, ANA).answers(token(world), "weekly\nat 19:30\nno copies\n\nThank you!\nAna")
    found = member(world, book)
    assert (found.rhythm, found.digest_at, found.copies) == ("weekly", "19:30", False)
    assert told.text.count("\n\n") == 3


def test_a_line_that_is_no_verb_does_nothing_and_names_the_likeliest(world: World, book: MailList) -> None:
    before = member(world, book)
    (told,) = Speaker(world, ANA).answers(token(world), "pauze till friday, I am away")
    assert member(world, book) == before
    assert "pause until 6 jan" in told.text and told.text.count(" – ") == 3


def test_what_stands_in_the_quote_is_never_read(world: World, book: MailList) -> None:
    before = member(world, book)
    letter = token(world)
    (told,) = Speaker(world, ANA).writes(letter.answer_to, "> bye\n> weekly\nHow are you?\n", "Re: x")
    assert member(world, book) == before
    assert told.subject.startswith("I did not understand")


def test_a_zone_and_a_language_hold_on_all_lists(world: World, book: MailList) -> None:
    other = world.circle("other", "Other Circle")
    world.member(other, ANA)
    ana = Speaker(world, ANA)
    ana.answers(token(world), "zone berlin")
    (told,) = ana.writes("other+ask@lists.example.org", "settings")
    assert "Europe/Berlin (10:00 there now)" in told.text


def test_everywhere_says_it_to_all_of_ones_lists(world: World, book: MailList) -> None:
    other = world.circle("other", "Other Circle")
    world.member(other, ANA)
    Speaker(world, ANA).answers(token(world), "weekly everywhere")
    assert [member(world, here).rhythm for here in (book, other)] == ["weekly", "weekly"]


# -- who may ----------------------------------------------------------------------------------------


def test_somebody_elses_token_gives_a_stranger_nothing_and_its_owner_is_asked_once_a_day(
    world: World, book: MailList
) -> None:
    before, letter = member(world, book), token(world)
    mallory = Speaker(world, MALLORY)
    (asked,) = mallory.answers(letter, "bye")
    assert asked.to == ANA and "mallory@evil.example answered a mail of ours" in " ".join(asked.text.split())
    assert "bye" not in asked.text
    assert mallory.answers(letter, "weekly") == []
    assert member(world, book) == before


def test_another_member_with_ones_token_gets_nothing_and_nobody_is_asked(
    world: World, book: MailList
) -> None:
    before = member(world, book)
    assert Speaker(world, BEN).answers(token(world), "bye") == []
    assert member(world, book) == before and member(world, book, BEN).state == "active"


def test_yes_to_another_address_adds_it_and_does_what_it_asked(world: World, book: MailList) -> None:
    (asked,) = Speaker(world, "ana@work.example").answers(token(world), "weekly")
    Speaker(world, ANA).answers(asked, "yes")
    assert member(world, book).rhythm == "weekly"
    assert member(world, book, "ana@work.example").person_id == member(world, book).person_id


def test_where_from_fails_the_known_address_is_asked_and_yes_does_it(world: World, book: MailList) -> None:
    forger = Speaker(world, ANA, FAIL)
    (asked,) = forger.answers(token(world), "bye")
    assert member(world, book).state == "active"
    assert asked.to == ANA and asked.subject.startswith("Was this you?")
    Speaker(world, ANA).answers(asked, "Yes, I never asked for this!")
    assert member(world, book).state == "active", "more words than yes are no yes"
    Speaker(world, ANA).answers(asked, "Yes")
    assert member(world, book).state == "left"


def test_a_forger_fills_nobodys_mailbox(world: World, book: MailList) -> None:
    letter, forger = token(world), Speaker(world, ANA, FAIL)
    told = [one for _ in range(20) for one in forger.answers(letter, "bye")]
    assert len(told) == 1


def test_without_a_token_the_known_address_is_asked_and_nothing_is_done(world: World, book: MailList) -> None:
    for where, words in ((ASK, "weekly\nno copies"), (LEAVE, "")):
        (asked,) = Speaker(world, ANA).writes(where, words)
        assert asked.to == ANA and asked.kind == "question"
    found = member(world, book)
    assert (found.rhythm, found.copies, found.state) == ("now", True, "active")


def test_a_yes_counts_once_however_often_it_comes(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    (asked,) = ana.writes(LEAVE)
    (told,) = ana.answers(asked, "yes")
    ana.answers(told, "undo")
    (again,) = ana.answers(asked, "yes")
    assert member(world, book).state == "active"
    assert again.text.startswith("That was answered before")


def test_a_replayed_mail_does_nothing_and_is_not_answered(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    letter = token(world)
    raw = ana.mail(letter.answer_to, "weekly")
    ana.sends(raw, letter.answer_to)
    ana.answers(letter, "daily")
    assert ana.sends(raw, letter.answer_to) == []
    assert member(world, book).rhythm == "daily"


def test_fifty_answers_at_once_have_one_effect(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    (asked,) = ana.writes(LEAVE)
    for _ in range(50):
        world.accept(ana.mail(asked.answer_to, "yes"), asked.answer_to, ANA)
    before = len(world.outbox)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: world.work(), range(8)))
    world.settle()
    acts = [why for why in world.why() if why in ("leave", "answered before")]
    assert acts.count("leave") == 1
    assert len(world.outbox) - before <= 50
    assert member(world, book).state == "left"


def test_a_yes_that_is_too_late_does_nothing(world: World, book: MailList) -> None:
    (asked,) = Speaker(world, ANA).writes(LEAVE)
    world.pass_time(days=8)
    (told,) = Speaker(world, ANA).answers(asked, "yes")
    assert member(world, book).state == "active"
    assert told.text.startswith("That was too long ago")


def test_undo_of_a_leave_is_good_for_seven_days(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    (told,) = ana.answers(token(world), "bye")
    world.pass_time(days=6)
    ana.answers(told, "undo")
    assert member(world, book).state == "active"


@pytest.mark.parametrize(
    "from_",
    [
        f"{ANA}, {MALLORY}",
        f'"{ANA}" <{MALLORY}>',
        f"{ANA} <{MALLORY}>",
        f"Ana: {ANA};",
        f"<{MALLORY}>\nFrom: <{ANA}>",
        f"<{ANA}>\nFrom: <{MALLORY}>",
    ],
)
def test_a_from_that_reads_two_ways_gives_nobody_anything(world: World, book: MailList, from_: str) -> None:
    before, letter = member(world, book), token(world)
    raw = Speaker(world, ANA).mail(letter.answer_to, "bye")
    Speaker(world, MALLORY).sends(
        raw.replace(f"From: <{ANA}>".encode(), f"From: {from_}".encode()), letter.answer_to
    )
    assert member(world, book) == before


def test_machines_are_never_answered(world: World, book: MailList) -> None:
    letter, ana = token(world), Speaker(world, ANA)
    for field in (b"Auto-Submitted: auto-replied", b"Precedence: bulk", b"X-Autoreply: yes"):
        raw = field + b"\n" + ana.mail(letter.answer_to, "bye")
        assert ana.sends(raw, letter.answer_to) == []
    assert member(world, book).state == "active"


def test_a_token_of_another_list_leads_nowhere(world: World, book: MailList) -> None:
    other = world.circle("other", "Other Circle")
    forged = token(world).answer_to.replace("book+", "other+")
    with world.store.read() as tx:
        found = directory.look_up(tx, read_address(forged), "lists.example.org", world.ring)
    assert found == directory.NOWHERE and other


# -- nothing of this reaches the list ---------------------------------------------------------------


def posts(letters: list[Letter]) -> list[Letter]:
    return [one for one in letters if one.kind == "post"]


@pytest.mark.parametrize("words", ["unsubscribe", "Please remove me from this list.", "Bitte austragen"])
def test_a_proven_request_to_the_list_is_obeyed_and_told_to_its_sender_alone(
    world: World, book: MailList, words: str
) -> None:
    told = Speaker(world, ANA).writes(LIST, words, "please")
    assert [one.to for one in told] == [ANA]
    assert member(world, book).state == "left"


def test_an_unproven_one_is_asked_about_and_a_forged_one_too(world: World, book: MailList) -> None:
    for proof in (NONE, FAIL):
        told = Speaker(world, ANA, proof).writes(LIST, "unsubscribe")
        assert [one.to for one in told] in ([ANA], [])
        assert not posts(told)
    assert member(world, book).state == "active"


def test_mute_quiets_one_thread_and_unmute_brings_it_back(world: World, book: MailList) -> None:
    ana, ben = Speaker(world, ANA), Speaker(world, BEN, NONE)
    first = ana.mail(LIST, "Who applied?", "Cold storage")
    ana.sends(first, LIST)
    own_id = first.split(b"Message-ID: <")[1].split(b">")[0].decode()
    (told,) = ben.writes(LIST, "mute", "Re: Cold storage", own_id)
    assert told.text.startswith('Muted. You\'ll not see "Cold storage" again.')
    copies = posts(ana.writes(LIST, "Anybody?", "Re: Cold storage", own_id))
    assert BEN not in [one.to for one in copies] and ANA in [one.to for one in copies]
    Speaker(world, BEN).answers(told, "undo")
    copies = posts(ana.writes(LIST, "Really?", "Re: Cold storage", own_id))
    assert BEN in [one.to for one in copies]


@pytest.mark.parametrize("words", ["yes", "3", "now", "none", "friday", "where?", "all"])
def test_bare_words_are_ordinary_answers_in_a_thread(world: World, book: MailList, words: str) -> None:
    ana = Speaker(world, ANA)
    first = ana.mail(LIST, "When shall we meet?", "Meeting")
    ana.sends(first, LIST)
    own_id = first.split(b"Message-ID: <")[1].split(b">")[0].decode()
    assert len(posts(Speaker(world, BEN).writes(LIST, words, "Re: Meeting", own_id))) == 3


def test_a_bare_word_alone_is_asked_about_and_goes_out_as_it_was_meant(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    (asked,) = ana.writes(LIST, "3", "Hm")
    assert asked.subject == "A post or a setting? (Book Circle)"
    assert len(posts(ana.answers(asked, "post"))) == 3
    (asked,) = ana.writes(LIST, "daily", "Hm")
    told = ana.answers(asked, "setting")
    assert not posts(told) and member(world, book).rhythm == "daily"


def test_more_words_than_the_verb_are_a_post(world: World, book: MailList) -> None:
    text = "Stop me if you heard this.\n\nUnsubscribe links: how do you word them?"
    assert len(posts(Speaker(world, ANA).writes(LIST, text, "A question"))) == 3


# -- joining ----------------------------------------------------------------------------------------


def test_joining_is_one_mail_one_reply_and_a_welcome_of_one_screen(world: World, book: MailList) -> None:
    cy = Speaker(world, "cy@cy.example", NONE)
    (asked,) = cy.writes(JOIN)
    assert "Book Circle" not in asked.text and "Hello" not in asked.text
    (welcome,) = cy.answers(asked, "yes")
    assert welcome.subject == "Welcome to Book Circle"
    assert len(welcome.text.splitlines()) <= 30
    found = member(world, book, "cy@cy.example")
    assert (found.state, found.probation_left) == ("active", 1)
    assert cy.answers(asked, "yes") == []


def test_an_empty_reply_confirms_too_and_silence_does_nothing(world: World, book: MailList) -> None:
    cy = Speaker(world, "cy@cy.example", NONE)
    (asked,) = cy.writes(JOIN)
    assert cy.answers(asked, "")
    assert member(world, book, "cy@cy.example").state == "active"


def test_nobody_joins_for_somebody_else(world: World, book: MailList) -> None:
    (asked,) = Speaker(world, "victim@cy.example", NONE).writes(JOIN)
    assert asked.to == "victim@cy.example"
    Speaker(world, MALLORY).answers(asked, "yes")
    with world.store.read() as tx:
        for address in ("victim@cy.example", MALLORY):
            assert rosters.find_member(tx, book.id, read_address(address)) is None


def test_a_hundred_requests_for_one_victim_are_three_questions(world: World, book: MailList) -> None:
    lists = [world.circle(f"list{number}", f"List {number}", join="confirm") for number in range(10)]
    victim = Speaker(world, "victim@cy.example", NONE)
    told = [
        one
        for here in lists
        for _ in range(10)
        for one in victim.writes(f"{here.address.local}+join@lists.example.org")
    ]
    assert len(told) == 3


def test_stop_means_never_again(world: World, book: MailList) -> None:
    victim = Speaker(world, "victim@cy.example", NONE)
    (asked,) = victim.writes(JOIN)
    victim.answers(asked, "stop")
    world.pass_time(days=2)
    assert victim.writes(JOIN) == []


def test_where_hosts_decide_a_joiner_confirms_first_and_then_waits(world: World) -> None:
    here = world.circle(join="approve")
    world.host(here, "hanna@host.example")
    cy = Speaker(world, "cy@cy.example", NONE)
    (asked,) = cy.writes(JOIN)
    waits, card = cy.answers(asked, "yes")
    assert card.kind == "card" and card.to == "hanna@host.example"
    assert waits.subject.startswith("Thank you") and "book+host@lists.example.org" in waits.text
    assert member(world, here, "cy@cy.example").state == "pending"
    assert world.ends() == {"commands": 1, "held": 1}
    world.approve(1)
    assert member(world, here, "cy@cy.example").state == "active"
    assert [one.recipient for one in world.outbox[-1:]] == ["cy@cy.example"]


def test_who_answers_a_join_with_a_question_hears_once_where_questions_go(
    world: World, book: MailList
) -> None:
    for who, times in (("cy@cy.example", 1), ("dora@cy.example", 1)):
        asker = Speaker(world, who)
        (asked,) = asker.writes(JOIN)
        (told,) = asker.answers(asked, "What is this list about?\n\nDora")
        assert "book+host@lists.example.org" in told.text and "about" not in told.text
        assert len(asker.answers(asked, "Hello?")) == times - 1
        assert asker.answers(asked, "yes")[0].subject == "Welcome to Book Circle"
    unproven = Speaker(world, "ed@cy.example", NONE)
    assert unproven.answers(unproven.writes(JOIN)[0], "What is this list about?") == []


def test_who_has_left_and_says_more_hears_how_to_come_back(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    (left,) = ana.answers(ana.writes(ASK, "settings")[0], "bye")
    (told,) = ana.answers(left, "weekly")
    assert "You have left Book Circle" in told.text and "book+join@lists.example.org" in told.text


def test_whom_hosts_decline_waits_no_longer_and_may_ask_again(world: World) -> None:
    here = world.circle(join="approve")
    world.host(here, "hanna@host.example")
    cy = Speaker(world, "cy@cy.example", NONE)
    cy.answers(cy.writes(JOIN)[0], "yes")
    world.store.do(lambda tx: holds.decline(tx, 1, "operator", world.clock.now()))
    assert member(world, here, "cy@cy.example").state == "left"
    world.pass_time(days=2)
    assert cy.writes(JOIN)


@pytest.mark.parametrize("how", ["invite", "closed"])
def test_a_list_that_takes_nobody_by_mail_says_so_to_who_is_proven(world: World, how: str) -> None:
    here = world.circle(join=how)
    world.host(here, "hanna@host.example")
    assert Speaker(world, "cy@cy.example", NONE).writes(JOIN) == []
    (told,) = Speaker(world, "cy@cy.example").writes(JOIN)
    assert "book+host@lists.example.org" in told.text and "Book Circle" not in told.subject + told.text
    assert Speaker(world, "cy@cy.example").writes(HELP) == []


def test_a_hidden_list_says_nothing_to_a_stranger_whatever_is_said(world: World) -> None:
    here = world.circle(visible="hidden", join="confirm")
    world.host(here, "hanna@host.example")
    for address in (ASK, JOIN, LEAVE, HELP, LIST):
        assert Speaker(world, "cy@cy.example").writes(address, "help") == []


# -- one's own mails --------------------------------------------------------------------------------


def test_where_shows_each_mail_and_its_end(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    raw = ana.mail(LIST, "Who applied?", "Cold storage")
    ana.sends(raw, LIST)
    ana.sends(raw, LIST)
    (told,) = ana.writes(ASK, "where")
    text = " ".join(told.text.split())
    assert "Cold storage" in text and "went out to everybody" in text and "came twice" in text


def test_an_author_takes_back_what_waits(world: World, book: MailList) -> None:
    here = world.circle("slow", "Slow Circle", posting="hosts")
    world.member(here, ANA)
    ana = Speaker(world, ANA)
    (held,) = ana.writes("slow@lists.example.org", "May I?", "A question")
    assert 'Reply "cancel"' in " ".join(held.text.split())
    (told,) = ana.answers(held, "cancel")
    assert told.text.startswith('Taken back: "A question".')
    assert world.why()[0] == "taken back by its author"


def test_undo_within_the_outbox_time_stops_a_post_and_nobody_had_it(world: World) -> None:
    here = world.circle(outbox_minutes=2)
    for address in (ANA, BEN):
        world.member(here, address)
    ana = Speaker(world, ANA, NONE)
    first = ana.mail(LIST, "Oops", "Salaries")
    assert ana.sends(first, LIST) == []
    own_id = first.split(b"Message-ID: <")[1].split(b">")[0].decode()
    (told,) = ana.writes(LIST, "undo", "Re: Salaries", own_id)
    assert told.text.startswith("Taken back in time.")
    world.pass_time(minutes=10)
    assert not [one for one in world.outbox if one.recipient == BEN]


def test_a_second_address_is_confirmed_by_both_and_then_posts(world: World, book: MailList) -> None:
    ana, work = Speaker(world, ANA), Speaker(world, "ana@work.example")
    told = ana.answers(token(world), "address add ana@work.example")
    asked = next(one for one in told if one.to == "ana@work.example")
    assert "Book Circle" not in asked.text + asked.subject
    work.answers(asked, "yes")
    assert len(posts(work.writes(LIST, "From work", "Hi"))) == 3


def test_every_mail_ends_in_one_state(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    letter = token(world)
    for words in ("weekly", "nonsense", "undo", "cancel", "where", "help", "yes", "no"):
        ana.answers(letter, words)
    assert world.ends() == {"commands": 9}
    with world.store.read() as tx:
        assert not arrivals.aside(tx)


def test_my_data_comes_as_a_zip_to_the_known_address(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    ana.writes(LIST, "We did, twice.", "Cold storage")
    (told,) = ana.answers(token(world), "my data")
    files = attached(told)
    assert {"README.txt", "posts.mbox", "settings.toml", "acts.csv"} <= set(files)
    assert b"We did, twice." in files["posts.mbox"] and b"Book Circle" in files["settings.toml"]


@pytest.mark.parametrize(("words", "stays"), [("yes", True), ("yes anonymise", True), ("yes delete", False)])
def test_forget_me_shows_what_would_go_and_the_answer_does_it(
    world: World, book: MailList, words: str, stays: bool
) -> None:
    ana = Speaker(world, ANA)
    ana.writes(LIST, "The cellar is cold enough.", "Cold storage")
    (shown,) = ana.answers(token(world), "forget me")
    assert shown.kind == "question" and "1" in shown.text
    assert member(world, book).state == "active"
    (farewell,) = ana.answers(shown, words)
    assert farewell.to == ANA
    with world.store.read() as tx:
        assert rosters.find_member(tx, book.id, read_address(ANA)) is None
        rows = tx.execute(
            select(schema.posts.c.text, schema.posts.c.author_name, schema.posts.c.author)
        ).all()
    assert [bool(row.text) for row in rows] == [stays]
    assert all(not row.author_name and not row.author for row in rows)


def test_forget_me_without_anything_that_speaks_for_it_is_asked_about_first(
    world: World, book: MailList
) -> None:
    (asked,) = Speaker(world, ANA, NONE).answers(token(world), "forget me")
    assert asked.subject.startswith("Was this you?")


def attached(letter: Letter) -> dict[str, bytes]:
    """The files of the zip that comes with a mail of ours."""
    found = email.message_from_bytes(letter.mailed.raw)
    zipped = [part.get_payload(decode=True) for part in found.walk() if part.get_filename() == "my-data.zip"]
    with ZipFile(io.BytesIO(bytes(zipped[0]))) as box:
        return {name: box.read(name) for name in box.namelist()}


# -- the archive answers mail -----------------------------------------------------------------------


def talk(world: World, subject: str, *texts: str) -> str:
    """A conversation of Ana's; the Message-ID of its first mail."""
    ana = Speaker(world, ANA)
    first = ana.mail(LIST, texts[0], subject)
    ana.sends(first, LIST)
    own_id = first.split(b"Message-ID: <")[1].split(b">")[0].decode()
    for text in texts[1:]:
        ana.writes(LIST, text, f"Re: {subject}", own_id)
    return own_id


def test_find_names_threads_and_send_mails_one_whole_without_quotes(world: World, book: MailList) -> None:
    talk(world, "Cold storage grant", "Who applied?", "We did, twice.\n\n> Who applied?")
    talk(world, "No-shows", "Volunteers who do not come.")
    ben = Speaker(world, BEN)
    (found,) = ben.writes(ASK, "find applied")
    assert "1 conversation:" in found.text and "1. Cold storage grant" in found.text
    assert "No-shows" not in found.text and "@" not in found.text.replace("@lists", "")
    (whole,) = ben.answers(found, "send 1")
    assert whole.subject == "Cold storage grant (Book Circle)"
    assert whole.text.count("Who applied?") == 1 and "We did, twice." in whole.text
    (nothing,) = ben.answers(found, "send 2")
    assert nothing.text.startswith("Which one?")


def test_more_goes_on_where_find_ended(world: World, book: MailList) -> None:
    for number in range(10):
        talk(world, f"Talk {number}", "About garlic.")
    ben = Speaker(world, BEN)
    (first,) = ben.writes(ASK, "find garlic")
    (second,) = ben.answers(first, "more")
    assert "10 conversations" in first.text and "9. Talk" in second.text
    (third,) = ben.answers(second, "more")
    assert third.text.startswith('That was all there is for "garlic".')


def test_membership_is_asked_at_that_moment(world: World, book: MailList) -> None:
    talk(world, "Secret plans", "About garlic.")
    ben = Speaker(world, BEN)
    (found,) = ben.writes(ASK, "find garlic")
    ben.answers(found, "bye")
    told = [*ben.answers(found, "send 1"), *ben.writes(ASK, "find garlic"), *ben.answers(found, "more")]
    assert all("garlic" not in one.text.replace('"garlic"', "") and "Secret" not in one.text for one in told)


def test_a_thread_put_off_is_quiet_and_comes_back_as_one_mail(world: World, book: MailList) -> None:
    own_id = talk(world, "Budget", "First draft.")
    (told,) = Speaker(world, BEN).writes(LIST, "later friday", "Re: Budget", own_id)
    assert "comes back to you on Friday 27 November, 07:00" in " ".join(told.text.split())
    copies = posts(Speaker(world, ANA).writes(LIST, "Second draft.", "Re: Budget", own_id))
    assert BEN not in [one.to for one in copies]
    before = len(world.outbox)
    world.pass_time(days=6)
    (back,) = [read(one) for one in world.outbox[before:]]
    assert back.to == BEN and "First draft." in back.text and "Second draft." in back.text
    copies = posts(Speaker(world, ANA).writes(LIST, "Third draft.", "Re: Budget", own_id))
    assert BEN in [one.to for one in copies]


def test_a_pause_ends_by_itself(world: World, book: MailList) -> None:
    Speaker(world, ANA).answers(token(world), "pause until tomorrow")
    assert member(world, book).state == "paused"
    world.pass_time(days=1)
    assert member(world, book).state == "active"


def test_archive_gives_a_link_that_signs_in(world: World, book: MailList) -> None:
    (told,) = Speaker(world, ANA).answers(token(world), "archive")
    assert "https://lists.example.org/in?t=" in told.text and "next=/book/" in told.text
