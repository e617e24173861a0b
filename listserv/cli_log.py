"""`listserv log`: who did what to a list, when, and by which mail."""

from __future__ import annotations

from typing import Any

import click

from listserv.core.scene import Act
from listserv.desk import Desk, shows
from listserv.store import named_people

COLUMNS = ("at", "who", "act", "about", "detail", "mail")


@click.command("log")
@click.argument("list_name", metavar="LIST")
@click.option("--most", default=30, show_default=True, help="So many of the latest acts.")
@shows
@click.pass_obj
def log(desk: Desk, list_name: str, most: int) -> None:
    """What hosts and the operator did to a list, newest first."""
    with desk.store() as store, store.read() as tx:
        found = desk.find_list(tx, list_name)
        rows = [_row(act) for act in named_people.log(tx, found.id, max(1, most))]
    desk.show(rows, COLUMNS, f"Nothing was done to {found.address} yet.")


def _row(act: Act) -> dict[str, Any]:
    """As ``--json`` gives it. ``mail``: the number of the mail that said it, for `listserv queue show`."""
    return {
        "at": act.at,
        "who": f"{act.who} {act.name}".strip(),
        "act": act.act,
        "about": act.about,
        "detail": act.detail,
        "mail": act.mail,
    }
