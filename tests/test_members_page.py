"""docs/members.md and docs/hosts.md show mails as they look: each is one of a story's, named above it.

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
PAGES = {"members.md": 10, "hosts.md": 4}  # so many mails each
SHOWN = re.compile(r"(?<=<!-- )(tests/stories/\S+\.eml)( -->\n```text\n)(.*?)(?=^```$)", re.M | re.S)


@pytest.mark.parametrize("name", PAGES)
def test_every_mail_on_a_page_is_one_that_a_story_got(pytestconfig: pytest.Config, name: str) -> None:
    path = ROOT / "docs" / name
    page = path.read_text("utf-8")
    told = SHOWN.sub(lambda found: f"{found[1]}{found[2]}{_as_read(ROOT / found[1])}", page)
    if pytestconfig.getoption("accept"):
        path.write_text(told, "utf-8")
    assert path.read_text("utf-8") == told


@pytest.mark.parametrize(("name", "many"), PAGES.items())
def test_it_shows_so_many_mails_and_no_line_that_is_too_wide_for_a_mail(name: str, many: int) -> None:
    mails = [found[3] for found in SHOWN.finditer((ROOT / "docs" / name).read_text("utf-8"))]
    assert len(mails) == many
    texts = [mail.partition("\n\n")[2] for mail in mails]
    assert max(len(line) for text in texts for line in text.splitlines()) <= 72


def _as_read(file: Path) -> str:
    """Who it is from, its subject and its text."""
    found = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    part = found.get_body(("plain",))
    assert part is not None
    text = str(part.get_content()).replace("\r\n", "\n").strip()
    return f"From: {found['From']}\nSubject: {found['Subject']}\n\n{text}\n"
