"""`listserv redact`: a post is taken out of everything that we keep; what is out of reach is told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import Connection

from listserv.desk import Desk, shows
from listserv.errors import BadData
from listserv.resources import resource
from listserv.settings import Settings
from listserv.shown import say
from listserv.store import redacting
from listserv.store.backlog import last_days
from listserv.store.redacting import Redacted
from listserv.store.scrubbing import scrub

if TYPE_CHECKING:
    from listserv.mail.washing import Washer


@click.command("redact")
@click.argument("list_name", metavar="LIST")
@click.argument("message_id", metavar="MESSAGE-ID")
@click.option("--keep-quotes", is_flag=True, help="Leave what others quote of it.")
@shows
@click.pass_obj
def redact(desk: Desk, list_name: str, message_id: str, keep_quotes: bool) -> None:
    """Take a post out of pages, search, feeds, attachments, raw copies and queued mails. No way back."""
    settings = desk.settings()
    wash = washer(settings)

    def step(tx: Connection) -> Redacted:
        found = desk.find_list(tx, list_name)
        post_id = redacting.find_post(tx, found.id, message_id.strip().removeprefix("<").removesuffix(">"))
        if post_id is None:
            raise BadData(f"{found.address} has no post with the Message-ID {message_id[:200]}")
        return redacting.redact(tx, post_id, wash, desk.hand(), keep_quotes=keep_quotes)

    with desk.store() as store:
        done = store.do(step)
        clean = scrub(store)
        with store.read() as tx:
            backup = last_days(tx)["last_backup"]
    told: dict[str, Any] = {
        "post": done.post_id,
        "new": done.new,
        "quotes": done.quotes,
        "called_off": done.called_off,
        "sent": done.sent,
        "left": _left(settings, done, backup, clean=clean),
    }
    desk.show_one(told, lambda: _print(told))


def washer(settings: Settings) -> Washer:
    """What takes words and names out of mails, in a host's own wording first."""
    from listserv.mail.notices import Words
    from listserv.mail.washing import Washer

    words = Words((settings.folder / "words", resource("templates") / "mail"))
    return Washer(words.mark("member"))


def _left(settings: Settings, done: Redacted, backup: str | None, *, clean: bool) -> list[str]:
    """Where the words still are, and until when."""
    of = f" (the last of {datetime.fromisoformat(backup):%Y-%m-%d})" if backup else ""
    told = [f"backups{of}, until you delete them"]
    if done.sent:
        told.insert(0, f"{done.sent} copies that were delivered, for good")
    if settings.deliver.relay.startswith("maildir:"):
        told.append(f"{settings.deliver.relay}, until you delete the files in it")
    if not settings.database.url.startswith("sqlite"):
        told.append("PostgreSQL's write-ahead log and its archive, until they are recycled")
    elif not clean:
        told.append("the database's log, since somebody reads from it just now; say it again in a minute")
    return told


def _print(told: dict[str, Any]) -> None:
    if told["new"]:
        say(f"Taken out. Posts that quoted it and are mended: {told['quotes']}.")
        say(f"Copies that had not left and won't: {told['called_off']}.")
    else:
        say("It was taken out before.")
    say("The pages follow by a running `serve`, or by `listserv archive build`.")
    for one in told["left"]:
        say(f"Still in: {one}.")
