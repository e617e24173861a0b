"""The real server killed while it works: what had a 250 is posted once, and every member has it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from random import Random

from listserv.flow.results import GROUP
from tests.kit.house import House, found
from tests.kit.mailroom import Mailroom
from tests.kit.server import until
from tests.kit.stubborn import Senders, sending

__all__ = ["found"]  # a fixture

_IN_FLIGHT = 16  # eight connections, two copies on each
_AHEAD = 60  # so many posts may be accepted and not delivered: all stages are at work when death comes


def keeping_pace(room: Mailroom, house: House) -> Callable[[Senders], bool]:
    """Senders wait while too much is accepted and not delivered."""
    return lambda work: len(work.accepted) < len(room.mails) / len(house.members) + _AHEAD


def killed_again_and_again(house: House, room: Mailroom, *, posts: int, kills: int) -> Senders:
    """Send posts; kill the server so many times at all kinds of moments; then let it finish."""
    dice = Random(kills)
    copies = posts * len(house.members)
    letters = [house.letter(number) for number in range(posts)]
    with sending(house.port, letters, may_go=keeping_pace(room, house)) as work:
        for number in range(kills):
            enough = copies * number // kills + dice.randrange(copies // kills)
            with house.life() as running:
                until(lambda enough=enough: len(room.mails) >= enough, house.server)  # type: ignore[misc]
                running.process.kill()
                assert running.process.wait(10) == -9
        with house.life():
            until(lambda: len(work.accepted) == posts, house.server)
            house.settled()
    return work


def nothing_lost(house: House, room: Mailroom, work: Senders, *, kills: int) -> None:
    """What must hold after any number of deaths."""
    assert house.posts() == Counter(work.accepted)  # each exactly once
    assert house.tell("list", "show", "book")["posts"] == len(work.accepted)
    status = house.status()
    assert status["posted"] == len(work.accepted)
    assert status["accepted"] == status["posted"] + status["discarded"]  # sent again by a sender in doubt
    assert status["discarded"] <= 4 * kills
    copies = len(work.accepted) * len(house.members)
    assert status["deliveries"] == {"due": 0, "sending": 0, "sent": copies, "deferred": 0, "failed": 0}
    seen: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for mail in room.mails:
        (to,) = mail.recipients
        seen[to, message_id(mail.data)].add(unsigned(mail.data))
    assert set(seen) == {(to, id_) for to in house.members for id_ in work.accepted}
    assert all(len(versions) == 1 for versions in seen.values())  # the same bytes each time
    # The bound of docs/promise.md: results heard, in the commit, one that waits, and what is in flight.
    assert len(room.mails) - copies <= kills * (2 * GROUP + 1 + _IN_FLIGHT)


def message_id(raw: bytes) -> str:
    found = re.search(rb"^Message-ID: <(.*)>\r$", raw, re.M)
    assert found
    return found[1].decode()


def unsigned(raw: bytes) -> bytes:
    """The copy without our signature, which names the second in which it was made."""
    return re.sub(rb"^DKIM-Signature:.*\r\n([ \t].*\r\n)*", b"", raw, flags=re.M)


def test_twenty_deaths_during_five_hundred_posts_lose_nothing_and_post_nothing_twice(
    found: Callable[..., House],
) -> None:
    with Mailroom() as room:
        house = found(room, members=3)
        work = killed_again_and_again(house, room, posts=500, kills=20)
        nothing_lost(house, room, work, kills=20)


def test_five_deaths_on_postgresql_lose_nothing_and_post_nothing_twice(
    found: Callable[..., House], postgres_url: str
) -> None:
    with Mailroom() as room:
        house = found(room, url=postgres_url)
        work = killed_again_and_again(house, room, posts=100, kills=5)
        nothing_lost(house, room, work, kills=5)


def test_a_stop_under_load_leaves_nothing_in_doubt(found: Callable[..., House]) -> None:
    with Mailroom() as room:
        house = found(room)
        letters = [house.letter(number) for number in range(300)]
        with sending(house.port, letters, may_go=keeping_pace(room, house)) as work:
            with house.life() as running:
                until(lambda: len(room.mails) >= 100, house.server)
                assert "another `listserv serve` runs this site" in house.desk.fails("serve")
                running.process.terminate()
                assert running.process.wait(25) == 0
            assert len(work.accepted) < 300
            assert house.status()["deliveries"]["sending"] == 0
            assert house.status()["deliveries"]["sent"] == len(room.mails)
            with house.life():
                until(lambda: len(work.accepted) == 300, house.server)
                house.settled()
        nothing_lost(house, room, work, kills=0)  # neither a copy nor a post twice
