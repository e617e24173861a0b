"""Lists and readers of each kind, posts for each audience, and every kind of path that leads there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from archive_site.folder import Folder
from archive_site.pages import levels
from listserv.store import indexing
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
PICTURE = "0-40x40.webp"


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


def word(name: str, audience: str, kind: str = "word") -> str:
    """A word that stands in posts of this list for this audience alone."""
    return f"qx{kind}{name}{audience}"


@contextmanager
def matrix(folder: Path) -> Iterator[World]:
    """All of it, rendered."""
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
    _draw(folder / "archive", hashes)
    yield World(rows, Door(rows, folder / "archive"), folder / "archive", hashes)
    rows.store.close()


def _draw(root: Path, hashes: dict[tuple[str, str], str]) -> None:
    """A picture for each post, where the renderer puts what it drew of its first attachment."""
    for (name, audience), digest in hashes.items():
        for tree, audiences in levels(LISTS.get(name, ("members",))[0]):
            if audience in audiences:
                file = Folder(root).pictures(name, tree, digest) / PICTURE
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(word(name, audience))
                break


def samples(world: World) -> dict[str, list[str]]:
    """By kind of route, paths of each list and of one that is not there; by kind "file", all files."""
    found: dict[str, list[str]] = {
        **{
            "root": ["/"],
            "in": ["/in", "/in?t=abc"],
            "out": ["/out"],
            "healthz": ["/healthz"],
            "my-data": ["/my-data/"],
        },
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
            "tiers": [f"/{name}/search/tiers.json"],
            "tier-file": [f"/{name}/search/{'0' * 16}/pagefind.js"],
            "picture": [f"/{name}/i/{digest}/{PICTURE}" for digest in (*posts.values(), ABSENT)],
            "whole": [f"/{name}/w/{digest}/" for digest in (*posts.values(), ABSENT)],
            "author": [f"/{name}/by/{digest}/" for digest in (*posts.values(), ABSENT)],
            "resources": [f"/{name}/resources/"],
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
