"""`listserv import …`, `export`, `archive …`: posts move in and out, pages are rendered, links are made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from listserv.boxes import Box, find_boxes
from listserv.desk import Desk, shows, the_member
from listserv.dice import draw_link
from listserv.errors import BadData, CannotDo
from listserv.opening import read_secret
from listserv.resources import resource
from listserv.settings import Settings
from listserv.shown import percent, progress, say, warn
from listserv.store import epochs, indexing, reading, sessions
from listserv.store.engine import Store
from listserv.store.importing import Importer

if TYPE_CHECKING:
    from archive_site.build import Builder
    from listserv.moving_in import Report

_MOST_SHOWN = 50


@click.group("import")
def import_group() -> None:
    """Archives come over from elsewhere."""


@import_group.command("mbox")
@click.argument("list_name", metavar="LIST")
@click.argument("path", type=click.Path(path_type=Path))
@shows
@click.pass_obj
def mbox(desk: Desk, list_name: str, path: Path) -> None:
    """Posts from an mbox file, or a folder of them, .gz too. Run twice, it adds nothing twice."""
    boxes = find_boxes(path)
    with desk.store() as store, progress("reading", sum(box.size for box in boxes)) as advance:
        report = bring_in(desk, store, list_name, boxes, advance)
    for line in report.unread[:_MOST_SHOWN]:
        warn(f"could not be read: {line}")
    told = {"new": report.new, "known": report.known, "unread": report.unread}
    line = f"{report.new} new posts, {report.known} there already, could not be read: {len(report.unread)}"
    desk.show_one(told, lambda: say(line))


def bring_in(
    desk: Desk, store: Store, list_name: str, boxes: list[Box], advance: Callable[[int], None]
) -> Report:
    """Have the mails of these boxes in a list. Raises BadData where there is no such list."""
    from listserv.moving_in import move_in

    settings = desk.settings()
    with store.read() as tx:
        found = desk.find_list(tx, list_name)
        ring = epochs.keyring(tx, read_secret(settings))
    into = Importer(found, ring, desk.clock.now())
    return move_in(store, into, boxes, settings.receive.max_message_bytes, advance)


@click.command("export")
@click.argument("list_name", metavar="LIST")
@click.argument("folder", metavar="DIR")
@click.option(
    "--for",
    "readers",
    type=click.Choice(("public", "members", "hosts")),
    default="members",
    show_default=True,
    help="Posts that these may read; hosts read all.",
)
@click.option("--addresses", is_flag=True, help="Authors' addresses in posts.jsonl, too.")
@click.option("--no-search", is_flag=True, help="Pages that can't be searched.")
@click.pass_obj
def export(desk: Desk, /, list_name: str, folder: str, readers: str, **said: bool) -> None:
    """A list as files, in a new or empty folder.

    All mails as mbox, whole and by month; the pages, for any web server; posts.jsonl; members.csv;
    settings.toml.
    """
    from listserv.cli_export import Wish, export_list

    with desk.store() as store, store.read() as tx:
        found = desk.find_list(tx, list_name)
    export_list(desk, found, folder, Wish(readers, said["addresses"], not said["no_search"]))


@click.group("archive")
def archive_group() -> None:
    """The web archive."""


@archive_group.command("build")
@click.argument("list_name", metavar="[LIST]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every page of every list, not only what changed.")
@click.option("--no-search", is_flag=True, help="The pages alone, without the search's files beside them.")
@click.pass_obj
def build(desk: Desk, list_name: str | None, everything: bool, no_search: bool) -> None:
    """Render what changed; all pages of LIST; or everything. What the search lacks comes into it."""
    from archive_site.build import Unrendered

    settings = desk.settings()
    with desk.store() as store:
        while store.do(indexing.catch_up):
            pass
        builder = builder_for(settings, store)
        try:
            if not (list_name or everything):
                builder.catch_up(desk.clock.now())
            else:
                _build_whole(desk, store, builder, list_name)
        except Unrendered as error:
            raise CannotDo(f"{error}; all others are up to date") from error
        if not no_search:
            _bundle(desk, settings, store, list_name)
    say(f"The pages are in {settings.site.data_dir / 'archive'}.")


def _bundle(desk: Desk, settings: Settings, store: Store, list_name: str | None) -> None:
    """The search without a server, a tier at a time: a running server may have to take words out."""
    from archive_site.bundler import Bundler, NotWhole
    from archive_site.pagefind import PagefindFailed

    bundler = Bundler(store, settings.site.data_dir / "archive", enough=lambda: True)
    with store.read() as tx:
        address = desk.find_list(tx, list_name).address if list_name else None
        shelves = reading.shelves(tx, settings.site.domain)
    for shelf in shelves:
        try:
            while address in (None, shelf.address) and bundler.bundle(shelf, desk.clock.now()).more:
                pass
        except (PagefindFailed, NotWhole) as error:
            raise CannotDo(f"search files of {shelf.name}: {error}; the pages are up to date") from error


def builder_for(settings: Settings, store: Store) -> Builder:
    """The archive's builder for a site."""
    from archive_site.build import Builder, SiteNames

    names = SiteNames(settings.site.domain, settings.site.base_url, settings.site.timezone)
    return Builder(store, settings.site.data_dir / "archive", resource("templates"), names)


def _build_whole(desk: Desk, store: Store, builder: Builder, list_name: str | None) -> None:
    with store.read() as tx:
        name = str(desk.find_list(tx, list_name).address) if list_name else None
    with percent("threads") as told:
        try:
            builder.build_all(name, told)
        except LookupError:
            raise BadData(f"{name} has no archive; `listserv list set {name} archive=members`") from None


@archive_group.command("link")
@click.argument("list_name", metavar="LIST")
@click.argument("email")
@shows
@click.pass_obj
def link(desk: Desk, list_name: str, email: str) -> None:
    """A link that signs a member in: once, within an hour, in any browser."""
    url = make_link(desk, list_name, email)
    desk.show_one({"url": url}, lambda: say(url))


def make_link(desk: Desk, list_name: str, email: str) -> str:
    """A fresh sign-in link for a member. Raises BadData for somebody who is not one."""
    settings, secret, now = desk.settings(), draw_link(), desk.clock.now()
    with desk.store() as store:
        with store.read() as tx:
            found = desk.find_list(tx, list_name)
            member = the_member(tx, found, email)
        if member.standing == "stranger":
            raise BadData(f"{member.address} is {member.state}; a link would open nothing")
        store.do(
            lambda tx: sessions.make_link(
                tx, member.person_id, now, secret=secret, minutes=sessions.CLI_MINUTES
            )
        )
    return f"{settings.site.base_url}/in?t={secret}&next={path_of(found.address, settings)}"


def path_of(address: object, settings: Settings) -> str:
    """Where a list's pages lie: its local part, or all of its address where the domain is another."""
    local, _, domain = str(address).partition("@")
    return f"/{local}/" if domain == settings.site.domain else f"/{local}@{domain}/"
