"""From the 250 to all consequences: lanes, loops, what is kept out of the archive, what hides an address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from listserv.core.types import ArrivalState
from listserv.flow.process import STRANGERS, author_of, process_due
from listserv.store import holds, schema
from tests.kit.people import SITE
from tests.kit.world import World, open_world, sqlite_in

BOOK = f"book@{SITE.domain}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


def mail(author: str, number: int = 1, to: str = BOOK, more: str = "") -> bytes:
    return (
        f"From: {author}\r\nTo: {to}\r\nSubject: Number {number}\r\n"
        f"Message-ID: <m{number}@{author.partition('@')[2]}>\r\n{more}\r\nWords.\r\n"
    ).encode()


def waiting(world: World) -> list[tuple[str, str]]:
    """Sender and lane of each mail that still waits."""
    a = schema.arrivals.c
    with world.store.read() as tx:
        rows = tx.execute(
            select(a.envelope_from, a.lane).where(a.state == ArrivalState.WAITING).order_by(a.id)
        )
        return [(row.envelope_from, row.lane) for row in rows]


def test_a_strangers_mail_waits_in_a_lane_of_its_own_and_a_members_goes_on(world: World) -> None:
    world.member(world.circle(), "ana@ana.example")
    world.accept(mail("cy@slow.example"), sender="cy@slow.example")
    world.accept(mail("ana@ana.example"), sender="ana@ana.example")
    process_due(world.desk)
    assert waiting(world) == [("cy@slow.example", STRANGERS)]
    assert world.ends() == {"waiting": 1, "posted": 1}
    process_due(world.desk, STRANGERS)
    assert world.ends() == {"held": 1, "posted": 1}


@pytest.mark.parametrize(
    ("raw", "author"),
    [
        (b"From: Ana <Ana@Ana.example>\r\n\r\n", "ana@ana.example"),
        (b"From: a@x.example, b@y.example\r\n\r\n", ""),
        (b"From: a@x.example\r\nFrom: b@y.example\r\n\r\n", ""),
        (b"From: boss@x.example <a@y.example>\r\n\r\n", ""),
        (b"Subject: nobody\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_only_a_clear_author_chooses_the_lane(raw: bytes, author: str) -> None:
    assert author_of(raw) == author


def test_two_lists_in_each_others_roster_cross_each_post_once_even_with_footers(world: World) -> None:
    first = world.circle("first", footer="First of all")
    second = world.circle("second", footer="Second to none")
    for here, other in ((first, second), (second, first)):
        world.member(here, str(other.address))
        world.member(here, "bob@bob.example")
    both = f"{first.address}, {second.address}"
    world.receive(mail("bob@bob.example", to=both), to=str(first.address))
    for _ in range(6):  # what the relay took for our own lists comes in again
        came = [one for one in world.outbox if one.recipient in (str(first.address), str(second.address))]
        world.outbox.clear()
        for one in came:
            world.receive(one.raw, to=one.recipient, sender=one.sender)
    assert world.outbox == []
    assert world.ends()["posted"] == 2


def test_a_cross_post_says_nothing_of_a_hidden_list_to_whom_it_does_not_know(world: World) -> None:
    book, secret = world.circle(), world.circle("secret", visible="hidden")
    world.member(book, "mal@mal.example")
    world.member(book, "ana@ana.example")
    world.member(secret, "ana@ana.example")
    both = f"{BOOK}, secret@{SITE.domain}"
    world.receive(mail("mal@mal.example", 1, both))
    world.receive(mail("mal@mal.example", 2, f"{BOOK}, absent@{SITE.domain}"))
    world.receive(mail("ana@ana.example", 3, both))
    assert world.why() == ["welcome", "welcome", "would reveal another list"]


def test_a_post_that_wants_no_archive_is_mailed_and_shown_nowhere(world: World) -> None:
    world.member(world.circle(archive="public"), "ana@ana.example")
    world.receive(mail("ana@ana.example", more="X-No-Archive: yes\r\n"))
    assert world.copies() == {"ana@ana.example": 1}
    with world.store.read() as tx:
        assert tx.scalars(select(schema.posts.c.audience)).all() == ["off"]


def test_a_doubtful_copy_sent_first_does_not_keep_the_true_one_out(world: World) -> None:
    world.member(world.circle(), "ana@ana.example")
    world.reader.zone = {"_dmarc.ana.example": ["v=DMARC1; p=reject"]}
    true = b"Authentication-Results: mx.example.org; dmarc=pass header.from=ana.example\r\n"
    world.receive(mail("ana@ana.example"))
    assert world.ends() == {"held": 1}
    world.receive(true + mail("ana@ana.example"))
    world.receive(true + mail("ana@ana.example"))
    assert world.ends() == {"held": 1, "posted": 1, "discarded": 1}
    assert world.copies() == {"ana@ana.example": 1}


def test_where_addresses_are_hidden_an_approved_mail_of_two_authors_shows_neither(world: World) -> None:
    world.member(world.circle(from_="relay"), "ana@ana.example")
    world.receive(mail("Bob <bob@home.example>, Cyn <cyn@home.example>", more="X-Mailer: home.example\r\n"))
    assert world.why() == ["no clear author"]
    world.store.do(lambda tx: holds.approve(tx, 1, "operator", world.clock.now()))
    world.settle()
    assert [one.recipient for one in world.outbox] == ["ana@ana.example"]
    assert b"home.example" not in world.outbox[0].raw


def test_a_name_that_is_an_address_does_not_show_where_addresses_are_hidden(world: World) -> None:
    world.member(world.circle(from_="relay"), "cyn@home.example")
    world.receive(mail('"cyn@home.example" <cyn@home.example>'))
    assert b"home.example" not in world.outbox[0].raw
    assert b"cyn" not in world.outbox[0].raw.lower()
