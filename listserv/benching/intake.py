"""Mail on its way in: how soon ten members have a post, how many posts a second, how many MB."""

from __future__ import annotations

from time import sleep

from listserv.benching.fan_out import SMALL
from listserv.benching.figures import Wanted, middle, part
from listserv.benching.load import text_of
from listserv.benching.place import Live, mails, place
from listserv.benching.processes import Meanwhile
from listserv.errors import CannotDo

_TEN = 10
_CLIENTS = (4, 16)
_MB = 1_000_000
_PAUSES = (0.02, 0.11, 0.05, 0.17, 0.08, 0.03, 0.14)  # in step with nothing that may be polled


def measure_latency(wanted: Wanted) -> None:
    """From the 250 of a post to the last of ten personal, signed copies; one post at a time."""
    posts = max(5, wanted.posts // 5)
    with place(wanted) as site:
        site.make_lists({"ten": range(1, _TEN + 1)})
        with site.live() as live:
            _warm(live, "ten", _TEN)
            meanwhile, waits, bare = Meanwhile(), [], []
            for number in range(1, posts + 1):
                sleep(_PAUSES[number % len(_PAUSES)])
                sent = live.post("ten", text_of(SMALL))
                last = live.arrived(number * _TEN)["last"]
                waits.append((last - sent.accepted[0]) * 1000)
                bare.append(sent.waits[0] * 1000)
            wanted.figure(
                "latency, 250 to the last of 10",
                posts=posts,
                p50_ms=middle(waits),
                p95_ms=part(waits, 0.95),
                most_ms=max(waits),
                p50_ms_to_250=middle(bare),
                **meanwhile.cores(),
            )


def measure_intake(wanted: Wanted) -> None:
    """Posts that are durable when they have their 250; each goes to ten members, personal and signed."""
    with place(wanted) as site:
        site.make_lists({"ten": range(1, _TEN + 1)})
        with site.live() as live:
            _warm(live, "ten", _TEN)
            for clients in _CLIENTS:
                _tell_intake(wanted, live, clients)


def _tell_intake(wanted: Wanted, live: Live, clients: int) -> None:
    posts, meanwhile = max(wanted.posts, clients), Meanwhile()
    accepted, delivered, spent, waits, helpers = [], [], [], [], []
    for _ in range(wanted.rounds):
        made = mails("ten", text_of(SMALL), posts)
        before, sink_before = live.cpu(), live.sink.ask("RESET")["cpu"]
        sent = live.bring(made, clients)
        tally = live.arrived(posts * _TEN)
        accepted.append(posts / sent.seconds)
        delivered.append(posts / (tally["last"] - sent.started))
        helpers.append((sent.cpu + tally["cpu"] - sink_before) / posts * 1000)
        spent.append((live.calm() - before) / posts * 1000)
        waits += [wait * 1000 for wait in sent.waits]
        if (taken := live.sink.ask("STAT")["recipients"]) != posts * _TEN:
            raise CannotDo(f"{posts} posts to {_TEN} members became {taken} copies")
    wanted.figure(
        "intake",
        clients=clients,
        posts=posts,
        accepted_per_second=middle(accepted),
        runs=accepted,
        delivered_to_ten_per_second=middle(delivered),
        delivered_runs=delivered,
        cpu_seconds_per_1000=middle(spent),
        bench_cpu_per_1000=middle(helpers),
        p50_ms_to_250=middle(waits),
        p95_ms_to_250=part(waits, 0.95),
        **meanwhile.cores(),
    )


def measure_large(wanted: Wanted) -> None:
    """Posts of 1 MB, each to one member, so that it is the way in that is measured."""
    posts = max(4, wanted.posts // 10)
    with place(wanted) as site:
        site.make_lists({"one": range(1, 2)})
        with site.live() as live:
            _warm(live, "one", 1)
            for clients in (1, 4):
                _tell_large(wanted, live, clients, posts)


def _tell_large(wanted: Wanted, live: Live, clients: int, posts: int) -> None:
    meanwhile, accepted, delivered, spent = Meanwhile(), [], [], []
    for _ in range(wanted.rounds):
        made = mails("one", text_of(_MB), posts)
        before = live.cpu()
        live.sink.ask("RESET")
        sent = live.bring(made, clients)
        tally = live.arrived(posts)
        accepted.append(posts / sent.seconds)
        delivered.append(posts / (tally["last"] - sent.started))
        spent.append((live.calm() - before) / posts)
    wanted.figure(
        "posts of 1 MB in",
        clients=clients,
        posts=posts,
        mb_per_second=middle(accepted),
        runs=accepted,
        delivered_mb_per_second=middle(delivered),
        cpu_seconds_per_mb=middle(spent),
        **meanwhile.cores(),
    )


def _warm(live: Live, name: str, members: int) -> None:
    """A post that is not measured."""
    live.sink.ask("RESET")
    live.post(name, text_of(SMALL))
    live.arrived(members)
    live.calm()
    live.sink.ask("RESET")
