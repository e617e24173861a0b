"""The HTML of a Brief in a real browser: on a phone and in a window, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.mail.test_briefs import ALL
from tests.test_browser import AXE, FLAGS

pytestmark = pytest.mark.browser
PAGES = ("food banks", "hostile")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("briefs")
    made = {name: folder / f"{number}.html" for number, name in enumerate(PAGES)}
    for name, file in made.items():
        file.write_text(ALL[name]().html, "utf-8")
    return made


def opened(browser: Browser, width: int, scheme: str, asked: list[str]) -> Page:
    size = {"width": width, "height": 844}
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    context.on("request", lambda request: asked.append(request.url))
    return context.new_page()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (800, "dark")])
def test_axe_finds_nothing_nothing_scrolls_sideways_and_nothing_is_asked_for(
    browser: Browser, files: dict[str, Path], width: int, scheme: str
) -> None:
    asked: list[str] = []
    page = opened(browser, width, scheme, asked)
    for name, file in files.items():
        page.goto(file.as_uri())
        found = page.evaluate(f"{AXE}; axe.run()")["violations"]
        odd = [(one["id"], one["nodes"][0]["target"]) for one in found if one["id"] not in OF_PAGES]
        assert odd == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 22, 20)"
        assert dark is (scheme == "dark")
        size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('div p')).fontSize)")
        assert size >= 16, name
    assert asked == [file.as_uri() for file in files.values()]


OF_PAGES = {"landmark-one-main", "region"}  # what mail programs put around a mail
