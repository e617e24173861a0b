"""The tables of docs/performance.md, as Markdown, from the JSON lines of a run.

    python -m bench.table ours FILE [PEERS]    our figures beside the targets and the peers' figures
    python -m bench.table write PAGE FILE [PEERS]    both, into PAGE between its two marks
    python -m bench.table archive PAGE FILE [PEERS]    the archive's part, into PAGE between its own two marks
    python -m bench.table peers FOLDER         Mailman 3, mlmmj and us, as bench/peers.sh measured them

FILE: what `listserv bench` printed. PEERS, FOLDER: the folder of the *.jsonl of bench/peers.sh.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.sources import NONE, Figure, Ours, Peers, cell, read_lines, read_peers

_MIB = 1.048576  # MB
_MARKS = ("<!-- figures:", "<!-- end of figures -->")
_ARCHIVE_MARKS = ("<!-- archive:", "<!-- end of archive -->")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table and an empty line; nothing where no row says anything."""
    names = list(heads)
    rows = [row for row in map(list, rows) if any(_tells(one) for one in row[1:4])]
    if not rows:
        return
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _tells(words: str) -> bool:
    return any(letter.isdigit() for letter in words)


# -- ours -------------------------------------------------------------------------------------------


def our_tables(ours: Ours, peers: Peers) -> Iterator[str]:
    """Everything that docs/performance.md holds of a run."""
    yield conditions(ours)
    yield ""
    yield from table(("what", "Mailman 3", "mlmmj", "listserv", "target"), _targets(ours, peers))
    yield from table(
        ("members", "copies a second", "s from 250 to the last", "CPU-s per 1,000"), _by_members(ours)
    )
    yield from table(
        (
            "a post of",
            "members",
            "copies a second",
            "the bare wire",
            "ms a copy beyond the wire",
            "CPU-s per 1,000",
        ),
        _by_body(ours),
    )
    yield from table(
        ("lists", "subscriptions", "ms from submission to the last of 100: p50", "p95", "CPU-ms a post"),
        _by_site(ours),
    )
    yield from table(("what else", "figure"), _others(ours))


def archive_tables(ours: Ours, peers: Peers) -> Iterator[str]:
    """An archive of each size that was measured."""
    for posts in sorted({one["posts"] for one in ours.all("archive, import")}):
        told = ours.all("archive, import", posts=posts) + ours.all("archive, search", posts=posts)
        busy = " and ".join(cell(one["others_cores"]) for one in told)
        yield f"Other processes took {busy} cores while posts were imported and looked for."
        yield ""
        heads = (f"an archive of {cell(posts)} real posts", "public-inbox", "listserv", "target")
        yield from table(heads, _archive(ours, peers, posts))


def conditions(ours: Ours) -> str:
    """The machine in a sentence."""
    here = ours.one("machine")
    if not here:
        return "Conditions: unknown; `listserv bench machine` tells them."
    told = {key: cell(value) for key, value in here.items()}
    return (
        f"Conditions: {told['cores']} cores ({here['cpu']}), kernel {here['kernel']}, "
        f"Python {here['python']}, {here['file_system']}, {here['database']}; signing limit "
        f"{told['signatures_one_core']} a second on one core, {told['signatures_all_cores']} on all; "
        f"{told['commits_per_second']} durable commits a second one by one, "
        f"{told['commits_of_1_mb_per_second']} of 1 MB; Python loop {told['python_loop_ms']} ms; other "
        f"processes took {told['others_cores']} cores, the host took {told['stolen_cores']}."
    )


