"""Who gets a Brief when, through real mail: rhythms, slots, budgets, pauses, downtime, a clock that jumps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from listserv.core.changes import KeepPost, SetSubscription, WishThread
from listserv.core.threads import Placement
from listserv.core.types import MailList, Member, MemberState
from listserv.flow.brief_round import Round, send_as_if, send_as_of, send_briefs
from listserv.flow.coming_back import bring_back
from listserv.flow.handing_out import Hour
from listserv.flow.process import process_due
from listserv.store import (
    arrivals,
    books,
    counted,
    deliveries,
    lists,
    own_acts,
    posts,
    rosters,
    schema,
    taking_back,
)
from tests.kit.people import NOW, a_mail
from tests.kit.world import World, open_world, sqlite_in

_d = schema.deliveries.c


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def either(laid_url: str) -> Iterator[World]:
    """On both databases: where they do different things."""
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    return ana_and_book(world)


def ana_and_book(world: World) -> MailList:
    here = world.circle()
    world.member(here, "ana@ana.example")
    return here


def post(world: World, number: int, answers: int | None = None, sender: str = "ana@ana.example") -> None:
    head = [f"From: {sender}", "To: book@lists.example.org", f"Message-ID: <p{number}@p.example>"]
    head += [f"In-Reply-To: <p{answers}@p.example>"] if answers else []
    words = "\n".join([*head, f"Subject: Number {number}", "", f"Words of number {number}."])
    world.receive(words.encode(), sender=sender)


def set_(world: World, member: Member, **values: object) -> None:
    change = SetSubscription(member.id, tuple(values.items()))
    world.store.do(partial(own_acts.carry_out, change=change, now=world.clock.now()))
    world.settle()


def briefs(world: World, member: Member) -> list[datetime]:
    """When each of somebody's Briefs was made."""
    with world.store.read() as tx:
        query = select(_d.created).where(_d.subscription_id == member.id, _d.kind == "digest")
        return list(tx.scalars(query.order_by(_d.id)))


def singles(world: World, member: Member) -> int:
    with world.store.read() as tx:
        query = select(func.count()).where(_d.subscription_id == member.id, _d.kind == "post")
        return tx.scalar(query) or 0


def until(world: World, moment: str) -> None:
    """Let time pass by hours, with what each brings."""
    then = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    while world.clock.now() < then:
        world.clock.move(min(timedelta(hours=1), then - world.clock.now()))
        bring_back(world.pen, world.bells)
        send_briefs(world.pen, world.bells)
    world.settle()


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)


def test_a_daily_reader_has_one_brief_of_the_day_at_their_own_hour(world: World, book: MailList) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    world.settle()
    for number in (1, 2, 3):
        post(world, number)
    set_(world, ben, digest_at="19:00")
    assert briefs(world, ben) == []
    until(world, "2026-11-23T09:00")
    assert briefs(world, ben) == [at("2026-11-21T19:00")]  # and none of the day on which nothing was written
    assert singles(world, ben) == 0


def test_now_and_back_misses_nothing_and_doubles_nothing(either: World) -> None:
    world, book = either, ana_and_book(either)
    ben = world.member(book, "ben@d.example", rhythm="daily")
    post(world, 1)
    set_(world, ben, rhythm="now")  # what was outstanding comes at once
    assert (len(briefs(world, ben)), singles(world, ben)) == (1, 0)
    post(world, 2)
    set_(world, ben, rhythm="daily")
    until(world, "2026-11-22T09:00")
    assert (len(briefs(world, ben)), singles(world, ben)) == (1, 1)
    post(world, 3)
    set_(world, ben, rhythm="none")
    until(world, "2026-11-24T09:00")
    assert (len(briefs(world, ben)), singles(world, ben)) == (1, 1)


def test_who_paused_has_one_brief_of_what_was_written_meanwhile(world: World, book: MailList) -> None:
    ben, emi = (world.member(book, f"{name}@d.example") for name in ("ben", "emi"))
    back = NOW + timedelta(days=3)
    for one in (ben, emi):
        set_(world, one, state=MemberState.PAUSED, paused_until=back)
    set_(world, emi, rhythm="none")
    for number in (1, 2):
        post(world, number)
        world.pass_time(hours=20)
    assert briefs(world, ben) == []
    until(world, "2026-11-24T10:00")
    post(world, 3)
    assert (len(briefs(world, ben)), singles(world, ben)) == (1, 1)
    assert (len(briefs(world, emi)), singles(world, emi)) == (0, 0)


