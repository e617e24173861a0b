"""What stands beside conversations: questions without an answer, what people shared, and who wrote what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from archive_site.build import Builder
from listserv.store import schema
from tests.kit.site import BASE, NOON, Door, Rows, Said, builder, fresh_rows

COOKIE = "__Host-session"
HOUR = timedelta(hours=1)


@dataclass
class World:
    rows: Rows
    folder: Path
    build: Builder
    book: int
    cookies: dict[str, str]

    def say(self, title: str, text: str, **told: object) -> str:
        """A conversation of its own; the hash of its post."""
        said = replace(Said(text=text, subject=title), **told)  # type: ignore[arg-type]
        return self.rows.post(self.book, self.rows.thread(self.book, title, said.at), said)

    def page(self, path: str = "", tree: str = "") -> str:
        self.build.catch_up(NOON)
        return (self.folder / "book" / tree / path / "index.html").read_text()

    def client(self, who: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=Door(self.rows, self.folder).app())
        cookies = {COOKIE: self.cookies[who]}
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies, follow_redirects=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = fresh_rows(tmp_path)
    book = rows.list("book")
    people = {name: rows.person(f"{name}@example.org") for name in ("member", "host")}
    rows.join(book, people["member"])
    rows.join(book, people["host"], role="host")
    cookies = {name: rows.session(who, f"{name}-cookie-of-a-browser") for name, who in people.items()}
    folder = tmp_path / "archive"
    yield World(rows, folder, builder(rows, folder), book, cookies)
    rows.store.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# -- questions ---------------------------------------------------------------------------------------


def asked(front: str) -> list[str]:
    """The questions of a front page."""
    found = re.search(r'<section class="asked".*?</section>', front, re.S)
    return re.findall(r'<li><a [^>]*dir="auto">([^<]*)', found[0]) if found else []


def test_a_question_stands_on_the_front_page_until_somebody_answers(world: World) -> None:
    world.say("Notes", "We were nine.")
    early = NOON - timedelta(days=90)
    world.say("Old", "Does anybody remember?", at=early, name="Otto")
    first = world.say("Figs", "Good.\n\n> Where from?\n\nDoes anybody know <b>where</b> to get more?")
    told = ["Does anybody know &lt;b&gt;where&lt;/b&gt; to get more?"]
    assert asked(world.page()) == told
    world.rows.post(world.book, 3, Said(text="At Noor's.", name="Ben", author="b@x", at=NOON + HOUR), first)
    assert asked(world.page()) == []
    world.say("Among hosts", "Who bans Zed?", audience="hosts")
    assert asked(world.page()) == []
    assert asked(world.page(tree=".hosts")) == ["Who bans Zed?"]


# -- resources ---------------------------------------------------------------------------------------


def things(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<li><a href="([^"]*)"[^>]*><bdi>([^<]*)', page)


def test_links_and_files_of_posts_are_kept_by_what_they_lead_to_and_each_once(world: World) -> None:
    world.say("Hello", "Hello.")
    assert "Nothing yet" in world.page("resources")
    quoted = (
        "> https://quoted.example/\n\nhttps://guide.example/a?b=1&c=2 is good.\n\n-- \nhttps://sig.example/"
    )
    world.say("Guides", quoted, attached=(("plan.pdf", "application/pdf", b"12345"), ("s.p7s", "a/b", b"1")))
    world.say("Again", "As https://guide.example/a?b=1&c=2 says.", at=NOON - HOUR)
    html = '<p><a href="https://html.example/x">click <b>here</b></a> <a href="javascript:alert(1)">x</a></p>'
    world.say("Rich", "click here", html=html, at=NOON - 2 * HOUR)
    world.say("Own", f"{BASE}/book/t/x/ and https://a@b.example/", at=NOON - 3 * HOUR)
    page = world.page("resources")
    assert [shown for _, shown in things(page)] == [
        "plan.pdf",
        "guide.example/a?b=1&amp;c=2",
        "html.example/x",
    ]
    assert "5 bytes" in page and things(page)[0][0].startswith("/book/a/")
    assert "Shared lately" in world.page() and "plan.pdf" in world.page()


def test_what_was_taken_out_is_no_resource_and_what_hosts_share_is_for_hosts(world: World) -> None:
    gone = world.say("Guides", "See https://gone.example/ there.")
    world.say("Among hosts", "See https://hosts.example/ there.", audience="hosts")
    assert "gone.example" in world.page("resources") and "hosts.example" not in world.page("resources")
    assert "hosts.example" in world.page("resources", ".hosts")
    own = schema.posts
    taken = update(own).where(own.c.hash == gone).values(state="redacted", text="", shares=False)
    world.rows.store.do(lambda tx: tx.execute(taken) and None)
    world.rows.mark(world.book, 1)
    for page in ("", "resources"):
        for tree in ("", ".hosts"):
            assert "gone.example" not in world.page(page, tree)


# -- authors -----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_name_leads_to_all_that_its_owner_wrote_and_this_reader_may_see(world: World) -> None:
    first = world.say("First", "The very first.", at=NOON - timedelta(days=40))
    hidden = world.say("Among hosts", "About Zed.", audience="hosts")
    for number in range(35):
        last = world.say(
            f"Tool {number}", f"<i>spade</i> {number} of ana@example.org", at=NOON + number * HOUR
        )
    world.say("Elsewhere", "By another.", author="ben@x.example", name="Ben")
    assert f'<h2><a href="/book/by/{last}/">' in world.page("t/" + _key(world, last))
    async with world.client("member") as member, world.client("host") as host:
        page = await member.get(f"/book/by/{last}/")
        assert page.url.path == f"/book/by/{first}/", "each author has one address"
        assert "36 posts since October 2026" in page.text and "&lt;i&gt;spade&lt;/i&gt; 34" in page.text
        assert "Zed" not in page.text and "example.org</" not in page.text.split("<footer")[0]
        assert "ana@example.org" not in page.text and "By another" not in page.text
        older = await member.get(f"/book/by/{first}/?page=2")
        assert "The very first." in older.text and "spade&lt;/i&gt; 34" not in older.text
        assert (await member.get(f"/book/by/{first}/?page=99")).text == older.text
        assert "About Zed." in (await host.get(f"/book/by/{first}/?page=2")).text
        assert (await member.get(f"/book/by/{hidden}/")).status_code == 404


@pytest.mark.anyio
async def test_where_a_list_hides_who_people_are_nobody_has_a_page(world: World) -> None:
    shown = world.say("Open", "In the open.")
    hidden = world.say("Hidden", "Not by name.", from_="hidden", name="Ana")
    assert "/by/" not in world.page("t/" + _key(world, hidden))
    async with world.client("member") as client:
        assert (await client.get(f"/book/by/{hidden}/")).status_code == 404
        assert "Not by name" not in (await client.get(f"/book/by/{shown}/")).text


def _key(world: World, digest: str) -> str:
    join = schema.posts.join(schema.threads, schema.threads.c.id == schema.posts.c.thread_id)
    query = select(schema.threads.c.key).select_from(join).where(schema.posts.c.hash == digest)
    with world.rows.store.read() as tx:
        return str(tx.scalar(query))
