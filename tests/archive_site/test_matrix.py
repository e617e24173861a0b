"""Every kind of path and every file on disk, for every kind of reader of every kind of list: what is not for
them is not there, in bytes, header fields and statements asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain, product
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import event

from archive_site import urls
from listserv.store import schema
from tests.kit.matrix import ABSENT, LISTS, READERS, READS, World, matrix, samples, word
from tests.kit.site import NOON

_s, _l = schema.subscriptions.c, schema.lists.c


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with matrix(tmp_path_factory.mktemp("matrix")) as made:
        yield made


def test_each_kind_of_path_is_in_the_matrix(world: World) -> None:
    kinds = {*urls._SHAPES, *urls._FIXED.values(), "nowhere", "file"}
    assert set(samples(world)) == kinds, "a new kind of path: add what it leads to, for each list"
    for kind, paths in samples(world).items():
        told = {urls.read_path(path.partition("?")[0]).kind for path in paths}
        assert kind in ("file", "asset") or told == {kind}, kind


EVERY = [(name, audience) for name in READS for audience in LISTS.get(name, ("", ("members",)))[1]]
ALWAYS = ("in", "out", "healthz", "assets", "u", "search", "my-data")


def tells(answer: httpx.Response) -> set[tuple[str, str]]:
    """Posts of which list for whom an answer tells, whatever of them; not what it but repeats as asked."""
    asked = answer.request.url.params.get("q", "").rpartition(":")[2]
    told = answer.text + str(answer.headers)
    told = told.replace(asked, "") if asked and "<mark>" not in told else told
    kinds = ("word", "subject", "author", "file")
    return {one for one in EVERY if any(word(*one, kind) in told for kind in kinds)}


@pytest.mark.anyio
@pytest.mark.parametrize("who", READERS)
async def test_nobody_sees_a_byte_that_is_not_for_them_and_what_is_forbidden_is_missing(
    world: World, who: str
) -> None:
    mine = {(name, audience) for name in READS for audience in READS[name].get(who, ())}
    met = set()
    async with world.client(who) as client:
        missing = {one: await client.request(one, "/absent/") for one in ("GET", "HEAD")}
        for path, method in product(chain(*samples(world).values()), ("GET", "HEAD")):
            world.rows.now += timedelta(minutes=1)  # so that nothing is asked too often
            answer = await client.request(method, path)
            assert answer.status_code in (200, 302, 404, 410), path
            if answer.status_code == 404:
                assert answer.content == missing[method].content, path
                assert answer.headers.raw == missing[method].headers.raw, path
            else:
                assert urlsplit(path).path.split("/")[1] in {"", *ALWAYS, *(name for name, _ in mine)}, path
            told = tells(answer)
            met |= told
            assert told <= mine, f"{path} tells {who} of {told - mine}"
            titles = {name for name in READS if f"qxtitle{name}" in answer.text}
            assert titles <= {name for name, _ in mine}, path
    assert met == mine, "all that is for them they do find"


@contextmanager
def asked(world: World) -> Iterator[list[str]]:
    """The statements that are run meanwhile."""
    told: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        told.append(statement)

    engine = world.rows.store.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.anyio
@pytest.mark.parametrize("who", ["anonymous", "other", "former"])
async def test_what_is_forbidden_takes_the_very_steps_that_what_is_missing_takes(
    world: World, who: str
) -> None:
    async with world.client(who) as client:
        for pages in ("", "2026/11/", "t/members/", "t/none/", f"m/{ABSENT}", "search/?q=words", "feed.atom"):
            steps = []
            for name in ("book", "closed", "off", "absent"):
                with asked(world) as told:
                    assert (await client.get(f"/{name}/{pages}")).status_code == 404
                steps.append(list(told))
            assert steps == [steps[-1]] * 4, pages


@pytest.mark.anyio
async def test_what_only_hosts_may_read_takes_members_the_steps_of_what_is_missing(world: World) -> None:
    hidden = world.hashes["book", "hosts"]
    pairs = (
        ("t/hosts/", "t/none/"),
        (f"m/{hidden}", f"m/{ABSENT}"),
        (f"m/{world.hashes['book', 'gone-hosts']}", f"m/{ABSENT}"),
        (f"a/{hidden}/0/x", f"a/{ABSENT}/0/x"),
        (f"search/?q={word('book', 'hosts')}", "search/?q=nobodysaidthat"),
    )
    async with world.client("member") as client:
        for forbidden, missing in pairs:
            steps = []
            for path in (forbidden, missing):
                with asked(world) as told:
                    answer = await client.get(f"/book/{path}")
                steps.append((answer.status_code, list(told)))
            assert steps[0] == steps[1], forbidden


# -- what changes is true at the next request -----------------------------------------------------------

CHANGES: dict[str, tuple[str, str, int, int, Callable[[World], None], Callable[[World], None]]] = {
    "who leaves is out": (
        *("member", "/book/", 200, 404),
        lambda world: world.change(schema.subscriptions, _s.state == "active", state="left"),
        lambda world: world.change(schema.subscriptions, _s.id.in_(active(world)), state="active"),
    ),
    "who is accepted is in": (
        *("pending", "/book/t/members/", 404, 200),
        lambda world: world.change(schema.subscriptions, _s.state == "pending", state="active"),
        lambda world: world.change(schema.subscriptions, _s.id.not_in(active(world)), state="pending"),
    ),
    "who is no host any more reads as a member": (
        *("host", "/book/t/hosts/", 200, 404),
        lambda world: world.change(schema.subscriptions, _s.role == "host", role="member"),
        lambda world: world.change(schema.subscriptions, _s.person_id == 5, role="host"),
    ),
    "a list that is retired is gone": (
        *("host", "/book/", 200, 404),
        lambda world: world.change(schema.lists, _l.local == "book", retired=NOON),
        lambda world: world.change(schema.lists, _l.local == "book", retired=None),
    ),
    "a list that is public no longer is for members, before its pages are made anew": (
        *("anonymous", "/open/t/public/", 200, 404),
        lambda world: world.rows.set_list(1, archive="members"),
        lambda world: world.rows.set_list(1, archive="public", title="qxtitleopen"),
    ),
}
BEFORE: dict[str, tuple[int, ...]] = {}


def active(world: World) -> tuple[int, ...]:
    return BEFORE["active"]


@pytest.mark.anyio
@pytest.mark.parametrize("what", CHANGES)
async def test_what_changes_is_true_at_the_next_request(world: World, what: str) -> None:
    who, path, before, after, change, back = CHANGES[what]
    if not BEFORE:
        with world.rows.store.read() as tx:
            query = schema.subscriptions.select().where(_s.state == "active")
            BEFORE["active"] = tuple(row.id for row in tx.execute(query))
    async with world.client(who) as client:
        assert (await client.get(path)).status_code == before
        change(world)
        try:
            assert (await client.get(path)).status_code == after
        finally:
            back(world)