def test_a_question_brings_a_brief_at_once_while_the_week_has_mails_left(
    world: World, book: MailList
) -> None:
    ben = world.member(book, "ben@d.example", rhythm="2")
    world.settle()
    post(world, 1, sender="ben@d.example")
    post(world, 2)
    assert briefs(world, ben) == []
    post(world, 3, answers=1)  # Saturday: to Ben
    post(world, 4, answers=1)
    assert briefs(world, ben) == [NOW, NOW]
    post(world, 5, answers=1)  # the week has no more
    until(world, "2026-11-22T23:00")
    assert briefs(world, ben) == [NOW, NOW]
    until(world, "2026-11-25T23:00")
    assert briefs(world, ben) == [NOW, NOW, at("2026-11-24T07:00")]


def test_who_is_named_in_to_or_cc_is_asked(world: World, book: MailList) -> None:
    ben, emi = (world.member(book, f"m{rhythm}@d.example", rhythm=rhythm) for rhythm in ("mine", "3"))
    world.settle()
    post(world, 1)
    assert (singles(world, ben), briefs(world, emi)) == (0, [])
    words = b"From: ana@ana.example\nTo: book@lists.example.org, mmine@d.example\nCc: M <m3@d.example>\n"
    world.receive(words + b"Subject: You?\nMessage-ID: <you@p.example>\n\nWhat do you say?\n")
    assert (singles(world, ben), briefs(world, emi)) == (1, [NOW])


def test_a_followed_thread_comes_singly_but_to_who_counts_mails_in_a_brief(
    world: World, book: MailList
) -> None:
    ben, emi = (world.member(book, f"m{rhythm}@d.example", rhythm=rhythm) for rhythm in ("weekly", "3"))
    post(world, 1)
    with world.store.read() as tx:
        thread = tx.scalar(select(schema.threads.c.id))
    for one in (ben, emi):
        wish = WishThread(one.id, thread or 0, "followed", None)
        world.store.do(partial(own_acts.carry_out, change=wish, now=NOW))
    post(world, 2, answers=1)
    assert (len(briefs(world, ben)), singles(world, ben)) == (0, 1)
    assert (len(briefs(world, emi)), singles(world, emi)) == (1, 0)


def test_days_without_a_server_bring_one_brief(world: World, book: MailList) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    world.settle()
    post(world, 1)
    world.pass_time(days=5)
    world.pass_time(hours=1)
    assert len(briefs(world, ben)) == 1


def test_a_clock_a_day_ahead_or_behind_sends_nothing_twice_and_loses_nothing(
    world: World, book: MailList
) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    world.settle()
    post(world, 1)
    world.pass_time(days=2)  # by mistake
    assert len(briefs(world, ben)) == 1
    world.pass_time(days=-2)
    post(world, 2)
    until(world, "2026-11-25T10:00")
    assert len(briefs(world, ben)) == 2
    world.pass_time(days=400)
    world.pass_time(days=-400)
    post(world, 3)
    until(world, "2026-11-27T10:00")
    assert len(briefs(world, ben)) == 3


def test_zone_and_hour_of_the_list_move_whose_own_are_not_set(world: World, book: MailList) -> None:
    ben, emi = (world.member(book, f"{name}@d.example", rhythm="daily") for name in ("ben", "emi"))
    set_(world, emi, digest_at="20:00")
    post(world, 1)
    new = replace(book, settings=replace(book.settings, digest_at="18:00", timezone="Europe/Berlin"))
    world.store.do(lambda tx: lists.set_list(tx, book, new, world.hand))
    until(world, "2026-11-22T09:00")
    assert briefs(world, ben) == [at("2026-11-21T17:00")]
    assert briefs(world, emi) == [at("2026-11-21T19:00")]


def test_who_comes_back_has_nothing_of_what_was_written_while_they_were_gone(
    world: World, book: MailList
) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    post(world, 1)
    world.store.do(lambda tx: rosters.remove_member(tx, ben, world.hand))
    post(world, 2)
    world.member(book, "ben@d.example", rhythm="daily")
    until(world, "2026-11-23T09:00")
    assert briefs(world, ben) == []


