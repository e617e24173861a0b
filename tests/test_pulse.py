"""The weekly pulse, all of it: when it comes and to whom, what it finds, what its numbers do."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from listserv.core.address import read_address
from listserv.core.types import Failed, MailList, Member
from listserv.flow.pulse_round import bring_due
from listserv.store import pulse_weeks, rosters, schema
from listserv.store.engine import Transaction
from tests.kit.speaker import FAIL, NONE, Letter, Speaker, read
from tests.kit.world import World, open_world

BOOK, ASK = "book@lists.example.org", "book+ask@lists.example.org"
ANA, BEN, CY, DEE = (f"{name}@{name}.example" for name in ("ana", "ben", "cy", "dee"))
HANNA, HUGO, MALLORY = "hanna@host.example", "hugo@host.example", "mallory@evil.example"
MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    """Saturday, 21 November, 9:00."""
    here = world.circle()
    world.host(here, HANNA, name="Hanna Host")
    for address, name in ((ANA, "Ana Silva"), (BEN, "Ben Okafor"), (CY, "Cy"), (DEE, "Dee")):
        world.member(here, address, name=name)
    return here


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody's mail to the list, and its Message-ID."""

    id: str
    author: str


def posts(world: World, author: str, text: str, subject: str = "Garlic", answers: str = "") -> Post:
    speaker = Speaker(world, author)
    raw = speaker.mail(BOOK, text, subject, answers)
    speaker.sends(raw, BOOK)
    return Post(str(email.message_from_bytes(raw)["Message-ID"]).strip("<>"), author)


def asks(world: World, host: str = HANNA) -> Letter:
    """The pulse, asked for."""
    (letter,) = Speaker(world, host).writes(ASK, "pulse")
    return letter


def one_paragraph(letter: Letter) -> str:
    return " ".join(letter.text.split())


def goes_to(world: World, when: datetime) -> None:
    world.clock.move(when - world.clock.now())
    world.settle()


def weekly(world: World) -> list[Letter]:
    before = len(world.outbox)
    world.weekly()
    return [read(mailed) for mailed in world.outbox[before:]]


def member(world: World, here: MailList, address: str) -> Member:
    with world.store.read() as tx:
        found = rosters.find_member(tx, here.id, read_address(address))
    assert found is not None
    return found


def set_subscription(world: World, here: MailList, address: str, **values: object) -> None:
    number = member(world, here, address).id
    change = update(schema.subscriptions).where(schema.subscriptions.c.id == number).values(values)
    world.store.do(lambda tx: tx.execute(change))


# -- when -------------------------------------------------------------------------------------------


def test_it_comes_on_monday_at_the_lists_hour_once(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY - timedelta(seconds=1))
    assert weekly(world) == []
    goes_to(world, MONDAY)
    (letter,) = weekly(world)
    assert letter.to == HANNA and letter.subject == "Book Circle this week: 1 post"
    for hours in (0, 1, 24, 47, 100):
        goes_to(world, MONDAY + timedelta(hours=hours))
        assert weekly(world) == []
    goes_to(world, MONDAY + timedelta(days=7))
    assert [letter.to for letter in weekly(world)] == [HANNA]


def test_two_lists_in_two_zones_have_it_each_at_their_own_hour(world: World) -> None:
    for local, zone, hour in (
        ("east", "Pacific/Auckland", "08:30"),
        ("west", "America/Los_Angeles", "07:00"),
    ):
        here = world.circle(local, local, timezone=zone, digest_at=hour)
        world.host(here, f"{local}@host.example")
        Speaker(world, f"{local}@host.example").writes(f"{local}@lists.example.org", "Hello.")
    told = []
    for moment in ("22 10:00", "22 19:29", "22 19:30", "23 07:00", "23 14:59", "23 15:00", "23 19:30"):
        goes_to(world, datetime.fromisoformat(f"2026-11-{moment}:00+00:00"))
        told += [f"{letter.to} {moment}" for letter in weekly(world)]
    assert told == ["east@host.example 22 19:30", "west@host.example 23 15:00"]


def test_summer_time_moves_it_with_the_clocks_on_the_wall(world: World) -> None:
    world.clock.move(datetime(2026, 10, 1, tzinfo=UTC) - world.clock.now())
    here = world.circle(timezone="Europe/Berlin")
    world.host(here, HANNA)
    posts(world, HANNA, "Hello.")
    told = []
    for day in (5, 12, 19, 26):
        for moment in ("04:30", "05:00", "05:30", "06:00", "06:30", "12:00"):
            goes_to(world, datetime.fromisoformat(f"2026-10-{day:02} {moment}:00+00:00"))
            told += [f"{day:02} {moment}" for _ in weekly(world)]
    assert told == ["05 05:00", "12 05:00", "19 05:00", "26 06:00"]


