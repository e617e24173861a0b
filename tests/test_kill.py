"""The real server killed while mail pours in: what had a 250 is posted once, and every member has it.

standards.md T1. Senders that get no 250 send again, as mail servers do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from tests.kit.house import House, found
from tests.kit.kill_ledger import LONG, Ledger, bound, kill, let_leases_run_out
from tests.kit.mailroom import Mailroom
from tests.kit.server import until
from tests.kit.stubborn import Senders, sending

__all__ = ["found"]  # a fixture

POSTS, KILLS = (5_000, 50) if LONG else (200, 5)
SENDERS = 6
_AHEAD = 60  # so many posts may be accepted and not delivered: all stages are at work when death comes


def keeping_pace(room: Mailroom, house: House) -> Callable[[Senders], bool]:
    """Senders wait while too much is accepted and not delivered."""
    return lambda work: len(work.accepted) < len(room.mails) / len(house.members) + _AHEAD


def killed_again_and_again(house: House, ledger: Ledger, *, posts: int, kills: int) -> Senders:
    """Send posts; kill the server so many times at all kinds of moments; then let it finish."""
    dice, room = Random(kills), ledger.room
    share = posts * len(house.members) // kills
    letters = [house.letter(number) for number in range(posts)]
    with sending(house.port, letters, senders=SENDERS, may_go=keeping_pace(room, house)) as work:
        for number in range(kills):
            enough = number * share + dice.randrange(share)
            with house.life() as running:
                until(lambda enough=enough: len(room.mails) >= enough, house.server)  # type: ignore[misc]
                kill(running)
            assert len(ledger.close_life()) <= bound()
            let_leases_run_out(house)
        with house.life():
            until(lambda: len(work.accepted) == posts, house.server)
            house.settled()
    return work


def nothing_lost(house: House, ledger: Ledger, work: Senders, *, kills: int) -> None:
    """What must hold after any number of deaths."""
    ledger.balanced(work.accepted)
    assert house.posts() == Counter(work.accepted)  # each exactly once
    assert house.tell("list", "show", "book")["posts"] == len(work.accepted)
    status = house.status()
    assert status["posted"] == len(work.accepted)
    assert status["accepted"] == status["posted"] + status["discarded"]  # sent again by a sender in doubt
    assert status["discarded"] <= SENDERS * kills


def test_deaths_while_mail_pours_in_lose_nothing_and_post_nothing_twice(found: Callable[..., House]) -> None:
    with Mailroom() as room:
        house = found(room, members=3)
        ledger = Ledger(house, room)
        work = killed_again_and_again(house, ledger, posts=POSTS, kills=KILLS)
        nothing_lost(house, ledger, work, kills=KILLS)


def test_deaths_on_postgresql_lose_nothing_and_post_nothing_twice(
    found: Callable[..., House], postgres_url: str
) -> None:
    with Mailroom() as room:
        house = found(room, members=3, url=postgres_url)
        ledger = Ledger(house, room)
        work = killed_again_and_again(house, ledger, posts=POSTS // 3, kills=KILLS // 2)
        nothing_lost(house, ledger, work, kills=KILLS // 2)
