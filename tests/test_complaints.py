"""Complaints of providers (RFC 5965): off the list at once, one mail that shows the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from listserv.core.types import MailList, Member, MemberState
from listserv.store import bounces, rosters
from tests.kit.returned import as_it_arrived, complaint
from tests.kit.world import Mailed, World, open_world, sqlite_in

POST = b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: x\nMessage-ID: <%d@a>\n\nwords\n"
BEN, PROVIDER = "ben@ben.example", "fbl@provider.example"
ABUSE, PLAIN = "abuse@lists.example.org", "book+bounces@lists.example.org"
JMRP = b"""From: staff@hotmail.com
Subject: complaint about message from 192.0.2.1
Message-ID: <1@hotmail.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822

%s
--b--
"""


@dataclass(slots=True)
class Scene:
    """Ana writes; Ben presses a button."""

    world: World
    book: MailList
    ben: Member
    posts: int = 0

    def copy(self, of: str = BEN) -> Mailed:
        self.posts += 1
        self.world.receive(POST % self.posts)
        return next(one for one in reversed(self.world.outbox) if one.recipient == of)

    def complain(self, copy: bytes, to: str, kind: str = "abuse") -> None:
        self.world.receive(complaint(copy, kind, len(self.world.outbox)), to=to, sender=PROVIDER)

    @property
    def state(self) -> MemberState:
        with self.world.store.read() as tx:
            found = bounces.find(tx, self.ben.id)
        assert found is not None
        assert (found.bounces, found.score) == (0, 0)  # a complaint is no bounce
        return found.state

    def letters(self) -> list[Mailed]:
        return [one for one in self.world.outbox if b"X-Listserv-Kind: post" not in one.raw]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_world(sqlite_in(tmp_path)) as world:
        here = world.circle("book", storm="0")
        world.host(here, "ana@ana.example")
        world.circle("other")
        yield Scene(world, here, world.member(here, BEN))


def redacted(raw: bytes) -> bytes:
    """As careful providers give a mail back: no address in it."""
    return re.sub(rb"[\w.+=-]+@[\w.-]+", b"redacted", raw)


def test_at_the_copys_own_return_path_it_takes_the_member_off_and_tells_them_once(scene: Scene) -> None:
    copy = scene.copy()
    scene.complain(b"Subject: nothing of ours\n\nx", to=copy.sender)
    assert scene.state is MemberState.LEFT
    (letter,) = scene.letters()
    assert letter.recipient == BEN
    assert b"was it a slip?" in letter.raw and b"book+join@lists.example.org" in letter.raw
    scene.complain(as_it_arrived(copy), to=copy.sender)
    assert len(scene.letters()) == 1
    assert PROVIDER not in {one.recipient for one in scene.world.outbox}


@pytest.mark.parametrize("to", [ABUSE, PLAIN, "postmaster@lists.example.org", "book+host@lists.example.org"])
@pytest.mark.parametrize("wrote", [as_it_arrived, lambda copy: redacted(as_it_arrived(copy))])
def test_elsewhere_a_token_in_the_mail_inside_says_whose_it_is(scene: Scene, to: str, wrote: object) -> None:
    assert callable(wrote)
    scene.complain(wrote(scene.copy()), to=to)
    assert scene.state is MemberState.LEFT
    assert [one.recipient for one in scene.letters()] == [BEN]


def test_microsofts_that_are_no_reports_by_their_type_are_known_too(scene: Scene) -> None:
    raw = JMRP % as_it_arrived(scene.copy()).replace(b"\r\n", b"\n")
    scene.world.receive(raw, to=ABUSE, sender="staff@hotmail.example")
    assert scene.state is MemberState.LEFT


@pytest.mark.parametrize("kind", ["opt-out", "opt-out-list", "ABUSE"])
def test_opting_out_ends_it_too(scene: Scene, kind: str) -> None:
    scene.complain(as_it_arrived(scene.copy()), to=ABUSE, kind=kind)
    assert scene.state is MemberState.LEFT


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus", "fraud", "other", "dmarc", ""])
def test_all_other_kinds_change_nothing_and_nobody_is_told(scene: Scene, kind: str) -> None:
    copy = scene.copy()
    for to in (copy.sender, ABUSE):
        scene.complain(as_it_arrived(copy), to=to, kind=kind)
    assert scene.state is MemberState.ACTIVE
    assert scene.letters() == []


def forged(raw: bytes) -> bytes:
    """Every token a little wrong."""
    return re.sub(
        rb"(back=|/u/)([a-z2-7]{19})([a-z2-7])",
        lambda match: match[1] + match[2] + (b"b" if match[3] == b"a" else b"a"),
        raw,
    )


def test_a_forged_complaint_is_ignored_however_exactly_it_names_the_member(scene: Scene) -> None:
    copy = forged(as_it_arrived(scene.copy())) + b"\r\nben@ben.example\r\n"
    for to in (ABUSE, PLAIN, "book+host@lists.example.org"):
        scene.complain(copy, to=to)
    assert scene.state is MemberState.ACTIVE
    assert scene.letters() == []


def test_a_token_that_is_only_quoted_in_the_text_of_anothers_copy_is_nobodys(scene: Scene) -> None:
    bens = as_it_arrived(scene.copy())
    other = b"Return-Path: <x@y.example>\r\nFrom: x@y.example\r\nSubject: Fwd\r\n\r\n" + bens
    scene.complain(other, to=ABUSE)
    assert scene.state is MemberState.ACTIVE


def test_a_complaint_about_a_copy_of_an_earlier_stay_changes_nothing(scene: Scene) -> None:
    copy, world = scene.copy(), scene.world
    world.pass_time(days=1)
    world.store.do(lambda tx: rosters.remove_member(tx, scene.ben, world.hand))
    new = rosters.NewMember(scene.ben.address)
    world.store.do(lambda tx: rosters.add_members(tx, scene.book, [new], world.hand))
    scene.complain(b"Subject: x\n\nx", to=copy.sender)
    assert scene.state is MemberState.ACTIVE
