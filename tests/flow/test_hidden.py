"""To a sender whom a hidden list does not know, everything is as if there were no such list.

Two sites, one with the list and one without it, are told the same things and must say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.routing import COMMAND_WORDS
from listserv.flow.admission import Admission
from listserv.flow.door import Caller, Refusal
from listserv.flow.reception import Reception
from listserv.store import directory, rosters
from tests.kit.doorstep import SETTINGS, RememberingLog
from tests.kit.people import DOMAIN, SITE
from tests.kit.world import World, open_world, sqlite_in

BOOK, SECRET = f"book@{DOMAIN}", f"secret@{DOMAIN}"
KNOWN = ("mei@mei.example", "host@host.example")
Sites = tuple[World, World]


def build(world: World, *, hidden: bool, **more: Any) -> None:
    """Lists of each kind; the hidden one last, so that all the rest has the same numbers without it."""
    listed = world.circle("book", visible="listed", posting="anyone", storm="0", from_="relay")
    private = world.circle("film", "Film", visible="private")
    for here in (listed, private):
        world.member(here, "ana@ana.example", name="Ana Silva")
        world.host(here, "hanna@hanna.example")
    if hidden:
        secret = world.circle("secret", "Secret", **({"visible": "hidden"} | more))
        world.host(secret, "host@host.example")
        world.member(secret, "mei@mei.example")
        gone = world.member(secret, "left@x.example")
        world.store.do(lambda tx: rosters.remove_member(tx, gone, world.hand))
    world.pass_time(days=8)
    world.receive(POST, BOOK)


POST = b"From: <ana@ana.example>\nTo: <book@lists.example.org>\nSubject: x\nMessage-ID: <1@a>\n\nwords\n"


@pytest.fixture(
    scope="module", params=[{}, {"posting": "anyone", "join": "confirm"}, {"archive": "public"}], ids=repr
)
def sites(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with ExitStack() as stack:
        made = []
        for hidden in (True, False):
            world = stack.enter_context(open_world(sqlite_in(tmp_path_factory.mktemp("hidden"))))
            build(world, hidden=hidden, **request.param)
            made.append(world)
        yield made[0], made[1]


def admission(world: World) -> Admission:
    return Admission(world.store, DOMAIN, 26_214_400, world.clock.now, world.bells, world.ring)


def asked(world: World, recipient: str, sender: str, size: int | None = None) -> Refusal | Address:
    local, _, domain = recipient.rpartition("@")
    caller = Caller("192.0.2.1", "client.example", sender, size, smtputf8=False, lmtp=False)
    return asyncio.run(admission(world).admit(Address(local, domain), caller))


# -- what strangers say -----------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
SENDERS = st.sampled_from(
    (
        "",
        "stranger@x.example",
        "ana@ana.example",  # a member of other lists
        "hanna@hanna.example",  # a host of other lists
        "left@x.example",  # left eight days ago
        "mei@evil.example",
        "mei@mei.example.evil.example",
        "prvs=1234abcdef=ana@ana.example",
        "SRS0=HHH=TT=x.example=stranger@relay.example",
        "SRS0=HHH=TT=evil.example=mei@relay.example",
        "not an address",
        "book@lists.example.org",
    )
)
WORDS = st.sampled_from((*COMMAND_WORDS, "re=", "to=", "back=", "x", "", "confirm", "admin"))
TOKENS = st.text(LETTERS, max_size=24)
LOCALS = st.builds(
    lambda name, sign, word, token: f"{name}{sign}{word}{token if word.endswith('=') else ''}",
    st.sampled_from(("secret", "SECRET", "Secret", "secret.secret", "ana.secret")),
    st.sampled_from(("", "+", "-", "%2b", "=", ".")),
    WORDS,
    TOKENS,
)


@given(local=LOCALS, sender=SENDERS)
@settings(max_examples=60)
def test_each_address_is_answered_as_if_there_were_no_such_list(
    sites: Sites, local: str, sender: str
) -> None:
    with_it, without = sites
    recipient = f"{local}@{DOMAIN}"
    assert asked(with_it, recipient, sender) == asked(without, recipient, sender)


@pytest.mark.parametrize("size", [None, 1, 11_000_000, 90_000_000])
def test_a_declared_size_makes_no_difference(sites: Sites, size: int | None) -> None:
    said = []
    for world in sites:
        reception = Reception(SETTINGS, admission(world), world.clock.now, RememberingLog())
        caller = Caller("192.0.2.1", "x", "stranger@x.example", size, smtputf8=False, lmtp=False)
        said.append(asyncio.run(reception.ask(SECRET, caller)))
        reception.shut()
    assert said[0] == said[1]
    assert isinstance(said[0], Refusal)


def test_a_token_of_another_list_opens_no_door(sites: Sites) -> None:
    with_it, without = sites
    path = with_it.outbox[0].sender
    assert path == without.outbox[0].sender
    assert asked(with_it, path, "stranger@x.example") == Address(*path.split("@"))
    tried = path.replace("book", "secret")
    assert asked(with_it, tried, "") == asked(without, tried, "")
    assert isinstance(asked(with_it, tried, ""), Refusal)


@pytest.mark.parametrize("sender", KNOWN)
def test_who_is_known_is_let_in(sites: Sites, sender: str) -> None:
    assert asked(sites[0], SECRET, sender) == Address("secret", DOMAIN)
    assert asked(sites[0], SECRET, f"prvs=1234abcdef={sender}") == Address("secret", DOMAIN)
    assert isinstance(asked(sites[1], SECRET, sender), Refusal)


# -- and what we send ---------------------------------------------------------------------------------------

AUTHORS = st.sampled_from(("stranger@x.example", "ana@ana.example", "hanna@hanna.example", "left@x.example"))
PROOFS = st.sampled_from(("", "dmarc=pass header.from={domain}", "dmarc=fail header.from={domain}"))
ODD = st.sampled_from(
    ("", "Subject: twice\n", "From: <b@b.example>\n", "Auto-Submitted: auto-replied\n", "X: y\n")
)
SAID = st.sampled_from(("words\n", "", "subscribe\n", "help\n", "leave\n", "\0\n", "x\n" * 50))
PLACES = st.sampled_from(("", "+host", "-owner", "+join", "+leave", "+help", "+ask", "-bounces"))


@dataclass(frozen=True, slots=True)
class Written:
    """A mail. ``proof``: what the trusted hop says of it."""

    author: str
    proof: str
    odd: str
    words: str

    def to(self, place: str) -> bytes:
        said = self.proof.format(domain=self.author.partition("@")[2])
        results = f"Authentication-Results: mx.example.org; {said}\n" if said else ""
        head = f"{results}From: <{self.author}>\nTo: {place}\nSubject: Is anybody there?\n{self.odd}\n"
        return f"{head}{self.words}".encode()


@given(mail=st.builds(Written, AUTHORS, PROOFS, ODD, SAID), place=PLACES, sender=SENDERS)
@settings(max_examples=60)
def test_even_what_came_past_the_door_makes_us_send_nothing(
    sites: Sites, mail: Written, place: str, sender: str
) -> None:
    world, to = sites[0], f"secret{place}@{DOMAIN}"
    sent = len(world.outbox)
    world.receive(mail.to(to), to=to, sender=sender)
    assert world.outbox[sent:] == []
    world.totals()


@pytest.mark.parametrize("proof", ["", "dmarc=pass header.from=x.example"])
def test_a_stranger_who_writes_to_it_beside_an_open_list_reads_the_same_notice(
    sites: Sites, proof: str
) -> None:
    notices = []
    for world in sites:
        world.clock.move(timedelta(days=2))
        sent = len(world.outbox)
        mail = Written("stranger@x.example", proof, f"Cc: {SECRET}\n", f"hello {proof}\n")
        world.receive(mail.to(BOOK), BOOK, "stranger@x.example")
        notices.append(
            [_words(one.raw) for one in world.outbox[sent:] if one.recipient == "stranger@x.example"]
        )
    assert notices[0] == notices[1]
    assert len(notices[0]) == bool(proof)


def _words(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def test_the_two_sites_differ_in_the_one_list_alone(sites: Sites) -> None:
    for world, there in zip(sites, (True, False), strict=True):
        with world.store.read() as tx:
            found = directory.look_up(tx, Address("secret", DOMAIN), SITE.domain, world.ring)
        assert (found.list is not None) is there
