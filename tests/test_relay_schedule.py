"""A relay in trouble, the real courier and the real store, and a clock that moves when it is told to.

What becomes of each copy, and when it is tried again: standards.md T5 (hanging), T6 (greylisting, 421, rate
limits) and T7 (some recipients refused).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from listserv.flow.courier import read_relay
from listserv.flow.deliver import deliver_due
from listserv.flow.process import process_due
from listserv.flow.relay import Patience, Setup
from listserv.flow.results import Depot
from listserv.flow.smtp_client import SmtpCourier
from listserv.store import relay_rest, schema
from tests.kit.mailroom import Mailroom, Script
from tests.kit.world import World, open_world, sqlite_in

_RFC_5321 = {"greeting": 300, "mail": 300, "rcpt": 300, "data": 120, "block": 180, "dot": 600}
# For a relay that hangs; a busy machine must not make a healthy one look like it.
SHORT = Patience(connect=5, greeting=0.5, hello=0.5, mail=0.5, rcpt=0.5, data=0.5, block=5, dot=0.5)
CALM = Patience(connect=30, greeting=30, hello=30, mail=30, rcpt=30, data=30, block=30, dot=30)
AMID = ("MAIL", "RCPT", "DATA", "dot")  # where a copy is under way


@dataclass(frozen=True, slots=True)
class Post:
    """A list with members and one post of Ana's, all of whose copies are due."""

    world: World
    depot: Depot
    members: tuple[str, ...]

    def send(self) -> None:
        """Everything that may be sent now."""
        while deliver_due(self.depot):
            pass

    def pass_time(self, **by: float) -> None:
        self.world.clock.move(timedelta(**by))
        self.send()

    def copies(self) -> dict[str, Any]:
        """The row of each member's copy; counters and rows agree."""
        self.world.totals()
        with self.world.store.read() as tx:
            return {row.to: row for row in tx.execute(select(schema.deliveries))}

    def states(self) -> Counter[str]:
        return Counter(row.state for row in self.copies().values())

    def bounces(self) -> dict[str, int]:
        """How many refusals were counted on each member."""
        subscriptions, addresses = schema.subscriptions.c, schema.addresses.c
        query = select(addresses.written, subscriptions.bounces).join(
            schema.subscriptions, subscriptions.address_id == addresses.id
        )
        with self.world.store.read() as tx:
            return {row.written: row.bounces for row in tx.execute(query)}

    def rests_until(self) -> datetime | None:
        with self.world.store.read() as tx:
            rest = relay_rest.current(tx)
        return rest.until if rest else None


@contextmanager
def a_post(
    folder: Path, room: Mailroom, *, members: int = 12, patience: Patience = CALM, **settings: Any
) -> Iterator[Post]:
    setup = Setup(read_relay(f"smtp://127.0.0.1:{room.port}"), "lists.example.org", patience, None)
    with open_world(sqlite_in(folder)) as world, closing(SmtpCourier(setup, 3)) as courier:
        book = world.circle(**settings)
        everybody = ("ana@ana.example", *(f"m{number}@members.example" for number in range(1, members)))
        for address in everybody:
            world.member(book, address)
        world.accept(
            b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: One\n"
            b"Message-ID: <1@ana.example>\n\nWords\n"
        )
        process_due(world.desk)
        yield Post(world, replace(world.depot, courier=courier), everybody)


# -- T5: hanging


def test_the_relay_is_given_the_time_that_the_standard_asks_for() -> None:
    """RFC 5321 §4.5.3.2."""
    given = Patience()
    assert all(getattr(given, name) >= seconds for name, seconds in _RFC_5321.items())


@pytest.mark.parametrize("verb", AMID)
def test_a_relay_that_hangs_once_amid_a_copy_costs_that_copy_a_minute_and_the_others_nothing(
    tmp_path: Path, verb: str
) -> None:
    with Mailroom(Script(hang=verb, hang_times=1)) as room, a_post(tmp_path, room, patience=SHORT) as post:
        post.send()
        assert post.states() == {"sent": 11, "deferred": 1}
        (late,) = (row for row in post.copies().values() if row.state == "deferred")
        assert (late.attempts, late.answer) == (1, f"no answer to {verb} in 0.5 s")
        now = post.world.clock.now()
        assert timedelta(seconds=48) <= late.next_at - now <= timedelta(seconds=72)
        assert post.rests_until() is None
        begun = len(room.offered)
        post.pass_time(seconds=(late.next_at - now).total_seconds() - 1)
        assert len(room.offered) == begun
        post.pass_time(seconds=1)
        assert post.states() == {"sent": 12}
        assert room.taken == Counter(post.members)


