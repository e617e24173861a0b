"""`listserv list …`: create, ls, show, set, delete."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from listserv.core.privacy import LOOSENED
from listserv.core.scene import Planned
from listserv.core.settings_table import (
    KEYS,
    OUTSIDE,
    PRESETS,
    TABLE,
    change,
    dump,
    name_rules,
    preset_settings,
    read_aliases,
    read_title,
)
from listserv.core.types import MailList, Role
from listserv.desk import Desk, pairs, plain_errors, read, shows
from listserv.errors import BadData
from listserv.shown import give_table, say, warn
from listserv.store import deliveries, directory, lists, loosenings
from listserv.store.acts import Hand
from listserv.store.lists import NewList, Tally
from listserv.store.rosters import NewMember, add_members

if TYPE_CHECKING:
    from listserv.flow.pen import Pen

COLUMNS = ("address", "title", "preset", "members", "hosts", "held", "posts")


@click.group("list")
def list_group() -> None:
    """Lists: make, show, change, end."""


@list_group.command("create")
@click.argument("address")
@click.argument("more_hosts", nargs=-1, metavar="")
@click.option("--title", required=True, help="The list's name, in words.")
@click.option("--host", "hosts", multiple=True, required=True, metavar="EMAIL…", help="Who runs the list.")
@click.option("--preset", type=click.Choice(PRESETS), default=PRESETS[0], show_default=True)
@click.pass_obj
def create(
    desk: Desk, /, address: str, more_hosts: tuple[str, ...], hosts: tuple[str, ...], **said: str
) -> None:
    """Make a list with its hosts. ADDRESS comes first; --host takes one or more."""
    with plain_errors():
        new = NewList(
            name_rules(desk.address(address)), read_title(said["title"]), preset_settings(said["preset"])
        )
    people = [NewMember(read(host), role=Role.HOST) for host in (*hosts, *more_hosts)]
    with desk.store() as store:
        store.do(lambda tx: _create(tx, desk, new, people))
    say(f"{new.address} is there, with {len(people)} host{'s' if len(people) > 1 else ''}.")
    say(f"Add people with `listserv member add {new.address} EMAIL…`.")
    if new.address.domain != desk.settings().site.domain:
        warn(f"Mail for {new.address.domain} must lead to this server too: MX, SPF and DKIM of that domain.")


def _create(tx: Connection, desk: Desk, new: NewList, people: list[NewMember]) -> None:
    made = lists.create_list(tx, new, desk.hand())
    add_members(tx, made, people, desk.hand())


@list_group.command("ls")
@shows
@click.pass_obj
def ls(desk: Desk) -> None:
    """All lists with their counts."""
    with desk.store() as store, store.read() as tx:
        counts = lists.tallies(tx)
        rows = [described(one, counts.get(one.id, Tally())) for one in lists.all_lists(tx)]
    desk.show(rows, COLUMNS, "There are no lists yet. `listserv list create ADDRESS --title … --host …`")


@list_group.command("show")
@click.argument("address")
@shows
@click.pass_obj
def show(desk: Desk, address: str) -> None:
    """One list: counts, and every setting with what it means."""
    with desk.store() as store, store.read() as tx:
        found = desk.find_list(tx, address)
        told = described(found, lists.tallies(tx).get(found.id, Tally()))
    desk.show_one(told, lambda: _print(told))


def described(found: MailList, count: Tally) -> dict[str, Any]:
    """A list as ``--json`` gives it (interface.md §2)."""
    return {
        "address": str(found.address),
        "title": found.title,
        "preset": found.settings.preset,
        "members": count.members,
        "hosts": count.hosts,
        "held": count.held,
        "posts": count.posts,
        "settings": dump(found.settings),
        "aliases": [str(alias) for alias in found.aliases],
        "list_id": found.list_id,
    }


def _print(told: dict[str, Any]) -> None:
    give_table([told], COLUMNS)
    if told["aliases"]:
        say(f"also: {', '.join(told['aliases'])}")
    say("")
    values = told["settings"]
    rows = [{"key": row.key, "value": values[row.key], "meaning": row.meaning} for row in TABLE]
    give_table(rows, ("key", "value", "meaning"))


@list_group.command("set")
@click.argument("address")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@click.pass_obj
def set_(desk: Desk, address: str, changes: tuple[str, ...]) -> None:
    """Change settings; also title=, aliases=, preset=, and address= to rename.

    What opens archive, roster, visible or from wider takes effect seven days later, once members are on it.
    """
    words = pairs(changes, KEYS)
    with desk.store() as store:
        now, planned = store.do(lambda tx: _set(tx, desk, desk.find_list(tx, address), words))
    values = {**dump(now.settings), "address": now.address, "title": now.title}
    for key in words:
        say(f"{key} = {values.get(key, words[key])}")
    for one in planned:
        say(
            f"{one.key} will be {one.value} from {one.at:%Y-%m-%d %H:%M} UTC on: that opens the list wider, "
            f"so all members are told now, and any host can undo it"
        )


def _set(
    tx: Connection, desk: Desk, found: MailList, words: dict[str, str]
) -> tuple[MailList, tuple[Planned, ...]]:
    """The list as it is now, and what only takes effect later."""
    new = found
    with plain_errors():
        if "title" in words:
            new = replace(new, title=read_title(words["title"]))
        if "aliases" in words:
            new = replace(new, aliases=read_aliases(words["aliases"]))
        for key in sorted(words.keys() - (OUTSIDE.keys() - {"preset"}), key=lambda key: key != "preset"):
            new = replace(new, settings=change(new.settings, key, words[key]))
        address = name_rules(desk.address(words["address"])) if "address" in words else found.address
    said = LOOSENED if "preset" in words else tuple(words)
    now, planned = loosenings.set_list(tx, found, new, said, desk.hand())
    return lists.rename(tx, now, address, desk.hand()), planned


@list_group.command("delete")
@click.argument("address")
@click.option("--yes", metavar="NAME", help="The list's name again: nothing is asked.")
@click.pass_obj
def delete(desk: Desk, address: str, yes: str | None) -> None:
    """End a list for good: its addresses never lead anywhere again."""
    from listserv import app

    with desk.store() as store, app.open_pen(desk.settings()) as pen:
        with store.read() as tx:
            found = desk.find_list(tx, address)
        if yes is None:
            yes = _ask(desk, found)
        if yes not in (found.address.local, str(found.address)):
            raise BadData(f"{yes!r} is not the list's name; nothing was changed")
        store.do(lambda tx: _end(tx, found, pen, desk.hand()))
    say(f"{found.address} is gone, and its address with it. Its hosts are told.")


def _end(tx: Connection, found: MailList, pen: Pen, hand: Hand) -> None:
    lists.retire_list(tx, found, hand)
    for host in directory.hosts_of(tx, found.id):
        deliveries.post_letter(tx, pen.ended(found, host), hand.at)


def _ask(desk: Desk, found: MailList) -> str:
    if not sys.stdin.isatty():
        raise BadData(f"to delete it, give its name again: --yes {found.address.local}")
    from listserv.cli_export import EVERYTHING, export_list

    folder = click.prompt("Export it first, into which folder? (empty: no)", default="", show_default=False)
    if folder:
        export_list(desk, found, folder, EVERYTHING)
    return str(click.prompt(f"Type {found.address.local} to delete the list for good"))
