"""What every command has at hand: settings, store, the time, and how to answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from listserv.clock import Clock, SystemClock
from listserv.core.address import Address, BadAddress, read_address
from listserv.core.records import dataclass
from listserv.core.types import MailList, Member
from listserv.errors import BadData
from listserv.opening import opened
from listserv.settings import Settings, find_file, read_settings
from listserv.shown import give_json, give_table, say
from listserv.store.acts import Hand
from listserv.store.engine import Store
from listserv.store.lists import all_lists, find_list
from listserv.store.rosters import find_member


@dataclass(slots=True)
class Desk:
    """One call of the command line."""

    config: str | None = None
    json: bool = False
    clock: Clock = field(default_factory=SystemClock)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def settings(self) -> Settings:
        """The site's settings. Raises BadSettings."""
        return read_settings(find_file(self.config, self.environ, Path.cwd()), self.environ)

    def store(self) -> AbstractContextManager[Store]:
        """The site's store, ready for this program. Raises CannotDo."""
        return opened(self.settings())

    def hand(self) -> Hand:
        """The operator's, now."""
        return Hand("operator", self.clock.now())

    def address(self, words: str) -> Address:
        """An address; without an @, of the site's own domain. Raises BadData."""
        return read(words if "@" in words else f"{words}@{self.settings().site.domain}")

    def find_list(self, tx: Connection, words: str) -> MailList:
        """The list that was named. Raises BadData that says which lists there are."""
        found = find_list(tx, self.address(words))
        if found is None:
            names = [str(one.address) for one in all_lists(tx)]
            near = get_close_matches(str(self.address(words)), names, 3) or names[:5]
            hint = f"there are: {', '.join(near)}" if names else "make it with `listserv list create`"
            raise BadData(f"there is no list {words}; {hint}")
        return found

    def show(self, rows: Sequence[dict[str, Any]], columns: Sequence[str], empty: str) -> None:
        """Rows as JSON or as a table; ``empty`` is what a person reads where there are none."""
        if self.json:
            give_json(rows)
        elif rows:
            give_table(rows, columns)
        else:
            say(empty)

    def show_one(self, thing: dict[str, Any], lines: Callable[[], None]) -> None:
        """One thing as JSON, or as ``lines`` prints it."""
        if self.json:
            give_json(thing)
        else:
            lines()


def read(words: str) -> Address:
    """An address. Raises BadData with what is wrong with it."""
    try:
        return read_address(words)
    except BadAddress as error:
        raise BadData(f"{words[:100]!r} can't be used: {error}") from None


def the_member(tx: Connection, found: MailList, words: str) -> Member:
    """Whoever was named, in whatever state. Raises BadData."""
    member = find_member(tx, found.id, read(words))
    if member is None:
        raise BadData(f"{words} is not on {found.address}; `listserv member ls {found.address}` shows who is")
    return member


@contextmanager
def plain_errors() -> Iterator[None]:
    """A value that core/ would not take is bad data for whoever typed it."""
    try:
        yield
    except ValueError as error:
        raise BadData(str(error)) from None


def pairs(words: Sequence[str], keys: Sequence[str]) -> dict[str, str]:
    """KEY=VALUE… as a dict. Raises BadData for an unknown key, naming the nearest."""
    told: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadData(f"{word!r} is not KEY=VALUE; the keys are: {', '.join(keys)}")
        if key not in keys:
            near = get_close_matches(key, keys, 3, 0.4)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are: {', '.join(keys)}"
            raise BadData(f"there is no setting {key!r}; {hint}")
        told[key] = value
    return told


def _as_json(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
    if value:
        context.obj.json = True


# On each command that shows something, besides the global one.
shows = click.option(
    "--json", is_flag=True, expose_value=False, callback=_as_json, help="As JSON, for programs."
)
