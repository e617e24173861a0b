"""docs/brief.md shows two Briefs as they are: one that we made up, and one of a real list's days.

``pytest --accept tests/test_brief_page.py`` writes them anew.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from listserv.core.brief import Reader
from listserv.core.choosing import choose
from tests.kit.briefs import FOOD_BANKS, TUESDAY, Written, food_banks, month_news, written

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "brief.md"
SHOWN = re.compile(r"(?<=<!-- brief: )([\w-]+)( -->\n```text\n)(.*?)(?=^```$)", re.M | re.S)


def food() -> Written:
    return written(choose(food_banks(), FOOD_BANKS, TUESDAY))


def twisted() -> Written:
    """A day of July 2006."""
    of = month_news("2006-July", 10, 16)
    last = max(post.at for thread in of.threads for post in thread.posts)
    return written(choose(of, Reader("en", "America/New_York"), last + timedelta(hours=4)))


SAMPLES = {"food-banks": food, "twisted-web": twisted}


def test_the_briefs_of_the_page_are_those_that_the_code_writes(pytestconfig: pytest.Config) -> None:
    page = PAGE.read_text("utf-8")
    told = SHOWN.sub(lambda found: f"{found[1]}{found[2]}{SAMPLES[found[1]]().shown}", page)
    if pytestconfig.getoption("accept"):
        PAGE.write_text(told, "utf-8")
    assert [found[1] for found in SHOWN.finditer(page)] == [*SAMPLES]
    assert PAGE.read_text("utf-8") == told


def test_its_pictures_are_there_and_small() -> None:
    pictures = re.findall(r"\]\((brief/[\w-]+\.png)\)", PAGE.read_text("utf-8"))
    assert len(pictures) == 2
    assert all(0 < (PAGE.parent / one).stat().st_size < 150_000 for one in pictures)
