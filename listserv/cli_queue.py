"""`listserv queue …`: copies on their way out, and mails that were set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from listserv.cli_holds import print_mail
from listserv.desk import Desk, shows
from listserv.errors import BadData
from listserv.shown import say
from listserv.store import arrivals, deliveries, relay_rest
from listserv.store.acts import record

COLUMNS = ("id", "list", "to", "kind", "state", "attempts", "next", "answer")
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
    """Copies that are not sent; --aside: mails that could not be understood."""
    with desk.store() as store, store.read() as tx:
        if aside:
            rows = [_aside(row) for row in arrivals.aside(tx)]
        else:
            rows = [asdict(row) for row in deliveries.listing(tx)]
    empty = "Nothing is set aside." if aside else "Everything is sent."
    desk.show(rows, ASIDE_COLUMNS if aside else COLUMNS, empty)


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
    """One copy, or one mail set aside, as it came."""
    with desk.store() as store, store.read() as tx:
        if aside:
            told, raw = _aside_mail(tx, number)
        else:
            told, raw = _copy(tx, number), ""
    desk.show_one({**told, "raw": raw} if aside else told, lambda: print_mail(told, raw))


def _copy(tx: Any, number: int) -> dict[str, Any]:
    row = deliveries.show(tx, number)
    if row is None:
        raise BadData(f"there is no copy {number}; `listserv queue ls` shows what there is")
    return asdict(row)


def _aside_mail(tx: Any, number: int) -> tuple[dict[str, Any], str]:
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
    """Try again at once; also lifts a pause of the relay."""
    ids, hand = _ids(numbers, everything), desk.hand()
    with desk.store() as store:
        if aside:
            many = store.do(lambda tx: arrivals.retry(tx, ids))
        else:
            many = store.do(lambda tx: deliveries.retry(tx, ids, hand.at))
        rested = store.do(relay_rest.lift)
        store.do(lambda tx: record(tx, hand, "queue retried", None, f"{many}"))
    say(f"{many} will be tried again." + (" The relay's pause is lifted." if rested else ""))


@queue_group.command("drop")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@all_of_them
@aside_too
@click.pass_obj
def drop(desk: Desk, numbers: tuple[int, ...], everything: bool, aside: bool) -> None:
    """Give up for good. A post stays in the archive all the same."""
    ids, hand = _ids(numbers, everything), desk.hand()
    with desk.store() as store:
        if aside:
            many = store.do(lambda tx: arrivals.drop(tx, ids))
        else:
            many = store.do(lambda tx: deliveries.drop(tx, ids, hand.at))
        store.do(lambda tx: record(tx, hand, "queue dropped", None, f"{many}"))
    say(f"{many} given up.")


def _ids(numbers: tuple[int, ...], everything: bool) -> tuple[int, ...] | None:
    if bool(numbers) == everything:
        raise BadData("say which, by ID, or --all; `listserv queue ls` shows the IDs")
    return None if everything else numbers
