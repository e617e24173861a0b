"""Where is this mail? What `listserv queue show` and `queue ls` tell of whatever they are asked for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from listserv.desk import Desk
from listserv.errors import CannotDo
from listserv.life_story import Surroundings, mails, what_is_left, why_nothing_leaves
from listserv.opening import read_secret
from listserv.shown import cell, give_table, say
from listserv.store import epochs, lives, queue
from listserv.where_is import Found, find

_COPIES = ("id", "to", "state", "attempts", "next", "answer")
_NEWEST = ("id", "made", "kind", "state", "subject", "answer")
_MAILS = ("arrival", "at", "recipient", "state", "why", "subject")
_TOLD = 10  # of an address's copies


def asked(tx: Connection, desk: Desk, word: str) -> dict[str, Any]:
    """Everything that is known of what was asked for. Raises BadData."""
    found, around = find(tx, word), _around(tx, desk)
    said = {"asked": word, "mails": mails(tx, found.arrivals, around)}
    if found.copy is not None:
        copy = queue.show(tx, found.copy)
        return (asdict(copy) if copy else {}) | said
    if found.address:
        return said | {"address": found.address} | _of_address(tx, found, around)
    return said


def _around(tx: Connection, desk: Desk) -> Surroundings:
    settings, now = desk.settings(), desk.clock.now()
    try:
        ring = epochs.keyring(tx, read_secret(settings))
    except CannotDo:  # the key is lost, and the rest is worth showing all the more
        ring = None
    site = settings.site
    return Surroundings(now, site.base_url, site.domain, why_nothing_leaves(tx, now), ring)


def _of_address(tx: Connection, found: Found, around: Surroundings) -> dict[str, Any]:
    copies = lives.copies(tx, found.copies)
    newest = [asdict(one) for one in lives.newest(tx, found.copies, _TOLD)]
    return {"copies": asdict(copies), "newest": newest, "next": what_is_left(copies, around)}


def chosen(tx: Connection, word: str, limit: int | None) -> list[dict[str, Any]]:
    """The copies that were asked for, in whatever state, oldest first. Raises BadData."""
    rows = queue.chosen(tx, find(tx, word).copies, queue.ALL, limit)
    return [asdict(row) for row in reversed(rows)]


# -- on paper ---------------------------------------------------------------------------------------


def print_asked(said: dict[str, Any]) -> None:
    """All that ``asked`` found, for a person."""
    if "address" in said:
        _print_address(said)
        return
    if "id" in said:
        for key in ("id", "list", "to", "kind", "state", "attempts", "next", "answer"):
            say(f"{key}: {cell(said[key])}")
    for number, mail in enumerate(said["mails"]):
        if number or "id" in said:
            say("")
        _print_mail(mail, troubled="id" not in said)


def _print_mail(mail: dict[str, Any], *, troubled: bool) -> None:
    for line in mail["story"]:
        say(cell(line))
    copies = mail["copies"]
    if not troubled or not copies or not copies["troubled"]:
        return
    say("")
    give_table(copies["troubled"], _COPIES)
    more = copies["states"]["deferred"] + copies["states"]["failed"] - len(copies["troubled"])
    if more > 0:
        say(f"and {more} more in trouble; `listserv queue ls arrival={mail['arrival']}` shows every copy")


def _print_address(said: dict[str, Any]) -> None:
    states = ", ".join(f"{many} {state}" for state, many in said["copies"]["states"].items() if many)
    say(f"Copies to {said['address']}: {states or 'none'}." + (f" {said['next']}" if states else ""))
    if said["newest"]:
        say("The newest:")
        give_table(said["newest"], _NEWEST)
    if said["mails"]:
        say("Mails from there, or for there:")
        give_table(said["mails"], _MAILS)
        say("`listserv queue show arrival=N` tells all about one of them")