def test_two_schedulers_at_once_write_one_each(world: World, book: MailList) -> None:
    world.host(book, HUGO, name="Hugo")
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY)
    before = len(world.outbox)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bring_due(world.pen, world.bells), range(8)))
    world.settle()
    assert sorted(mailed.recipient for mailed in world.outbox[before:]) == [HANNA, HUGO]


def test_a_crash_between_the_mark_and_the_letters_leaves_neither(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY)

    def crash(tx: Transaction) -> None:
        assert pulse_weeks.take(tx, book.id, MONDAY.date(), MONDAY)
        raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        world.store.do(crash)
    assert [letter.to for letter in weekly(world)] == [HANNA]


def test_a_clock_that_is_set_back_and_forth_brings_no_second_one(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello all.")
    count = 0
    for days in (0, 21, 0, 7, 21, 14, 28, 7):
        world.clock.move(MONDAY + timedelta(days=days) - world.clock.now())
        count += len(weekly(world))
    assert count == 5  # one for each of the Mondays that were met


def test_a_server_that_was_down_catches_up_till_wednesday(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY + timedelta(days=2, seconds=1))
    assert weekly(world) == []
    goes_to(world, MONDAY + timedelta(days=9))
    assert len(weekly(world)) == 1


def test_a_list_without_any_post_and_one_made_since_monday_have_none(world: World, book: MailList) -> None:
    goes_to(world, MONDAY + timedelta(hours=1))
    fresh = world.circle("fresh", "Fresh")
    world.host(fresh, HUGO)
    Speaker(world, HUGO).writes("fresh@lists.example.org", "Hello.")
    assert weekly(world) == []
    goes_to(world, MONDAY + timedelta(days=7))
    assert [letter.to for letter in weekly(world)] == [HUGO]


def test_only_hosts_who_are_there_get_it(world: World, book: MailList) -> None:
    for name in ("there", "paused", "away", "back", "left", "lost"):
        world.host(book, f"{name}@host.example", name=name)
    set_subscription(world, book, "paused@host.example", state="paused")
    set_subscription(world, book, "away@host.example", off_duty_until=MONDAY + timedelta(days=1))
    set_subscription(world, book, "back@host.example", off_duty_until=MONDAY - timedelta(days=1))
    set_subscription(world, book, "left@host.example", state="left")
    set_subscription(world, book, "lost@host.example", state="bouncing")
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY)
    there = [HANNA, *(f"{name}@host.example" for name in ("there", "paused", "back"))]
    assert sorted(letter.to for letter in weekly(world)) == sorted(there)


# -- what it finds ----------------------------------------------------------------------------------


