"""`listserv status` and `listserv explain`."""

from __future__ import annotations

import sys
from typing import Any

import click
from sqlalchemy import Connection

from listserv.cli_backup import told_waiting, waiting
from listserv.core.types import ArrivalState, DeliveryState
from listserv.desk import Desk, shows
from listserv.errors import BadData
from listserv.shown import cell, give_table, say
from listserv.store import counters, provider_rests, relay_rest
from listserv.store.backlog import last_days, oldest_copy, oldest_waiting


@click.command()
@shows
@click.pass_obj
def status(desk: Desk) -> None:
    """What became of all mail: counts that add up, the queue's age, the last digest and backup."""
    with desk.store() as store, store.read() as tx:
        told = counted(tx)
    desk.show_one(told, lambda: _print(desk, told))


def counted(tx: Connection) -> dict[str, Any]:
    """The state of a site as ``--json`` gives it (interface.md §2)."""
    totals = counters.totals(tx)
    rest = relay_rest.current(tx)
    deliveries = {str(state): totals[f"delivery:{state}"] for state in DeliveryState}
    return {
        **{name: totals[name] for name in (counters.ACCEPTED, *map(str, ArrivalState))},
        "deliveries": deliveries,
        counters.IN_DOUBT: totals.get(counters.IN_DOUBT, 0),
        "oldest_waiting": oldest_waiting(tx),
        "oldest_copy": oldest_copy(tx),
        "relay_rests_until": rest.until if rest else None,
        "relay_said": rest.why if rest else None,
        "providers_resting": providers_resting(tx),
        "restored": waiting(tx),
        **last_days(tx),
    }


def _print(desk: Desk, told: dict[str, Any]) -> None:
    states = [str(state) for state in ArrivalState]
    say(f"{told['accepted']} mails accepted = " + " + ".join(f"{told[name]} {name}" for name in states))
    say("copies: " + ", ".join(f"{many} {state}" for state, many in told["deliveries"].items()))
    now = desk.clock.now()
    for key, words in (
        ("oldest_waiting", "oldest mail not yet processed"),
        ("oldest_copy", "oldest copy not yet sent"),
    ):
        if told[key]:
            say(f"{words}: {max(0, int((now - told[key]).total_seconds()))} s")
    if told["relay_said"]:
        say(f"the relay rests until {cell(told['relay_rests_until'])}: {cell(told['relay_said'])}")
        say("`listserv queue retry --all` tries at once")
    tell_resting(told["providers_resting"])
    for line in told_waiting(told["restored"]):
        say(line)
    say(f"last digest: {told['last_digest'] or 'none'}; last backup: {told['last_backup'] or 'none'}")


def providers_resting(tx: Connection) -> list[dict[str, Any]]:
    """Providers that had enough of us lately, until when each is left alone, and what it said."""
    known = sorted(provider_rests.current(tx).items())
    return [{"provider": name, "until": slow.until, "said": slow.why} for name, slow in known if slow.until]


def tell_resting(resting: list[dict[str, Any]]) -> None:
    """The same for people."""
    for one in resting:
        say(f"{cell(one['provider'])} is left alone until {cell(one['until'])}: {cell(one['said'])}")


@click.command()
@click.argument("list_name", metavar="LIST")
@shows
@click.pass_obj
def explain(desk: Desk, list_name: str) -> None:
    """What would become of a mail: `listserv explain LIST < some.eml`. Changes nothing."""
    from listserv import app

    raw = _stdin()
    with desk.store() as store, store.read() as tx:
        address = desk.find_list(tx, list_name).address
    said = app.explain(desk.settings(), address, raw)
    rules = [{"name": name, "fits": fits} for name, fits in said.rules]
    told = {"rules": rules, "verdict": said.verdict, "why": said.why}
    desk.show_one(told, lambda: _print_rules(told))


def _print_rules(told: dict[str, Any]) -> None:
    if told["rules"]:
        rows = [{"rule": rule["name"], "fits": "✓" if rule["fits"] else "·"} for rule in told["rules"]]
        give_table(rows, ("rule", "fits"))
    say(f"{told['verdict']}: {told['why']}")


def _stdin() -> bytes:
    if sys.stdin.isatty():
        raise BadData("give it a mail: `listserv explain LIST < some.eml`")
    raw = sys.stdin.buffer.read()
    if not raw.strip():
        raise BadData("there is no mail on standard input: `listserv explain LIST < some.eml`")
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
