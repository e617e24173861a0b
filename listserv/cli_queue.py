"""`listserv queue …`: copies on their way out, and mails that were set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Connection

from listserv import cli_where
from listserv.cli_backup import settle, still_paused
from listserv.cli_holds import print_mail
from listserv.cli_status import providers_resting, tell_resting
from listserv.desk import Desk, shows
from listserv.errors import BadData, CannotDo
from listserv.shown import cell, give_json, say, warn
from listserv.store import arrivals, pause, provider_rests, queue, relay_rest
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
@click.argument("what", metavar="[WHAT]", required=False)
@aside_too
@shows
@click.pass_obj
def ls(desk: Desk, what: str | None, aside: bool) -> None:
    """Copies that are not sent nor given up for good; --aside: mails that could not be understood.

    With WHAT (see `queue show`): every copy of that mail or to that address, sent ones too.
    """
    most = None if desk.json else _MOST_SHOWN
    with desk.store() as store, store.read() as tx:
        if aside:
            rows, more = [_aside(row) for row in arrivals.aside(tx)], 0
        elif what:
            rows, more = cli_where.chosen(tx, what, most), 0
        else:
            rows, more = _copies(tx, most)
        resting = providers_resting(tx)
    desk.show(rows, ASIDE_COLUMNS if aside else COLUMNS, _none(what, aside=aside))
    if more:
        say(f"and {more} more; `--json` shows all")
    if not desk.json and not aside:
        tell_resting(resting)


def _none(what: str | None, *, aside: bool) -> str:
    if aside:
        return "Nothing is set aside."
    return "There are no copies of it; `queue show` tells why." if what else "Everything is sent."


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
@click.argument("what", metavar="WHAT…", nargs=-1, required=True)
@aside_too
@shows
@click.pass_obj
def show(desk: Desk, what: tuple[str, ...], aside: bool) -> None:
    """Where is this mail? When it came, what decided, how its copies fare, what happens next.

    WHAT is a copy's ID, as `queue ls` has it (its bytes are shown too, as they go out); `arrival=17` or
    `post=5`, as the log has them; what our 250 said ("Kept as …"); a Message-ID; or an address. With
    --aside: the ID of a mail that was set aside, which is shown as it came.
    """
    with desk.store() as store, store.read() as tx:
        found = [_aside_mail(tx, word) if aside else cli_where.asked(tx, desk, word) for word in what]
    for one in found:
        if not aside and "id" in one:
            one["raw"] = _composed(desk, one["id"])
    if desk.json:
        give_json(found[0] if len(found) == 1 else found)
        return
    for number, one in enumerate(found):
        if number:
            say("")
        _print_found(one)


def _print_found(one: dict[str, Any]) -> None:
    if "mails" not in one:
        print_mail({key: value for key, value in one.items() if key != "raw"}, one["raw"])
        return
    cli_where.print_asked(one)
    if one.get("raw"):
        say("")
        for line in one["raw"].splitlines():
            say(cell(line))


def _composed(desk: Desk, number: int) -> str:
    from listserv import app

    try:
        return app.composed(desk.settings(), number).decode("utf-8", "replace")
    except CannotDo as error:  # what is known of the copy is worth showing all the same
        warn(f"listserv: {error}")
        return ""


def _aside_mail(tx: Connection, word: str) -> dict[str, Any]:
    row = next((one for one in arrivals.aside(tx) if str(one.id) == word.removeprefix("arrival=")), None)
    if row is None:
        raise BadData(f"mail {word} is not set aside; `listserv queue ls --aside` shows what is")
    return _aside(row) | {"raw": arrivals.raw_of(tx, row.id).decode("utf-8", "replace")}


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
    if everything and not aside and settle(desk, pause.send, "copies go out"):
        return
    with desk.store() as store:
        done, lifted = store.do(lambda tx: _retry(tx, ids, hand, aside=aside))
    if done or everything:
        say(f"{len(done)} will be tried again." + (" The relay's pause is lifted." if lifted else ""))
    still_paused(desk)
    _check_all_found(numbers, done, aside=aside)


def _retry(tx: Connection, ids: Ids, hand: Hand, *, aside: bool) -> tuple[list[int], bool]:
    done = arrivals.retry(tx, ids) if aside else queue.retry(tx, ids, hand.at)
    if ids is not None and not done:
        return done, False
    record(tx, hand, "queue retried", None, f"{len(done)}")
    return done, any((relay_rest.lift(tx), provider_rests.lift(tx)))


@queue_group.command("drop")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@all_of_them
@aside_too
@click.pass_obj
def drop(desk: Desk, numbers: tuple[int, ...], everything: bool, aside: bool) -> None:
    """Give up for good. A post stays in the archive all the same."""
    ids, hand = _ids(numbers, everything), desk.hand()
    if everything and not aside and settle(desk, pause.give_up, "copies of the backup given up"):
        return
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
