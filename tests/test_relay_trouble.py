"""A relay that is away, hangs, hangs up or refuses: every state is seen, and nothing is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from tests.kit.house import House, found, free_port
from tests.kit.mailroom import Mailroom, Script
from tests.kit.server import HANG, until
from tests.kit.stubborn import sending

__all__ = ["found"]  # a fixture


def post(house: House, count: int) -> None:
    """Post, and wait until every post is processed."""
    letters = [house.letter(number) for number in range(count)]
    with sending(house.port, letters) as work:
        until(lambda: len(work.accepted) == count, house.server)
    until(lambda: house.status()["posted"] == count, house.server)


def copies(room: Mailroom, house: House) -> list[int]:
    """How many copies each member got."""
    return [room.taken[member] for member in house.members]


def test_a_relay_that_comes_up_later_gets_everything_once(found: Callable[..., House]) -> None:
    room = Mailroom(port=free_port())
    house = found(room)
    with house.life():
        post(house, 5)
        until(lambda: bool(house.status()["relay_said"]), house.server)
        waiting = house.tell("queue", "ls")
        assert len(waiting) == 20
        assert {row["state"] for row in waiting} <= {"due", "deferred", "sending"}
        assert {row["attempts"] for row in waiting} == {0}  # that the relay is away is no copy's fault
        with room:
            house.desk.does("queue", "retry", "--all")
            until(lambda: house.status()["deliveries"]["sent"] == 20, house.server)
            assert house.status()["relay_said"] is None
            assert copies(room, house) == [5, 5, 5, 5]
            assert house.tell("queue", "ls") == []


def test_a_relay_that_takes_twenty_mails_a_connection_gets_everything_once(
    found: Callable[..., House],
) -> None:
    with Mailroom(Script(most_mails=20)) as room:
        house = found(room)
        with house.life():
            post(house, 60)
            until(lambda: house.settled()["deliveries"]["sent"] == 240, house.server)
        assert copies(room, house) == [60, 60, 60, 60]
        assert max(session.mails for session in room.sessions) == 20


def test_copies_whose_answer_never_came_are_sent_again_and_are_the_only_doubles(
    found: Callable[..., House],
) -> None:
    with Mailroom(Script(drop_after_dot=3)) as room:
        house = found(room)
        with house.life():
            post(house, 10)
            status = house.settled()["deliveries"]
            # Three in doubt; if all three came in a row, the relay rests and what was next waits, too.
            assert status["sent"] + status["deferred"] == 40
            assert status["deferred"] >= 3
            assert all("closed the connection" in row["answer"] for row in house.tell("queue", "ls"))
            house.desk.does("queue", "retry", "--all")
            until(lambda: house.status()["deliveries"]["sent"] == 40, house.server)
        assert sum(copies(room, house)) == 43
        again = Counter((mail.recipients[0], mail.sender) for mail in room.mails)
        assert len(again) == 40  # a return path each, the same one when sent again
        assert sorted(again.values())[-4:] == [1, 2, 2, 2]


def test_refused_and_deferred_recipients_are_theirs_alone(found: Callable[..., House]) -> None:
    against = {"m1@members.example": "550 5.1.1 no such person", "m2@members.example": "451 4.3.0 later"}
    with Mailroom(Script(refuse=lambda to: against.get(to))) as room:
        house = found(room, members=6)
        with house.life():
            post(house, 3)
            house.settled()
            rows = house.tell("queue", "ls")
            assert Counter((row["to"], row["state"], row["attempts"], row["answer"]) for row in rows) == {
                ("m1@members.example", "failed", 1, "550 5.1.1 no such person"): 3,
                ("m2@members.example", "deferred", 1, "451 4.3.0 later"): 3,
            }
            assert all((row["next"] is None) == (row["state"] == "failed") for row in rows)
            bounces = {row["address"]: row["bounces"] for row in house.tell("member", "ls", "book")}
            assert bounces == {member: 3 * (member in rows[0]["to"]) for member in house.members}
            assert copies(room, house) == [3, 0, 0, 3, 3, 3]
            against.clear()
            house.desk.does("queue", "retry", "--all")
            until(lambda: house.status()["deliveries"]["sent"] == 18, house.server)
        assert copies(room, house) == [3] * 6


def test_a_relay_that_hangs_does_not_keep_the_server_from_ending(found: Callable[..., House]) -> None:
    with Mailroom(Script(hang="DATA", hang_times=4)) as room:
        house = found(room)
        with house.life() as running:
            letters = [house.letter(number) for number in range(3)]
            with sending(house.port, letters) as work:
                until(lambda: len(work.accepted) == 3, house.server)
            until(lambda: sum(bool(session.commands) for session in room.sessions) >= 4, house.server)
            running.process.terminate()
            assert running.process.wait(HANG) == 0
        with house.life():
            until(lambda: house.settled()["deliveries"]["sent"] == 12, house.server)
        assert copies(room, house) == [3, 3, 3, 3]


VERBS = ("banner", "EHLO", "MAIL", "RCPT", "DATA", "dot", "QUIT")


def test_a_relay_that_hangs_in_any_verb_and_is_restarted_in_the_end_has_everything_once(
    found: Callable[..., House],
) -> None:
    """standards.md T5. Meanwhile mail comes in and is posted as ever."""
    rooms: list[Mailroom] = []
    with Mailroom() as room:
        house = found(room)
    with house.life():
        for number, verb in enumerate(VERBS):
            with Mailroom(Script(hang=verb), port=room.port) as hanging:
                rooms.append(hanging)
                house.desk.does("queue", "retry", "--all")  # a relay that was in trouble is tried at once
                with sending(house.port, [house.letter(2 * number), house.letter(2 * number + 1)]) as work:
                    until(lambda work=work: len(work.accepted) == 2, house.server)  # type: ignore[misc]
                until(lambda number=number: house.status()["posted"] == 2 * number + 2, house.server)  # type: ignore[misc]
                if verb == "QUIT":  # that is said when a connection has been idle for long
                    house.settled()  # or what has just been taken would be in doubt
                else:
                    until(lambda hanging=hanging: hanging.is_hanging, house.server)  # type: ignore[misc]
        with Mailroom(port=room.port) as healthy:
            rooms.append(healthy)
            until(lambda: _all_sent(house, 14 * 4), house.server)
    copies = Counter(message_and_member for room in rooms for message_and_member in _copies(room))
    assert len(copies) == 14 * 4
    assert set(copies.values()) == {1}  # what hung behind the dot was not kept


def test_while_one_connection_hangs_the_other_posts_and_members_get_theirs(
    found: Callable[..., House],
) -> None:
    with Mailroom(Script(hang="DATA", hang_times=1)) as room:
        house = found(room)
        with house.life() as running:
            letters = [house.letter(number) for number in range(5)]
            with sending(house.port, letters, senders=1) as work:
                until(lambda: len(work.accepted) == 5, house.server)
            until(lambda: house.status()["deliveries"]["sent"] == 19, house.server)
            assert room.is_hanging
            running.process.kill()


def _all_sent(house: House, copies: int) -> bool:
    house.desk.does("queue", "retry", "--all")
    return bool(house.status()["deliveries"]["sent"] == copies)


def _copies(room: Mailroom) -> list[tuple[bytes, str]]:
    """What was taken: the subject line, and for whom."""
    found = [(re.search(rb"^Subject: .*$", mail.data, re.M), mail) for mail in room.mails]
    return [(subject[0], to) for subject, mail in found if subject for to in mail.recipients]
