"""The search without a server, in a real browser: through the gate, and from a plain web server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from archive_site import tiers, urls
from archive_site.bundler import Bundler
from archive_site.look import ASSETS, environment
from archive_site.searching import page_alone
from listserv.resources import resource
from listserv.store import indexing, reading
from listserv.store.reading import Shelf
from tests.kit.site import DOMAIN, NOON, Door, Rows, Said, builder, fresh_rows, served
from tests.test_browser import AXE, FLAGS

pytestmark = pytest.mark.browser
NONE = "No exact match here"
PATIENCE = 30_000  # milliseconds

# What is asked, and words of the one post that has it.
LANGUAGES = {
    "garlic": "We plant the garlic before the first frost, as every year.",
    "potatoes": "One potato is enough for the pot; a bag of them is not.",
    "réunion": "La reunion est remise à jeudi, dit Hélène.",
    "bibliotheque": "On se retrouve devant la bibliothèque municipale.",
    "cancion": "La canción del final fue la más hermosa.",
    "manana": "Hasta mañana, si no llueve sobre el huerto.",
    "Sitzung": "Die Sitzung fällt aus, der Schlüssel liegt beim Nachbarn.",
    "straße": "In der Straße vor dem Rathaus steht ein Ahorn.",
    "über": "Wir reden uber alles, was auf dem Zettel steht.",
    "коллекция": "Новая коллекция марок уже в библиотеке.",
    "ωμέγα": "Το ωμεγα είναι το τελευταίο γράμμα.",
    "مكتبة": "فتحت مكتبة الحي أبوابها اليوم.",
    "ספרייה": "הספרייה סגורה היום, ספרייה אחרת פתוחה.",
    "日本語": "来週から日本語の勉強会を始めます。",
    "勉強会": "次の勉強会は図書館で開きます。",
    "圖書館": "我們星期三在圖書館見面。",
    "信": "我也喜歡那些信。",
    "도서관": "우리는 수요일에 도서관에서 만납니다.",
}


@dataclass
class Site:
    """A list of several tiers behind its gate. ``asked`` is every URL that any page asked for."""

    rows: Rows
    shelf: Shelf
    bundler: Bundler
    browser: Browser
    url: str
    cookies: dict[str, str]
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def page(self, who: str = "member", *, script: bool = True, width: int = 1200) -> Page:
        size = {"width": width, "height": 844}
        context = self.browser.new_context(java_script_enabled=script, viewport=size)  # type: ignore[arg-type]
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        if who:
            context.add_cookies([{"name": "session", "value": self.cookies[who], "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    rows = fresh_rows(folder)
    book = rows.list("book")
    old = rows.thread(book, "Old times", key="old")
    rows.chain(book, old, [Said(text=f"An old post about turnips, {number}.") for number in range(9)])
    for number, (asked, text) in enumerate(LANGUAGES.items()):
        thread = rows.thread(book, f"Talk {number}", key=f"talk{number}")
        rows.post(book, thread, Said(text=text, subject=f"Talk {number}", name=f"Author {number}"))
        assert asked
    hostile = "<img src=x onerror=alert(1)> quince <b>bold</b> &lt;script&gt; \"'`"
    rows.post(book, rows.thread(book, hostile), Said(text=hostile, subject=hostile, name="<i>Mal</i>"))
    rows.post(book, rows.thread(book, "Hosts"), Said(text="Only hosts know the medlar.", audience="hosts"))
    cookies = {}
    for name, role in (("member", "member"), ("host", "host")):
        person = rows.person(f"{name}@example.org")
        rows.join(book, person, role=role)
        cookies[name] = rows.session(person, f"{name}-cookie-of-a-browser")
    while rows.store.do(indexing.catch_up):
        pass
    builder(rows, folder / "archive").catch_up(NOON)
    with rows.store.read() as tx:
        shelf = reading.shelves(tx, DOMAIN)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "MOST", 20)
        patch.setattr(tiers, "_STEP", 9)  # the old times
        bundler = Bundler(rows.store, folder / "archive")
        bundler.bundle(shelf, NOON)
        door = Door(rows, folder / "archive", "http://127.0.0.1")
        with served(door.app()) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            made = Site(rows, shelf, bundler, browser, url, cookies)
            yield made
            browser.close()
            assert made.errors == []
    rows.store.close()


def find(page: Page, words: str) -> None:
    page.get_by_role("searchbox").last.fill(words)


def test_while_one_types_posts_are_found_marked_and_lead_to_their_place(site: Site) -> None:
    page = site.page()
    page.goto(f"{site.url}/book/search/")
    expect(page.get_by_role("heading", name="How to find it")).to_be_visible()
    find(page, "garlic frost")
    found = page.locator("[data-list] article")
    expect(found).to_have_count(1)
    expect(found.locator("mark")).to_have_text(["garlic", "frost,"])
    expect(found.locator(".meta")).to_have_text("Author 0, 20 November 2026")
    expect(page.get_by_role("status")).to_have_text("Found while you type; Enter looks everywhere")
    expect(page.get_by_role("heading", name="How to find it")).to_be_hidden()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        wrong = page.evaluate(f"{AXE}; axe.run()")["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in wrong] == []
    find(page, "garlic zzznotfound")
    expect(page.get_by_role("status")).to_have_text(NONE)
    expect(found).to_have_count(0)
    find(page, "")
    expect(page.get_by_role("heading", name="How to find it")).to_be_visible()
    find(page, "garlic")
    found.get_by_role("link").click()
    page.wait_for_url("**/book/t/talk0/#m-*")
    assert all(one.startswith(site.url) for one in site.asked), "a request left the host"


def test_older_posts_are_looked_for_on_demand_and_their_tiers_are_asked_for_only_then(site: Site) -> None:
    page = site.page(width=390)
    site.asked.clear()
    page.goto(f"{site.url}/book/search/")
    find(page, "turnips")
    expect(page.get_by_role("status")).to_have_text(NONE)
    before = len({one.split("/search/")[1][:16] for one in site.asked if ".pf_meta" in one})
    page.get_by_role("button", name="Look further back, in 9 older posts").click()
    expect(page.locator("[data-list] article")).to_have_count(8)
    expect(page.get_by_role("button", name="Look further back")).to_be_hidden()
    tiers_asked = {one.split("/search/")[1][:16] for one in site.asked if ".pf_meta" in one}
    assert (before, len(tiers_asked)) == (1, 2)
    assert sum(".pagefind" in one for one in site.asked) == 1, "the program was loaded more than once"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_language_is_found_from_one_box(site: Site) -> None:
    page = site.page()
    page.goto(f"{site.url}/book/search/")
    for number, asked in enumerate(LANGUAGES):
        find(page, asked)
        link = page.locator("[data-list] a", has_text=f"Talk {number}").and_(
            page.get_by_text(f"Talk {number}", exact=True)
        )
        expect(link, asked).to_be_visible(timeout=PATIENCE)
        assert page.locator("[data-list] mark").count() > 0, asked
    find(page, "日本語")
    expect(page.locator("[data-list] [data-words]")).to_contain_text("来週から日本語の勉強会を始めます")
    expect(page.locator("[data-list] mark")).to_have_text("日本語")


def test_what_people_write_is_shown_as_they_wrote_it_and_is_never_an_element(site: Site) -> None:
    page = site.page()
    page.goto(f"{site.url}/book/search/")
    find(page, "quince")
    found = page.locator("[data-list] article")
    expect(found).to_have_count(1)
    expect(found.get_by_role("link")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(found.locator("[data-words]")).to_contain_text("<b>bold</b> &lt;script&gt;")
    assert found.locator("img, b, i, script").count() == 0


def test_what_is_for_hosts_alone_is_found_by_hosts_alone(site: Site) -> None:
    for who, count in (("member", 0), ("host", 1)):
        page = site.page(who)
        page.goto(f"{site.url}/book/search/")
        find(page, "medlar")
        expect(page.get_by_role("status")).to_have_text(
            [NONE, "Found while"][count > 0] + ("" if not count else " you type; Enter looks everywhere")
        )
        expect(page.locator("[data-list] article")).to_have_count(count)


def test_without_script_and_for_what_only_the_server_can_answer_the_form_is_a_plain_one(site: Site) -> None:
    page = site.page(script=False)
    page.goto(f"{site.url}/book/search/")
    find(page, "garlic")
    page.get_by_role("button", name="Search").last.click()
    page.wait_for_url("**/book/search/?q=garlic")
    expect(page.locator("[data-answer] article")).to_have_count(1)
    page = site.page()
    page.goto(f"{site.url}/book/search/?q=garlic")
    expect(page.locator("[data-answer] article")).to_have_count(1)
    find(page, "from:author turnips")
    expect(page.locator("[data-answer] article")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**from%3Aauthor+turnips")


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """What ``python -m http.server`` runs."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_exported_site_is_searched_from_any_web_server(site: Site, tmp_path: Path) -> None:
    place = tmp_path / "book"
    site.bundler.bundle_for(site.shelf, place, ("members",), lambda digest: f"../#{urls.anchor(digest)}")
    (place / "search" / "index.html").write_bytes(page_alone(environment(resource("templates")), site.shelf))
    (tmp_path / "assets").mkdir()
    for asset in ASSETS.iterdir():
        (tmp_path / "assets" / asset.name).write_bytes(asset.read_bytes())
    with plain_server(tmp_path) as url:
        page = site.page("")
        page.goto(f"{url}/book/search/?q=garlic")
        expect(page.locator("[data-list] article")).to_have_count(1)
        href = page.locator("[data-list] a").get_attribute("href")
        assert href is not None and href.startswith("../#m-")
        find(page, "勉強会")
        page.keyboard.press("Enter")
        expect(page.locator("[data-list] article")).to_have_count(2)
        for words, count in {
            "medlar": 0,
            "from:mal quince": 1,
            "from:nobody quince": 0,
            'plant "the first frost"': 1,
            '"the frost first"': 0,
            "potato -bag": 0,
            "potato -quince": 1,
            "garlic has:attachment": 0,
            "garlic after:2026-11 before:2026-12-01": 1,
            "garlic before:2026-11-20": 0,
            "subject:talk garlic": 1,
            "from:mal": 1,
        }.items():
            find(page, words)
            expect(page.get_by_role("status")).to_have_text("Found while you type" if count else NONE)
            expect(page.locator("[data-list] article")).to_have_count(count)
        page = site.page("", script=False)
        page.goto(f"{url}/book/search/")
        expect(page.get_by_text("this search needs JavaScript")).to_be_visible()


def test_whoever_has_the_page_open_while_tiers_are_built_anew_goes_on_to_find(site: Site) -> None:
    page = site.page()
    page.goto(f"{site.url}/book/search/")
    find(page, "garlic")
    expect(page.locator("[data-list] article")).to_have_count(1)
    site.rows.post(
        1, site.rows.thread(1, "Newest"), Said(text="The newest is about salsify.", subject="Newest")
    )
    site.bundler.bundle(site.shelf, NOON)
    site.bundler.bundle(site.shelf, NOON + timedelta(minutes=11))
    find(page, "canción")  # nothing of what the page knows is there any more
    expect(page.locator("[data-list] article")).to_have_count(1)
    find(page, "salsify")
    expect(page.locator("[data-list] article")).to_have_count(1)
    assert [one for one in site.errors if "404" not in one] == []
    site.errors.clear()
