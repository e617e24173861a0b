"""The server's child processes: none outlives it, and one that dies alone loses and doubles nothing."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.kit.house import House, found
from tests.kit.kill_family import Process, descendants
from tests.kit.kill_ledger import LONG, Ledger, kill
from tests.kit.mailroom import Mailroom
from tests.kit.server import Running, until
from tests.kit.stubborn import sending
from tests.test_kill import keeping_pace, nothing_lost

__all__ = ["found"]  # a fixture

POSTS, KILLS = (2_000, 60) if LONG else (40, 4)
MEMBERS = 40  # so many copies of a post that children sign them


def stop(running: Running) -> None:
    running.process.terminate()


def family(running: Running) -> list[Process]:
    return descendants(running.process.pid)


def test_no_child_outlives_its_server_whether_it_is_killed_or_stopped(found: Callable[..., House]) -> None:
    with Mailroom() as room:
        house = found(room, members=40)
        for number, end in enumerate((kill, stop)):
            with sending(house.port, [house.letter(number)]) as work, house.life() as running:
                until(lambda work=work: len(work.accepted) == 1, house.server)  # type: ignore[misc]
                until(lambda number=number: len(room.mails) > 40 * number + 20, house.server)  # type: ignore[misc]
                children = family(running)
                assert children
                end(running)
                running.process.wait(30)
            until(lambda children=children: not [one for one in children if one.lives], children)  # type: ignore[misc]


def test_children_that_are_killed_one_by_one_are_replaced_and_no_post_and_no_copy_is_lost_or_doubled(
    found: Callable[..., House],
) -> None:
    """Readers and signers alike; spaced so that no mail loses its reader three times."""
    dice = Random(KILLS)
    killed: list[Process] = []
    with Mailroom() as room:
        house = found(room, members=MEMBERS)
        ledger = Ledger(house, room)
        letters = [house.letter(number) for number in range(POSTS)]
        with sending(house.port, letters, may_go=keeping_pace(room, house)) as work, house.life() as running:
            for number in range(KILLS):
                enough = POSTS * MEMBERS * (number + 1) // (KILLS + 1)
                until(lambda enough=enough: len(room.mails) >= enough, house.server)  # type: ignore[misc]
                until(lambda: bool(family(running)), house.server)
                killed.append(dice.choice(family(running)))
                killed[-1].kill()
            until(lambda: len(work.accepted) == POSTS, house.server)
            assert house.settled()["aside"] == 0
            until(lambda: not [one for one in killed if one.lives], house.server)
            kill(running)
        nothing_lost(house, ledger, work, kills=0)
