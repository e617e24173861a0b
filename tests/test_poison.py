"""The child that reads strangers' mail dies: no mail is lost, none stops the others, none stays behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from listserv.flow.process import STRANGERS, process_due
from listserv.flow.reader import Limits, Reader
from listserv.store import arrivals
from tests.kit.house import House, found
from tests.kit.kill_family import descendants
from tests.kit.kill_ledger import LONG
from tests.kit.mailroom import Mailroom
from tests.kit.nameserver import nameserver
from tests.kit.server import until
from tests.kit.stubborn import Letter, sending
from tests.kit.world import open_world, sqlite_in

__all__ = ["found"]  # a fixture


def children(parent: int) -> list[int]:
    """The processes that ``parent`` started and that are still there."""
    return [one.pid for one in descendants(parent)]


def poison(house: House) -> Letter:
    """A mail whose author's domain is asked about when it is read; whoever answers knows when."""
    letter = house.letter(0)
    raw = letter.raw.replace(b"From: <ana@members.example>", b"From: <ana@poison.example>")
    return Letter(letter.id, letter.sender, letter.to, raw)


def test_a_mail_that_kills_its_reader_is_set_aside_after_three_tries_while_others_flow(
    found: Callable[..., House],
) -> None:
    parent: list[int] = []
    deaths: list[int] = []

    def asked(name: str) -> bool:
        if parent and name.endswith("poison.example"):
            child = max(children(parent[0]))  # the last that was started: only this mail's reader dies
            deaths.append(child)
            os.kill(child, signal.SIGKILL)
            return False
        return True

    with Mailroom() as room, nameserver(asked) as dns:
        house = found(room, LISTSERV_DNS_SERVERS=dns)
        house.desk.does("list", "set", "book", "posting=anyone")
        with house.life() as running:
            parent.append(running.process.pid)
            letters = [poison(house), *(house.letter(number) for number in range(1, 21))]
            with sending(house.port, letters, senders=2) as work:
                until(lambda: len(work.accepted) == 21, house.server)
            until(lambda: len(deaths) == 3 and house.settled()["posted"] == 20, house.server)
            assert len(set(deaths)) == 3  # a fresh reader each time
            assert house.status()["aside"] == 1
            (aside,) = house.tell("queue", "ls", "--aside")
            assert aside["why"] == "reading it ended the process (-9)"
            shown = house.tell("queue", "show", "--aside", str(aside["id"]))
            assert "From: <ana@poison.example>" in shown["raw"]
            parent.clear()
            house.desk.does("queue", "retry", "--aside", str(aside["id"]))
            until(lambda: house.settled()["aside"] == 0, house.server)
            assert house.status()["held"] == 1  # a stranger's, as any other


POISON = b"From: <ana@poison.example>\nTo: <book@lists.example.org>\nSubject: Odd\n\nWords\n"


def good(number: int) -> bytes:
    head = f"From: <ben@ben.example>\nTo: <book@lists.example.org>\nMessage-ID: <{number}@ben.example>\n"
    return f"{head}Subject: Number {number}\n\nWords\n".encode()


@pytest.mark.parametrize(
    ("lane", "how"),
    [("", signal.SIGSTOP), (STRANGERS, signal.SIGKILL), *([("", signal.SIGKILL)] if LONG else [])],
)
def test_a_mail_that_stalls_or_kills_its_reader_is_aside_after_three_tries_and_ends_no_other(
    tmp_path: Path, lane: str, how: signal.Signals
) -> None:
    """standards.md T14, for a member's mail and for a stranger's; the others come behind it."""
    readers: list[Reader] = []
    ends: list[int] = []

    def asked(name: str) -> bool:
        if not name.endswith("poison.example"):
            return True
        pid = readers[0].pid
        assert pid
        if pid not in ends:  # a question may be asked again
            ends.append(pid)
        os.kill(pid, how)
        return False

    with open_world(sqlite_in(tmp_path)) as world, nameserver(asked) as dns:
        readers.append(Reader(servers=(dns,), limits=Limits(proof_seconds=2, read_seconds=20)))
        book = world.circle(posting="anyone")
        author = "ana@poison.example"
        for address in ("ben@ben.example", *((author,) if not lane else ())):
            world.member(book, address)
        for number, raw in enumerate((good(1), POISON, good(2), good(3))):
            world.accept(raw, sender=f"{number}@elsewhere.example")
        desk = replace(world.desk, reader=readers[0])
        with closing(readers[0]):
            for _ in range(4):
                process_due(desk)
                process_due(desk, STRANGERS)
        assert world.ends() == {"posted": 3, "aside": 1}
        assert len(ends) == 3
        with world.store.read() as tx:
            aside = {row.why for row in arrivals.aside(tx)}
        ended = "it took too long to read" if how is signal.SIGSTOP else "reading it ended the process (-9)"
        assert aside == {ended}


