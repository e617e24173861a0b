"""The server killed again and again amid one large fan-out: every member has the post, and few have it twice.

standards.md T2. On PostgreSQL a dead worker's leases run out after 25 s; here that time is over at once,
tests/test_scaling.py waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.kit.house import House, found
from tests.kit.kill_ledger import LONG, Ledger, bound, kill, let_leases_run_out
from tests.kit.mailroom import Mailroom
from tests.kit.server import until
from tests.kit.stubborn import sending

__all__ = ["found"]  # a fixture

MEMBERS, KILLS = (10_000, 100) if LONG else (400, 5)


def killed_during_the_fan_out(house: House, ledger: Ledger, kills: int) -> None:
    """One post; the server is killed so many times on its way to all members, then it may finish."""
    dice = Random(kills)
    room, share = ledger.room, len(house.members) // kills
    with sending(house.port, [house.letter(0)]) as work:
        for number in range(kills):
            enough = number * share + dice.randrange(1, share)
            with house.life() as running:
                until(lambda enough=enough: len(room.mails) >= enough, house.server)  # type: ignore[misc]
                kill(running)
            assert len(ledger.close_life()) <= bound()
            let_leases_run_out(house)
        with house.life() as running:
            assert house.settled()["deliveries"]["sent"] == len(house.members)
            kill(running)
    ledger.balanced(work.accepted)
    assert len(work.accepted) == 1


def test_every_member_has_the_post_however_often_the_server_dies(found: Callable[..., House]) -> None:
    with Mailroom() as room:
        house = found(room, members=MEMBERS)
        killed_during_the_fan_out(house, Ledger(house, room), KILLS)


def test_every_member_has_the_post_on_postgresql_too(found: Callable[..., House], postgres_url: str) -> None:
    with Mailroom() as room:
        house = found(room, members=MEMBERS // 2, url=postgres_url)
        killed_during_the_fan_out(house, Ledger(house, room), KILLS // 2)