def test_a_quiet_week_is_said_in_a_line(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello all.")
    world.pass_time(days=10)
    posts(world, BEN, "Hello Ana.", answers="nothing")
    world.pass_time(days=20)
    letter = asks(world)
    assert letter.subject == "Book Circle: a quiet week"
    assert one_paragraph(letter) == (
        "Nobody wrote this week, and nothing needs you. 5 readers (5 each mail)."
    )
    assert b"image/png" not in letter.mailed.raw


def test_a_question_that_nobody_but_its_writer_answered_is_found_after_two_days(
    world: World, book: MailList
) -> None:
    for address in (ANA, BEN):
        posts(world, address, "Hello, it is me.")
    world.pass_time(days=59)
    garlic = posts(world, ANA, "When do you plant it?", "Garlic")
    posts(world, ANA, "I mean the white one.", "Re: Garlic", garlic.id)
    pears = posts(world, BEN, "When do you prune them?", "Pears")
    posts(world, ANA, "In March.", "Re: Pears", pears.id)
    assert "Garlic" not in asks(world).text
    world.pass_time(days=2)
    letter = asks(world)
    assert '1. Nobody has answered A member ("Garlic"' in one_paragraph(letter)
    assert "When do you plant it?" in letter.text and "Pears" not in letter.text
    world.pass_time(days=13)
    assert "Garlic" not in asks(world).text


def test_a_newcomer_whom_nobody_answered_is_found_even_if_nothing_was_asked(
    world: World, book: MailList
) -> None:
    posts(world, ANA, "Hello, I am Ana, and I grow leeks.", "Hello")
    world.pass_time(days=3)
    letter = asks(world)
    assert "is new here, wrote for the first time and heard nothing" in one_paragraph(letter)
    assert "Hello, I am Ana, and I grow leeks." in letter.text
    assert letter.subject == "Book Circle: 1 thing to look at, 1 post"


def test_what_waits_longer_than_a_day_is_found(world: World, book: MailList) -> None:
    posts(world, MALLORY, "Let me in.")
    assert "waits for a host" not in asks(world).text
    world.pass_time(days=1)
    letter = asks(world)
    assert "1. One thing waits for a host, since Saturday 21 November, 09:00." in one_paragraph(letter)
    assert "Reply: waiting" in letter.text


def stop_mail(world: World, here: MailList, address: str) -> None:
    set_subscription(world, here, address, state="bouncing")


def test_who_can_t_be_reached_is_found_and_a_host_never(world: World, book: MailList) -> None:
    world.host(book, HUGO, name="Hugo")
    stop_mail(world, book, BEN)
    stop_mail(world, book, HUGO)
    letter = asks(world)
    assert "1. Mail to Ben Okafor <ben@ben.example> keeps coming back" in one_paragraph(letter)
    assert "Hugo" not in letter.text
    assert "6 readers (4 each mail, 2 mail stopped)." in one_paragraph(letter)


def test_posts_voices_and_first_answers_are_counted_against_the_weeks_before(
    world: World, book: MailList
) -> None:
    for week in range(5):
        for number in range(week + 1):
            garlic = posts(world, ANA, f"Number {number} of {week}.")
            if number == 0:
                posts(world, BEN if week % 2 else HANNA, "So it is.", "Re: Garlic", garlic.id)
        world.pass_time(days=7)
    world.clock.move(-timedelta(seconds=1))
    letter = asks(world)
    assert "6 posts by 2 people in the last seven days (4 in a usual week)." in one_paragraph(letter)
    assert "Posts in the last 5 weeks: 2, 3, 4, 5 and now 6." in one_paragraph(letter)
    assert "First answers in the last four weeks: 2 of 4 were not a host's." in one_paragraph(letter)


def test_the_picture_is_in_the_mail_and_called_what_the_text_says(world: World, book: MailList) -> None:
    posts(world, ANA, "Hello <b>all</b>.", "<img src=https://evil.example/>")
    world.pass_time(days=8)
    posts(world, ANA, "Hello again?")
    found = email.message_from_bytes(asks(world).mailed.raw, policy=email.policy.default)
    kinds = [part.get_content_type() for part in found.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    page, picture = list(found.walk())[3:]
    cid = str(picture["Content-ID"]).strip("<>")
    assert f'<img src="cid:{cid}" width="300" height="120" alt="Posts in the last 2 weeks: 1 and now 1."' in (
        page.get_content()
    )
    assert (
        page.get_content().count("<img") == 1
        and "&lt;img src=https://evil.example/&gt;" in page.get_content()
    )
    assert picture.get_content().startswith(b"\x89PNG")


# -- numbers ----------------------------------------------------------------------------------------


@pytest.fixture
def open_question(world: World, book: MailList) -> Post:
    """Ben, Cy and Dee often answer; then Ana asks, and nobody does."""
    first = posts(world, ANA, "Hello all.", "Leeks")
    for address, many in ((BEN, 3), (CY, 2), (DEE, 1), (HANNA, 4)):
        for _ in range(many):
            posts(world, address, "Yes.", "Re: Leeks", first.id)
    world.pass_time(days=5)
    asked = posts(world, ANA, "When do you plant it?\n\nI wait for the frost.", "Garlic")
    world.pass_time(days=3)
    return asked


def test_nudge_asks_who_often_answers_once_and_a_reply_goes_to_the_list_into_the_thread(
    world: World, book: MailList, open_question: Post
) -> None:
    hanna, letter = Speaker(world, HANNA), asks(world)
    told = hanna.answers(letter, "1 nudge")
    assert sorted(mail.to for mail in told) == [BEN, CY, DEE, HANNA]
    asked = next(mail for mail in told if mail.to == BEN)
    assert asked.answer_to == BOOK and asked.subject == "Garlic"
    assert "I wait for the frost." in asked.text and "this is not asked twice" in one_paragraph(asked)
    raw = email.message_from_bytes(asked.mailed.raw)
    assert raw["In-Reply-To"] == f"<{open_question.id}>" and raw["Auto-Submitted"] == "auto-generated"
    (said,) = [mail for mail in told if mail.to == HANNA]
    assert 'Asked, once: Ben Okafor, Cy, Dee. It is about "Garlic".' in one_paragraph(said)
    (again,) = hanna.answers(letter, "1 nudge")
    assert 'Members were asked about "Garlic" before.' in one_paragraph(again)
    posts(world, BEN, "In October.", "Re: Garlic", reply_to(asked))
    assert "Garlic" not in asks(world).text
    (late,) = hanna.answers(letter, "1 nudge")
    assert '"Garlic" has an answer by now' in one_paragraph(late)


def reply_to(letter: Letter) -> str:
    """What a mail program puts into References: those of the mail, then the mail itself."""
    raw = email.message_from_bytes(letter.mailed.raw)
    return f"{raw['References']} {raw['Message-ID']}".strip("<>")


def test_two_hosts_who_nudge_ask_once(world: World, book: MailList, open_question: Post) -> None:
    world.host(book, HUGO, name="Hugo")
    hanna, hugo = asks(world), asks(world, HUGO)
    assert len(Speaker(world, HANNA).answers(hanna, "1 nudge")) == 4
    (told,) = Speaker(world, HUGO).answers(hugo, "1 nudge")
    assert 'Members were asked about "Garlic" before.' in one_paragraph(told)


def test_nobody_is_asked_twice_a_day_nor_who_muted_it_nor_who_wants_no_mail(
    world: World, book: MailList, open_question: Post
) -> None:
    second = posts(world, ANA, "And when do you lift it?", "Lifting")
    (copy,) = [mailed for mailed in world.outbox if mailed.recipient == DEE and b"Lifting" in mailed.raw]
    Speaker(world, DEE).writes(BOOK, "mute", "Re: Lifting", second.id)
    set_subscription(world, book, CY, rhythm="none")
    world.pass_time(days=3)
    letter = asks(world)
    told = Speaker(world, HANNA).answers(letter, "1 nudge\n2 nudge")
    assert [mail.to for mail in told if mail.to != HANNA] == [BEN, DEE]
    (said,) = [mail for mail in told if mail.to == HANNA]
    assert 'There is nobody to ask about "Lifting" just now' in one_paragraph(said)
    assert copy.recipient == DEE


def test_show_brings_the_post_whole_and_a_plain_reply_reaches_the_list(
    world: World, book: MailList, open_question: Post
) -> None:
    (shown,) = Speaker(world, HANNA).answers(asks(world), "1 show")
    assert (shown.to, shown.answer_to, shown.subject) == (HANNA, BOOK, "Garlic")
    assert "I wait for the frost." in shown.text
    posts(world, HANNA, "By the frost, too.", "Re: Garlic", reply_to(shown))
    assert "Garlic" not in asks(world).text


def test_remove_ends_the_subscription_and_undo_takes_it_back(world: World, book: MailList) -> None:
    stop_mail(world, book, BEN)
    hanna, letter = Speaker(world, HANNA), asks(world)
    (told,) = hanna.answers(letter, "1 remove")
    assert "Ben Okafor <ben@ben.example> is no longer on the list." in one_paragraph(told)
    assert member(world, book, BEN).state == "left"
    assert acts(world)[-1][:2] == (f"host {member(world, book, HANNA).id}", "member removed")
    assert acts(world)[-1][2] is not None
    (undone,) = hanna.answers(told, "undo")
    assert undone.text.startswith("Undone.") and member(world, book, BEN).state == "active"


def acts(world: World) -> list[tuple[str, str, int | None]]:
    a = schema.acts.c
    with world.store.read() as tx:
        return [
            (row.who, row.act, row.arrival_id)
            for row in tx.execute(select(a.who, a.act, a.arrival_id).order_by(a.id))
        ]


def test_who_can_be_reached_again_stays(world: World, book: MailList) -> None:
    stop_mail(world, book, BEN)
    letter = asks(world)
    set_subscription(world, book, BEN, state="active")
    (told,) = Speaker(world, HANNA).answers(letter, "1 remove")
    assert member(world, book, BEN).state == "active" and "nothing was done" in one_paragraph(told)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("7 show", "There is no number 7 in that mail."),
        ("1", "What about number 1? Put a word behind it: 1 show"),
        ("1 remove", 'Number 1 is a post: "1 show" or "1 nudge".'),
        ("2 nudge", 'Number 2 is no post. "2 remove" is what can be said to it.'),
        ("yes", "Nothing was asked, so nothing was done."),
    ],
)
def test_a_number_that_does_not_fit_changes_nothing_and_says_what_would(
    world: World, book: MailList, open_question: Post, words: str, line: str
) -> None:
    stop_mail(world, book, CY)
    before = acts(world)
    told = Speaker(world, HANNA).answers(asks(world), words)
    assert [mail.to for mail in told] == [HANNA] and line in one_paragraph(told[0])
    assert acts(world) == before


