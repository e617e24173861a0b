"""A member's whole life by mail: a real mail program, the real server, and what lies in the mailbox.

Nothing proves anybody's From here, as in most of the world: the addresses that only their reader was sent
do the work.
"""

from __future__ import annotations

import email
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.mail_program import Correspondent, text_of
from tests.kit.server import Server, until

BOOK, JOIN = f"book@{DOMAIN}", f"book+join@{DOMAIN}"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[tuple[Correspondent, Correspondent]]:
    """Cy, who is on no list yet, and Ben, who is on this one."""
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book Circle", "--host", "hanna@host.example")
    desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "join=confirm", "probation=0")
    desk.does("member", "add", "book", "ben@hill.example")
    server = Server(tmp_path)
    with server.serving() as running:
        port = running.doors["smtp"]
        yield (
            Correspondent("Cy Ng", "cy@elsewhere.example", server, port),
            Correspondent("Ben Okafor", "ben@hill.example", server, port),
        )


def test_a_member_joins_posts_mutes_chooses_pauses_searches_and_leaves_with_a_real_mail_program(
    people: tuple[Correspondent, Correspondent],
) -> None:
    cy, ben = people

    cy.writes(JOIN)
    cy.answers(cy.gets("Would you like to join"), "yes")
    assert "You are now a member of Book Circle." in text_of(cy.gets("Welcome to Book Circle"))

    cy.writes(BOOK, "Hello from Spokane", "Glad to be here.")
    ben.gets("Glad to be here.")
    cy.gets("Glad to be here.")

    ben.writes(BOOK, "Cold storage", "Who applied for the grant?")
    post = cy.gets("Who applied for the grant?")
    cy.answers(post, "mute")
    muted = cy.gets('Muted. You\'ll not see "Cold storage" again.')
    ben.writes(BOOK, "Re: Cold storage", "Nobody? It is worth the paper.", id_of(post))
    ben.gets("It is worth the paper.")
    assert not ben.has("mute"), "what is said to the list in one word is posted to nobody"

    cy.answers(muted, "weekly")
    weekly = cy.gets("From now on you get one mail a week.")

    cy.answers(weekly, "pause until 6 jan")
    paused = cy.gets("No mail until")
    assert "6 January" in text_of(paused)

    cy.answers(paused, "find cold storage")
    found = cy.gets("Found: cold storage")
    assert "1. Cold storage" in text_of(found)
    cy.answers(found, "send 1")
    assert "It is worth the paper." in text_of(cy.gets("Cold storage (Book Circle)"))

    cy.answers(found, "bye")
    left = cy.gets("You have left Book Circle.")
    assert 'Reply "undo" within seven days' in text_of(left)
    ben.writes(BOOK, "After all", "Cy has gone.")
    ben.gets("Cy has gone.")
    until(lambda: at_rest(Desk(cy.server.folder)), cy.server)
    assert not cy.has("Cy has gone.")
    assert not cy.has("Re: Cold storage")


def at_rest(desk: Desk) -> bool:
    counts = desk.does("status", "--json").json
    return not counts["waiting"] and not any(
        counts["deliveries"].get(state, 0) for state in ("due", "sending")
    )


def id_of(mail: bytes) -> str:
    return str(email.message_from_bytes(mail)["Message-ID"])