def _targets(ours: Ours, peers: Peers) -> Iterator[tuple[str, ...]]:
    yield from _fan_outs(ours, peers)
    yield from _intakes(ours, peers)
    start = ours.one("start to ready")
    peak = ours.one("memory, fan-out, personal and signed")
    yield (
        f"memory, idle after a post / at the fan-out to {cell(peak.get('members'))}, MB (processes)",
        _memory(peers, "mailman", "bulk-default/10000", "bulk-default/1000"),
        _memory(peers, "mlmmj", "bulk-500/10000", "bulk-500/1000"),
        f"{cell(peak.get('idle_mb'))} / {cell(peak.get('peak_mb'))} ({cell(peak.get('peak_processes'))})",
        "≤ 120 / ≤ 220",
    )
    ready = peers.value("mailman", "startup_ready", "bulk-default")
    yield "start to ready, s", ready, NONE, cell(start.get("seconds")), "≤ 1"
    for one in ours.all("posts of 1 MB in"):
        what = f"1 MB posts coming in, {one['clients']} client{'s' * (one['clients'] > 1)}, MB/s"
        yield what, NONE, NONE, cell(one["mb_per_second"]), "≥ 60"
    yield _site_row(ours)


def _fan_outs(ours: Ours, peers: Peers) -> Iterator[tuple[str, ...]]:
    own, shared = ours.one("fan-out, personal and signed"), ours.one("fan-out, shared copies")
    yield (
        f"{cell(own.get('members'))} members, 4 kB, each copy personal, ours signed: a second",
        peers.value("mailman", "fanout_rate", "personal/1000", "verp/1000"),
        peers.value("mlmmj", "fanout_rate", "verp-default/1000"),
        f"**{cell(own.get('per_second'))}**",
        "≥ 3,500",
    )
    yield "– of what all cores can sign", NONE, NONE, cell(own.get("of_signing")), "≥ 0.55"
    yield (
        "– CPU-s per 1,000",
        peers.value("mailman", "fanout_cpu", "personal/1000", "verp/1000"),
        peers.value("mlmmj", "fanout_cpu", "verp-default/1000"),
        cell(own.get("cpu_seconds_per_1000")),
        "≤ 0.5",
    )
    yield (
        f"shared copies, up to {cell(shared.get('most_at_once'))} recipients a transaction, a second",
        peers.value("mailman", "fanout_rate", "bulk-default/10000", "bulk-default/1000"),
        peers.value("mlmmj", "fanout_rate", "bulk-500/10000", "bulk-500/1000"),
        f"**{cell(shared.get('per_second'))}**",
        "≥ 20,000",
    )
    late = ours.one("latency, 250 to the last of 10")
    yield (
        "250 → the last of 10, ms: p50 / p95",
        _milliseconds(peers, "mailman", "bulk-default"),
        _milliseconds(peers, "mlmmj", "bulk-100"),
        f"{cell(late.get('p50_ms'))} / {cell(late.get('p95_ms'))}",
        "≤ 30 / ≤ 100",
    )


def _intakes(ours: Ours, peers: Peers) -> Iterator[tuple[str, ...]]:
    for clients, target in ((4, "≥ 500"), (16, "≥ 800")):
        own = ours.one("intake", clients=clients)
        for what, measure, key, least in (
            ("durable posts accepted", "ingest_accept", "accepted_per_second", target),
            ("– delivered to ten members", "ingest_delivered", "delivered_to_ten_per_second", "≥ 150"),
        ):
            yield (
                f"{what}, {clients} clients, a second",
                peers.value("mailman", measure, f"bulk-default/conc{clients}"),
                peers.value("mlmmj", measure, f"bulk-100/conc{clients}"),
                cell(own.get(key)),
                least,
            )


def _memory(peers: Peers, peer: str, *variants: str) -> str:
    found = peers.find(peer, "fanout_mem", variants)
    return f"{cell(found['idle_pss'] * _MIB)} / {cell(found['peak_pss'] * _MIB)}" if found else NONE


def _milliseconds(peers: Peers, peer: str, variant: str) -> str:
    seconds = peers.find(peer, "latency_single", [variant]).get("median")
    return cell(None if seconds is None else seconds * 1000)


def _site_row(ours: Ours) -> tuple[str, ...]:
    found = ours.all("growth, site")
    spent = " → ".join(cell(one["cpu_ms_per_post"]) for one in found) or NONE
    sizes = " → ".join(cell(one["lists"]) for one in found)
    return f"one post to 100 members, CPU-ms, on a site of {sizes} lists", NONE, NONE, spent, "the same"