@pytest.mark.parametrize("verb", ["banner", "EHLO"])
def test_a_relay_that_hangs_before_any_copy_rests_and_no_copy_pays_for_it(tmp_path: Path, verb: str) -> None:
    with Mailroom(Script(hang=verb, hang_times=3)) as room, a_post(tmp_path, room, patience=SHORT) as post:
        for number, pause in enumerate((5, 15, 60), 1):
            post.send()
            assert len(room.sessions) == number  # one look, alone, each time
            assert {(row.state, row.attempts) for row in post.copies().values()} == {("deferred", 0)}
            assert post.rests_until() == post.world.clock.now() + timedelta(seconds=pause)
            post.pass_time(seconds=pause - 1)
            assert len(room.sessions) == number
            post.world.clock.move(timedelta(seconds=1))
        post.send()
        assert post.states() == {"sent": 12}
        assert post.rests_until() is None
        assert room.taken == Counter(post.members)


def test_a_relay_that_hangs_at_quit_has_taken_everything(tmp_path: Path) -> None:
    with Mailroom(Script(hang="QUIT")) as room:
        with a_post(tmp_path, room, patience=SHORT) as post:
            post.send()
            assert post.states() == {"sent": 12}
        assert room.taken == Counter(post.members)


@pytest.mark.parametrize("verb", ["RCPT", "dot"])
def test_a_relay_that_always_hangs_amid_copies_is_tried_less_and_less_and_loses_nothing(
    tmp_path: Path, verb: str
) -> None:
    with Mailroom(Script(hang=verb)) as room, a_post(tmp_path, room, members=6, patience=SHORT) as post:
        for _ in range(3):
            post.send()
            post.world.clock.move(timedelta(hours=2))
        assert post.states() == {"deferred": 6}
        assert len(room.sessions) <= 9  # not one for each copy
        room.script = Script()
        post.send()
        assert post.states() == {"sent": 6}
        assert room.taken == Counter(post.members)


# -- T6: not now


def test_greylisted_members_get_their_copy_with_the_same_envelope_once_five_minutes_have_passed(
    tmp_path: Path,
) -> None:
    first: dict[str, datetime] = {}
    with Mailroom() as room, a_post(tmp_path, room) as post:

        def greylist(recipient: str) -> str | None:
            now = post.world.clock.now()
            young = now - first.setdefault(recipient, now) < timedelta(minutes=5)
            return "450 4.2.0 greylisted, come back in 5 minutes" if young else None

        room.script = Script(refuse=greylist)
        post.send()
        assert post.states() == {"deferred": 12}
        for _ in range(30):
            post.pass_time(minutes=1)
        assert post.states() == {"sent": 12}
        assert room.taken == Counter(post.members)
        assert max(row.attempts for row in post.copies().values()) <= 4
        assert not any(post.bounces().values())
        envelopes = {(mail.sender, to) for mail in room.offered for to in (*mail.recipients, *mail.refused)}
        assert len(envelopes) == 12  # else a greylist would see strangers each time
        assert len(room.sessions) <= 3


def test_421_after_every_20_mails_costs_connections_and_nothing_else(tmp_path: Path) -> None:
    with Mailroom(Script(most_mails=20)) as room, a_post(tmp_path, room, members=300) as post:
        post.send()
        for _ in range(5):  # where several connections ended in a row, the relay rests for a moment
            post.pass_time(minutes=2)
        assert post.states() == {"sent": 300}
        assert room.taken == Counter(post.members)
        assert not any(post.bounces().values())
        assert len(room.sessions) <= 300 / 20 + 5


