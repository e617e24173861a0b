"""`listserv bench`: what this machine does with this program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from listserv.shown import say


@click.command()
@click.argument("what", nargs=-1, metavar="[WHAT]…")
@click.option("--members", type=click.IntRange(10), default=10_000, show_default=True, help="Of a list.")
@click.option("--posts", type=click.IntRange(4), default=500, show_default=True, help="A round.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="The middle one counts.")
@click.option(
    "--seconds", type=click.FloatRange(0.01), default=1.0, show_default=True, help="For each limit."
)
@click.option("--long", is_flag=True, help="Growth up to 100,000 members, an archive of 50,000 posts.")
@click.option("--database", metavar="URL", default="", help="On a PostgreSQL server; else SQLite.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Make the sites there, on the disk that shall be measured.",
)
def bench(what: tuple[str, ...], folder: Path | None, **said: Any) -> None:
    """Measure this program on this machine, a JSON line a figure. Touches no site of yours.

    WHAT: machine, start, latency, intake, large, fan-out, shared, import, archive, members, bodies, site;
    all of them if none is named. A real server on loopback, made-up members, a sink that takes all mail.
    """
    from listserv.benching.everything import measure
    from listserv.benching.figures import Wanted

    measure(what, Wanted(tell=say, folder=folder, **said))