def _by_members(ours: Ours) -> Iterator[tuple[str, ...]]:
    for one in ours.all("growth, members"):
        keys = ("members", "per_second", "seconds_from_250", "cpu_seconds_per_1000")
        yield tuple(cell(one[key]) for key in keys)


def _by_body(ours: Ours) -> Iterator[tuple[str, ...]]:
    for one in ours.all("growth, body"):
        beyond = (1 / one["per_second"] - 1 / one["wire_per_second"]) * 1000
        kept = (
            one["members"],
            one["per_second"],
            one["wire_per_second"],
            beyond,
            one["cpu_seconds_per_1000"],
        )
        yield f"{cell(one['body'] / 1000)} kB", *map(cell, kept)


def _by_site(ours: Ours) -> Iterator[tuple[str, ...]]:
    for one in ours.all("growth, site"):
        yield tuple(
            cell(one[key]) for key in ("lists", "subscriptions", "p50_ms", "p95_ms", "cpu_ms_per_post")
        )


def _others(ours: Ours) -> Iterator[tuple[str, ...]]:
    people, fresh = ours.one("import, members from CSV"), ours.one("memory, idle")
    yield "memory before any post, MB", cell(fresh.get("idle_mb"))
    yield f"{cell(people.get('members'))} members added from CSV", cell(people.get("seconds"), " s")
    moved, pages = ours.one("import, posts from mbox"), ours.one("render, an archive anew")
    yield (
        f"{cell(moved.get('posts'))} posts imported from an mbox",
        cell(moved.get("per_second"), " a second"),
    )
    yield "– all their pages rendered", cell(pages.get("posts_per_second"), " posts a second")
    sink = ours.one("fan-out, personal and signed")
    yield "the sink's own CPU-s per 1,000 copies, part of no figure", cell(sink.get("sink_cpu_per_1000"))


def _archive(ours: Ours, peers: Peers, posts: int) -> Iterator[tuple[str, ...]]:
    def theirs(measure: str, key: str = "median") -> str:
        return cell(peers.find("public-inbox", f"archive_{measure}", [str(posts)]).get(key))

    moved, anew, seen, asked, size = (
        ours.one(f"archive, {what}", posts=posts)
        for what in ("import", "pages anew", "250 to visible", "search", "sizes")
    )
    bare, whole = (ours.one(f"archive, export{what}", posts=posts) for what in (" without search", ""))
    tiers = ours.one("archive, search files", posts=posts)
    yield (
        "posts imported per CPU-s (theirs: with Xapian's index; ours: with the search)",
        theirs("import_per_cpu_second"),
        cell(moved.get("per_cpu_second")),
        "≥ 400",
    )
    yield "posts rendered anew per CPU-s", NONE, cell(anew.get("per_cpu_second")), "≥ 5,000"
    yield (
        "one new post to be seen, ms: p50 / p95",
        f"{theirs('new_ms')} / {theirs('new_ms', 'p95')}",
        _both(seen, "p50_ms", "p95_ms"),
        "p95 ≤ 50 (100 at 50,000)",
    )
    yield (
        "– CPU-ms (ours: with signed copies to two, and looking for it)",
        theirs("new_cpu_ms"),
        cell(seen.get("cpu_ms_per_post")),
        NONE,
    )
    yield (
        "a search of the server's, ms: p50 / p95",
        f"{theirs('search_ms')} / {theirs('search_ms', 'p95')}",
        _both(asked, "p50_ms", "p95_ms"),
        "p95 ≤ 25",
    )
    ten = "conversation_of_ten_kb"
    yield "a conversation of ten, kB gzip", theirs(ten), cell(size.get(ten)), "≤ 8"
    yield (
        "the largest page / the style, kB gzip",
        NONE,
        _both(size, "largest_page_kb", "style_kb"),
        "≤ 150 / ≤ 6",
    )
    rates = f"{cell(bare.get('per_cpu_second'))} / {cell(whole.get('per_cpu_second'))}"
    yield "posts exported per CPU-s, without / with the search's files", NONE, rates, NONE
    peaks = " / ".join(cell(one.get("peak_mb")) for one in (moved, anew, bare))
    yield "memory at most, MB: import / pages / export without search", NONE, peaks, "≤ 300"
    yield (
        "– making the search's files, which read them in a browser",
        NONE,
        cell(tiers.get("peak_mb")),
        "≤ 700",
    )


