"""Stories: real mails in, and every mail that we send, byte for byte.

A folder a story: ``world.toml`` says who is on which list and what happens, step by step; ``*.eml`` are
the mails. What came out in step N for ana@… lies in ``N-out-ana.eml``. A step that ``answers`` such a file
goes to its Reply-To, which ``@ANSWER@`` stands for in the mail; one that ``returns`` it to its return path.
``pytest --accept`` writes those files anew:
read the diff before you commit it. Adding a story needs no Python.
"""

from __future__ import annotations

import asyncio
import email
import re
import tomllib
from datetime import datetime
from email.utils import parseaddr
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Update, select, update

from listserv.core.commands import VERBS, Verb
from listserv.core.types import Standing
from listserv.store import holds, schema
from tests.kit.gated import dump, follow, gate_of, links_in
from tests.kit.people import SITE
from tests.kit.world import StillClock, World, open_world, sqlite_in

STORIES = Path(__file__).parent / "stories"
NAMES = sorted(folder.name for folder in STORIES.iterdir() if (folder / "world.toml").exists())


@pytest.mark.parametrize("name", NAMES)
def test_the_story_is_told_as_it_was(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    folder = STORIES / name
    scene = tomllib.loads((folder / "world.toml").read_text("utf-8"))
    told: dict[str, bytes] = {}
    with open_world(sqlite_in(tmp_path)) as world:
        world.clock = StillClock(datetime.fromisoformat(scene.get("now", "2026-11-21T09:00:00+00:00")))
        world.reader.zone = {name: [text] for name, text in scene.get("dns", {}).items()}
        _people(world, scene)
        for number, step in enumerate(scene["step"], 1):
            before = len(world.outbox)
            _happen(world, step, folder, told)
            told |= _mails(world, before, number)
            assert world.ends() == step.get("ends", world.ends()), f"step {number}"
            assert world.why()[-1:] == step.get("why", world.why()[-1:]), f"step {number}"
        _machines_follow_every_link(world, tmp_path)
    if pytestconfig.getoption("accept"):
        _accept(folder, told)
    kept = {file.name: file.read_bytes() for file in sorted(folder.glob("*-out-*.eml"))}
    assert kept.keys() == told.keys()
    for file, raw in told.items():
        assert raw == kept[file], file


def _machines_follow_every_link(world: World, folder: Path) -> None:
    """GET and HEAD, from anywhere: nothing changes, nobody is let in."""
    urls = {url for mailed in world.outbox for url in links_in(mailed.raw)}
    before = dump(world)
    assert asyncio.run(follow(gate_of(world, folder, pages=False), urls)) <= {200, 404}
    assert dump(world) == before


SAYABLE = [row for row in VERBS if row.shape]
WRONG = {"somebody else's token", "asked", "automatic", "duplicate"}


@pytest.mark.parametrize("row", SAYABLE, ids=[row.name for row in SAYABLE])
def test_every_verb_is_said_in_a_story_and_a_members_verb_by_the_wrong_senders_too(row: Verb) -> None:
    told = [ends for ends in map(_ends, NAMES) if row.name in ends]
    assert told, "no story says it"
    assert row.least is Standing.STRANGER or any(ends >= WRONG for ends in told)


@cache
def _ends(name: str) -> frozenset[str]:
    """What became of the mails of a story, as its steps say; of several verbs each for itself."""
    scene = tomllib.loads((STORIES / name / "world.toml").read_text("utf-8"))
    whole = [why for step in scene["step"] for why in step.get("why", ())]
    return frozenset([*whole, *(word for why in whole for word in re.split(r", |: ", why))])


def _people(world: World, scene: dict[str, Any]) -> None:
    for one in scene["list"]:
        here = world.circle(one["name"], one.get("title", "Book Circle"), **one.get("settings", {}))
        for role in ("member", "host"):
            for person in one.get(f"{role}s", ()):
                name, _, address = person.rpartition(" ")
                getattr(world, role)(here, address.strip("<>"), name=name)
        _probation(world, one.get("newcomers", ()))


def _probation(world: World, addresses: Any) -> None:
    for address in addresses:
        theirs = select(schema.addresses.c.id).where(schema.addresses.c.key == address)
        new = update(schema.subscriptions).where(
            schema.subscriptions.c.address_id == theirs.scalar_subquery()
        )
        world.store.do(partial(_run, statement=new.values(probation_left=1)))


def _run(tx: Connection, statement: Update) -> None:
    tx.execute(statement)


def _happen(world: World, step: dict[str, Any], folder: Path, told: dict[str, bytes]) -> None:
    if "in" in step:
        raw, to = (folder / step["in"]).read_bytes(), step.get("to", f"book@{SITE.domain}")
        if "answers" in step:
            to = _answer_to(told[step["answers"]])
            raw = raw.replace(b"@ANSWER@", to.encode())
        if "returns" in step:
            to = _return_path(told[step["returns"]])
        world.receive(raw, to, step.get("from", "someone@elsewhere.example"))
    if "approve" in step:
        world.store.do(lambda tx: holds.approve(tx, step["approve"], "operator", world.clock.now()))
        world.settle()
    if passes := {unit: step[unit] for unit in ("minutes", "hours", "days") if unit in step}:
        world.pass_time(**passes)


def _answer_to(raw: bytes) -> str:
    """Where a reply to a mail of ours goes: its Reply-To, as any mail program has it."""
    found = email.message_from_bytes(raw)
    return parseaddr(str(found["Reply-To"] or found["From"]))[1]


def _return_path(raw: bytes) -> str:
    """Where the machines of others answer a mail of ours."""
    return parseaddr(str(email.message_from_bytes(raw)["Return-Path"]))[1]


def _mails(world: World, before: int, number: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for mailed in world.outbox[before:]:
        name = f"{number}-out-{mailed.recipient.partition('@')[0]}"
        same = sum(known.startswith(name) for known in found)
        file = f"{name}{f'-{same + 1}' if same else ''}.eml"
        found[file] = f"Return-Path: <{mailed.sender}>\r\n".encode() + mailed.raw
    return found


def _accept(folder: Path, told: dict[str, bytes]) -> None:
    for file in folder.glob("*-out-*.eml"):
        file.unlink()
    for name, raw in told.items():
        (folder / name).write_bytes(raw)
