"""What comes back to the return path of a copy: a failure counts for that member, nothing else does.

Measured on every report of the corpora, with a return path of one copy and without.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from listserv.core.address import BadAddress, read_address
from listserv.mail.reports import read_report
from listserv.store import rosters, schema
from tests.kit.corpora import CORPORA
from tests.kit.people import DOMAIN
from tests.kit.world import World, open_world, sqlite_in

POST = b"From: <ana@ana.example>\nTo: <book@lists.example.org>\nSubject: x\nMessage-ID: <%d@a>\n\nwords\n"
ANSWERS = json.loads((CORPORA / "expected" / "bounces.json").read_text())
ANSWERS = ANSWERS.get("files", ANSWERS)
BOUNCES = [name for name, one in ANSWERS.items() if one["kind"] == "bounce"]
COMPLAINTS = [name for name, one in ANSWERS.items() if one["kind"] == "feedback"]
OTHERS = [name for name, one in ANSWERS.items() if one["kind"] not in ("bounce", "feedback")]
SURE = [name for name in BOUNCES if ANSWERS[name]["sure"] in ("stated", "agreed")]


def judged(word: str) -> list[str]:
    """The samples of which flufl.bounce says no more than this: "permanent" or "temporary"."""
    found = ((name, one.get("flufl") or {}) for name, one in ANSWERS.items())
    return [name for name, said in found if [kind for kind, who in said.items() if who] == [word]]


FAILURES = [name for name in judged("permanent") if ANSWERS[name].get("hard")]
DELAYS = judged("temporary")


@dataclass(slots=True)
class Scene:
    """A list to which Ana posts, and Ben whose copies come back."""

    world: World
    list_id: int
    posts: int = 0

    def return_path(self) -> str:
        """Of Ben's copy of a new post."""
        self.posts += 1
        self.world.receive(POST % self.posts)
        return next(one.sender for one in reversed(self.world.outbox) if one.recipient == "ben@ben.example")

    @property
    def bounces(self) -> list[int]:
        """Ana's and Ben's."""
        found = counted(self.world, self.list_id)
        return [found["ana@ana.example"], found["ben@ben.example"]]

    def others_heard(self) -> int:
        """How many mails went to anybody but the owner, who hears of refusals that speak of us."""
        return sum(one.recipient != "owner@example.org" for one in self.world.outbox)


def counted(world: World, list_id: int) -> dict[str, int]:
    s, a = schema.subscriptions.c, schema.addresses.c
    query = select(a.key, s.bounces).join_from(schema.subscriptions, schema.addresses, a.id == s.address_id)
    with world.store.read() as tx:
        return {row.key: row.bounces for row in tx.execute(query.where(s.list_id == list_id))}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with open_world(sqlite_in(tmp_path_factory.mktemp("returns"))) as world:
        here = world.circle("book", storm="0")
        world.member(here, "ana@ana.example")
        world.member(here, "ben@ben.example")
        world.circle("secret", visible="hidden")
        yield Scene(world, here.id)


def read(name: str) -> bytes:
    return (CORPORA / name).read_bytes()


@pytest.mark.parametrize("name", FAILURES[::8])
def test_a_failure_counts_once_for_the_member_whose_copy_it_was(name: str, scene: Scene) -> None:
    (ana, ben), path, sent = scene.bounces, scene.return_path(), scene.others_heard()
    scene.world.receive(read(name), to=path, sender="")
    assert scene.bounces == [ana, ben + 1]
    assert scene.world.ends().keys() <= {"posted", "commands"}
    assert scene.others_heard() == sent


def test_with_a_token_whatever_a_report_says_it_counts_for_the_tokens_member_or_for_nobody(
    scene: Scene,
) -> None:
    rose: Counter[str] = Counter()
    path, sent = scene.return_path(), scene.others_heard()
    for name, answer in ANSWERS.items():
        if name in COMPLAINTS:  # they take Ben off the list: tests/test_complaints.py
            continue
        ana, ben = scene.bounces
        scene.world.receive(read(name), to=path, sender="")
        after = scene.bounces
        assert after[0] == ana, name
        rose[answer["kind"]] += after[1] - ben
        if answer["kind"] == "bounce":
            rose["failures"] += name in FAILURES and after[1] == ben + 1
            rose["delays"] += name in DELAYS and after[1] > ben
    assert rose["auto-reply"] == rose["not-a-bounce"] == rose["delivered"] == 0
    assert rose["delays"] == 0
    assert rose["failures"] == len(FAILURES)
    assert rose["bounce"] >= 330, rose  # of 357, some of which are delays
    assert scene.others_heard() == sent