def test_of_two_who_read_the_same_each_has_a_token_and_both_one_letter(either: World) -> None:
    world, book = either, ana_and_book(either)
    several = [world.member(book, f"m{number}@d.example", rhythm="daily") for number in range(4)]
    post(world, 1)
    post(world, 2, sender="m0@d.example")
    until(world, "2026-11-22T09:00")
    with world.store.read() as tx:
        query = select(_d.subscription_id, _d.letter_id, _d.ask_id, _d.to).where(_d.kind == "digest")
        rows = {row.subscription_id: row for row in tx.execute(query)}
        asks = {row.id: row for row in tx.execute(select(schema.asks).where(schema.asks.c.brief_id > 0))}
    assert len({rows[one.id].letter_id for one in several}) == 2  # the author of one has another
    assert {asks[row.ask_id].address for row in rows.values()} == {row.to for row in rows.values()}
    assert len(asks) == 4


def test_a_notice_nobody_asked_for_waits_for_a_week_with_room(either: World) -> None:
    world, book = either, ana_and_book(either)
    ben, emi = world.member(book, "ben@d.example", rhythm="1"), world.member(book, "emi@d.example")
    for one in (ben, emi, ben):
        letter = deliveries.Letter(str(one.address), b"Subject: open\r\n\r\nwords\r\n", book.id)
        world.store.do(partial(_send, letter=letter, one=one, now=world.clock.now()))
    world.settle()
    assert [mail.recipient for mail in world.outbox].count("ben@d.example") == 1
    assert [mail.recipient for mail in world.outbox].count("emi@d.example") == 1
    post(world, 1)
    until(world, "2026-11-29T23:00")
    assert briefs(world, ben) == []  # the second notice was this week's one mail
    assert [mail.recipient for mail in world.outbox].count("ben@d.example") == 2
    until(world, "2026-12-03T08:00")
    assert briefs(world, ben) == [at("2026-12-03T07:00")]
    world.totals()


def _send(tx: Connection, letter: deliveries.Letter, one: Member, now: datetime) -> None:
    number = deliveries.post_letter(tx, letter, now)
    counted.note(tx, number, one.address, one.list_id)


def test_as_if_it_were_then_one_brief_is_made_and_the_next_is_the_day_after(
    world: World, book: MailList
) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    for number in (1, 2):
        world.accept(
            b"From: ana@ana.example\nTo: book@lists.example.org\nMessage-ID: <p%d@p.example>\n\nWords.\n"
            % number
        )
    process_due(world.desk)
    then = at("2026-11-24T07:00")
    assert send_as_if(world.pen, then, NOW, book.id) == 1
    assert send_as_if(world.pen, then, NOW, None) == 0
    world.settle()
    assert [mail.recipient for mail in world.outbox].count("ben@d.example") == 1
    assert briefs(world, ben) == [then]


def test_a_zone_that_is_no_more_stands_in_nobody_elses_way(world: World, book: MailList) -> None:
    ben, emi = (world.member(book, f"{name}@d.example", rhythm="daily") for name in ("ben", "emi"))
    world.settle()
    post(world, 1)
    nowhere = update(schema.people).where(schema.people.c.id == ben.person_id).values(timezone="No/Where")
    world.store.do(lambda tx: tx.execute(nowhere) and None)
    morning = at("2026-11-22T07:00")
    with pytest.raises(KeyError):
        send_as_of(world.pen, Hour(morning, morning, morning))
    assert (len(briefs(world, ben)), len(briefs(world, emi))) == (0, 1)


def test_fan_out_and_changes_of_rhythm_at_once_lose_and_double_nothing(either: World) -> None:
    """Whichever of the two is first: a post comes singly or in a Brief."""
    world, book = either, ana_and_book(either)
    people = [world.member(book, f"m{number}@d.example") for number in range(6)]
    world.settle()
    kept = [unreleased(world, book, number) for number in range(12)]

    def release(post_id: int) -> None:
        world.store.do(partial(deliveries.fan_out, post_id=post_id, now=NOW))

    def turn(number: int) -> None:
        who, rhythm = people[number % 6], ("daily", "now", "weekly")[number // 6 % 3]
        world.store.do(partial(books.change, number=who.id, values={"rhythm": rhythm}, now=NOW))
        send_as_of(world.pen, Hour(NOW, NOW, NOW))

    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda job: job(),
                chain(
                    *zip(
                        (partial(release, one) for one in kept),
                        (partial(turn, number) for number in range(12)),
                        (partial(turn, number) for number in range(12, 24)),
                        strict=False,
                    )
                ),
            )
        )
    for one in people:
        world.store.do(partial(books.change, number=one.id, values={"rhythm": "now"}, now=NOW))
    send_as_of(world.pen, Hour(NOW, NOW, NOW))
    with world.store.read() as tx:
        turns = list(tx.scalars(select(schema.posts.c.turn).order_by(schema.posts.c.turn)))
        told = {one.id: had(tx, one) for one in people}
    assert turns == list(range(1, 13))
    assert told == {one.id: dict.fromkeys(kept, 1) for one in people}


