"""What comes back to the return path of a copy: a failure counts for that member, nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from listserv.store import rosters
from tests.kit.corpora import CORPORA
from tests.kit.people import DOMAIN
from tests.kit.world import World, open_world, sqlite_in

POST = b"From: <ana@ana.example>\nTo: <book@lists.example.org>\nSubject: x\nMessage-ID: <%d@a>\n\nwords\n"
ANSWERS = json.loads((CORPORA / "expected" / "bounces.json").read_text())
ANSWERS = ANSWERS.get("files", ANSWERS)


def judged(word: str) -> list[str]:
    """The samples of which flufl.bounce says no more than this: "permanent" or "temporary"."""
    found = ((name, one.get("flufl") or {}) for name, one in ANSWERS.items())
    return [name for name, said in found if [kind for kind, who in said.items() if who] == [word]]


FAILURES = [name for name in judged("permanent") if ANSWERS[name].get("hard")][::4]
DELAYS = judged("temporary")[::2]
OTHERS = [name for name, one in ANSWERS.items() if one["kind"] != "bounce"]


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
        with self.world.store.read() as tx:
            found = {str(one.address): one.bounces for one in rosters.list_members(tx, self.list_id)}
        return [found["ana@ana.example"], found["ben@ben.example"]]


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


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_counts_once_for_the_member_whose_copy_it_was(name: str, scene: Scene) -> None:
    (ana, ben), path, sent = scene.bounces, scene.return_path(), len(scene.world.outbox)
    scene.world.receive(read(name), to=path, sender="")
    assert scene.bounces == [ana, ben + 1]
    assert scene.world.ends().keys() <= {"posted", "commands"}
    assert len(scene.world.outbox) == sent


@pytest.mark.parametrize("name", [*DELAYS, *OTHERS])
@pytest.mark.parametrize("sender", ["", "someone@elsewhere.example"])
def test_delays_complaints_and_automatic_answers_never_count(name: str, sender: str, scene: Scene) -> None:
    before, path, sent = scene.bounces, scene.return_path(), len(scene.world.outbox)
    scene.world.receive(read(name), to=path, sender=sender)
    assert scene.bounces == before
    assert len(scene.world.outbox) == sent


def test_a_person_who_writes_to_a_return_path_is_not_counted_and_nobody_is_told(scene: Scene) -> None:
    before, path, sent = scene.bounces, scene.return_path(), len(scene.world.outbox)
    scene.world.receive(POST % 4711, to=path, sender="ben@ben.example")
    assert (scene.bounces, len(scene.world.outbox)) == (before, sent)


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


def test_the_samples_are_there() -> None:
    assert len(FAILURES) > 20
    assert len(DELAYS) > 3
    assert len(OTHERS) > 12
