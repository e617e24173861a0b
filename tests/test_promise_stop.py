"""SIGTERM while everything is at work: what had its dot is answered and kept, nothing is left in doubt.

standards.md T12: posts come in, are processed, and a large fan-out is under way, all at once.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.kit.house import House, found
from tests.kit.kill_ledger import Ledger
from tests.kit.mailroom import Mailroom
from tests.kit.server import DOMAIN, until
from tests.kit.stubborn import Letter, Senders, sending

__all__ = ["found"]  # a fixture

MEMBERS = 400
TALK = f"talk@{DOMAIN}"
_BELOW = 30.0  # seconds a stop may take at the very most


def to_talk(house: House, number: int) -> Letter:
    """A post to a small list beside the large one."""
    letter, host = house.letter(number), house.members[0]
    raw = letter.raw.replace(letter.to.encode(), TALK.encode()).replace(letter.sender.encode(), host.encode())
    return Letter(letter.id, host, TALK, raw)


def amid(room: Mailroom, work: Senders, ledger: Ledger) -> bool:
    """Senders keep pace in the first life, so that there is something to take in when it ends."""
    return bool(ledger.doubts) or len(work.accepted) < 20 + len(room.mails) // 8


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_stop_amid_intake_processing_and_a_fan_out_leaves_nothing_in_doubt(
    found: Callable[..., House], kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    with Mailroom() as room:
        house = found(room, members=MEMBERS, url=url)
        house.desk.does("list", "create", "talk", "--title", "Talk", "--host", house.members[0])
        house.desk.does("list", "set", "talk", "outbox_minutes=0", "guard=off", "storm=0")
        letters = [house.letter(0)] + [to_talk(house, number) for number in range(1, 120)]
        ledger = Ledger(house, room)
        with sending(house.port, letters, may_go=lambda work: amid(room, work, ledger)) as work:
            with house.life() as running:
                until(lambda: len(room.mails) >= MEMBERS // 3 and len(work.accepted) > 10, house.server)
                running.process.send_signal(signal.SIGTERM)
                assert running.process.wait(_BELOW) == 0
            assert "fault" not in house.server.log
            kept = house.status()
            until(lambda: kept["accepted"] == len(work.accepted), work)  # all that is kept was answered
            assert len(work.accepted) < len(letters)
            assert kept["deliveries"]["sending"] == 0
            assert ledger.close_life() == set()
            assert len(room.mails) == kept["deliveries"]["sent"]
            with house.life():
                until(lambda: len(work.accepted) == len(letters), house.server)
                house.settled()
        assert ledger.close_life() == set()
    assert house.posts() == Counter(work.accepted)
    assert house.status()["discarded"] == 0  # nobody had to send twice what we had kept
    assert house.status()["deliveries"]["sent"] == len(room.mails) == MEMBERS + len(letters) - 1
