"""Death at every SQL statement, and at every commit: nothing is lost, nothing posted twice."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter
from pathlib import Path

import pytest

from listserv.flow.results import GROUP
from listserv.store.engine import open_store
from tests.kit import mortal
from tests.kit.world import World, sqlite_in

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.kit.mortal"])
_SHARES = 4


def one_life(folder: Path, die_at: int) -> int:
    """Live once in a process of its own; its exit code."""
    process = _FORK.Process(target=mortal.live, args=(folder, die_at))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "a life that does not end"
    return process.exitcode


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The same site where nobody dies, and how many statements that takes."""
    folder = tmp_path_factory.mktemp("calm")
    mortal.found(folder)
    shutil.copytree(folder, folder / "before")
    assert one_life(folder, 0) == 0
    return folder, int((folder / "statements").read_text())


def ends(folder: Path) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Where all arrivals ended, and every post with its thread."""
    store = open_store(sqlite_in(folder))
    try:
        with store.read() as tx:
            posts = tx.exec_driver_sql("SELECT message_id, thread_id FROM posts ORDER BY message_id").all()
        return World(store).ends(), [(row[0], row[1]) for row in posts]
    finally:
        store.close()


@pytest.mark.parametrize("share", range(_SHARES))
def test_a_death_at_any_statement_loses_nothing_and_posts_nothing_twice(
    share: int, calm: tuple[Path, int], tmp_path: Path
) -> None:
    folder, statements = calm
    calm_ends, calm_posts = ends(folder)
    calm_left = set(mortal.left(folder))
    assert len(calm_left) == 9  # three posts for three members
    for die_at in range(1 + share, statements + 1, _SHARES):
        here = tmp_path / str(die_at)
        shutil.copytree(folder / "before", here)
        # How results fall into groups is the only thing that varies from life to life: by a few statements.
        assert one_life(here, die_at) == mortal.DIED or die_at > statements - 12
        assert one_life(here, 0) == 0
        after, posts = ends(here)
        assert posts == calm_posts, die_at
        # A client that died with us before its 250 sends again: at most that one is a duplicate more.
        assert after.get("discarded", 0) <= 1, die_at
        assert {**after, "discarded": 0} == {**calm_ends, "discarded": 0}, die_at
        copies = Counter(mortal.left(here))
        assert set(copies) == calm_left, die_at  # the same bytes, the doubled ones too
        assert sum(copies.values()) - len(copies) <= GROUP, die_at
        assert max(copies.values()) <= 2, die_at
