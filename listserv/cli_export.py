"""A list as files, for who leaves with it: mails, words, members, settings.

All is written into ``DIR/.unfinished`` and gets its place when it is whole: what lies in DIR under its own
name is complete. After a crash the same command begins anew. Nothing else that is there is ever overwritten;
the same list gives the same bytes, but for the search's own. One post is in memory at a time.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO

from archive_site import hiding
from archive_site.box import packed
from archive_site.build import SiteNames, Unrendered
from archive_site.bundler import NotWhole
from archive_site.pagefind import PagefindFailed
from archive_site.plain import PlainParts, write_site
from listserv.core.records import dataclass
from listserv.core.settings_table import dump
from listserv.core.types import MailList, MemberState
from listserv.desk import Desk
from listserv.errors import CannotDo
from listserv.flow.as_sent import House
from listserv.flow.boxed import Boxed
from listserv.mail.leaves import leaf
from listserv.opening import read_secret
from listserv.resources import resource
from listserv.settings import Settings
from listserv.shown import percent, progress, say
from listserv.store import arrivals, epochs, posts
from listserv.store.engine import Store
from listserv.store.exporting import Exported, Leaving, count_posts, next_posts
from listserv.store.member_sheet import write_sheet
from listserv.store.rosters import list_members

# Whose posts are taken along: "off" is of days without an archive, on which members had the mails alone.
AUDIENCES = {
    "public": ("public",),
    "members": ("public", "members", "off"),
    "hosts": ("public", "members", "off", "hosts"),
}
_BATCH = 100
_HERE = tuple(state for state in MemberState if state is not MemberState.LEFT)
_UNFINISHED = ".unfinished"
_SUBJECT = 1000  # characters


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes out: what ``readers`` may read; ``addresses``: authors' too, where members saw them;
    ``search``: the pages can be searched."""

    readers: str = "members"
    addresses: bool = False
    search: bool = True


EVERYTHING = Wish("hosts", addresses=True)


def export_list(desk: Desk, found: MailList, folder: str, wish: Wish) -> None:
    """Write a list into a folder, and say what was written. Raises CannotDo."""
    into = Path(folder)
    names = [f"{found.address.local}.mbox", "members.csv", "months", "posts.jsonl", "settings.toml"]
    if found.settings.archive != "off":
        names.append("site")
    try:
        with _whole(into, names) as part, desk.store() as store:
            _fill(desk, store, found, wish, part)
    except OSError as error:
        raise CannotDo(f"{error.filename or into} can't be written: {error.strerror}") from None
    for name in names:
        say(str(into / name))


@contextmanager
def _whole(into: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder for what is not finished; when it is, all moves to its place. Raises CannotDo."""
    part = into / _UNFINISHED
    if part.is_dir():  # an export broke off here; so what has one of its names is its own
        for name in names:
            _take_away(into / name)
        _take_away(part)
    elif into.is_dir() and any(into.iterdir()):
        raise CannotDo(f"{into} is not empty, and nothing is overwritten; use another folder")
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    part.mkdir(mode=0o700)
    yield part
    for name in names:
        (part / name).rename(into / name)
    part.rmdir()
    _push(into)


def _take_away(one: Path) -> None:
    if one.is_dir():
        shutil.rmtree(one)
    else:
        one.unlink(missing_ok=True)


def _push(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _fill(desk: Desk, store: Store, found: MailList, wish: Wish, part: Path) -> None:
    settings = desk.settings()
    with store.read() as tx:
        ring = epochs.keyring(tx, read_secret(settings))
        members = list_members(tx, found.id, _HERE)
    for name, words in (("members.csv", write_sheet(members)), ("settings.toml", settings_toml(found))):
        with _file(part / name) as out:
            out.write(words.encode())
    copy = Boxed(store, House(ring, settings.site.domain, settings.site.base_url))
    (part / "months").mkdir(mode=0o700)
    _Posts(store, copy, found, wish).write(part)
    if found.settings.archive != "off":
        _site(settings, store, found, wish, part / "site")


def _site(settings: Settings, store: Store, found: MailList, wish: Wish, folder: Path) -> None:
    own = settings.site
    names = SiteNames(own.domain, own.base_url, own.timezone, wish.readers, wish.search)
    parts = PlainParts(store, resource("templates"), names, partial(_leaf, store))
    try:
        with percent("pages") as told:
            write_site(parts, folder, str(found.address), told)
    except Unrendered as error:
        raise CannotDo(str(error)) from error
    except (PagefindFailed, NotWhole) as error:
        raise CannotDo(f"the pages' search could not be made; --no-search leaves it out ({error})") from error


def _leaf(store: Store, raw_hash: str, position: int) -> bytes | None:
    with store.read() as tx:
        raw = arrivals.raw(tx, raw_hash)
    there = leaf(raw, position) if raw is not None else None
    return there[1] if there else None


def settings_toml(found: MailList) -> str:
    """A list's settings, in the words of ``list set``."""
    values = {"address": str(found.address), "list_id": found.list_id, "title": found.title}
    told = {**values, "aliases": [str(alias) for alias in found.aliases], **dump(found.settings)}
    # A JSON string, number or list of strings is TOML too.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items())


@contextmanager
def _file(file: Path) -> Iterator[IO[bytes]]:
    """A new file of the owner's alone; behind it, its bytes have reached the disk."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


# -- posts ------------------------------------------------------------------------------------------


class _Posts:
    """The posts of a list: as mails, whole and by month; and as words."""

    def __init__(self, store: Store, copy: Boxed, found: MailList, wish: Wish) -> None:
        self._store = store
        self._copy = copy
        self._those = Leaving(found.id, AUDIENCES[wish.readers])
        self._wish = wish
        self._mbox = f"{found.address.local}.mbox"

    def write(self, part: Path) -> None:
        with self._store.read() as tx:
            total = count_posts(tx, self._those)
        with (
            progress("posts", total) as advance,
            _file(part / self._mbox) as mails,
            _file(part / "posts.jsonl") as words,
        ):
            for month, those in groupby(self._all(), key=lambda post: f"{post.at:%Y-%m}"):
                with _file(part / "months" / f"{month}.mbox.gz") as box:
                    box.writelines(packed(self._each(those, mails, words, advance)))

    def _all(self) -> Iterator[Exported]:
        last = None
        while True:
            with self._store.read() as tx:
                batch = next_posts(tx, self._those, last, _BATCH)
            if not batch:
                return
            yield from batch
            last = batch[-1]

    def _each(
        self, some: Iterable[Exported], mails: IO[bytes], words: IO[bytes], advance: Callable[[int], None]
    ) -> Iterator[bytes]:
        """Each post's mail, once it stands in the two files that hold all of them."""
        for post in some:
            mail = self._copy(post.id)
            if mail is not None:  # else it was taken out a moment ago
                mails.write(mail)
                words.write(self._words(post))
                yield mail
            advance(1)

    def _words(self, post: Exported) -> bytes:
        with self._store.read() as tx:
            text = hiding.clean(posts.text_of(tx, post.id))
        open_ = self._wish.addresses
        told = {
            "id": post.hash,
            "message_id": post.message_id,
            "thread": post.thread,
            "answers": post.answers,
            "author": hiding.name(post.author_name, post.author, hidden=not post.author),
            **({"address": post.author} if open_ else {}),
            "date": f"{post.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "subject": hiding.line(post.subject, _SUBJECT),
            "audience": post.audience,
            "attachments": [{"name": name, "type": type_, "size": size} for name, type_, size in post.files],
            "text": text if open_ else hiding.hide(text),
        }
        return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
