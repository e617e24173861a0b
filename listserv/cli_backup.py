"""`listserv backup FILE` and `listserv restore FILE`, and what follows a restore."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from listserv.desk import Desk, shows
from listserv.opening import opened
from listserv.resources import resource
from listserv.settings import PREFIX, find_file
from listserv.shown import cell, progress, say, warn
from listserv.store import counters, pause
from listserv.store.acts import record
from listserv.store.backlog import in_outbox

Decide = Callable[[Connection, datetime], int | None]
_TOLD = ("lists", "people", "posts", "arrivals", "deliveries")
_LONG = 20_000  # rows; for fewer nobody needs to be told how it goes on
SEND, GIVE_UP = "`listserv queue retry --all` sends them", "`listserv queue drop --all` gives them up"


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@shows
@click.pass_obj
def backup(desk: Desk, file: Path) -> None:
    """The whole site in one file: database, settings, secret and keys. Fine while `serve` runs.

    An earlier backup of that name is replaced once the new one is whole.
    """
    from listserv.backing_up import BackingUp, back_up, kept_files, note_backup
    from listserv.backup_file import Header

    settings, now = desk.settings(), desk.clock.now()
    beside = kept_files(settings, find_file(desk.config, desk.environ, Path.cwd()))
    with desk.store() as store, ExitStack() as stack:

        def begun(header: Header) -> Callable[[int], None]:
            return stack.enter_context(_progress("backing up", sum(header.tables.values())))

        made = back_up(BackingUp(store, settings.site.domain, beside, now), file, begun)
        if not note_backup(store, now):
            warn("listserv: the backup is made, but the database could not note that; `status` won't know")
    many = {name: made.header.tables[name] for name in _TOLD}
    told = {"file": str(made.file), "made": now, "bytes": made.size, "tables": dict(made.header.tables)}
    desk.show_one(told, lambda: say(f"{made.file}: {_counted(many)}, in {_size(made.size)}"))


def _progress(label: str, rows: int) -> AbstractContextManager[Callable[[int], None]]:
    return progress(label, rows if rows >= _LONG else 0)


def _counted(many: dict[str, int]) -> str:
    names = {"arrivals": "mails", "deliveries": "copies"}
    return ", ".join(f"{count} {names.get(name, name)}" for name, count in many.items())


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 10_000:
            return f"{size} {unit}"
        size //= 1000
    return f"{size} GB"


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where; else here.")
@shows
@click.pass_obj
def restore(desk: Desk, file: Path, folder: Path | None) -> None:
    """A site out of a backup, into an empty place. Its queue waits until you say what becomes of it.

    Settings that lie there already are kept: so a site moves to another database.
    """
    from listserv.restoring import Place, read_whole, settings_place
    from listserv.restoring import restore as make_again

    place = Place(settings_place(desk.config, folder, desk.environ), desk.environ, resource("migrations"))
    with ExitStack() as stack:

        def begun(label: str, rows: int) -> Callable[[int], None]:
            stack.close()  # one bar at a time
            return stack.enter_context(_progress(label, rows))

        back = make_again(read_whole(file, place.migrations, begun), place, desk.clock.now(), begun)
    for line in back.doubts:
        warn(f"listserv: in the backup already, something does not add up: {line}")
    if back.overruled:
        twin = f"{PREFIX}DATABASE_URL"
        warn(f"listserv: the database is the one of {twin}; write it into {back.settings_file} too")
    with opened(back.settings) as store, store.read() as tx:
        waits = waiting(tx)
    many = {name: back.header.tables.get(name, 0) for name in _TOLD}
    told = {"settings": str(back.settings_file), "made": back.header.made, "restored": waits}
    desk.show_one(told, lambda: _print_restored(many, back.header.made, waits))


def _print_restored(many: dict[str, int], made: datetime, waits: dict[str, Any] | None) -> None:
    say(f"The site of {cell(made)} UTC is back: {_counted(many)}.")
    for line in told_waiting(waits):
        say(line)
    say("Then start `listserv serve`. Everybody signs in to the archive anew; its pages are rendered anew.")


# -- after a restore --------------------------------------------------------------------------------


def waiting(tx: Connection) -> dict[str, Any] | None:
    """What waits since a restore, as ``status`` gives it; None where nothing was restored, or it was said."""
    restored = pause.current(tx)
    if restored is None:
        return None
    totals = counters.totals(tx)
    copies = sum(totals[f"delivery:{state}"] for state in ("due", "sending", "deferred"))
    return {
        "backup_of": restored.made,
        "restored": restored.at,
        "copies": copies,
        "posts_in_outbox": in_outbox(tx),
        "mails": totals["waiting"],
    }


def told_waiting(waits: dict[str, Any] | None) -> list[str]:
    """The same for a person."""
    if waits is None:
        return []
    what = f"{waits['copies']} copies wait"
    if waits["posts_in_outbox"]:
        what += f", and {waits['posts_in_outbox']} posts in their authors' outbox"
    return [
        f"restored {cell(waits['restored'])} from a backup of {cell(waits['backup_of'])} UTC: {what}",
        f"nothing leaves until you say: {SEND}; {GIVE_UP} and lets go out what came since the restore",
    ]


def settle(desk: Desk, decide: Decide, done: str) -> bool:
    """Say what becomes of what waits since a restore; False where nothing does. Raises CannotDo."""
    hand = desk.hand()

    def step(tx: Connection) -> int | None:
        many = decide(tx, hand.at)
        if many is not None:
            record(tx, hand, "pause after the restore ended", None, f"{many} {done}")
        return many

    with desk.store() as store:
        many = store.do(step)
    if many is not None:
        say(f"{many} {done}. The pause since the restore is over.")
    return many is not None


def still_paused(desk: Desk) -> None:
    """A word to whoever retried only some copies."""
    with desk.store() as store, store.read() as tx:
        if pause.current(tx) is not None:
            warn(f"Nothing leaves yet: the queue is paused since the restore; {SEND}.")
