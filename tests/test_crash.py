"""Death around every commit and every answer: nothing is lost, nothing posted twice."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from tests.kit import mortal
from tests.kit.kill_ledger import LONG, bound
from tests.kit.world import World, sqlite_in

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.kit.mortal"])
_SHARES = 4
_EVERY = 1 if LONG else 3  # of the points at which it dies, one in three; `make soak` tries each


def one_life(folder: Path, die_at: int) -> int:
    """Live once in a process of its own; its exit code. The long run dies at each SQL statement, too."""
    process = _FORK.Process(target=mortal.live, args=(folder, die_at, LONG))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "a life that does not end"
    return process.exitcode


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same site where nobody dies; ``before`` in it: before anything happens."""
    folder = tmp_path_factory.mktemp("calm")
    mortal.found(folder)
    shutil.copytree(folder, folder / "before")
    assert one_life(folder, 0) == 0
    return folder


def ends(folder: Path) -> dict[str, Any]:
    """Where all arrivals and holds ended, every post with its thread, and which pages are marked."""
    store = open_store(sqlite_in(folder))
    try:
        assert unbalanced(store) == []
        with store.read() as tx:
            said = {
                what: [tuple(row) for row in tx.exec_driver_sql(f"SELECT {what} ORDER BY 1, 2")]
                for what in (
                    "message_id, thread_id, state FROM posts",
                    "subject, state FROM holds",
                    "list_id, thread_id, month FROM stale",
                    '"to", state FROM deliveries',
                )
            }
        return {**said, "arrivals": {"discarded": 0} | World(store).ends()}
    finally:
        store.close()


@pytest.mark.parametrize("share", range(_SHARES))
def test_a_death_at_any_point_loses_nothing_and_posts_nothing_twice(
    share: int, calm: Path, tmp_path: Path
) -> None:
    calm_ends, calm_left = ends(calm), set(mortal.left(calm))
    assert len(calm_left) == 16  # five posts for three members, and a card for the host
    for die_at in range(1 + share, mortal.points(calm) + 1, _SHARES * _EVERY):
        here = tmp_path / str(die_at)
        shutil.copytree(calm / "before", here)
        # How results fall into groups varies from life to life: one may be over before this point.
        assert one_life(here, die_at) == mortal.DIED or mortal.points(here) < die_at
        assert one_life(here, 0) == 0
        after = ends(here)
        # A client that died with us before its 250 sends again: at most that one is a duplicate more.
        assert after["arrivals"]["discarded"] <= calm_ends["arrivals"]["discarded"] + 1, die_at
        after["arrivals"]["discarded"] = calm_ends["arrivals"]["discarded"]
        assert after == calm_ends, die_at
        copies = Counter(mortal.left(here))
        assert set(copies) == calm_left, die_at  # the same bytes, the doubled ones too
        assert sum(copies.values()) - len(copies) <= bound(), die_at
        assert max(copies.values()) <= 2, die_at
