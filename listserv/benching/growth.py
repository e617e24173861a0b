"""How cost grows: with the members of a list, with the size of a post, with the size of the site."""

from __future__ import annotations

from time import sleep

from listserv.benching.fan_out import SMALL, fan_out, shown
from listserv.benching.figures import Value, Wanted, middle, part
from listserv.benching.load import text_of
from listserv.benching.machine import wire
from listserv.benching.place import Live, place
from listserv.benching.processes import Meanwhile

_KB, _MB = 1_000, 1_000_000
_WIRE_OCTETS = 200 * _MB
_SITE_LISTS, _SITE_MEMBERS = 1_000, 100  # 100,000 subscriptions
_SITE_PEOPLE = 50_000


def measure_members(wanted: Wanted) -> None:
    """The same post to ten times as many, again and again."""
    most = 100_000 if wanted.long else wanted.members
    for many in (10**power for power in range(1, 6) if 10**power <= most):
        with place(wanted) as site:
            site.make_lists({"fan": range(1, many + 1)})
            with site.live() as live:
                fan_out(live, "fan", many, text_of(SMALL))
                _tell(wanted, "growth, members", live, (many, SMALL))


def measure_bodies(wanted: Wanted) -> None:
    """Larger and larger posts. ``wire_per_second``: what SMTP on loopback alone makes of these octets."""
    many = wanted.members
    steps = [(many, SMALL), (many, 10 * _KB), (max(10, many // 10), _MB), (max(10, many // 100), 10 * _MB)]
    with place(wanted) as site:
        site.make_lists({f"fan{number}": range(1, number + 1) for number, _ in steps})
        with site.live() as live:
            fan_out(live, f"fan{many}", many, text_of(SMALL))
            for step in steps:
                limit = wire(step[1], max(8, min(4_000, _WIRE_OCTETS // step[1])))
                _tell(wanted, "growth, body", live, step, wire_per_second=limit)


def _tell(wanted: Wanted, what: str, live: Live, step: tuple[int, int], **more: Value) -> None:
    many, octets = step
    name = "fan" if what == "growth, members" else f"fan{many}"
    meanwhile = Meanwhile()
    rounds = [fan_out(live, name, many, text_of(octets)) for _ in range(wanted.rounds)]
    wanted.figure(what, members=many, body=octets, **shown(rounds, many), **more, **meanwhile.cores())


def measure_site(wanted: Wanted) -> None:
    """One post to the same kind of list, on a site of one list and on one of a thousand."""
    many = min(_SITE_MEMBERS, max(10, wanted.members // 10))
    for lists in (1, min(_SITE_LISTS, max(2, wanted.members // 10))):
        with place(wanted) as site:
            site.make_lists(_lists(lists, many))
            with site.live() as live:
                _tell_site(wanted, live, lists, many)


def _lists(many: int, members: int) -> dict[str, range]:
    """``fan`` with the first members, and others; where there are many, everybody is on two."""
    firsts = {"fan": 1} | {f"l{number}": 1 + members * number % _SITE_PEOPLE for number in range(1, many)}
    return {name: range(first, first + members) for name, first in firsts.items()}


def _tell_site(wanted: Wanted, live: Live, lists: int, many: int) -> None:
    fan_out(live, "fan", many, text_of(SMALL))
    live.rest()
    posts = max(5, wanted.posts // 10)
    live.sink.ask("RESET")
    meanwhile, before, waits = Meanwhile(), live.cpu(), []
    for number in range(1, posts + 1):
        sent = live.post("fan", text_of(SMALL))
        waits.append((live.arrived(number * many)["last"] - sent.started) * 1000)
        sleep(0.02)
    spent = live.calm() - before
    wanted.figure(
        "growth, site",
        lists=lists,
        subscriptions=lists * many,
        members=many,
        posts=posts,
        p50_ms=middle(waits),
        p95_ms=part(waits, 0.95),
        cpu_ms_per_post=spent / posts * 1000,
        **meanwhile.cores(),
    )
