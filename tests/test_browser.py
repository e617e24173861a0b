"""The archive in a real browser: sign in by a link, read, in the dark, on a phone, without script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from listserv.store import indexing, sessions
from tests.kit.site import (
    NOON,
    Door,
    Rows,
    Said,
    book_circle,
    builder,
    fresh_rows,
    message_hash,
    served,
    with_files,
)

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(AXE_FILE_PATH).read_text("utf-8")


@dataclass
class Reader:
    """A member's browser on the site. ``asked`` is every URL that any page of it asked for."""

    rows: Rows
    browser: Browser
    url: str
    asked: list[str]
    links: int = 0

    def context(
        self, *, scheme: str = "light", width: int = 1200, script: bool = True, zone: str = "Europe/Berlin"
    ) -> BrowserContext:
        size = {"width": width, "height": 844}
        own = self.browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            timezone_id=zone,
        )
        own.on("request", lambda request: self.asked.append(request.url))
        return own

    def link(self) -> str:
        self.links += 1
        secret = f"a link of the command line {self.links}".replace(" ", "-")
        self.rows.store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret=secret, minutes=60))
        return f"{self.url}/in?t={secret}&next=/book/"

    def signed_in(self, **how: object) -> Page:
        page = self.context(**how).new_page()  # type: ignore[arg-type]
        page.goto(self.link())
        page.get_by_role("button").click()
        page.wait_for_url(f"{self.url}/book/")
        return page


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("site")
    rows = fresh_rows(folder)
    book = book_circle(rows)
    rows.join(book, rows.person("ana@example.org"))
    odd = rows.thread(book, "An odd one", key="odd")
    html = (
        "<h1>Big</h1><table><tr><td>one</td><td>two</td></tr></table><ul><li>a</li></ul><pre>wide "
        + "x" * 300
        + "</pre>"
    )
    first = rows.post(
        book,
        odd,
        Said(text="unbroken" * 60 + "\n\nwide   " + "y" * 300, at=NOON - timedelta(hours=1), zone=330),
    )
    gone = rows.post(book, odd, Said(state="redacted", message_id="gone@x"), first)
    rows.post(book, odd, Said(html=html, language="de"), gone)
    drawn = BytesIO()
    Image.new("RGB", (1300, 700), "olive").save(drawn, "PNG")
    shown = with_files(Said(text="The garden."), ("garden.png", "image/png", drawn.getvalue()))
    rows.post(book, odd, shown)
    long = Said(text=("Line by line. " * 700 + "\n\n") * 20, message_id="long@x")
    rows.post(book, rows.thread(book, "A long one", key="long"), long)
    while rows.store.do(indexing.catch_up):
        pass
    builder(rows, folder / "archive").catch_up(NOON)
    door = Door(rows, folder / "archive", "http://127.0.0.1")
    with served(door.app()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        asked: list[str] = []
        yield Reader(rows, browser, url, asked)
        browser.close()
        assert asked and all(one.startswith(url) for one in asked), "a request left the host"
    rows.store.close()


MADE = (
    "/book/search/",
    "/book/search/?q=key+library",
    "/book/search/?q=zebra+crossing",
    "/search/?q=letters",
    "/book/feed/",
)


def every_kind_of_page(page: Page) -> list[str]:
    page.goto(page.url)
    thread = page.locator(".talk h3 a").first.get_attribute("href")
    month = page.locator(".year a").first.get_attribute("href")
    page.goto(page.url + "t/odd/")
    author = page.locator(".post h2 a").first.get_attribute("href")
    return [
        "/book/",
        thread or "",
        "/book/t/odd/",
        month or "",
        "/book/resources/",
        author or "",
        f"/book/m/{message_hash('gone@x')}",
        f"/book/w/{message_hash('long@x')}/",
        "/nothing",
        "/in?t=x",
        "/u/" + "a" * 20,
        *MADE,
    ]


def test_a_mailed_link_needs_its_button_and_then_the_list_can_be_read(reader: Reader) -> None:
    page = reader.context().new_page()
    assert page.goto(f"{reader.url}/book/").status == 404  # type: ignore[union-attr]
    page = reader.signed_in()
    assert page.get_by_role("heading", level=1).inner_text() == "The Wednesday book circle"
    page.get_by_role("link", name="The library wants an answer").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("The library wants an answer")
    assert page.locator("article").count() == 4
    page.locator("article details").first.locator("summary").click()
    reply = page.get_by_role("link", name="Reply by mail to Jonas Berg").get_attribute("href")
    assert reply and reply.startswith("mailto:book@lists.example.org?subject=Re%3A%20The%20library")
    assert "In-Reply-To=%3C" in reply


def test_who_asks_on_a_page_is_told_to_look_into_their_mail(reader: Reader) -> None:
    page = reader.context().new_page()
    page.goto(f"{reader.url}/book/2026/11/")
    page.get_by_label("Your mail address").fill("ana@example.org")
    page.get_by_role("button").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Look into your mail"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(reader: Reader, scheme: str, width: int) -> None:
    page = reader.signed_in(scheme=scheme, width=width)
    for path in every_kind_of_page(page):
        page.goto(reader.url + path)
        found = page.evaluate(f"{AXE}; axe.run()")
        assert [(one["id"], one["nodes"][0]["target"]) for one in found["violations"]] == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
        assert size >= 16, path


def test_times_are_the_readers_own_where_scripts_run_and_the_lists_where_they_do_not(reader: Reader) -> None:
    for script, zone, shown in (
        (True, "Asia/Tokyo", "20:00"),
        (False, "Asia/Tokyo", "12:00"),
        (True, "Europe/Berlin", "12:00"),
    ):
        page = reader.signed_in(script=script, zone=zone)
        page.goto(f"{reader.url}/book/t/odd/")
        time = page.locator("article time").first
        assert time.inner_text() == f"20 November 2026, {shown}"
        assert time.get_attribute("datetime") == "2026-11-20T11:00:00Z"
        assert page.locator("article").first.locator(".there").inner_text().endswith("16:30 there, UTC+5:30")
    page = reader.signed_in(zone="Asia/Tokyo")
    page.goto(f"{reader.url}/book/t/odd/")
    assert (
        page.locator("article time").first.get_attribute("title") == "20 November 2026, 12:00 (Europe/Berlin)"
    )


def test_a_picture_is_seen_as_wide_as_its_page_allows(reader: Reader) -> None:
    page = reader.signed_in(width=390)
    page.goto(f"{reader.url}/book/t/odd/")
    picture = page.locator(".picture img")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.picture img').naturalWidth == 1300")
    box = picture.bounding_box()
    assert box and 300 < box["width"] <= 350 and abs(box["width"] / box["height"] - 1300 / 700) < 0.05


def test_dark_is_dark(reader: Reader) -> None:
    page = reader.signed_in(scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 22, 20)"


def test_everything_reads_without_script(reader: Reader) -> None:
    page = reader.signed_in(script=False)
    page.get_by_role("link", name="The library wants an answer").click()
    assert page.locator("article").count() == 4
    page.locator("article details").first.locator("summary").click()
    assert page.locator("article details blockquote, article details p").first.is_visible()


def test_the_keyboard_alone_comes_in_and_reads(reader: Reader) -> None:
    page = reader.context().new_page()
    page.goto(reader.link())
    page.wait_for_function("document.activeElement.tagName == 'BUTTON'")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{reader.url}/book/")
    page.wait_for_load_state()
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.className == 'skip'")
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "library" in page.evaluate("document.activeElement.innerText"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/t/**")


def test_print_leaves_the_words_and_drops_the_buttons(reader: Reader) -> None:
    page = reader.signed_in()
    page.get_by_role("link", name="The library wants an answer").click()
    page.emulate_media(media="print")
    assert not page.locator(".reply").first.is_visible()
    assert page.locator(".body").first.is_visible()


def test_whoever_searches_without_script_sees_the_words_marked_and_comes_to_the_post(reader: Reader) -> None:
    page = reader.signed_in(script=False, width=390)
    page.get_by_role("searchbox").fill('"take the key" library -chess')
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("heading", level=2).inner_text() == "1 conversation"
    assert "key" in page.locator(".words mark").all_inner_texts()
    page.get_by_role("link", name="The library wants an answer").click()
    assert "#m-" in page.url and page.locator("article:target").count() == 1


def test_a_member_gets_a_link_for_a_feed_reader_that_needs_no_cookie(reader: Reader) -> None:
    page = reader.signed_in()
    page.get_by_role("link", name="follow it in a feed reader").click()
    page.get_by_role("button", name="Make my link").click()
    link = page.locator(".link a").get_attribute("href") or ""
    nobody = reader.context()
    told = nobody.request.get(reader.url + link.removeprefix("http://127.0.0.1"))
    assert told.ok and "The library wants an answer" in told.text()
    page.get_by_role("button", name="End it").click()
    assert page.locator(".link a").count() == 0
