"""The gate in front of the search without a server: each file for who may read all that is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from archive_site.bundler import Bundler
from archive_site.folder import Folder
from listserv.store import reading
from tests.kit.site import BASE, DOMAIN, NOON, Door, Said, fresh_rows

COOKIE = "__Host-session"


class World:
    """A list with words for members and for hosts, and a public one; each with its tiers."""

    def __init__(self, folder: Path) -> None:
        self.rows, self.folder = fresh_rows(folder), folder / "archive"
        self.book = self.rows.list("book")
        open_ = self.rows.list("open", archive="public")
        other = self.rows.list("other")
        for list_id, audiences in ((self.book, ("members", "hosts")), (open_, ("public", "members"))):
            thread = self.rows.thread(list_id, "A talk")
            for audience in audiences:
                self.rows.post(list_id, thread, Said(text=f"for {audience}", audience=audience))
        self.cookies = {}
        for name, (list_id, role, state) in {
            "member": (self.book, "member", "active"),
            "host": (self.book, "host", "active"),
            "former": (self.book, "member", "left"),
            "stranger": (other, "member", "active"),
        }.items():
            person = self.rows.person(f"{name}@example.org")
            self.rows.join(list_id, person, role=role, state=state)
            self.cookies[name] = self.rows.session(person, f"{name}-cookie-of-a-browser")
        with self.rows.store.read() as tx:
            shelves = reading.shelves(tx, DOMAIN)
        for shelf in shelves:
            Folder(self.folder).begin(shelf.name, shelf.settings.archive)
            Bundler(self.rows.store, self.folder).bundle(shelf, NOON)

    def client(self, who: str) -> httpx.AsyncClient:
        cookies = {COOKIE: self.cookies[who]} if who in self.cookies else {}
        transport = httpx.ASGITransport(app=Door(self.rows, self.folder).app())
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies)

    def paths(self) -> dict[str, str]:
        """Every path of a tier's file, with the tree in which it lies."""
        found = {}
        for file in self.folder.rglob("search/*/**/*"):
            if file.is_file():
                name, *within = file.relative_to(self.folder).parts
                tree = within.pop(0) if within[0].startswith(".") else ""
                found["/".join(["", name, *within])] = f"{name} {tree}".strip()
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("site"))
    yield made
    made.rows.store.close()


SEES = {
    "anonymous": {"open"},
    "stranger": {"open"},
    "former": {"open"},
    "member": {"open", "book"},
    "host": {"open", "book", "book .hosts"},
}


@pytest.mark.anyio
@pytest.mark.parametrize("who", SEES)
async def test_a_file_of_a_tier_is_there_for_who_may_read_its_tree_and_else_the_one_404(
    world: World, who: str
) -> None:
    paths = world.paths()
    assert set(paths.values()) == {"book", "book .hosts", "open", "open .members"}
    async with world.client(who) as client:
        missing = await client.get("/absent/search/tiers.json")
        assert missing.status_code == 404
        for path, tree in paths.items():
            answer = await client.get(path)
            if tree in SEES[who]:
                assert answer.status_code == 200, path
                assert answer.headers["cache-control"] == "private, no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["content-type"].split(";")[0] in (
                    "text/javascript",
                    "application/json",
                    "application/octet-stream",
                )
            else:
                assert (answer.status_code, answer.content) == (404, missing.content), path
                assert answer.headers == missing.headers
        for name in ("book", "open", "other"):
            answer = await client.get(f"/{name}/search/tiers.json")
            trees = [tree for tree in SEES[who] if tree.split(" ")[0] == name]
            if trees:
                told = answer.json()["tiers"]
                assert [one["posts"] for one in told] == [1] * len(trees)
                assert all(one["current"] for one in told)
            elif (who, name) == ("stranger", "other"):
                assert answer.json() == {"tiers": []}
            else:
                assert (answer.status_code, answer.content) == (404, missing.content)
        for path in ("/book/.search.json", "/book/.hosts/search/tiers.json", "/book/search/.new/x"):
            assert (await client.get(path)).content == missing.content


@pytest.mark.anyio
async def test_whoever_opens_a_list_opens_none_of_the_tiers_of_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    paths = [path for path, tree in world.paths().items() if tree.startswith("book")]
    world.rows.set_list(world.book, archive="public")
    async with world.client("host") as client:
        for path in [*paths, "/book/search/tiers.json"]:
            assert (await client.get(path)).status_code == 404
    world.rows.store.close()
