"""The gate: who sees what, the one 404, signing in, leaving."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from archive_site.answers import POLICY, SEARCH_POLICY
from listserv.store import indexing, schema, sessions
from tests.kit.site import BASE, DOMAIN, NOON, Door, Rows, Said, builder, fresh_rows

HOST_COOKIE = "__Host-session"
EVIL = b"<svg onload=alert(1)>"


@dataclass
class World:
    rows: Rows
    door: Door
    cookies: dict[str, str]
    posts: dict[str, str]
    book: int

    def client(self, who: str = "anonymous") -> httpx.AsyncClient:
        cookies = {HOST_COOKIE: self.cookies[who]} if who in self.cookies else {}
        transport = httpx.ASGITransport(app=self.door.app())
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies)

    def dump(self) -> str:
        with self.rows.store.read() as tx:
            told = [tx.execute(select(table)).all() for table in schema.metadata.sorted_tables]
        return hashlib.sha256(repr(told).encode()).hexdigest()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = fresh_rows(tmp_path)
    book, other = rows.list("book"), rows.list("other")
    open_, closed = rows.list("open", archive="public"), rows.list("closed", archive="hosts")
    rows.list("none", archive="off")
    posts = {}
    for list_id, name, audience in (
        (book, "book", "members"),
        (other, "other", "members"),
        (open_, "open", "public"),
        (closed, "closed", "hosts"),
    ):
        thread = rows.thread(list_id, f"{name} talk", key="talk")
        said = Said(
            text=f"words of {name}",
            audience=audience,
            message_id=f"{name}@x",
            attached=(
                ("../../evil\u202e.svg", "image/svg+xml", EVIL),
                ("a.png", "image/png", b"GIF89a<script>"),
            ),
        )
        posts[name] = rows.post(list_id, thread, said)
        rows.post(list_id, thread, Said(text="later words", audience=audience, at=NOON + timedelta(hours=1)))
    posts["gone"] = rows.post(book, 1, Said(text="taken", state="redacted", message_id="gone@x"))
    posts["dark"] = rows.post(
        book,
        rows.thread(book, "dark talk", key="dark"),
        Said(text="for hosts", audience="hosts", attached=(("h.png", "image/png", b"h"),)),
    )
    people = {
        name: rows.person(f"{name}@example.org")
        for name in ("member", "host", "former", "stranger", "pending")
    }
    rows.join(book, people["member"])
    rows.join(book, people["host"], role="host")
    rows.join(book, people["former"], state="left")
    rows.join(book, people["pending"], state="pending")
    rows.join(other, people["stranger"])
    rows.join(closed, people["member"])
    rows.join(closed, people["host"], role="host")
    cookies = {name: rows.session(who, f"{name}-cookie-of-a-browser") for name, who in people.items()}
    cookies["expired"] = rows.session(people["host"], "expired-cookie-of-a-browser")
    expired = sessions.hashed(cookies["expired"])
    rows.store.do(
        lambda tx: (
            tx.execute(update(schema.sessions).where(schema.sessions.c.hash == expired).values(expires=NOON))
            and None
        )
    )
    rows.store.do(indexing.catch_up)
    builder(rows, tmp_path / "archive").catch_up(NOON)
    yield World(rows, Door(rows, tmp_path / "archive"), cookies, posts, book)
    rows.store.close()


def routes(world: World) -> list[str]:
    found = [
        "/",
        "/in",
        "/in?t=xyz",
        "/healthz",
        "/assets/site.css",
        "/assets/icon.svg",
        "/nothing",
        "/u/" + "a" * 20,
        "/search/",
        "/search/?q=words",
    ]
    for name in ("book", "other", "open", "closed", "none", "absent"):
        own = world.posts.get(name, "a" * 32)
        found += [
            f"/{name}/",
            f"/{name}/2026/11/",
            f"/{name}/t/talk/",
            f"/{name}/t/talk/2/",
            f"/{name}/m/{own}",
            f"/{name}/m/{own.upper()}",
            f"/{name}/a/{own}/0/x",
            f"/{name}/a/{own}/9/x",
            f"/{name}/t/dark/",
            f"/{name}/m/{world.posts['dark']}",
            f"/{name}/a/{world.posts['dark']}/0/h",
            f"/{name}/m/{world.posts['gone']}",
            f"/{name}/.hosts/t/dark/",
            f"/{name}/.months.json",
            f"/{name}/w/{own}/",
            f"/{name}/i/{own}/1-120x80.webp",
            f"/{name}/by/{own}/",
            f"/{name}/by/{own.upper()}/?page=9",
            f"/{name}/by/{world.posts['dark']}/",
            f"/{name}/by/{world.posts['gone']}/",
            f"/{name}/resources/",
            f"/{name}/search/",
            f"/{name}/search/?q=words",
            f"/{name}/search/?q=subject:dark",
            f"/{name}/search/?q=words&page=9",
            f"/{name}/feed/",
            f"/{name}/feed.atom",
            f"/{name}/feed.atom?k={'a' * 20}",
            f"/{name}/2026-11.mbox.gz",
            f"/{name}/2026-10.mbox.gz",
            f"/{name}/../book/",
            f"/{name}/%2e%2e/",
        ]
    return found


SEES = {
    "anonymous": {"open"},
    "stranger": {"open", "other"},
    "former": {"open"},
    "pending": {"open"},
    "expired": {"open"},
    "member": {"open", "book"},
    "host": {"open", "book", "closed"},
}


MEMBERS = ("member", "host", "stranger")  # of some list that they may read


@pytest.mark.anyio
@pytest.mark.parametrize("who", SEES)
async def test_every_path_is_open_or_the_one_404_and_a_look_changes_nothing(world: World, who: str) -> None:
    before = world.dump()
    async with world.client(who) as client:
        missing = (await client.get("/absent/")).content
        for path in routes(world):
            for method in ("HEAD", "GET"):
                answer = await client.request(method, path)
                _assert_headers(answer)
                if method == "GET" and answer.status_code == 404:
                    assert answer.content == missing, path
            key, path = answer.request.url.query.startswith(b"k="), answer.request.url.path
            name = path.split("/")[1]
            if name in ("book", "other", "open", "closed", "none", "absent"):
                assert answer.status_code == 404 or name in SEES[who], path
                pages = ("", "2026/11/", "t/talk/", "resources/", "search/", "feed/", "feed.atom")
                if name in SEES[who] and path in [f"/{name}/{page}" for page in pages] and not key:
                    assert answer.status_code == 200, path
            told = answer.text if answer.status_code == 200 else ""
            assert who == "host" or ("for hosts" not in told and "dark talk" not in told), path
            assert not path.endswith("11.mbox.gz") or answer.status_code == 404 or who in MEMBERS
            assert not key or answer.status_code == 404, path
            dark = "dark" in path or world.posts["dark"] in path
            assert not dark or answer.status_code == 404 or who == "host", path
        root = await client.get("/")
        assert root.status_code == 200 and root.content == missing
    assert world.dump() == before


def _assert_headers(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    seeks = answer.status_code == 200 and answer.request.url.path.endswith("/search/")
    if seeks and answer.request.url.path != "/search/":
        assert policy == SEARCH_POLICY
        policy = policy.replace("'wasm-unsafe-eval'", "")
    else:
        assert policy == POLICY or policy.startswith("default-src 'none'; sandbox")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    public = answer.request.url.path.startswith(("/open/", "/assets/"))
    cached = answer.headers["cache-control"]
    assert cached == "private, no-store" or public
    assert answer.headers.get("x-robots-tag") == "noindex" or public


@pytest.mark.anyio
async def test_a_host_reads_at_the_same_address_what_members_do_not_see(world: World) -> None:
    async with world.client("host") as client:
        assert "for hosts" in (await client.get("/book/t/dark/")).text
        assert "dark talk" in (await client.get("/book/")).text
        assert (await client.get(f"/book/a/{world.posts['dark']}/0/h.png")).content == b"h"
    async with world.client("member") as client:
        assert "dark talk" not in (await client.get("/book/")).text


@pytest.mark.anyio
async def test_who_leaves_is_out_at_the_next_request(world: World) -> None:
    own = schema.subscriptions.c
    async with world.client("member") as client:
        assert (await client.get("/book/")).status_code == 200
        world.rows.store.do(
            lambda tx: (
                tx.execute(update(schema.subscriptions).where(own.id == 1).values(state="left")) and None
            )
        )
        assert (await client.get("/book/")).status_code == 404


@pytest.mark.anyio
async def test_a_permalink_leads_to_its_place_in_any_case_and_a_tombstone_is_410(world: World) -> None:
    async with world.client("member") as client:
        for digest in (world.posts["book"], world.posts["book"].upper()):
            answer = await client.get(f"/book/m/{digest}")
            assert (answer.status_code, answer.headers["location"]) == (
                302,
                f"/book/t/talk/#m-{world.posts['book']}",
            )
        gone = await client.get(f"/book/m/{world.posts['gone']}")
        assert gone.status_code == 410
        assert "taken out" in gone.text and "/book/t/talk/" in gone.text
    async with world.client() as client:
        assert (await client.get(f"/book/m/{world.posts['gone']}")).status_code == 404


@pytest.mark.anyio
async def test_a_permalink_finds_the_later_pages_of_a_long_thread(world: World, tmp_path: Path) -> None:
    told = [Said(at=NOON + timedelta(days=1, seconds=n)) for n in range(150)]
    last = world.rows.chain(world.book, 1, told)[-1]
    builder(world.rows, tmp_path / "archive").catch_up(NOON)
    async with world.client("member") as client:
        place = (await client.get(f"/book/m/{last}")).headers["location"]
        assert place == f"/book/t/talk/2/#m-{last}"
        assert f'id="m-{last}"' in (await client.get(place)).text


@pytest.mark.anyio
async def test_an_attachment_is_saved_and_never_shown(world: World) -> None:
    async with world.client("member") as client:
        svg = await client.get(f"/book/a/{world.posts['book']}/0/any%20name")
        assert svg.content == EVIL
        assert svg.headers["content-type"] == "application/octet-stream"
        assert svg.headers["content-disposition"].startswith('attachment; filename="_.._evil.svg"')
        assert "sandbox" in svg.headers["content-security-policy"]
        png = await client.get(f"/book/a/{world.posts['book']}/1/a.png")
        assert png.headers["content-type"] == "image/png"
        assert png.headers["content-disposition"].startswith("attachment")


@pytest.mark.anyio
async def test_an_earlier_name_and_a_merged_thread_lead_on_for_those_who_may_read(world: World) -> None:
    world.rows.do(schema.list_names, local="oldbook", domain=DOMAIN, list_id=world.book, kind="former")
    two = world.rows.thread(world.book, "merged", key="merged")
    world.rows.store.do(
        lambda tx: (
            tx.execute(update(schema.threads).where(schema.threads.c.id == two).values(merged_into=1))
            and None
        )
    )
    async with world.client("member") as client:
        assert (await client.get("/oldbook/t/talk/")).headers["location"] == "/book/t/talk/"
        assert (await client.get("/book/t/merged/")).headers["location"] == "/book/t/talk/"
        assert (await client.get(f"/book@{DOMAIN}/")).headers["location"] == "/book/"
    async with world.client() as client:
        assert (await client.get("/oldbook/t/talk/")).status_code == 404
        assert (await client.get("/book/t/merged/")).status_code == 404


@pytest.mark.anyio
async def test_a_link_of_the_command_line_signs_in_once_in_any_browser(world: World) -> None:
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    async with world.client() as client:
        before = world.dump()
        for _ in range(3):
            page = await client.get("/in?t=cli-secret&next=/book/")
            assert page.status_code == 200 and "<button" in page.text
        assert world.dump() == before
        came = await client.post("/in?t=cli-secret&next=/book/")
        assert (came.status_code, came.headers["location"]) == (303, "/book/")
        cookie = came.headers["set-cookie"]
        assert cookie.startswith("__Host-session=")
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(cookie.split("; "))
        assert (await client.get("/book/")).status_code == 200
        assert client.cookies[HOST_COOKIE] not in str(_all(world, schema.sessions))
        assert (await client.post("/in?t=cli-secret&next=/book/")).status_code == 410


def _all(world: World, table: object) -> list[object]:
    with world.rows.store.read() as tx:
        return list(tx.execute(select(table)))  # type: ignore[call-overload]


@pytest.mark.anyio
async def test_a_link_that_ran_out_is_spent(world: World) -> None:
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    world.rows.now = NOON + timedelta(minutes=60)
    async with world.client() as client:
        answer = await client.post("/in?t=cli-secret")
        assert answer.status_code == 410 and "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_asking_gives_everybody_the_same_answer_and_mail_goes_to_members_alone(world: World) -> None:
    told = []
    for address in ("member@example.org", "nobody@example.org", "former@example.org", "not an address", ""):
        async with world.client() as client:
            answer = await client.post(
                "/book/t/talk/", data={"email": address}, headers={"host": "evil.example"}
            )
            told.append((answer.status_code, answer.content, sorted(answer.headers)))
    assert told == [told[0]] * 5
    ((address, url, code),) = world.door.mailed
    assert address == "member@example.org"
    assert url.startswith(f"{BASE}/in?t=") and url.endswith("&next=/book/t/talk/")
    assert len(code) == 8


@pytest.mark.anyio
async def test_a_link_asked_for_on_the_web_works_where_it_was_asked_and_its_code_too(world: World) -> None:
    app = world.door.app()

    def browser() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE)

    async with browser() as asker, browser() as other:
        await asker.post("/book/", data={"email": "Member@Example.org"})
        url, code = world.door.mailed[0][1:]
        assert (await other.post(url)).status_code == 403
        assert (await other.post("/in", data={"code": code})).status_code == 410
        came = await asker.post("/in?next=/book/", data={"code": code.lower()})
        assert (came.status_code, came.headers["location"]) == (303, "/book/")
        assert (await asker.post(url)).status_code == 410
        assert (await asker.get("/book/")).status_code == 200
    async with browser() as asker:
        await asker.post("/", data={"email": "member@example.org"})
        came = await asker.post(world.door.mailed[1][1])
        assert (came.status_code, came.headers["location"]) == (303, "/book/")
        first = asker.cookies[HOST_COOKIE]
        await asker.post("/", data={"email": "member@example.org"})
        await asker.post(world.door.mailed[2][1])
        assert asker.cookies[HOST_COOKIE] != first
        async with browser() as thief:
            thief.cookies.set(HOST_COOKIE, first, domain=DOMAIN)
            assert (await thief.get("/book/")).status_code == 404


@pytest.mark.anyio
async def test_asking_and_guessing_are_limited(world: World) -> None:
    app = world.door.app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        answers = {
            (await client.post("/", data={"email": "member@example.org"})).status_code for _ in range(12)
        }
        assert answers == {200} and len(world.door.mailed) == 5
        guesses = [(await client.post(f"/in?t=guess{n}")).status_code for n in range(25)]
        assert guesses == [410] * 20 + [429] * 5
        world.rows.now = NOON + timedelta(hours=2)
        assert (await client.post("/in?t=guess")).status_code == 410


@pytest.mark.anyio
async def test_a_stranger_who_asks_and_asks_locks_no_member_out(world: World) -> None:
    app = world.door.app()

    async def asks(peer: str, times: int) -> int:
        before = len(world.door.mailed)
        transport = httpx.ASGITransport(app=app, client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            for _ in range(times):
                await client.post("/", data={"email": "Member@example.org"})
        return len(world.door.mailed) - before

    told = []
    for hour in range(12):
        world.rows.now = NOON + timedelta(hours=hour, minutes=hour)
        told.append(await asks("192.0.2.66", 15))
    assert told == [5, 5, *[0] * 10]
    assert await asks("192.0.2.7", 1) == 1


@pytest.mark.anyio
async def test_nobody_gets_more_than_twenty_links_a_day_however_many_ask(world: World) -> None:
    app = world.door.app()
    for number in range(30):
        transport = httpx.ASGITransport(app=app, client=(f"192.0.2.{number}", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            await client.post("/", data={"email": "member@example.org"})
    assert len(world.door.mailed) == 20


def test_the_proxies_of_our_guide_set_the_address_that_limits_count_by() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text("utf-8")
    blocks = [block for block in re.findall(r"```\w*\n(.*?)```", guide, re.S) if "127.0.0.1:8080" in block]
    assert any("header_up X-Forwarded-For {remote_host}\n" in block for block in blocks)
    assert any("proxy_set_header X-Forwarded-For $remote_addr;\n" in block for block in blocks)


@pytest.mark.anyio
@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_another_sites_form_does_nothing(world: World, headers: dict[str, str]) -> None:
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    before = world.dump()
    async with world.client() as client:
        assert (await client.post("/in?t=cli-secret", headers=headers)).status_code == 403
        assert (
            await client.post("/", data={"email": "member@example.org"}, headers=headers)
        ).status_code == 403
    assert world.dump() == before and not world.door.mailed


@pytest.mark.anyio
async def test_signing_in_never_leads_to_another_site(world: World) -> None:
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    async with world.client() as client:
        came = await client.post("/in?t=cli-secret&next=https://evil.example/")
        assert came.headers["location"] == "/book/"


@pytest.mark.anyio
async def test_one_click_leaves_without_a_cookie_or_a_redirect_and_again(world: World) -> None:
    token = "a2" * 10
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        {"content-type": "multipart/form-data; boundary=x"},
    )
    async with world.client("stranger") as client:
        page = await client.get(f"/u/{token}")
        assert page.status_code == 200 and "<button" in page.text and not world.door.left
        evil = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
        for _ in range(2):
            done = await client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}, headers=evil)
            assert done.status_code == 200 and "set-cookie" not in done.headers
        done = await client.post(f"/u/{token}", content=multipart[0], headers=multipart[1])
        assert done.status_code == 200
        assert world.door.left == [token] * 3
        assert (await client.post(f"/u/{token}", data={"other": "x"})).status_code == 400
        assert (
            await client.post("/u/" + "b2" * 10, data={"List-Unsubscribe": "One-Click"})
        ).status_code == 404
        assert (await client.put(f"/u/{token}")).status_code == 405


@pytest.mark.anyio
async def test_without_https_the_cookie_has_a_plain_name(world: World) -> None:
    world.door.base_url = "http://127.0.0.1:8080"
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    async with world.client() as client:
        cookie = (await client.post("/in?t=cli-secret")).headers["set-cookie"]
        assert cookie.startswith("session=") and "Secure" not in cookie


@pytest.mark.anyio
async def test_public_pages_may_be_cached_but_not_those_of_who_is_signed_in(world: World) -> None:
    async with world.client() as client:
        answer = await client.get("/open/")
        assert answer.headers["cache-control"] == "public, max-age=60" and answer.headers["vary"] == "Cookie"
    async with world.client("member") as client:
        assert (await client.get("/open/")).headers["cache-control"] == "private, no-store"


@pytest.mark.anyio
async def test_a_body_without_end_is_read_no_further_than_needed(world: World) -> None:
    async with world.client() as client:
        answer = await client.post("/", content=b"email=member%40example.org&x=" + b"a" * 5_000_000)
        assert answer.status_code == 200


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# -- one's own data


@pytest.mark.anyio
async def test_whoever_is_signed_in_gets_their_own_data_and_nobody_else_learns_that_there_is_such(
    world: World,
) -> None:
    for who in ("anonymous", "expired"):
        async with world.client(who) as client:
            for method in ("GET", "HEAD"):
                answer = await client.request(method, "/my-data/")
                assert answer.status_code == 404
            assert (await client.get("/my-data/")).content == (await client.get("/absent/")).content
    for number, who in enumerate(("member", "host", "former"), 1):
        async with world.client(who) as client:
            answer = await client.get("/my-data/")
            assert answer.content == f"all of {number}".encode()
            assert answer.headers["content-disposition"].startswith('attachment; filename="my-data.zip"')
            assert answer.headers["cache-control"] == "private, no-store"
            _assert_headers(answer)


@pytest.mark.anyio
async def test_own_data_are_not_made_again_and_again(world: World) -> None:
    async with world.client("member") as client:
        told = [(await client.get("/my-data/")).status_code for _ in range(12)]
    assert told == [200] * 10 + [429] * 2


@pytest.mark.anyio
async def test_signing_in_from_there_leads_back_to_it(world: World) -> None:
    async with world.client() as client:
        await client.post("/my-data/", data={"email": "member@example.org"})
    (mailed,) = world.door.mailed
    assert mailed[1].endswith("&next=/my-data/")


# -- going out again


@pytest.mark.anyio
async def test_signing_out_ends_it_in_each_browser_and_tells_everybody_the_same(world: World) -> None:
    at_work = world.rows.session((1, 1), "another-cookie-of-a-browser")
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="unused-secret", minutes=60))
    told = []
    for who in ("anonymous", "expired", "member"):
        async with world.client(who) as client:
            page = await client.get("/out")
            evil = await client.post("/out", headers={"origin": "https://evil.example"})
            assert evil.status_code == 403 and (await client.get("/book/")).status_code in (404, 200)
            if who == "member":
                assert 'href="/out"' in (await client.get("/book/search/")).text
                assert (await client.get("/book/")).status_code == 200
            done = await client.post("/out")
            told.append((page.content, done.status_code, done.content, done.headers.raw))
            assert (await client.get("/book/")).status_code == 404
    assert told == [told[0]] * 3
    assert "Max-Age=0" in dict(told[0][3])[b"set-cookie"].decode()
    async with world.client() as other:
        other.cookies.set(HOST_COOKIE, at_work, domain=DOMAIN)
        assert (await other.get("/book/")).status_code == 404
        assert (await other.post("/in?t=unused-secret")).status_code == 410
    async with world.client("host") as client:
        assert (await client.get("/book/")).status_code == 200


@pytest.mark.anyio
async def test_after_ninety_days_one_is_asked_again(world: World) -> None:
    world.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="cli-secret", minutes=60))
    async with world.client() as client:
        came = await client.post("/in?t=cli-secret")
        assert f"Max-Age={90 * 86_400};" in came.headers["set-cookie"]
        for days, status in ((89, 200), (91, 404)):
            world.rows.now = NOON + timedelta(days=days)
            assert (await client.get("/book/")).status_code == status
