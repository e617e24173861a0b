"""A month's mails are the copies that members got: nothing more of the author, nothing of one member."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes

import pytest

from listserv.flow.as_sent import House
from listserv.flow.boxed import Boxed
from listserv.mail.mbox import read_mbox
from tests.kit.people import DOMAIN
from tests.kit.world import World, open_world

ANA, BEN = "ana@ana.example", "ben@ben.example"
POST = (
    b"Received: from laptop.ana.example ([192.0.2.99]) by mx.ana.example; Sat, 21 Nov 2026 09:00:00 +0000\n"
    b'From: "Ana Silva" <ana@ana.example>\nTo: book@lists.example.org\nSubject: Garlic\n'
    b"Message-ID: <1@laptop.ana.example>\nDate: Sat, 21 Nov 2026 09:00:00 +0000\n\nWhen?\n\nFrom now on.\n.\n"
)


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.mark.parametrize("shows", ["author", "relay"])
def test_it_is_the_copy_without_what_was_one_members_own(world: World, shows: str) -> None:
    here = world.circle(from_=shows, guard=False)
    world.member(here, ANA, name="Ana Silva")
    world.member(here, BEN, name="Ben Okafor")
    world.receive(POST)
    (copy,) = (one for one in world.outbox if one.recipient == BEN)
    told = Boxed(world.store, House(world.ring, DOMAIN, world.site.base_url))(1)
    assert (
        told is not None and told.startswith(f"From book@{DOMAIN} ".encode()) and b"\n>From now on.\n" in told
    )
    (found,) = read_mbox(told.splitlines(keepends=True), 1_000_000)
    assert copy.raw.endswith(found.raw)
    mail = message_from_bytes(found.raw)
    assert "List-Unsubscribe" not in mail and "List-Id" in mail
    header = found.raw.partition(b"\r\n\r\n")[0]
    assert BEN.encode() not in found.raw
    assert (b"ana.example" in header) == (shows == "author")
    assert shows == "author" or b"192.0.2.99" not in header


def test_a_post_that_is_not_there_is_no_mail(world: World) -> None:
    assert Boxed(world.store, House(world.ring, DOMAIN, world.site.base_url))(99) is None
