"""docs/members.md shows mails as they really look: each is one of a story's, named above it.

``pytest --accept tests/test_members_page.py`` copies them anew.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "members.md"
SHOWN = re.compile(r"(?<=<!-- )(tests/stories/\S+\.eml)( -->\n```text\n)(.*?)(?=^```$)", re.M | re.S)


def test_every_mail_on_the_members_page_is_one_that_a_story_got(pytestconfig: pytest.Config) -> None:
    page = PAGE.read_text("utf-8")
    told = SHOWN.sub(lambda found: f"{found[1]}{found[2]}{_as_read(ROOT / found[1])}", page)
    if pytestconfig.getoption("accept"):
        PAGE.write_text(told, "utf-8")
    assert PAGE.read_text("utf-8") == told


def test_it_shows_ten_mails_and_no_line_that_is_too_wide_for_a_mail() -> None:
    mails = [found[3] for found in SHOWN.finditer(PAGE.read_text("utf-8"))]
    assert len(mails) == 10
    assert max(len(line) for mail in mails for line in mail.splitlines()) <= 72


def _as_read(file: Path) -> str:
    """Who it is from, its subject and its text."""
    found = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    part = found.get_body(("plain",))
    assert part is not None
    text = str(part.get_content()).replace("\r\n", "\n").strip()
    return f"From: {found['From']}\nSubject: {found['Subject']}\n\n{text}\n"