def test_a_rate_limit_slows_a_post_down_and_refuses_nobody(tmp_path: Path) -> None:
    taken: Counter[datetime] = Counter()
    with Mailroom() as room, a_post(tmp_path, room, members=100) as post:

        def limit(recipient: str) -> str | None:
            minute = post.world.clock.now().replace(second=0)
            taken[minute] += 1
            return "450 4.7.1 rate limit: 10 mails a minute" if taken[minute] > 10 else None

        room.script = Script(refuse=limit)
        post.send()
        assert post.states() == {"sent": 10, "deferred": 90}
        for _ in range(360):
            post.pass_time(minutes=1)
        assert post.states() == {"sent": 100}
        assert room.taken == Counter(post.members)
        assert not any(post.bounces().values())
        assert len(room.sessions) <= 3


# -- T7: some recipients are refused


def refused_for(position: int) -> str | None:
    """Of each twenty: six 550, two 452, one 451."""
    match position % 20:
        case 0 | 3 | 6 | 9 | 12 | 15:
            return "550 5.1.1 no such person"
        case 1 | 11:
            return "452 4.2.2 the mailbox is full"
        case 7:
            return "451 4.3.0 later"
        case _:
            return None


@pytest.mark.parametrize("personal", [True, False])
def test_each_member_gets_the_answer_that_was_theirs_and_who_has_the_post_is_never_asked_again(
    tmp_path: Path, personal: bool
) -> None:
    said: dict[str, str | None] = {}
    with (
        Mailroom(Script(refuse=lambda to: said.get(to))) as room,
        a_post(tmp_path, room, members=200, personal=personal) as post,
    ):
        said |= {member: refused_for(position) for position, member in enumerate(post.members)}
        post.send()
        expected = {"5": ("failed", 1), "4": ("deferred", 1)}
        for member, row in post.copies().items():
            answer = said[member]
            assert (row.state, row.attempts) == (expected[answer[0]] if answer else ("sent", 1)), member
            assert row.answer == (answer or "250 2.0.0 kept")
        refused = {member for member, answer in said.items() if answer and answer[0] == "5"}
        later = {member for member, answer in said.items() if answer and answer[0] == "4"}
        assert post.states() == {"sent": 110, "failed": 60, "deferred": 30}
        assert post.bounces() == {member: int(member in refused) for member in post.members}
        said.clear()
        before = len(room.offered)
        post.pass_time(minutes=2)
        again = Counter(to for mail in room.offered[before:] for to in (*mail.recipients, *mail.refused))
        assert again == Counter(later)
        assert post.states() == {"sent": 140, "failed": 60}
        assert room.taken == Counter(set(post.members) - refused)


@pytest.mark.parametrize("personal", [True, False])
def test_more_recipients_than_the_relay_takes_at_once_all_get_it_at_once_and_only_once(
    tmp_path: Path, personal: bool
) -> None:
    with (
        Mailroom(Script(most_recipients=7)) as room,
        a_post(tmp_path, room, members=100, personal=personal) as post,
    ):
        post.send()
        assert post.states() == {"sent": 100}
        assert room.taken == Counter(post.members)


class Always(dict[str, str]):
    """What the mailroom says to each sender."""

    def get(self, _sender: str, _default: object = None) -> Any:
        return "554 5.7.1 we don't like this"


REFUSING = (Script(refuse_mail=Always()), Script(refuse_data=Always()), Script(after_dot=Always()))


@pytest.mark.parametrize("personal", [True, False])
@pytest.mark.parametrize("script", REFUSING, ids=["MAIL", "DATA", "dot"])
def test_what_is_wrong_with_the_post_or_the_sender_is_never_counted_on_a_member(
    tmp_path: Path, script: Script, personal: bool
) -> None:
    with Mailroom(script) as room, a_post(tmp_path, room, members=10, personal=personal) as post:
        post.send()
        assert post.states() == {"failed": 10}
        assert not any(post.bounces().values())


@pytest.mark.parametrize("connections_lost", [1, 2])
def test_a_lost_connection_behind_the_dot_doubles_at_most_what_was_behind_it(
    tmp_path: Path, connections_lost: int
) -> None:
    with Mailroom(Script(drop_after_dot=connections_lost)) as room, a_post(tmp_path, room) as post:
        post.send()
        assert post.states() == {"sent": 12 - connections_lost, "deferred": connections_lost}
        post.pass_time(minutes=2)
        assert post.states() == {"sent": 12}
        assert sorted(room.taken.values()) == [1] * (12 - connections_lost) + [2] * connections_lost
