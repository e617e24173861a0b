"""`listserv member …`: add, ls, remove, set, import, export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from listserv.core.address import Address
from listserv.core.setting_words import read_rhythm
from listserv.core.types import MailList, Member, MemberState, Role
from listserv.desk import Desk, pairs, plain_errors, read, shows, the_member
from listserv.errors import BadData
from listserv.sheets import Sheet, read_name, read_sheet, read_switch, rhythm_or_default
from listserv.shown import give_json, progress, say, warn
from listserv.store.directory import barred
from listserv.store.lists import find_list
from listserv.store.member_sheet import write_sheet
from listserv.store.rosters import (
    Joined,
    NewMember,
    add_members,
    list_members,
    remove_member,
    set_member,
)

COLUMNS = ("address", "name", "role", "rhythm", "state", "joined", "bounces", "score")
KEYS = ("name", "rhythm", "role", "copies", "state")
_HERE = tuple(state for state in MemberState if state is not MemberState.LEFT)
_SAID = {
    "added": "{0} is on {1} now.",
    "again": "{0} is on {1} again.",
    "already": "{0} is on {1} already ({2}); nothing changed.",
}
_A_LIST = (
    "{0} is a list of this site: if you meant its people, add them to {1} themselves;"
    " `listserv member remove {1} {0}` takes it off."
)
_MOST_SHOWN = 50  # bad rows of a sheet, on the screen
_ROUND = 1000


@click.group("member")
def member_group() -> None:
    """People on a list: add, show, change, move in and out as CSV."""


@member_group.command("add")
@click.argument("list_name", metavar="LIST")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@click.option("--name", default="")
@click.option("--rhythm", default="", help="now, daily, weekly, mine, none, days, or 1 to 7.")
@click.option("--host", "role", flag_value=Role.HOST.value, default=Role.MEMBER.value, help="Runs the list.")
@click.option("--welcome/--no-welcome", default=False, help="Write to them.")
@click.pass_obj
def add(desk: Desk, /, list_name: str, emails: tuple[str, ...], welcome: bool, **said: str) -> None:
    """Put people on a list."""
    with plain_errors():
        rhythm = rhythm_or_default(said["rhythm"])
        name = read_name(said["name"])
    new = [NewMember(read(email), name, Role(said["role"]), rhythm) for email in emails]
    with desk.store() as store:
        found, joined, lists = store.do(lambda tx: _add(tx, desk, list_name, new))
    for one in joined:
        say(_SAID[one.outcome].format(one.member.address, found.address, one.member.state))
    for address in lists:
        warn(_A_LIST.format(address, found.address))
    if welcome:
        _welcome(desk, found, [one.member for one in joined if one.outcome != "already"])


def _add(
    tx: Connection, desk: Desk, list_name: str, new: list[NewMember]
) -> tuple[MailList, list[Joined], list[Address]]:
    """The list, who joined, and which of them are lists of this site themselves."""
    found = desk.find_list(tx, list_name)
    if why := next(filter(None, map(barred(tx, found), (one.address for one in new))), ""):
        raise BadData(why)
    lists = [one.address for one in new if find_list(tx, one.address) is not None]
    return found, add_members(tx, found, new, desk.hand()), lists


def _welcome(desk: Desk, found: MailList, members: list[Member]) -> None:
    from listserv import app

    for member in members:
        app.welcome(desk.settings(), found, member)


@member_group.command("ls")
@click.argument("list_name", metavar="LIST")
@click.option("--all", "everyone", is_flag=True, help="Those who left, too.")
@shows
@click.pass_obj
def ls(desk: Desk, list_name: str, everyone: bool) -> None:
    """Who is on a list."""
    with desk.store() as store, store.read() as tx:
        found = desk.find_list(tx, list_name)
        members = list_members(tx, found.id, MemberState if everyone else _HERE)
    rows = [{key: getattr(one, key) for key in COLUMNS} for one in members]
    desk.show(
        rows, COLUMNS, f"Nobody is on {found.address} yet. `listserv member add {found.address} EMAIL…`"
    )


@member_group.command("remove")
@click.argument("list_name", metavar="LIST")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL…")
@click.pass_obj
def remove(desk: Desk, list_name: str, emails: tuple[str, ...]) -> None:
    """Take people off a list."""
    with desk.store() as store:
        for line in store.do(lambda tx: _remove(tx, desk, desk.find_list(tx, list_name), emails)):
            say(line)


def _remove(tx: Connection, desk: Desk, found: MailList, emails: tuple[str, ...]) -> list[str]:
    members = [the_member(tx, found, email) for email in emails]
    lines = []
    for one in members:
        if one.state is MemberState.LEFT:
            lines.append(f"{one.address} had left {found.address} already.")
        else:
            remove_member(tx, one, desk.hand())
            lines.append(f"{one.address} is off {found.address}.")
    if not any(one.role is Role.HOST for one in list_members(tx, found.id, _HERE)):
        lines.append(f"{found.address} has no host now; `listserv hold` decides what waits.")
    return lines


@member_group.command("set")
@click.argument("list_name", metavar="LIST")
@click.argument("email")
@click.argument("changes", nargs=-1, required=True, metavar="KEY=VALUE…")
@click.pass_obj
def set_(desk: Desk, list_name: str, email: str, changes: tuple[str, ...]) -> None:
    """Change a member: name, rhythm, role, copies, state (active, paused)."""
    words = pairs(changes, KEYS)
    with desk.store() as store:
        now = store.do(lambda tx: _set(tx, desk, the_member(tx, desk.find_list(tx, list_name), email), words))
    for key in words:
        value = getattr(now, key)
        say(f"{key} = {('yes' if value else 'no') if isinstance(value, bool) else value}")


def _set(tx: Connection, desk: Desk, member: Member, words: dict[str, str]) -> Member:
    if member.state is MemberState.LEFT:
        raise BadData(f"{member.address} has left; `listserv member add` brings them back")
    readers: dict[str, Callable[[str], Any]] = {
        "name": read_name,
        "rhythm": read_rhythm,
        "role": lambda word: Role(_choice("role", word, Role)),
        "copies": lambda word: read_switch("copies", word),
        "state": lambda word: MemberState(_choice("state", word, ("active", "paused"))),
    }
    changed: dict[str, Any] = {}
    for key, word in words.items():
        try:
            changed[key] = readers[key](word)
        except ValueError as error:
            said = str(error) if str(error).startswith(key) else f"{key} is {word[:60]!r}; allowed: {error}"
            raise BadData(said) from None
    return set_member(tx, member, replace(member, **changed), desk.hand())


def _choice(key: str, word: str, allowed: Any) -> str:
    if word.strip().lower() not in tuple(allowed):
        raise ValueError(f"{key} is {word[:60]!r}; allowed: {', '.join(allowed)}")
    return word.strip().lower()


@member_group.command("import")
@click.argument("list_name", metavar="LIST")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.csv")
@shows
@click.pass_obj
def import_(desk: Desk, list_name: str, file: Path) -> None:
    """Take members from a CSV file: columns email, name, rhythm, role, copies.

    Rows that can't be read are named with their number, the others are taken. Exit code 1 only where
    not one row was good.
    """
    sheet = read_sheet(_bytes(file))
    with desk.store() as store, progress("members", len(sheet.members)) as advance:
        read, outcomes = store.do(lambda tx: _import(tx, desk, desk.find_list(tx, list_name), sheet, advance))
    _tell(desk, read, outcomes)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadData(f"{file} can't be read: {error.strerror}") from None


def _import(
    tx: Connection, desk: Desk, found: MailList, sheet: Sheet, advance: Any
) -> tuple[Sheet, Counter[str]]:
    """The sheet without those who can't be members, and what became of the others."""
    sheet = _without_lists(sheet, barred(tx, found))
    outcomes: Counter[str] = Counter()
    for at in range(0, len(sheet.members), _ROUND):
        some = sheet.members[at : at + _ROUND]
        outcomes.update(one.outcome for one in add_members(tx, found, some, desk.hand()))
        advance(len(some))
    return sheet, outcomes