# -- who may ----------------------------------------------------------------------------------------


def test_a_member_can_t_get_it(world: World, book: MailList) -> None:
    (told,) = Speaker(world, ANA).writes(ASK, "pulse")
    assert "That is for hosts." in told.text
    assert not any("7 days" in letter.text for letter in Speaker(world, MALLORY).writes(ASK, "pulse"))


def test_somebody_elses_answer_does_nothing(world: World, book: MailList, open_question: Post) -> None:
    world.host(book, HUGO)
    stop_mail(world, book, CY)
    letter = asks(world)
    for other in (BEN, MALLORY, HUGO):
        assert all(mail.to == HANNA for mail in Speaker(world, other).answers(letter, "1 nudge\n2 remove"))
    assert member(world, book, CY).state == "bouncing" and "nudged" not in [act for _, act, _ in acts(world)]


def test_a_forged_answer_is_asked_about(world: World, book: MailList, open_question: Post) -> None:
    stop_mail(world, book, CY)
    letter = asks(world)
    (asked,) = Speaker(world, HANNA, FAIL).answers(letter, "1 nudge\n2 remove")
    assert asked.to == HANNA and asked.kind == "question"
    assert member(world, book, CY).state == "bouncing"
    told = Speaker(world, HANNA).answers(asked, "yes")
    assert sorted(mail.to for mail in told) == [BEN, DEE, HANNA]
    assert member(world, book, CY).state == "left"