def test_while_a_strangers_mail_stalls_its_reader_members_mail_is_posted(tmp_path: Path) -> None:
    stalled: list[int] = []

    def asked(name: str) -> bool:
        if name.endswith("poison.example") and not stalled and theirs.pid:
            os.kill(theirs.pid, signal.SIGSTOP)
            stalled.append(theirs.pid)
        return True

    with (
        open_world(sqlite_in(tmp_path)) as world,
        nameserver(asked) as dns,
        closing(Reader(servers=(dns,))) as ours,
        closing(Reader(servers=(dns,), limits=Limits(proof_seconds=300, read_seconds=60))) as theirs,
    ):
        book = world.circle(posting="anyone")
        world.member(book, "ben@ben.example")
        world.accept(POISON, sender="ana@poison.example")
        process_due(replace(world.desk, reader=ours))  # sees whose it is
        lane = threading.Thread(target=process_due, args=(replace(world.desk, reader=theirs), STRANGERS))
        lane.start()
        try:
            until(lambda: bool(stalled))
            world.accept(good(1), sender="ben@ben.example")
            process_due(replace(world.desk, reader=ours))
            assert world.ends() == {"posted": 1, "waiting": 1}
        finally:
            os.kill(stalled[0], signal.SIGCONT)
            lane.join(60)
        assert not lane.is_alive()
        assert world.ends() == {"posted": 1, "held": 1}  # a stranger's, as any other


def test_a_reader_that_is_killed_while_mail_flows_costs_no_mail(found: Callable[..., House]) -> None:
    with Mailroom() as room:
        house = found(room)
        with house.life() as running:
            letters = [house.letter(number) for number in range(60)]
            with sending(house.port, letters) as work:
                for enough in (5, 25, 45):
                    until(lambda enough=enough: len(room.mails) >= 4 * enough, house.server)  # type: ignore[misc]
                    for child in children(running.process.pid):
                        os.kill(child, signal.SIGKILL)
                until(lambda: len(work.accepted) == 60, house.server)
            assert house.settled()["posted"] == 60
        assert [room.taken[member] for member in house.members] == [60] * 4


def test_a_reader_amid_a_mail_is_gone_five_seconds_after_its_parent(found: Callable[..., House]) -> None:
    questions: list[str] = []

    def asked(name: str) -> bool:
        questions.append(name)
        return False  # the reader waits for an answer

    with Mailroom() as room, nameserver(asked) as dns:
        house = found(room, LISTSERV_DNS_SERVERS=dns)
        with house.life() as running:
            with sending(house.port, [house.letter(0)]) as work:
                until(lambda: bool(questions) and bool(work.accepted), house.server)
            readers = children(running.process.pid)
            assert readers
            running.process.kill()
            running.process.wait(60)
            end = time.monotonic() + 45  # five, on a machine that is not busy with other tests
            while not all(_is_dead(reader) for reader in readers):
                assert time.monotonic() < end, "an orphan"
                time.sleep(0.05)


def _is_dead(pid: int) -> bool:
    """Nothing runs any more, though nobody may have asked for its exit code yet."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
