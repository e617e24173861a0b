"""All that is kept of somebody, as files that other programs open; and nothing of anybody else."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from listserv.core.seals import seal
from listserv.flow.packing import pack
from listserv.mail.notices import Words
from listserv.resources import resource
from listserv.store import leaving, own_data, rosters
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.people import NOW
from tests.kit.world import World, open_world

WORDS = Words((resource("templates") / "mail",))
FILES = {"README.txt", "posts.mbox", "settings.toml", "acts.csv"}


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


def mail(who: str, number: int, words: str, to: str = "book") -> bytes:
    head = f"From: {who}\nTo: {to}@lists.example.org\nSubject: Garlic {number}\n"
    rest = f"Message-ID: <{number}@k.example>\nDate: Sat, 21 Nov 2026 09:0{number}:00 +0000\n"
    return f"{head}{rest}\n{words}\n".encode()


def lived(world: World) -> int:
    """Ana on two lists, with Ben; her person."""
    book, garden = world.circle(probation=0), world.circle("garden", "Garden =1+1", probation=0)
    ana = world.member(book, "ana@ana.example", name='Ana "Silva"')
    world.host(garden, "ana@ana.example", rhythm="daily")
    for here in (book, garden):
        world.host(here, "ben@ben.example", name="Ben Okafor")
    world.receive(mail("Ana <ana@ana.example>", 1, "Mine.\nFrom the start."))
    world.receive(mail("Ben <ben@ben.example>", 2, "Not hers."), sender="ben@ben.example")
    world.receive(mail("Ana <ana@ana.example>", 3, "Mine, too.", "garden"), to="garden@lists.example.org")
    world.store.do(lambda tx: rosters.set_member(tx, ana, replace(ana, rhythm="weekly"), world.hand))
    return ana.person_id


def packed(world: World, person: int) -> dict[str, bytes]:
    with world.store.read() as tx:
        data = pack(own_data.own_data(tx, person), NOW, WORDS, "lists.example.org")
    with ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def test_everything_of_hers_is_in_it_and_nothing_of_anybody_else(world: World) -> None:
    files = packed(world, lived(world))
    assert set(files) == FILES
    settings = tomllib.loads(files["settings.toml"].decode())
    assert settings["addresses"] == ["ana@ana.example"] and settings["name"] == 'Ana "Silva"'
    told = [(one["address"], one["title"], one["role"], one["rhythm"]) for one in settings["list"]]
    assert told == [
        ("book@lists.example.org", "Book Circle", "member", "weekly"),
        ("garden@lists.example.org", "Garden =1+1", "host", "daily"),
    ]
    assert files["posts.mbox"].count(b"\nFrom: Ana") == 2
    assert b"\n>From the start.\n" in files["posts.mbox"]
    assert "posts.mbox: the 2 mails" in files["README.txt"].decode()
    for name, data in files.items():
        assert b"ben" not in data.lower() and b"Not hers" not in data, name


def test_the_log_says_what_was_done_and_by_whom_without_a_name(world: World) -> None:
    person = lived(world)
    token = seal(world.ring, "leave", 1)
    world.store.do(lambda tx: leaving.leave(tx, token, world.ring, NOW + timedelta(hours=1)))
    rows = list(csv.reader(io.StringIO(packed(world, person)["acts.csv"].decode())))
    book = "book@lists.example.org"
    assert rows == [
        ["at", "who", "act", "list", "detail"],
        ["2026-11-21T09:00:00+00:00", "operator", "member changed", book, "rhythm=weekly"],
        ["2026-11-21T10:00:00+00:00", "you", "member removed", book, ""],
    ]


def test_the_same_data_are_the_same_bytes_and_their_size_is_known_before(world: World) -> None:
    person = lived(world)
    with world.store.read() as tx:
        twice = [pack(own_data.own_data(tx, person), NOW, WORDS, "d.example") for _ in range(2)]
        size, many = own_data.size(tx, person), own_data.count(tx, person)
    assert twice[0] == twice[1]
    assert many == 2 and 0 < size < len(packed(world, person)["posts.mbox"]) + 200


def test_her_mails_come_over_to_another_server(tmp_path: Path) -> None:
    with open_world(f"sqlite:///{tmp_path / 'world.db'}") as world:
        box = packed(world, lived(world))["posts.mbox"]
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "mine", "--title", "Mine", "--host", "ana@ana.example")
    (tmp_path / "posts.mbox").write_bytes(box)
    told = desk.does("import", "mbox", "mine", "posts.mbox", "--json").json
    assert (told["new"], told["unread"]) == (2, [])