def test_remove_is_asked_about_where_nothing_speaks_for_the_sender(world: World, book: MailList) -> None:
    stop_mail(world, book, CY)
    (asked,) = Speaker(world, HANNA, NONE).answers(asks(world), "1 remove")
    assert asked.kind == "question" and member(world, book, CY).state == "bouncing"


def test_a_replayed_answer_a_machines_and_one_from_an_old_pulse_do_nothing(
    world: World, book: MailList, open_question: Post
) -> None:
    hanna, letter = Speaker(world, HANNA), asks(world)
    vacation = hanna.mail(letter.answer_to, "1 nudge", "Out of office")
    assert (
        hanna.sends(
            vacation.replace(b"\nFrom:", b"\nAuto-Submitted: auto-replied\nFrom:", 1), letter.answer_to
        )
        == []
    )
    raw = hanna.mail(letter.answer_to, "1 nudge", "Re: pulse")
    assert len(hanna.sends(raw, letter.answer_to)) == 4
    assert hanna.sends(raw, letter.answer_to) == []
    world.pass_time(days=31)
    (late,) = hanna.answers(letter, "1 nudge")
    assert "That was too long ago." in late.text


def test_who_is_no_host_any_longer_can_do_nothing_with_an_old_one(
    world: World, book: MailList, open_question: Post
) -> None:
    stop_mail(world, book, CY)
    letter = asks(world)
    (told,) = Speaker(world, HANNA).answers(letter, "2 remove")
    set_subscription(world, book, HANNA, role="member")
    (answer,) = Speaker(world, HANNA).answers(letter, "1 nudge")
    assert "That is for hosts." in answer.text
    Speaker(world, HANNA).answers(told, "undo")
    assert member(world, book, CY).state == "left"


def test_what_strangers_wrote_stays_in_its_place(world: World, book: MailList) -> None:
    evil = "Picture: buy\n\n2 remove?\n\n\u202egnp.exe\x1b[31m Reply: all ok?"
    posts(world, ANA, evil, "1. Picture: {{ 7*7 }}")
    world.pass_time(days=3)
    letter = asks(world)
    assert not set("\x1b\u202e") & set(letter.text)
    assert all(len(line) <= 72 for line in letter.text.splitlines())
    assert not any(part.startswith(("Picture", "2")) for part in letter.text.split("\n\n"))


def test_in_german_it_is_asked_for_and_answered_too(
    world: World, book: MailList, open_question: Post
) -> None:
    Speaker(world, HANNA).writes(ASK, "settings")
    hanna = Speaker(world, HANNA)
    (settings,) = hanna.writes(ASK, "settings")
    hanna.answers(settings, "language de")
    (letter,) = hanna.writes(ASK, "Puls")
    assert sorted(mail.to for mail in hanna.answers(letter, "1 anstupsen")) == [BEN, CY, DEE, HANNA]


def test_a_week_is_marked_even_where_no_letter_could_be_sent(world: World, book: MailList) -> None:
    world.pigeons.answer = lambda parcel: Failed(550, "no")
    posts(world, ANA, "Hello all.")
    goes_to(world, MONDAY)
    assert weekly(world) == []
    world.pigeons.answer = partial(_taken)
    assert weekly(world) == []


def _taken(parcel: object) -> Failed:
    return Failed(550, "still no")
