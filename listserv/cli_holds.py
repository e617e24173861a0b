"""`listserv hold …`: what waits for a host, decided by the operator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from listserv.core.records import dataclass
from listserv.core.types import MailList
from listserv.desk import Desk, shows
from listserv.errors import BadData
from listserv.shown import cell, say
from listserv.store import arrivals, deliveries, holds
from listserv.store.acts import Hand, record
from listserv.store.holds import HoldRow
from listserv.store.lists import all_lists

if TYPE_CHECKING:
    from listserv.flow.pen import Pen

COLUMNS = ("id", "list", "from", "subject", "why", "since", "state")
Decide = Callable[[Connection, MailList, HoldRow, Hand], bool]
_NOT_TOLD = " (the author is not told: nothing proves the address)"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with a mail that waits. ``words`` say it; ``note`` goes behind."""

    words: str
    decide: Decide
    note: Callable[[HoldRow], str] = lambda _row: ""


@click.group("hold")
def hold_group() -> None:
    """Posts that wait for a host."""


@hold_group.command("ls")
@click.argument("list_name", metavar="[LIST]", required=False)
@shows
@click.pass_obj
def ls(desk: Desk, list_name: str | None) -> None:
    """What waits, in one list or in all."""
    with desk.store() as store, store.read() as tx:
        chosen = [desk.find_list(tx, list_name)] if list_name else all_lists(tx)
        rows = [described(row) for one in chosen for row in holds.waiting(tx, one.id)]
    desk.show(rows, COLUMNS, "Nothing waits.")


def described(row: HoldRow) -> dict[str, Any]:
    """A hold as ``--json`` gives it (interface.md §2)."""
    told = {key: getattr(row, key) for key in COLUMNS if key != "from"}
    return {key: row.sender if key == "from" else told[key] for key in COLUMNS}


@hold_group.command("show")
@click.argument("list_name", metavar="LIST")
@click.argument("number", type=int, metavar="ID")
@shows
@click.pass_obj
def show(desk: Desk, list_name: str, number: int) -> None:
    """One mail that waits, as it came."""
    with desk.store() as store, store.read() as tx:
        row = _find(tx, desk.find_list(tx, list_name), number)
        raw = arrivals.raw_of(tx, row.arrival_id).decode("utf-8", "replace")
    told = described(row)
    desk.show_one({**told, "raw": raw}, lambda: print_mail(told, raw))


def print_mail(told: dict[str, Any], raw: str) -> None:
    """What is known of a mail, then the mail."""
    for key, value in told.items():
        say(f"{key}: {cell(value)}")
    say("")
    for line in raw.splitlines():
        say(cell(line))


@hold_group.command("ok")
@click.argument("list_name", metavar="LIST")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.pass_obj
def ok(desk: Desk, list_name: str, numbers: tuple[int, ...], everything: bool) -> None:
    """Let mails through; without an ID where only one waits."""
    _decide(desk, list_name, None if everything else numbers, Decision("is let through", _approve))


@hold_group.command("no")
@click.argument("list_name", metavar="LIST")
@click.argument("numbers", type=int, nargs=-1, metavar="[ID…]")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.pass_obj
def no(desk: Desk, list_name: str, numbers: tuple[int, ...], everything: bool) -> None:
    """Don't let mails through; authors who are proven are told. Without an ID where only one waits."""
    from listserv import app

    with app.open_pen(desk.settings()) as pen:
        how = Decision(
            "is not let through", partial(_decline, pen), lambda row: "" if row.tell else _NOT_TOLD
        )
        _decide(desk, list_name, None if everything else numbers, how)


def _approve(tx: Connection, _found: MailList, row: HoldRow, hand: Hand) -> bool:
    return holds.approve(tx, row.id, hand.who, hand.at)


def _decline(pen: Pen, tx: Connection, found: MailList, row: HoldRow, hand: Hand) -> bool:
    if not holds.decline(tx, row.id, hand.who, hand.at):
        return False
    if row.tell:
        deliveries.post_letter(tx, pen.declined(found, row), hand.at)
    return True


def _decide(desk: Desk, list_name: str, numbers: tuple[int, ...] | None, how: Decision) -> None:
    with desk.store() as store:
        lines = store.do(lambda tx: _decided(tx, desk.find_list(tx, list_name), numbers, how, desk.hand()))
    for line in lines:
        say(line)


def _decided(
    tx: Connection, found: MailList, numbers: tuple[int, ...] | None, how: Decision, hand: Hand
) -> list[str]:
    lines = []
    for row in _chosen(tx, found, numbers):
        if how.decide(tx, found, row, hand):
            record(tx, hand, f"hold {how.words}", found.id, f"hold {row.id}")
            lines.append(f"{row.id} {how.words}: {cell(row.subject)}{how.note(row)}")
        else:
            lines.append(f"{row.id} was decided before.")
    return lines or ["Nothing waits."]


def _chosen(tx: Connection, found: MailList, numbers: tuple[int, ...] | None) -> list[HoldRow]:
    if numbers:
        return [_find(tx, found, number) for number in numbers]
    waiting = holds.waiting(tx, found.id)
    if numbers is not None and len(waiting) > 1:
        ids = ", ".join(str(row.id) for row in waiting)
        raise BadData(f"{len(waiting)} mails wait: say which ({ids}), or --all")
    return waiting


def _find(tx: Connection, found: MailList, number: int) -> HoldRow:
    row = holds.find(tx, found.id, number)
    if row is None:
        raise BadData(f"nothing with number {number} waits in {found.address}; see `listserv hold ls`")
    return row