def _both(figure: Figure, one: str, other: str) -> str:
    return f"{cell(figure.get(one))} / {cell(figure.get(other))}"


# -- beside the peers -------------------------------------------------------------------------------

_BULK = {"mailman": "bulk-default", "mlmmj": "bulk-500", "listserv": "shared-100"}
_PERSONAL = {"mailman": "personal", "mlmmj": "verp-default", "listserv": "personal-signed"}
_USUAL = {"mailman": "bulk-default", "mlmmj": "bulk-100", "listserv": "personal-signed"}


def peer_table(peers: Peers) -> Iterator[str]:
    """One table of one run. Ours are signed throughout, the peers' never."""
    yield from table(("one run, medians", *_PERSONAL), _peer_rows(peers))


def _peer_rows(peers: Peers) -> Iterator[tuple[str, ...]]:
    for what, measure in (("copies a second", "fanout_rate"), ("CPU-s per 1,000", "fanout_cpu")):
        for kind, chosen, sizes in (
            ("one post, personal copies", _PERSONAL, (1000, 10000)),
            ("one post, shared copies", _BULK, (1000, 10000)),
        ):
            for size in sizes:
                yield (
                    f"{kind}, {size:,} members: {what}",
                    *(peers.value(peer, measure, f"{variant}/{size}") for peer, variant in chosen.items()),
                )
    yield from _usual(peers, "250 → the last of 10, s", "latency_single", "{}")
    for clients in (1, 4, 16):
        yield from _usual(
            peers, f"posts accepted, {clients} clients, a second", "ingest_accept", f"{{}}/conc{clients}"
        )
        yield from _usual(peers, "– delivered to ten", "ingest_delivered", f"{{}}/conc{clients}")
        yield from _usual(peers, "– CPU-s per 1,000 posts", "ingest_cpu", f"{{}}/conc{clients}")
    yield from _usual(peers, "start to ready, s", "startup_ready", "{}")
    for size in (1000, 10000):
        what = f"memory, idle / at the fan-out to {size:,} (MB, PSS)"
        yield (
            what,
            *(_memory(peers, peer, f"{variant}/{size}") for peer, variant in _PERSONAL_OR_BULK.items()),
        )


_PERSONAL_OR_BULK = _BULK | {"listserv": "personal-signed"}


def _usual(peers: Peers, what: str, measure: str, variant: str) -> Iterator[tuple[str, ...]]:
    yield what, *(peers.value(peer, measure, variant.format(usual)) for peer, usual in _USUAL.items())


def write_into(page: Path, lines: Iterable[str], marks: tuple[str, str]) -> None:
    """Put lines between the two marks of a page; what is between them goes."""
    begin, end_ = marks
    text = page.read_text()
    before, mark, rest = text.partition(begin)
    first, _, rest = rest.partition("\n")
    _, end, after = rest.partition(end_)
    if not (mark and end):
        raise SystemExit(f"{page} has no place for figures: {begin} … and {end_}")
    page.write_text(f"{before}{mark}{first}\n{chr(10).join(lines).rstrip()}\n{end}{after}")


def main(words: list[str]) -> None:
    """As the module says."""
    match words:
        case ["ours", file, *folders]:
            told, peers = Ours(read_lines([Path(file)])), read_peers(folders)
            print("\n".join([*our_tables(told, peers), *archive_tables(told, peers)]))
        case ["peers", *folders]:
            print("\n".join(peer_table(read_peers(folders))))
        case ["write", page, file, *folders]:
            peers = read_peers(folders)
            lines = [*our_tables(Ours(read_lines([Path(file)])), peers), *peer_table(peers)]
            write_into(Path(page), lines, _MARKS)
        case ["archive", page, file, *folders]:
            lines = [*archive_tables(Ours(read_lines([Path(file)])), read_peers(folders))]
            write_into(Path(page), lines, _ARCHIVE_MARKS)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
