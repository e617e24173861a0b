"""`listserv digest run`: Briefs that are due, built at once, or as if it were another time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from listserv.desk import Desk, shows
from listserv.errors import CannotDo
from listserv.shown import say
from listserv.store import pause


@click.group("digest")
def digest_group() -> None:
    """Briefs: what members get together, at their own hour."""


@digest_group.command("run")
@click.option("--list", "list_name", metavar="LIST", help="Only this list's.")
@click.option("--at", "when", metavar="TIME", help="As if it were then: 2026-11-24T07:00+01:00; else now.")
@shows
@click.pass_obj
def run(desk: Desk, list_name: str | None, when: str | None) -> None:
    """Build and enqueue what is due up to a moment. A running `serve` delivers it."""
    from listserv import app
    from listserv.flow.brief_round import send_as_if

    settings = desk.settings()
    real = desk.clock.now()
    at = _moment(when, settings.site.timezone) if when else real
    with app.open_pen(settings) as pen:
        with pen.store.read() as tx:
            number = desk.find_list(tx, list_name).id if list_name else None
            if pause.current(tx) is not None:
                raise CannotDo(
                    "this site was restored, and nothing leaves until `listserv queue retry --all`"
                )
        sent = send_as_if(pen, at, real, number)
    desk.show_one({"sent": sent}, lambda: say(_told(sent)))


def _moment(words: str, zone: str) -> datetime:
    """Without a zone, the site's."""
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        raise click.BadParameter(
            f"{words[:40]!r} is no time; write it like 2026-11-24T07:00+01:00", param_hint="--at"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone or "UTC"))


def _told(sent: int) -> str:
    if not sent:
        return "No Brief is due."
    return "1 Brief is on its way." if sent == 1 else f"{sent} Briefs are on their way."
