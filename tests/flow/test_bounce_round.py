"""Mails that come back, day after day: who is told, what is tried, when copies stop and how they go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from listserv.core.address import read_address
from listserv.core.types import Failed, Member, MemberState, Outcome, Sent
from listserv.flow.bounce_round import look_after
from listserv.flow.deliver import deliver_due
from listserv.flow.parcel import Parcel
from listserv.store import bounces, directory, lists, rosters, schema
from listserv.store.acts import Hand
from listserv.store.directory import NOWHERE
from tests.kit.people import SITE
from tests.kit.returned import failure
from tests.kit.world import Mailed, World, open_world

POST = b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: x\nMessage-ID: <%d@a>\n\nwords\n"
BEN, HANNA, OWNER = "ben@ben.example", "hanna@host.example", "owner@example.org"


@dataclass(slots=True)
class Scene:
    """Ana writes, Ben's mails come back, Hanna looks after the list."""

    world: World
    ben: Member
    posts: int = 0

    def post(self) -> Mailed:
        """A post of Ana's; Ben's copy of it."""
        self.posts += 1
        self.world.receive(POST % self.posts)
        return self.copies()[-1]

    def copies(self) -> list[Mailed]:
        return [one for one in self.world.outbox if one.recipient == BEN and is_kind(one, "post")]

    def probes(self) -> list[Mailed]:
        return [one for one in self.world.outbox if one.recipient == BEN and is_kind(one, "notice")]

    def heard(self, who: str) -> list[str]:
        """The notices that somebody got, as text."""
        return [words(one) for one in self.world.outbox if one.recipient == who and is_kind(one, "notice")]

    def bounce(self, copy: Mailed, status: str = "5.1.1") -> None:
        self.world.receive(failure(BEN, status, len(self.world.outbox)), to=copy.sender, sender="")

    def days_of(self, count: int, status: str = "5.1.1") -> None:
        """So many days with a post each, whose copy for Ben comes back."""
        for _ in range(count):
            self.bounce(self.post(), status)
            self.world.pass_time(days=1)

    def now(self) -> Member:
        with self.world.store.read() as tx:
            found = bounces.find(tx, self.ben.id)
        assert found is not None
        return found


def is_kind(mailed: Mailed, kind: str) -> bool:
    return f"X-Listserv-Kind: {kind}".encode() in mailed.raw


def words(mailed: Mailed) -> str:
    return " ".join(mailed.raw.decode("utf-8").split())


@pytest.fixture
def scene(laid_url: str) -> Iterator[Scene]:
    with open_world(laid_url) as world:
        here = world.circle("book", storm="0")
        world.member(here, "ana@ana.example")
        world.host(here, HANNA, name="Hanna Host")
        yield Scene(world, world.member(here, BEN, name="Ben Okafor"))


def stopped(scene: Scene) -> None:
    """Ben's mails come back, and so does the probe."""
    scene.days_of(5)
    scene.bounce(scene.probes()[0])
    assert scene.now().state is MemberState.BOUNCING


# -- until copies stop ----------------------------------------------------------------------------------


def test_each_day_with_a_hard_bounce_is_a_point_however_many_there_are(scene: Scene) -> None:
    copy = scene.post()
    for _ in range(10):
        scene.bounce(copy)
    assert (scene.now().bounces, scene.now().score) == (10, 1)
    scene.days_of(2)
    assert (scene.now().bounces, scene.now().score) == (12, 2)


def test_at_three_points_the_hosts_are_told_in_plain_words_and_copies_go_on(scene: Scene) -> None:
    scene.days_of(3)
    (told,) = scene.heard(HANNA)
    assert "Ben Okafor <ben@ben.example>: 550 5.1.1 no such user" in told
    assert "They still go out" in told
    assert (scene.now().state, scene.probes()) == (MemberState.ACTIVE, [])


def test_who_has_another_confirmed_address_is_told_there_and_the_hosts_are_not(scene: Scene) -> None:
    second_address(scene, "ben@work.example")
    scene.days_of(3)
    (told,) = scene.heard("ben@work.example")
    assert "to your address ben@ben.example have come back" in told
    assert scene.heard(HANNA) == []


def second_address(scene: Scene, written: str) -> None:
    row = {"key": written, "written": written, "person_id": scene.ben.person_id}
    confirmed = row | {"confirmed": scene.world.clock.now()}
    scene.world.store.do(lambda tx: tx.execute(insert(schema.addresses), confirmed))


def test_at_five_points_a_probe_asks_and_only_if_it_comes_back_do_copies_stop(scene: Scene) -> None:
    scene.days_of(5)
    (probe,) = scene.probes()
    assert probe.sender.startswith("book+back=") and "does this reach you" in words(probe)
    assert scene.now().state is MemberState.ACTIVE
    before = len(scene.copies())
    scene.post()
    assert len(scene.copies()) == before + 1
    scene.bounce(probe)
    assert scene.now().state is MemberState.BOUNCING
    scene.world.receive(POST % 4711)
    assert len(scene.copies()) == before + 1


