"""A list as files: LOCAL.mbox (mboxrd), members.csv, settings.toml. Nothing that is there is overwritten."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from listserv.core.settings_table import dump
from listserv.core.types import MailList, MemberState
from listserv.desk import Desk
from listserv.errors import CannotDo
from listserv.mail.mbox import write_mbox
from listserv.shown import progress, say
from listserv.store.engine import Store
from listserv.store.exporting import count_posts, next_posts
from listserv.store.member_sheet import write_sheet
from listserv.store.rosters import list_members

_BATCH = 100  # mails in memory
_HERE = tuple(state for state in MemberState if state is not MemberState.LEFT)


def export_list(desk: Desk, found: MailList, folder: str) -> None:
    """Write a list into a folder, and say what was written. Raises CannotDo."""
    into = Path(folder)
    names = (f"{found.address.local}.mbox", "members.csv", "settings.toml")
    there = [name for name in names if (into / name).exists()]
    if there:
        raise CannotDo(f"{into / there[0]} is there already, and nothing is overwritten; use another folder")
    try:
        into.mkdir(parents=True, exist_ok=True)
        with desk.store() as store:
            _write(into / names[0], lambda out: _posts(store, found, out))
            with store.read() as tx:
                members = list_members(tx, found.id, _HERE)
        _write(into / names[1], lambda out: out.write(write_sheet(members).encode()))
        _write(into / names[2], lambda out: out.write(settings_toml(found).encode()))
    except OSError as error:
        raise CannotDo(f"{error.filename or into} can't be written: {error.strerror}") from None
    for name in names:
        say(str(into / name))


def settings_toml(found: MailList) -> str:
    """A list's settings, in the words of ``list set``."""
    values = {"address": str(found.address), "list_id": found.list_id, "title": found.title}
    told = {**values, "aliases": [str(alias) for alias in found.aliases], **dump(found.settings)}
    # A JSON string, number or list of strings is TOML too.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())


def _posts(store: Store, found: MailList, out: IO[bytes]) -> None:
    with store.read() as tx, progress("posts", count_posts(tx, found.id)) as advance:
        last = None
        while batch := next_posts(tx, found.id, last, _BATCH):
            for post in batch:
                out.write(write_mbox(post.raw, post.author, post.at))
            last = batch[-1]
            advance(len(batch))


def _write(file: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write beside and rename: a file with its name is whole. Mail and addresses are the owner's alone."""
    beside = file.with_name(file.name + ".part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        fill(out)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(file)
