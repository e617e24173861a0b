"""What is booked when somebody's rhythm or standing changes: each post once, singly or in a Brief."""

from __future__ import annotations

import pytest

from listserv.core.books import LOOK, Books, opened, turned
from tests.kit.people import NOW

# fmt: off
CASES = (
    # before                          becomes               has had  look       in words
    (Books("now", "active", 0),       "daily", "active",    9,       LOOK),   # all went singly till now
    (Books("daily", "active", 4, NOW), "weekly", "active",  4,       LOOK),   # what is outstanding stays so
    (Books("daily", "active", 4, NOW), "now", "active",     4,       NOW),    # it comes at once
    (Books("daily", "active", 9, NOW), "now", "active",     9,       None),   # there is nothing of it
    (Books("now", "active", 4, NOW),  "daily", "active",    4,       LOOK),   # back again before it was made
    (Books("daily", "active", 4, NOW), "none", "active",    9,       None),   # dropped
    (Books("none", "active", 0),      "daily", "active",    9,       LOOK),
    (Books("mine", "active", 0),      "now", "active",      9,       None),
    (Books("now", "active", 0),       "now", "paused",      9,       None),   # what comes meanwhile waits
    (Books("now", "paused", 4),       "now", "active",      4,       NOW),
    (Books("now", "paused", 4),       "daily", "paused",    4,       None),
    (Books("daily", "paused", 4),     "daily", "active",    4,       LOOK),
    (Books("daily", "active", 4, NOW), "daily", "bouncing", 4,       None),
    (Books("daily", "active", 4, NOW), "daily", "left",     4,       None),
    (Books("daily", "left", 4),       "daily", "active",    4,       LOOK),   # "undo": as it was
    (Books("daily", "pending", 0),    "daily", "active",    9,       LOOK),
)
# fmt: on


@pytest.mark.parametrize(("old", "rhythm", "state", "upto", "at"), CASES)
def test_a_change_neither_loses_nor_doubles(
    old: Books, rhythm: str, state: str, upto: int, at: object
) -> None:
    assert turned(old, rhythm, state, 9, NOW) == Books(rhythm, state, upto, at)  # type: ignore[arg-type]


def test_who_comes_onto_the_list_has_had_all_before() -> None:
    assert opened("now", 9) == Books("now", "active", 9)
    assert opened("3", 9) == Books("3", "active", 9, LOOK)
