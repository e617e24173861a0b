"""What the gate makes on request: the search page, feeds with links of one's own, months as mails."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import update

from listserv.store import indexing, schema
from tests.kit.site import BASE, DOMAIN, NOON, Door, Rows, Said, builder, fresh_rows

COOKIE = "__Host-session"
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "<img src=x onerror=alert(1)> garlic {{7*7}} \x00\ufffe\u202e ]]> ana@garden.example"
LATER = "the first frost & 我也喜歡那些信。"
BEGINS = "It begins. Write to ana@garden.example!"
HOUR, OCTOBER = timedelta(hours=1), NOON - timedelta(days=40)


@dataclass
class World:
    rows: Rows
    folder: Path
    cookies: dict[str, str]
    book: int
    news: int
    posts: dict[str, str]

    def __post_init__(self) -> None:
        self.app = Door(self.rows, self.folder).app()

    def client(self, who: str = "") -> httpx.AsyncClient:
        """A browser; all of them come through one gate, with its limits."""
        cookies = {COOKIE: self.cookies[who]} if who else {}
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies)

    def leave(self, number: int = 1) -> None:
        own = schema.subscriptions
        self.rows.store.do(
            lambda tx: tx.execute(update(own).where(own.c.id == number).values(state="left")) and None
        )

    def come_back(self, number: int = 1) -> None:
        own, at = schema.subscriptions, self.rows.now + timedelta(days=1)
        self.rows.store.do(
            lambda tx: (
                tx.execute(update(own).where(own.c.id == number).values(state="active", joined=at)) and None
            )
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = fresh_rows(tmp_path)
    book, news = rows.list("book", title="Book Circle"), rows.list("news", archive="public", title="News")
    other = rows.list("other", title="Other")
    posts = {}
    for list_id, name, said in (
        (book, "garlic", Said(subject="When to plant", text=f"<b>Garlic</b> likes {LATER}")),
        (book, "seeds", Said(subject="Seeds", name="Ben", text="Cafés sell seeds.", at=NOON + HOUR)),
        (book, "hosts", Said(subject="Among hosts", text="Garlic thief named Zed.", audience="hosts")),
        (book, "odd", Said(subject=HOSTILE, name="boss@good.example", text=HOSTILE, at=OCTOBER)),
        (news, "news", Said(subject="Garlic week", text=BEGINS, audience="public")),
        (other, "other", Said(subject="Garlic elsewhere", text="garlic")),
    ):
        posts[name] = rows.post(list_id, rows.thread(list_id, said.subject), said)
    for number in range(25):
        said = Said(subject=f"Tool {number}", text=f"spade number {number}", at=NOON + timedelta(days=1))
        rows.post(book, rows.thread(book, said.subject), said)
    ana, hanna, otto = (rows.person(f"{name}@example.org") for name in ("ana", "hanna", "otto"))
    rows.join(book, ana)
    rows.join(book, hanna, role="host")
    rows.join(news, ana)
    rows.join(other, otto)
    while rows.store.do(indexing.catch_up):
        pass
    cookies = {
        name: rows.session(who, f"{name}-cookie-of-a-browser")
        for name, who in (("ana", ana), ("hanna", hanna), ("otto", otto))
    }
    yield World(rows, tmp_path / "archive", cookies, book, news, posts)
    rows.store.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def asked(world: World, question: str, who: str = "ana", path: str = "/book/search/") -> str:
    async with world.client(who) as client:
        answer = await client.get(path, params={"q": question})
    assert answer.status_code == 200, question
    return answer.text


def places(page: str) -> list[str]:
    return re.findall(r'<h3><a href="[^"]*/m/([a-z2-7]+)"', page)


# -- the search page


FINDS: tuple[tuple[str, set[str]], ...] = (
    ("garlic", {"garlic", "odd"}),
    ("GÁRLICS frost", {"garlic"}),
    ('"first frost"', {"garlic"}),
    ('"frost first"', set()),
    ("garlic -frost", {"odd"}),
    ("喜歡", {"garlic"}),
    ("cafe from:ben", {"seeds"}),
    ("subject:seeds", {"seeds"}),
    ("garlic after:2026-11-01", {"garlic"}),
    ("garlic before:2026-11-01", {"odd"}),
    ("seeds has:attachment", set()),
    ("zed", set()),
    ("garden.example", set()),
)


@pytest.mark.anyio
async def test_one_box_finds_by_words_and_operators_what_this_reader_may_see(world: World) -> None:
    for question, found in FINDS:
        there = places(await asked(world, question))
        assert sorted(there) == sorted(world.posts[one] for one in found), question


@pytest.mark.anyio
async def test_what_was_found_has_its_words_marked_and_nothing_of_a_strangers_is_markup(world: World) -> None:
    page = await asked(world, "garlic frost 喜歡")
    assert "&lt;b&gt;<mark>Garlic</mark>&lt;/b&gt; likes the first <mark>frost</mark> &amp; 我" in page
    assert "<mark>喜歡</mark>那些信。" in page
    assert 'class="kicker">1 conversation<' in page and "Ana Silva</bdi>, 20 November 2026" in page
    odd = await asked(world, "garlic onerror")
    assert "&lt;img src=x onerror=alert(1)&gt;" in odd.replace("<mark>", "").replace("</mark>", "")
    assert "<img" not in odd and "ana@garden" not in odd and "good.example" not in odd and "\u202e" not in odd
    echo = await asked(world, '"><svg/onload=alert(1)>\x00\u202e')
    assert "<svg" not in echo and "\x00" not in echo and "\u202e" not in echo


@pytest.mark.anyio
async def test_a_post_is_found_at_once_and_only_by_who_may_read_it(world: World) -> None:
    assert set(places(await asked(world, "zed", "hanna"))) == {world.posts["hosts"]}
    said = Said(subject="Just now", text="rhubarb")
    fresh = world.rows.post(world.book, world.rows.thread(world.book, "Just now"), said)
    world.rows.store.do(indexing.catch_up)
    assert places(await asked(world, "rhubarb")) == [fresh]
    async with world.client("ana") as client:
        place = (await client.get(f"/book/m/{fresh}")).headers["location"]
        assert place.endswith(f"#m-{fresh}")


@pytest.mark.anyio
async def test_many_hits_come_a_page_at_a_time_and_one_too_far_is_the_first(world: World) -> None:
    async with world.client("ana") as client:
        first = (await client.get("/book/search/?q=spade")).text
        assert len(places(first)) == 15 and "25 conversations" in first
        assert "?q=spade&amp;page=2" in first
        second = (await client.get("/book/search/?q=spade&page=2")).text
        assert len(places(second)) == 10 and not {*places(first)} & {*places(second)}
        for page in ("3", "999", "0", "-1", "x", "9" * 99):
            answer = await client.get("/book/search/", params={"q": "spade", "page": page})
            assert places(answer.text) == places(first)


@pytest.mark.anyio
async def test_a_question_without_an_answer_is_told_kindly_and_offers_less(world: World) -> None:
    page = await asked(world, 'garlic "no such words" from:ben')
    assert "Nothing has all of that" in page
    assert [
        one.replace("&#34;", '"') for one in re.findall(r'<li><a href="[^"]+" dir="auto">(.*?)</a>', page)
    ] == [
        '"no such words" from:ben',
        "garlic from:ben",
        'garlic "no such words"',
    ]
    assert "Another word for it may do" in await asked(world, "nowherenever")
    assert "How to find it" in await asked(world, "") and "How to find it" in await asked(world, "  \x00 ")


@pytest.mark.anyio
async def test_no_question_is_an_error(world: World) -> None:
    bad = ('"', "NEAR(", "*", "col:", "x" * 10_000, "\x00", "%", "' OR 1=1 --", "-", "- -x", "from:",
           "before:x", "AND OR NOT", "{a b}", "^a", "a:b:c", "í\xa0\x80",
           "after:9999-99-99", "garlic*", "(((((", "我", "'; DROP TABLE posts")  # fmt: skip
    for question in bad:
        await asked(world, question)
    async with world.client("ana") as client:
        for query in ("q=%ff%fe", "q=%00", "q", "q=a&q=b", "=", "page=%00&q=garlic", "q=%zz"):
            assert (await client.get(f"/book/search/?{query}")).status_code == 200


@pytest.mark.anyio
async def test_all_lists_that_one_is_on_are_searched_at_once_and_no_others(world: World) -> None:
    page = await asked(world, "garlic", path="/search/")
    assert set(places(page)) == {world.posts[one] for one in ("garlic", "odd", "news")}
    assert "<bdi>Book Circle</bdi>" in page and "Among hosts" not in page and "elsewhere" not in page
    assert set(places(await asked(world, "garlic", "otto", "/search/"))) == {world.posts["other"]}
    world.leave(1)
    assert set(places(await asked(world, "garlic", path="/search/"))) == {world.posts["news"]}
    async with world.client() as client:
        assert (await client.get("/search/?q=garlic")).content == (await client.get("/nothing/")).content


@pytest.mark.anyio
async def test_a_public_list_is_searched_by_anybody_and_says_nothing_of_what_only_members_see(
    world: World,
) -> None:
    async with world.client() as client:
        answer = await client.get("/news/search/?q=garlic")
        assert places(answer.text) == [world.posts["news"]] and "/search/?q" not in answer.text.replace(
            "/news/search/", ""
        )
        assert answer.headers["x-robots-tag"] == "noindex" and "no-store" in answer.headers["cache-control"]


@pytest.mark.anyio
async def test_who_asks_and_asks_has_to_wait_a_minute_and_nobody_else_does(world: World) -> None:
    async with world.client("ana") as client:
        told = [(await client.get("/book/search/?q=spade")).status_code for _ in range(62)]
        assert told == [200] * 60 + [429] * 2
        assert (await client.get("/book/search/")).status_code == 200
    await asked(world, "spade", "hanna")
    world.rows.now = NOON + timedelta(minutes=2)
    await asked(world, "spade")


@pytest.mark.anyio
async def test_every_page_of_a_list_has_the_small_form(world: World) -> None:
    builder(world.rows, world.folder).catch_up(NOON)
    async with world.client("ana") as client:
        month = (await client.get("/book/2026/11/")).text
        thread = re.findall(r'href="(/book/t/[^"]+)"', month)[0]
        for path in ("/book/", "/book/2026/11/", thread):
            page = (await client.get(path)).text
            assert page.count('role="search" action="/book/search/"') == 1
        assert 'href="/book/2026-11.mbox.gz"' in month


# -- feeds


async def link_of(client: httpx.AsyncClient, list_: str = "book") -> str:
    page = (await client.get(f"/{list_}/feed/")).text
    found = re.findall(rf'href="{BASE}(/{list_}/feed\.atom\?k=[a-z2-7]+)"', page)
    return str(found[0]) if found else ""


@pytest.mark.anyio
async def test_a_link_of_ones_own_works_anywhere_until_another_is_made_or_it_is_ended(world: World) -> None:
    async with world.client("ana") as client, world.client() as reader:
        assert await link_of(client) == ""
        made = await client.post("/book/feed/", data={"do": "new"})
        assert (made.status_code, made.headers["location"]) == (303, "/book/feed/")
        first = await link_of(client)
        assert first == await link_of(client)
        assert (await reader.get(first)).status_code == 200
        await client.post("/book/feed/", data={"do": "new"})
        second = await link_of(client)
        missing = (await reader.get("/nothing/")).content
        assert second != first and (await reader.get(first)).content == missing
        assert (await reader.get(second)).status_code == 200
        wrong = second.replace("/book/", "/news/")
        assert (await reader.get(wrong)).content == (await client.get(wrong)).content == missing
        assert "Among hosts" not in (await reader.get(second)).text
        await client.post("/book/feed/", data={"do": "off"})
        assert (await reader.get(second)).content == missing and await link_of(client) == ""


@pytest.mark.anyio
async def test_who_leaves_leaves_their_link_and_coming_back_does_not_revive_it(world: World) -> None:
    async with world.client("ana") as client, world.client() as reader:
        await client.post("/book/feed/", data={"do": "new"})
        link = await link_of(client)
        world.leave()
        assert (await reader.get(link)).content == (await reader.get("/nothing/")).content
        world.come_back()
        assert (await reader.get(link)).status_code == 404 and await link_of(client) == ""
        world.rows.now += timedelta(days=2)
        await client.post("/book/feed/", data={"do": "new"})
        assert (await reader.get(await link_of(client))).status_code == 200


@pytest.mark.anyio
async def test_nobody_but_its_owner_changes_a_link_and_no_look_makes_one(world: World) -> None:
    async with world.client("ana") as client:
        await client.post("/book/feed/", data={"do": "new"})
        link = await link_of(client)
        evil = {"sec-fetch-site": "cross-site"}
        assert (await client.post("/book/feed/", data={"do": "off"}, headers=evil)).status_code == 403
        await client.get("/book/feed/?do=off")
        await client.post("/book/feed/", data={"do": "elsewise"})
        async with world.client("otto") as other, world.client() as nobody:
            for browser in (other, nobody):
                assert "Look into your mail" in (await browser.post("/book/feed/", data={"do": "off"})).text
        assert await link_of(client) == link


@pytest.mark.anyio
async def test_a_feed_that_is_not_public_holds_titles_and_links_only(world: World) -> None:
    async with world.client("ana") as client:
        answer = await client.get("/book/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)
    entries = feed.findall(f"{ATOM}entry")
    assert feed.findtext(f"{ATOM}title") == "Book Circle" and len(entries) == 28
    assert feed.findtext(f"{ATOM}updated") == "2026-11-21T12:00:00Z"
    told = {one.tag.removeprefix(ATOM) for entry in entries for one in entry}
    assert told == {"id", "title", "updated", "published", "link"}
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == 28
    for absent in ("Ana Silva", "first", "Zed", "ana@garden", "good.example", "?k=", "<img"):
        assert absent not in answer.text
    links = {link.get("href") for link in feed.findall(f"{ATOM}entry/{ATOM}link")}
    assert f"{BASE}/book/m/{world.posts['garlic']}" in links


@pytest.mark.anyio
async def test_a_public_feed_has_names_and_a_few_words_and_no_address(world: World) -> None:
    async with world.client() as client:
        answer = await client.get("/news/feed.atom")
        (entry,) = ElementTree.fromstring(answer.content).findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Ana Silva"
        assert entry.findtext(f"{ATOM}summary") == "It begins. Write to ana@…!"
        assert entry.findtext(f"{ATOM}id") == f"tag:{DOMAIN},2026-11-20:news.{DOMAIN}/{world.posts['news']}"
        assert f'href="{BASE}/news/feed.atom"' in (await client.get("/news/feed/")).text


@pytest.mark.anyio
async def test_a_feed_that_has_not_changed_is_not_sent_again(world: World) -> None:
    async with world.client("ana") as client:
        tag = (await client.get("/book/feed.atom")).headers["etag"]
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            answer = await client.get("/book/feed.atom", headers={"if-none-match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
        world.rows.post(world.book, 1, Said(subject="New", at=NOON + timedelta(days=2)))
        answer = await client.get("/book/feed.atom", headers={"if-none-match": tag})
        assert answer.status_code == 200 and answer.headers["etag"] != tag
        world.leave()
        assert (await client.get("/book/feed.atom", headers={"if-none-match": "*"})).status_code == 404
        assert (await client.get("/news/feed.atom")).status_code == 200
        told = [(await client.get("/news/feed.atom")).status_code for _ in range(60)]
        assert 429 in told and told[0] == 200


@pytest.mark.anyio
async def test_an_empty_list_has_a_feed_too(world: World) -> None:
    world.rows.list("fresh", archive="public")
    async with world.client() as client:
        feed = ElementTree.fromstring((await client.get("/fresh/feed.atom")).content)
    assert feed.findall(f"{ATOM}entry") == [] and feed.findtext(f"{ATOM}updated")


@pytest.mark.anyio
async def test_a_feed_of_an_earlier_name_leads_to_todays_with_its_link(world: World) -> None:
    world.rows.do(schema.list_names, local="oldbook", domain=DOMAIN, list_id=world.book, kind="former")
    async with world.client("ana") as client, world.client() as reader:
        await client.post("/book/feed/", data={"do": "new"})
        link = await link_of(client)
        answer = await reader.get(link.replace("/book/", "/oldbook/"))
        assert (answer.status_code, answer.headers["location"]) == (302, link)


# -- months as mails


@pytest.mark.anyio
async def test_a_month_is_the_same_bytes_twice_and_holds_what_this_reader_may_see(world: World) -> None:
    async with world.client("ana") as client, world.client("hanna") as host:
        answer = await client.get("/book/2026-11.mbox.gz")
        assert answer.status_code == 200 and answer.headers["content-type"] == "application/gzip"
        assert answer.headers["content-disposition"].startswith('attachment; filename="book-2026-11.mbox.gz"')
        box = gzip.decompress(answer.content)
        assert box.count(b"From book@") == 27 and b"mail 3\n" not in box
        assert (await client.get("/book/2026-11.mbox.gz")).content == answer.content
        assert gzip.decompress((await host.get("/book/2026-11.mbox.gz")).content).count(b"From book@") == 28
        head = await client.head("/book/2026-11.mbox.gz")
        assert head.status_code == 200 and head.content == b""
        for empty in ("2026-09", "1000-01", "2999-12"):
            assert (await client.get(f"/book/{empty}.mbox.gz")).status_code == 404


@pytest.mark.anyio
async def test_mails_are_for_members_even_where_pages_are_for_everybody(world: World) -> None:
    async with world.client() as nobody, world.client("ana") as client:
        answer = await nobody.get("/news/2026-11.mbox.gz")
        assert answer.status_code == 404 and answer.content == (await nobody.get("/nothing/")).content
        assert (await client.get("/news/2026-11.mbox.gz")).status_code == 200