def test_hosts_hear_of_it_in_one_mail_a_day(scene: Scene) -> None:
    stopped(scene)
    scene.world.pass_time(days=1)
    told = scene.heard(HANNA)
    assert len(told) == 2
    assert "They are still members: Ben Okafor <ben@ben.example>: 550 5.1.1" in told[1]
    for _ in range(20):
        scene.world.pass_time(hours=6)
    assert len(scene.heard(HANNA)) == 2


def test_who_has_another_confirmed_address_reads_there_how_to_go_on(scene: Scene) -> None:
    second_address(scene, "ben@work.example")
    stopped(scene)
    assert "no longer writes to ben@ben.example" in scene.heard("ben@work.example")[-1]
    assert "resume" in scene.heard("ben@work.example")[-1]


def test_a_probe_that_stays_away_for_four_days_forgets_everything(scene: Scene) -> None:
    scene.days_of(5)
    assert len(scene.probes()) == 1
    scene.world.pass_time(days=4)
    assert (scene.now().state, scene.now().score) == (MemberState.ACTIVE, 0)
    scene.days_of(4)
    assert (scene.now().score, len(scene.probes())) == (4, 1)


def test_a_probe_that_is_refused_at_once_has_come_back(scene: Scene) -> None:
    def refuse(parcel: Parcel) -> Outcome:
        return Failed(550, "5.1.1 no", "RCPT") if BEN in parcel.envelope.recipients else Sent(250, "ok")

    scene.world.pigeons.answer = refuse
    for number in range(6):
        scene.world.receive(POST % number)
        scene.world.pass_time(days=1)
    assert scene.now().state is MemberState.BOUNCING


# -- what does not count --------------------------------------------------------------------------------


def test_a_full_mailbox_counts_from_the_third_day_in_a_row(scene: Scene) -> None:
    scene.days_of(2, "5.2.2")
    assert (scene.now().bounces, scene.now().score) == (2, 0)
    scene.days_of(1, "5.2.2")
    assert scene.now().score == 1


def test_a_refusal_of_what_we_are_never_counts_and_the_owner_hears_of_it_once_a_day(scene: Scene) -> None:
    for _ in range(3):
        scene.bounce(scene.post(), "5.7.1")
        scene.world.pass_time(minutes=1)
        scene.bounce(scene.post(), "5.7.1")
    assert (scene.now().bounces, scene.now().score) == (6, 0)
    assert scene.heard(OWNER) == [], "the first waits for others"
    scene.world.pass_time(minutes=10)
    assert len(scene.heard(OWNER)) == 1
    assert "ben.example refused 6 mails, to 1 of our members." in scene.heard(OWNER)[0]
    scene.world.pass_time(minutes=1)
    scene.bounce(scene.post(), "5.7.1")
    assert "550 5.7.1 blocked by our policy" in scene.heard(OWNER)[0]
    scene.world.pass_time(days=1)
    assert len(scene.heard(OWNER)) == 2
    assert "ben.example refused 7 mails" in scene.heard(OWNER)[1]
    scene.days_of(10, "5.7.1")
    assert (scene.now().state, scene.now().score, scene.probes()) == (MemberState.ACTIVE, 0, [])
    assert scene.heard(HANNA) == []


def test_a_probe_refused_for_what_we_are_says_nothing_of_the_member(scene: Scene) -> None:
    scene.days_of(5)
    scene.bounce(scene.probes()[0], "5.7.1")
    assert scene.now().state is MemberState.ACTIVE
    scene.world.pass_time(days=4)
    assert (scene.now().state, scene.now().score) == (MemberState.ACTIVE, 0)


def test_a_hundred_forged_tokens_do_nothing_and_a_true_one_a_hundred_times_is_one_point(scene: Scene) -> None:
    copy, world = scene.post(), scene.world
    head, _, token = copy.sender.partition("@")[0].partition("=")
    with world.store.read() as tx:
        for number in range(100):
            forged = token[:-2] + "".join("abcdefghij"[int(digit)] for digit in f"{number:02}")
            address = read_address(f"{head}={forged}@{SITE.domain}")
            # The door says 550: there is no such address.
            assert forged == token or directory.look_up(tx, address, SITE.domain, world.ring) is NOWHERE
    for number in range(100):
        scene.world.accept(failure(BEN, number=number), to="book+bounces@lists.example.org", sender="")
    scene.world.settle()
    assert (scene.now().bounces, scene.now().score) == (100, 0)
    for number in range(100):
        scene.world.accept(failure(BEN, number=1000 + number), to=copy.sender, sender="")
    scene.world.settle()
    assert (scene.now().bounces, scene.now().score) == (200, 1)


def test_a_token_that_is_replayed_for_weeks_stops_nothing_since_nobody_knows_the_probe_s(
    scene: Scene,
) -> None:
    copy = scene.post()
    for _ in range(30):
        scene.bounce(copy)
        scene.world.pass_time(days=1)
    assert scene.now().state is MemberState.ACTIVE
    assert scene.now().score == 0