@pytest.mark.parametrize("name", [*DELAYS[::4], *OTHERS])
@pytest.mark.parametrize("sender", ["", "someone@elsewhere.example"])
def test_delays_and_automatic_answers_never_count(name: str, sender: str, scene: Scene) -> None:
    before, path, sent = scene.bounces, scene.return_path(), scene.others_heard()
    scene.world.receive(read(name), to=path, sender=sender)
    assert scene.bounces == before
    assert scene.others_heard() == sent


def test_a_person_who_writes_to_a_return_path_is_not_counted_and_nobody_is_told(scene: Scene) -> None:
    before, path, sent = scene.bounces, scene.return_path(), scene.others_heard()
    scene.world.receive(POST % 4711, to=path, sender="ben@ben.example")
    assert (scene.bounces, scene.others_heard()) == (before, sent)


def test_a_return_path_in_capitals_or_with_a_minus_is_the_same(scene: Scene) -> None:
    for write in (
        str.upper,
        lambda path: path.replace("+", "-"),
        lambda path: path.replace("+back=", "=back="),
    ):
        ana, ben = scene.bounces
        scene.world.receive(read(FAILURES[0]), to=write(scene.return_path()), sender="")
        assert scene.bounces == [ana, ben + 1]


def test_without_a_token_or_with_anothers_no_report_counts(scene: Scene) -> None:
    before, path = scene.bounces, scene.return_path()
    token = path.partition("=")[2].partition("@")[0]
    for local in (
        "book-bounces",
        f"book+back={token[:-1]}{'b' if token[-1] != 'b' else 'c'}",
        f"secret+back={token}",
    ):
        scene.world.receive(read(FAILURES[0]), to=f"{local}@{DOMAIN}", sender="")
    assert scene.bounces == before
    scene.world.totals()


# -- without a token ------------------------------------------------------------------------------------


def keys(addresses: list[str]) -> set[str]:
    found = set()
    for one in addresses:
        try:
            found.add(read_address(one).key)
        except BadAddress:
            continue
    return found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A list on which everybody is whom any of the reports is about."""
    with open_world(sqlite_in(tmp_path_factory.mktemp("crowd"))) as world:
        here = world.circle("book", storm="0", personal=False)
        people = sorted(set().union(*(keys(one["recipients"]) for one in ANSWERS.values())))
        new = [rosters.NewMember(read_address(one)) for one in people]
        world.store.do(lambda tx: rosters.add_members(tx, here, new, world.hand))
        yield Scene(world, here.id)


def test_without_a_token_it_counts_for_those_whom_the_report_names_and_never_towards_a_pause(
    crowd: Scene,
) -> None:
    right: Counter[bool] = Counter()
    for name in SURE:
        before = counted(crowd.world, crowd.list_id)
        crowd.world.receive(read(name), to=f"book+bounces@{DOMAIN}", sender="")
        after = counted(crowd.world, crowd.list_id)
        rose = {one for one in after if after[one] > before[one]}
        report = read_report(read(name))
        goes_on = report is not None and report.action == "delayed"  # never counts
        right[rose == (set() if goes_on else keys(ANSWERS[name]["recipients"]))] += 1
    assert right[True] / len(SURE) >= 0.95, right
    with crowd.world.store.read() as tx:
        assert set(tx.scalars(select(schema.subscriptions.c.score))) == {0}
        assert set(tx.scalars(select(schema.subscriptions.c.state))) == {"active"}
    assert not crowd.world.outbox


def test_without_a_token_nothing_but_a_bounce_counts_for_anybody(crowd: Scene) -> None:
    before = counted(crowd.world, crowd.list_id)
    for name in (*OTHERS, *COMPLAINTS):
        for sender in ("", "someone@elsewhere.example"):
            crowd.world.receive(read(name), to=f"book+bounces@{DOMAIN}", sender=sender)
    assert counted(crowd.world, crowd.list_id) == before


def test_the_samples_are_there() -> None:
    assert len(FAILURES) > 80
    assert len(DELAYS) > 12
    assert len(OTHERS) + len(COMPLAINTS) > 12
    assert len(SURE) > 320
