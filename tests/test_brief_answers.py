"""What can be said in reply to a Brief (product.md F2): each answer becomes a mail in its thread."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from listserv.core.types import MailList
from listserv.store import schema
from listserv.store.balance import unbalanced
from tests.kit.brief_reader import Got, last_brief, replies
from tests.kit.speaker import FAIL, NONE, Letter, Speaker
from tests.kit.world import World, open_world

LIST = "book@lists.example.org"
ANA, BEN, DEE, CY = "ana@ana.example", "ben@ben.example", "dee@dee.example", "cy@cy.example"


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.member(here, ANA, name="Ana Silva")
    world.member(here, DEE, name="Dee Whitehorse")
    world.member(here, BEN, name="Ben Okafor", rhythm="daily")
    return here


def starts(world: World, who: str, subject: str, text: str, name: str = "") -> str:
    """Somebody begins a conversation; its Message-ID."""
    raw = Speaker(world, who).mail(LIST, text, subject)
    raw = raw.replace(f"From: <{who}>".encode(), f"From: {name} <{who}>".encode()) if name else raw
    Speaker(world, who).sends(raw, LIST)
    return raw.decode().partition("Message-ID: <")[2].partition(">")[0]


@pytest.fixture
def got(world: World, book: MailList) -> Got:
    """Ben's Brief with two threads."""
    return two_threads(world)


def two_threads(world: World) -> Got:
    starts(world, DEE, "Volunteer no-shows", "We ask when they can next time, the same evening.", "Dee Whitehorse")
    starts(world, ANA, "Cold storage grant", "We asked for two chest freezers and the wiring.", "Ana Silva")
    world.pass_time(days=1)
    return last_brief(world, BEN)


def posts(letters: list[Letter], to: str = ANA) -> list[tuple[str, str]]:
    """Subject and text of the posts that somebody got."""
    return [(one.subject, one.text.strip()) for one in letters if one.to == to and one.kind == "post"]


def told(letters: list[Letter], to: str = BEN) -> str:
    return "\n".join(one.text for one in letters if one.to == to and one.kind != "post")


def header(letter: Letter) -> EmailMessage:
    found = email.message_from_bytes(letter.mailed.raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def quoted(got: Got) -> str:
    """Below the words, as Gmail does."""
    lines = "\n".join(f"> {line}".rstrip() for line in got.text.splitlines())
    return f"\n\nOn Sun, Nov 22, 2026 at 8:00 AM Book Circle <book+ask@lists.example.org> wrote:\n\n{lines}\n"


def number_of(got: Got, title: str) -> int:
    return next(int(line[:3]) for line in got.text.splitlines() if line[4:].startswith(title) and line[:3].strip())


def test_words_behind_a_number_become_a_reply_in_that_thread(world: World, got: Got) -> None:
    n = number_of(got, "Volunteer")
    letters = replies(world, BEN, got, f"{n}: We do the same.\n\nAnd it works.{quoted(got)}")
    assert posts(letters) == [("Re: Volunteer no-shows", "We do the same.\n\nAnd it works.")]
    mail = header(next(one for one in letters if one.kind == "post"))
    with world.store.read() as tx:
        first = tx.scalar(select(schema.posts.c.message_id).where(schema.posts.c.subject == "Volunteer no-shows"))
    assert mail["In-Reply-To"] == f"<{first}>" and mail["References"] == f"<{first}>"
    assert str(mail["From"]) == BEN and "Your words go to everybody" in told(letters)
    assert unbalanced(world.store) == [] and world.ends() == {"posted": 3, "commands": 1}