def test_a_report_on_a_copy_of_two_weeks_ago_does_not_count(scene: Scene) -> None:
    copy = scene.post()
    scene.world.pass_time(days=15)
    scene.bounce(copy)
    assert scene.now().score == 0


def test_a_report_on_a_copy_of_an_earlier_stay_does_not_count(scene: Scene) -> None:
    copy, world = scene.post(), scene.world
    world.pass_time(days=1)
    world.store.do(lambda tx: rosters.remove_member(tx, scene.now(), world.hand))
    with world.store.read() as tx:
        here = lists.list_by_id(tx, scene.ben.list_id)
    assert here is not None
    new = rosters.NewMember(read_address(BEN))
    world.store.do(lambda tx: rosters.add_members(tx, here, [new], world.hand))
    scene.bounce(copy)
    assert (scene.now().state, scene.now().bounces, scene.now().score) == (MemberState.ACTIVE, 0, 0)


def test_points_fall_by_half_in_a_quiet_week_in_which_a_copy_arrived(scene: Scene) -> None:
    scene.days_of(2)
    scene.world.pass_time(days=20)
    assert scene.now().score == 2  # nobody wrote: nothing is known
    scene.post()
    scene.world.pass_time(days=3)
    assert scene.now().score == 1
    scene.world.pass_time(hours=1)
    scene.post()
    for _ in range(4):
        scene.world.pass_time(days=2)
    assert scene.now().score == 0


# -- and on again ---------------------------------------------------------------------------------------


def test_a_probe_a_week_later_that_stays_away_lets_copies_go_out_again_and_the_hosts_know(
    scene: Scene,
) -> None:
    stopped(scene)
    scene.world.pass_time(days=7)
    probe = scene.probes()[-1]
    assert len(scene.probes()) == 2
    assert "your address works again" in words(probe) and "resume" in words(probe)
    scene.world.pass_time(days=4)
    assert (scene.now().state, scene.now().score) == (MemberState.ACTIVE, 0)
    assert "Mails go out again to these members" in scene.heard(HANNA)[-1]
    assert scene.post().recipient == BEN


def test_probes_that_come_back_are_sent_ever_more_seldom_and_nobody_is_taken_off(scene: Scene) -> None:
    stopped(scene)
    days: list[int] = []
    world = scene.world
    for day in range(1, 260):
        world.clock.move(timedelta(days=1))
        if look_after(world.pen, world.bells):  # of all that a day brings only this is looked at
            deliver_due(world.depot)
        if len(scene.probes()) == len(days) + 2:
            days.append(day)
            scene.bounce(scene.probes()[-1])
    world.settle()
    assert [after - before for before, after in zip([0, *days], days, strict=False)] == [7, 14, 30, 60, 90]
    assert scene.now().state is MemberState.BOUNCING
    assert len(scene.heard(HANNA)) == 2


def test_a_reply_of_the_member_s_own_brings_them_back_with_one_word(scene: Scene) -> None:
    stopped(scene)
    scene.world.clock.move(timedelta(hours=1))
    assert scene.world.store.do(
        lambda tx: bounces.resume(tx, scene.ben.id, Hand(f"member {scene.ben.id}", scene.world.clock.now()))
    )
    assert (scene.now().state, scene.now().score) == (MemberState.ACTIVE, 0)
    assert scene.post().recipient == BEN


SIGNED = (
    b"Authentication-Results: mx.example.org; dmarc=%s header.from=ben.example\n"
    b"From: ben@ben.example\nTo: %s\nSubject: hello\nMessage-ID: <b%d@ben>\n\nI am here.\n"
)


@pytest.mark.parametrize("to", ["book@lists.example.org", "book+host@lists.example.org"])
def test_any_mail_that_is_proven_to_be_theirs_brings_them_back(scene: Scene, to: str) -> None:
    stopped(scene)
    scene.world.receive(SIGNED % (b"fail", to.encode(), 1), to=to, sender=BEN)
    assert scene.now().state is MemberState.BOUNCING
    scene.world.receive(SIGNED % (b"pass", to.encode(), 2), to=to, sender=BEN)
    assert (scene.now().state, scene.now().score) == (MemberState.ACTIVE, 0)


def test_who_pauses_is_left_in_peace(scene: Scene) -> None:
    scene.days_of(4)
    scene.bounce(scene.post())
    old = scene.now()
    paused = replace(old, state=MemberState.PAUSED)
    scene.world.store.do(lambda tx: rosters.set_member(tx, old, paused, scene.world.hand))
    scene.world.pass_time(days=30)
    assert scene.now().state is MemberState.PAUSED
    with scene.world.store.read() as tx:
        assert tx.execute(select(schema.bounce_watch)).first() is None


def test_looking_twice_sends_one_probe(scene: Scene) -> None:
    scene.days_of(4)
    scene.bounce(scene.post())
    for _ in range(3):
        scene.world.settle()
    assert len(scene.probes()) == 1
