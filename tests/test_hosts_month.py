"""A month of a list of a hundred: what it costs those who look after it (product.md C17).

Two hosts share the week; newcomers' first posts, strangers' mails and wishes to join come as they would, at
random, the same each time. A host answers a card within hours, by day.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

from sqlalchemy import select

from listserv.store import schema
from tests.kit.speaker import NONE, Letter, Speaker, read
from tests.kit.world import World, open_world, sqlite_in

LIST = "book@lists.example.org"
HOSTS = ("hanna@host.example", "dana@host.example")
DAYS, WEEKS = 28, 4
NEWCOMERS, STRANGERS, JOINERS = 6, 4, 3  # in the month
HOURS = (7, 10, 13, 16, 19, 22)  # when we look; from the last till the next morning it is night
MOST_A_WEEK = 5.0  # mails to a host, beside posts
_DICE = Random(2026)


def founded(world: World) -> None:
    here = world.circle(join="approve", probation=1)
    for host, name in zip(HOSTS, ("Hanna Berg", "Dana Orr"), strict=True):
        world.host(here, host, name=name)
    for number in range(98 - NEWCOMERS):
        world.member(here, f"m{number}@m.example", name=f"Member {number}", rhythm="none")
    for number in range(NEWCOMERS):
        world.member(here, f"new{number}@n.example", name=f"New {number}", probation=1, rhythm="none")
    hanna = Speaker(world, HOSTS[0])
    hanna.answers(hanna.writes("book+ask@lists.example.org", "duty hanna mon-wed, dana thu-sun")[0], "yes")


def happenings() -> dict[tuple[int, int], list[tuple[str, int]]]:
    """By day and hour: who does what."""
    found: dict[tuple[int, int], list[tuple[str, int]]] = {}

    def at(day: int, what: str, number: int) -> None:
        found.setdefault((day, _DICE.choice(HOURS)), []).append((what, number))

    for day in range(DAYS):
        for number in range(_DICE.randint(0, 3)):
            at(day, "post", 10 * day + number)
    for what, many in (("newcomer", NEWCOMERS), ("stranger", STRANGERS), ("joiner", JOINERS)):
        for number in range(many):
            at(_DICE.randrange(DAYS - 1), what, number)
    return found


def happen(world: World, what: str, number: int) -> None:
    match what:
        case "post":
            Speaker(world, f"m{number % 80}@m.example").writes(LIST, f"Words {number}?", f"Topic {number}")
        case "newcomer":
            Speaker(world, f"new{number}@n.example").writes(LIST, "I am new here.", f"Hello {number}")
        case "stranger":
            Speaker(world, f"s{number}@s{number}.example", NONE).writes(LIST, "An offer.", f"Offer {number}")
        case _:
            joiner = Speaker(world, f"j{number}@j.example")
            joiner.answers(joiner.writes("book+join@lists.example.org")[0], "yes")


def answer(world: World, card: Letter) -> None:
    """What a host says to a card: strangers no, everybody else ok; nothing where another host was first."""
    with world.store.read() as tx:
        if tx.scalar(select(schema.holds.c.id).where(schema.holds.c.state == "waiting").limit(1)) is None:
            return
    numbers = [line.split(" ")[0] for line in card.text.splitlines() if line[:1].isdigit()]
    lines = [line for line in card.text.splitlines() if line[:1].isdigit()]
    said = [f"{n} {'no' if 'Offer' in line else 'ok'}" for n, line in zip(numbers, lines, strict=True)]
    Speaker(world, card.to).answers(card, "\n".join(said))


def test_a_month_costs_each_host_at_most_five_mails_a_week_and_nothing_waits_a_day(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        founded(world)
        start, plan, unanswered = len(world.outbox), happenings(), list[Letter]()
        for day in range(DAYS):
            for hour in HOURS:
                for card in unanswered:  # those of three hours ago, or of last night
                    answer(world, card)
                seen = len(world.outbox)
                for what, number in plan.get((day, hour), ()):
                    happen(world, what, number)
                world.pass_time(hours=3 if hour != HOURS[-1] else 9)
                world.weekly()
                new = [read(one) for one in world.outbox[seen:] if one.recipient in HOSTS]
                unanswered = [one for one in new if one.kind == "card"]
        theirs = [one for one in map(read, world.outbox[start:]) if one.to in HOSTS]
        mails = Counter((one.to, one.kind) for one in theirs if one.kind != "post")
        a_week = {host: sum(n for (to, _), n in mails.items() if to == host) / WEEKS for host in HOSTS}
        assert {one.subject.partition(":")[0] for one in theirs if "a usual week" in one.text} == {
            "Book Circle"
        }
        assert all(0 < much <= MOST_A_WEEK for much in a_week.values()), (a_week, mails)
        with world.store.read() as tx:
            states = Counter(tx.scalars(select(schema.holds.c.state)))
        assert states == {"approved": NEWCOMERS + JOINERS, "declined": STRANGERS}
