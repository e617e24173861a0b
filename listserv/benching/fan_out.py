"""One post to many: personal and signed copies, and shared ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from time import sleep
from typing import Any

from listserv.benching.children import signed
from listserv.benching.figures import Value, Wanted, middle
from listserv.benching.load import text_of
from listserv.benching.place import AT_ONCE, Live, place
from listserv.benching.processes import Meanwhile, Memory, Peak, cpu_each
from listserv.core.records import dataclass
from listserv.errors import CannotDo

SMALL = 4_000  # octets of a post
_MINUTE = 65  # of `wanted.seconds`: who had nothing to do for a minute has ended its children
SHARED = AT_ONCE | {"personal": "off"}


@dataclass(frozen=True, slots=True)
class Post:
    """What one post to a list came to, in seconds."""

    whole: float  # from its envelope to the last copy
    after: float  # from its 250 to the last copy
    cpu: float  # of the server, all that came of it
    sink_cpu: float
    busiest: float  # cores that the busiest process took meanwhile: near 1, it is what all wait for
    tally: Mapping[str, Any]


def fan_out(live: Live, name: str, members: int, body: bytes) -> Post:
    """Post and wait until all is done. Raises CannotDo unless each member got it once."""
    before, each = live.sink.ask("RESET")["cpu"], cpu_each(live.server.pid)
    sent = live.post(name, body)
    live.arrived(members)
    then = cpu_each(live.server.pid)
    spent = live.calm() - sum(each.values())
    tally = live.sink.ask("STAT")  # what came too much came by now
    if not tally["recipients"] == tally["distinct"] == members:
        raise CannotDo(f"{members} were to get a copy each; {tally['distinct']} got {tally['recipients']}")
    busiest = max(seconds - each.get(pid, 0.0) for pid, seconds in then.items())
    whole, after = tally["last"] - sent.started, tally["last"] - sent.accepted[0]
    return Post(whole, after, spent, max(0.0, tally["cpu"] - before), busiest / whole, tally)


def measure_fan_out(wanted: Wanted) -> None:
    """Every copy with its own return path, its own one-click token, its own signature."""
    _measured(wanted, "fan-out, personal and signed", AT_ONCE)


def measure_shared(wanted: Wanted) -> None:
    """``personal`` off: many recipients a transaction."""
    _measured(wanted, "fan-out, shared copies", SHARED)


def _measured(wanted: Wanted, what: str, settings: Mapping[str, str]) -> None:
    many, body = wanted.members, text_of(SMALL)
    with place(wanted) as site:
        site.make_lists({"fan": range(1, many + 1)}, settings)
        with site.live() as live:
            fan_out(live, "fan", many, body)  # whatever is loaded but once
            _check_sample(live, many, personal=settings is AT_ONCE)
            sleep(wanted.seconds * _MINUTE)
            idle = live.memory()
            meanwhile, limits = Meanwhile(), [_limit(wanted)]
            rounds = []
            for _ in range(wanted.rounds):
                rounds.append(fan_out(live, "fan", many, body))
                limits.append(_limit(wanted))
            told = shown(rounds, many) | meanwhile.cores()
            if settings is AT_ONCE:  # a signature a copy: shared copies have one for many
                told |= _of_limit(rounds, many, limits)
            wanted.figure(what, members=many, body=SMALL, **told)
            _tell_memory(wanted, what, idle, _peak(live, many, body))


def _check_sample(live: Live, many: int, *, personal: bool) -> None:
    """Raise CannotDo where it is not what it is called: a fast figure for something else is none."""
    tally, sample = live.sink.ask("STAT"), str(live.sink.ask("SAMPLE")["sample"])
    if "DKIM-Signature:" not in sample:
        raise CannotDo("the copies are not signed")
    if personal and not (tally["senders"] == many and tally["most_at_once"] == 1):
        raise CannotDo(f"{tally['senders']} return paths for {many} members: the copies are not personal")


def _limit(wanted: Wanted) -> float:
    """Signatures a second that all cores can make now."""
    return signed(os.cpu_count() or 1, wanted.seconds)


def shown(rounds: list[Post], many: int) -> dict[str, Value]:
    """The figures of some rounds, medians."""
    tally = rounds[-1].tally
    return {
        "per_second": middle([many / one.whole for one in rounds]),
        "runs": [many / one.whole for one in rounds],
        "seconds_from_250": middle([one.after for one in rounds]),
        "cpu_seconds_per_1000": middle([one.cpu / many * 1000 for one in rounds]),
        "sink_cpu_per_1000": middle([one.sink_cpu / many * 1000 for one in rounds]),
        "busiest_process_cores": middle([one.busiest for one in rounds]),
        "transactions": tally["transactions"],
        "most_at_once": tally["most_at_once"],
        "connections": tally["connections"],
    }


def _of_limit(rounds: list[Post], many: int, limits: list[float]) -> dict[str, Value]:
    """Each round beside what could be signed right before and right after it."""
    around = [(before + after) / 2 for before, after in zip(limits, limits[1:], strict=False)]
    shares = [many / one.whole / limit for one, limit in zip(rounds, around, strict=True)]
    return {"signatures_all_cores": middle(limits), "of_signing": middle(shares)}


def _peak(live: Live, many: int, body: bytes) -> Memory:
    peak = Peak(live.server.pid)
    peak.start()
    fan_out(live, "fan", many, body)
    return max(peak.stop(), live.memory(), key=lambda one: one.megabytes)


def _tell_memory(wanted: Wanted, what: str, idle: Memory, most: Memory) -> None:
    wanted.figure(
        f"memory, {what}",
        members=wanted.members,
        idle_mb=idle.megabytes,
        idle_processes=idle.processes,
        peak_mb=most.megabytes,
        peak_processes=most.processes,
    )