def _without_lists(sheet: Sheet, why: Callable[[Address], str]) -> Sheet:
    whys = [why(one.address) for one in sheet.members]
    good = tuple(one for one, bar in zip(sheet.members, whys, strict=True) if not bar)
    return replace(sheet, members=good, bad=(*sheet.bad, *filter(None, whys)))


def _tell(desk: Desk, sheet: Sheet, outcomes: Counter[str]) -> None:
    counts = {key: outcomes[key] for key in _SAID}
    for line in sheet.bad[:_MOST_SHOWN]:
        warn(line)
    if len(sheet.bad) > _MOST_SHOWN:
        warn(f"… and {len(sheet.bad) - _MOST_SHOWN} more rows that can't be read")
    if sheet.ignored:
        warn(f"columns that mean nothing here: {', '.join(sheet.ignored)}")
    if desk.json:
        give_json({**counts, "bad": list(sheet.bad)})
    else:
        say("{added} added, {again} back again, {already} there already".format(**counts))
    if sheet.bad and not sheet.members:
        raise BadData("not one row could be read; the columns are email, name, rhythm, role, copies")


@member_group.command("export")
@click.argument("list_name", metavar="LIST")
@click.pass_obj
def export(desk: Desk, list_name: str) -> None:
    """Write members as CSV, as `member import` reads it."""
    with desk.store() as store, store.read() as tx:
        found = desk.find_list(tx, list_name)
        click.echo(write_sheet(list_members(tx, found.id, _HERE)), nl=False)