def test_a_last_brief_tells_what_went_out_while_the_round_was_under_way(world: World, book: MailList) -> None:
    emi, ben = (world.member(book, f"{name}@d.example", rhythm="daily") for name in ("emi", "ben"))
    world.settle()
    post(world, 1)
    morning = at("2026-11-22T07:00")
    world.clock.move(morning - NOW)
    under_way = Round(world.pen, Hour(morning, morning, morning), None)
    assert under_way.goes_on()
    before = [len(briefs(world, one)) for one in (emi, ben)]
    world.store.do(partial(deliveries.fan_out, post_id=unreleased(world, book, 1), now=morning))
    world.store.do(partial(books.change, number=ben.id, values={"rhythm": "now"}, now=morning))
    assert under_way.goes_on()
    assert (before, len(briefs(world, ben)), singles(world, ben)) == ([1, 1], 2, 0)


def test_what_was_taken_out_meanwhile_is_in_no_brief(world: World, book: MailList) -> None:
    ben = world.member(book, "ben@d.example", rhythm="daily")
    world.settle()
    kept = [unreleased(world, book, number) for number in range(2)]
    for post_id in kept:
        world.store.do(partial(deliveries.fan_out, post_id=post_id, now=NOW))
    morning = at("2026-11-22T07:00")

    class Hasty:
        """A store in which a post is taken out just before the round's first step."""

        done = False

        def read(self) -> Any:
            return world.store.read()

        def do(self, step: Any) -> Any:
            if not self.done:
                self.done = True
                taken = update(schema.posts).where(schema.posts.c.id == kept[0]).values(state="redacted")
                world.store.do(lambda tx: tx.execute(taken).rowcount)
            return world.store.do(step)

    send_as_of(replace(world.pen, store=Hasty()), Hour(morning, morning, morning))  # type: ignore[arg-type]
    with world.store.read() as tx:
        assert had(tx, ben) == {kept[1]: 1}


def test_a_brief_that_has_not_left_is_made_anew_without_what_was_taken_out(either: World) -> None:
    world, book = either, ana_and_book(either)
    ben, emi = (world.member(book, f"{name}@d.example", rhythm="daily") for name in ("ben", "emi"))
    world.settle()
    kept = [unreleased(world, book, number) for number in range(2)]
    for post_id in kept:
        world.store.do(partial(deliveries.fan_out, post_id=post_id, now=NOW))
    morning = Hour(*[at("2026-11-22T07:00")] * 3)
    send_as_of(world.pen, morning)

    def redact(tx: Connection) -> None:
        tx.execute(update(schema.deliveries).where(_d.subscription_id == emi.id).values(state="sent"))
        taking_back.take_back_telling(tx, kept[0], morning.now)
        tx.execute(update(schema.posts).where(schema.posts.c.id == kept[0]).values(state="redacted"))

    world.store.do(redact)
    assert send_as_of(world.pen, morning)[0] == 1
    with world.store.read() as tx:
        assert (had(tx, ben), had(tx, emi)) == ({kept[1]: 1}, {})  # Emi had both: nothing of it is kept
    assert [len(briefs(world, one)) for one in (ben, emi)] == [2, 1]


def unreleased(world: World, here: MailList, number: int) -> int:
    """A post that is kept and did not go out yet; the word in it names it."""
    new = KeepPost(
        list_id=here.id,
        mail=replace(a_mail(message_id=f"u{number}@u.example"), text=f"word{number + 1}"),
        hash=f"hash{number}",
        thread_key=f"key{number}",
        placement=Placement(None, "", ()),
        at=NOW,
        audience="members",
        from_="author",
        proved=False,
    )

    def step(tx: Connection) -> int:
        arrivals.keep_raw(tx, "raw", b"From: a\r\n\r\nb\r\n", NOW)
        return posts.keep(tx, new, "raw", None).post_id

    return world.store.do(step)


def had(tx: Connection, member: Member) -> dict[int, int]:
    """How often each post came to a member."""
    query = select(_d.post_id, schema.letters.c.bytes).outerjoin(
        schema.letters, schema.letters.c.id == _d.letter_id
    )
    found: Counter[int] = Counter()
    for row in tx.execute(query.where(_d.subscription_id == member.id)):
        found.update([row.post_id] if row.post_id else map(int, re.findall(rb"\bword(\d+)\b", row.bytes)))
    return dict(found)
