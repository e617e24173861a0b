"""`listserv queue …`: copies on their way out, and mails that were set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Connection

from listserv.cli_holds import print_mail
from listserv.desk import Desk, shows
from listserv.errors import BadData, CannotDo
from listserv.shown import say, warn
from listserv.store import arrivals, queue, relay_rest
from listserv.store.acts import Hand, record

COLUMNS = ("id", "list", "to", "kind", "state", "attempts", "next", "answer")
Ids = tuple[int, ...] | None  # None: all
_MOST_SHOWN = 1000
ASIDE_COLUMNS = ("id", "recipient", "from", "at", "why")
aside_too = click.option("--aside", is_flag=True, help="Mails that could not be understood.")
all_of_them = click.option("--all", "everything", is_flag=True, help="All of them.")


@click.group("queue")
def queue_group() -> None:
    """Mail on its way out, and mail set aside."""


@queue_group.command("ls")
@aside_too
@shows
@click.pass_obj
def ls(desk: Desk, aside: bool) -> None:
    """Copies that are not sent nor given up for good; --aside: mails that could not be understood."""
    with desk.store() as store, store.read() as tx:
        if aside:
            rows, more = [_aside(row) for row in arrivals.aside(tx)], 0
        else:
            rows, more = _copies(tx, None if desk.json else _MOST_SHOWN)
    empty = "Nothing is set aside." if aside else "Everything is sent."
    desk.show(rows, ASIDE_COLUMNS if aside else COLUMNS, empty)
    if more:
        say(f"and {more} more; `--json` shows all")


def _copies(tx: Connection, limit: int | None) -> tuple[list[dict[str, Any]], int]:
    """Copies to be shown, and how many are not."""
    rows = [asdict(row) for row in queue.listing(tx, limit)]
    return rows, queue.listed_count(tx) - len(rows) if len(rows) == limit else 0


def _aside(row: arrivals.AsideRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "recipient": row.recipient,
        "from": row.envelope_from or "<>",
        "at": row.at,
        "why": row.why,
        "detail": row.detail,
    }


@queue_group.command("show")
@click.argument("number", type=int, metavar="ID")
@aside_too
@shows
@click.pass_obj
def show(desk: Desk, number: int, aside: bool) -> None:
    """One copy as it goes out, or one mail set aside as it came."""
    with desk.store() as store, store.read() as tx:
        told, raw = _aside_mail(tx, number) if aside else (_copy(tx, number), "")
    if not aside:
        raw = _composed(desk, number)
    desk.show_one({**told, "raw": raw}, lambda: print_mail(told, raw))


def _composed(desk: Desk, number: int) -> str:
    from listserv import app

    try:
        return app.composed(desk.settings(), number).decode("utf-8", "replace")
    except CannotDo as error:  # what is known of the copy is worth showing all the same
        warn(f"listserv: {error}")
        return ""


def _copy(tx: Connection, number: int) -> dict[str, Any]:
    row = queue.show(tx, number)
    if row is None:
        raise BadData(f"there is no copy {number}; `listserv queue ls` shows what there is")
    return asdict(row)


def _aside_mail(tx: Connection, number: int) -> tuple[dict[str, Any], str]:
    row = next((one for one in arrivals.aside(tx) if one.id == number), None)
    if row is None:
        raise BadData(f"mail {number} is not set aside; `listserv queue ls --aside` shows what is")
    return _aside(row), arrivals.raw_of(tx, number).decode("utf-8", "replace")


@queue_group.command("retry")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@all_of_them
@aside_too
@click.pass_obj
def retry(desk: Desk, numbers: tuple[int, ...], everything: bool, aside: bool) -> None:
    """Try again at once; also lifts a pause of the relay.

    --all: what is deferred or failed. What was dropped is tried again only by its ID; what was for
    somebody who left, never.
    """
    ids, hand = _ids(numbers, everything), desk.hand()
    with desk.store() as store:
        done, lifted = store.do(lambda tx: _retry(tx, ids, hand, aside=aside))
    if done or everything:
        say(f"{len(done)} will be tried again." + (" The relay's pause is lifted." if lifted else ""))
    _check_all_found(numbers, done, aside=aside)


def _retry(tx: Connection, ids: Ids, hand: Hand, *, aside: bool) -> tuple[list[int], bool]:
    done = arrivals.retry(tx, ids) if aside else queue.retry(tx, ids, hand.at)
    if ids is not None and not done:
        return done, False
    record(tx, hand, "queue retried", None, f"{len(done)}")
    return done, relay_rest.lift(tx)


@queue_group.command("drop")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@all_of_them
@aside_too
@click.pass_obj
def drop(desk: Desk, numbers: tuple[int, ...], everything: bool, aside: bool) -> None:
    """Give up for good. A post stays in the archive all the same."""
    ids, hand = _ids(numbers, everything), desk.hand()
    with desk.store() as store:
        done = store.do(lambda tx: _drop(tx, ids, hand, aside=aside))
    if done or everything:
        say(f"{len(done)} given up.")
    _check_all_found(numbers, done, aside=aside)


def _drop(tx: Connection, ids: Ids, hand: Hand, *, aside: bool) -> list[int]:
    done = arrivals.drop(tx, ids) if aside else queue.drop(tx, ids, hand.at)
    if ids is None or done:
        record(tx, hand, "queue dropped", None, f"{len(done)}")
    return done


def _check_all_found(numbers: tuple[int, ...], done: list[int], *, aside: bool) -> None:
    """Raise BadData that names the IDs nothing was done for; the others are done."""
    missed = ", ".join(str(number) for number in dict.fromkeys(numbers) if number not in done)
    if missed and aside:
        raise BadData(f"nothing done for {missed}: not set aside; `listserv queue ls --aside` shows what is")
    if missed:
        why = "not there, ended already, or being sent right now"
        raise BadData(f"nothing done for {missed}: {why}; `listserv queue show ID` tells which")


def _ids(numbers: tuple[int, ...], everything: bool) -> Ids:
    if bool(numbers) == everything:
        raise BadData("say which, by ID, or --all; `listserv queue ls` shows the IDs")
    return None if everything else numbers
