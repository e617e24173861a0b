"""Every kind of path and every file on disk, for every kind of reader of every kind of list: what is not for
them is not there, in bytes, header fields and statements asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import event, update

from archive_site import urls
from listserv.store import indexing, schema
from tests.kit.site import BASE, NOON, Door, Rows, Said, builder, fresh_rows

COOKIE = "__Host-session"
READERS = ("anonymous", "other", "former", "pending", "member", "host")
# Each list, and for whom its posts were written: on their day, whatever the list is now.
LISTS = {
    "open": ("public", ("public", "members", "hosts")),
    "book": ("members", ("public", "members", "hosts")),
    "closed": ("hosts", ("public", "members", "hosts")),
    "off": ("off", ("public", "members", "hosts", "off")),
}
# Who may read a list at all, and which of its posts (interface.md §3).
READS = {
    "open": {
        **dict.fromkeys(("anonymous", "other", "former", "pending"), {"public"}),
        "member": {"public", "members"},
        "host": {"public", "members", "hosts"},
    },
    "book": {"member": {"public", "members"}, "host": {"public", "members", "hosts"}},
    "closed": {"host": {"public", "members", "hosts"}},
    "off": {},
    "else": {"other": {"members"}},
}
ABSENT = "a" * 32


@dataclass
class World:
    rows: Rows
    door: Door
    folder: Path
    hashes: dict[tuple[str, str], str]

    def client(self, who: str) -> httpx.AsyncClient:
        cookies = {} if who == "anonymous" else {COOKIE: f"{who}-cookie-of-a-browser"}
        transport = httpx.ASGITransport(app=self.door.app())
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies)

    def change(self, table: Any, where: Any, **values: Any) -> None:
        self.rows.store.do(lambda tx: tx.execute(update(table).where(where).values(**values)) and None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def word(name: str, audience: str, kind: str = "word") -> str:
    """A word that stands in posts of this list for this audience alone."""
    return f"qx{kind}{name}{audience}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    rows = fresh_rows(folder)
    hashes = {}
    numbers = {name: rows.list(name, title=f"qxtitle{name}", archive=now) for name, (now, _) in LISTS.items()}
    numbers["else"] = rows.list("else", title="qxtitleelse")
    for name, list_id in numbers.items():
        for audience in LISTS[name][1] if name in LISTS else ("members",):
            thread = rows.thread(list_id, word(name, audience, "subject"), key=audience)
            hashes[name, audience] = rows.post(
                list_id,
                thread,
                Said(
                    text=f"words {word(name, audience)}",
                    subject=word(name, audience, "subject"),
                    name=word(name, audience, "author"),
                    audience=audience,
                    attached=(
                        (f"{word(name, audience, 'file')}.txt", "text/plain", word(name, audience).encode()),
                    ),
                ),
            )
            gone = Said(state="redacted", audience=audience, message_id=f"{audience}.{name}@gone")
            hashes[name, f"gone-{audience}"] = rows.post(list_id, thread, gone)
        mixed = rows.thread(list_id, word(name, "members", "subject"), key="mixed")
        rows.post(list_id, mixed, Said(text=word(name, "members"), audience="members"))
        rows.post(
            list_id, mixed, Said(text=word(name, "hosts"), audience="hosts", at=NOON + timedelta(hours=1))
        )
    for who in READERS[1:]:
        person = rows.person(f"{who}@example.org")
        rows.session(person, f"{who}-cookie-of-a-browser")
        here = ("else",) if who == "other" else tuple(LISTS)
        state = {"former": "left", "pending": "pending"}.get(who, "active")
        for name in here:
            rows.join(numbers[name], person, role="host" if who == "host" else "member", state=state)
    rows.store.do(indexing.catch_up)
    builder(rows, folder / "archive").catch_up(NOON)
    yield World(rows, Door(rows, folder / "archive"), folder / "archive", hashes)
    rows.store.close()


def samples(world: World) -> dict[str, list[str]]:
    """By kind of route, paths of each list and of one that is not there; by kind "file", all files."""
    found: dict[str, list[str]] = {
        **{"root": ["/"], "in": ["/in", "/in?t=abc"], "healthz": ["/healthz"], "my-data": ["/my-data/"]},
        **{"search-all": ["/search/", "/search/?q=words"], "leave": ["/u/" + "a" * 20]},
        **{"asset": ["/assets/site.css", "/assets/icon.svg", "/assets/else.css"], "file": files(world)},
    }
    for name in (*LISTS, "else", "absent"):
        posts = {what: digest for (of, what), digest in world.hashes.items() if of == name} or {"x": ABSENT}
        for kind, paths in {
            "front": [f"/{name}/"],
            "month": [f"/{name}/2026/11/", f"/{name}/2026/10/"],
            "thread": [f"/{name}/t/{key}/" for key in ("public", "members", "hosts", "off", "mixed", "none")],
            "post": [f"/{name}/m/{digest}" for digest in (*posts.values(), ABSENT)],
            "attachment": [f"/{name}/a/{digest}/0/x" for digest in (*posts.values(), ABSENT)],
            "search": [f"/{name}/search/", f"/{name}/search/?q=words", *searches(name)],
            "feed": [f"/{name}/feed.atom", f"/{name}/feed.atom?k=" + "a" * 26],
            "feed-page": [f"/{name}/feed/"],
            "box": [f"/{name}/2026-11.mbox.gz", f"/{name}/2026-10.mbox.gz"],
            "nowhere": [f"/{name}/.members/", f"/{name}/index.html", f"/{name}/t/members/1/", f"/{name}"],
        }.items():
            found.setdefault(kind, []).extend(paths)
    return found


def searches(name: str) -> Iterable[str]:
    for audience in ("public", "members", "hosts", "off"):
        for kind, operator in (("word", ""), ("subject", "subject:"), ("author", "from:"), ("file", "")):
            yield f"/{name}/search/?q={operator}{word(name, audience, kind)}"


def files(world: World) -> list[str]:
    """Every file below the archive's folder as a path, and as the address of the page that it is."""
    told = [
        f"/{file.relative_to(world.folder)}" for file in sorted(world.folder.rglob("*")) if file.is_file()
    ]
    assert any(path.startswith("/book/.hosts/") for path in told)
    return [*told, *(path.removesuffix("index.html") for path in told if path.endswith("index.html"))]


def test_each_kind_of_path_is_in_the_matrix(world: World) -> None:
    kinds = {*urls._SHAPES, *urls._FIXED.values(), "nowhere", "file"}
    assert set(samples(world)) == kinds, "a new kind of path: add what it leads to, for each list"
    for kind, paths in samples(world).items():
        told = {urls.read_path(path.partition("?")[0]).kind for path in paths}
        assert kind in ("file", "asset") or told == {kind}, kind


EVERY = [(name, audience) for name in READS for audience in LISTS.get(name, ("", ("members",)))[1]]
ALWAYS = ("in", "healthz", "assets", "u", "search", "my-data")


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

_s, _l = schema.subscriptions.c, schema.lists.c
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
