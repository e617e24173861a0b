"""A member's bounce history: the score, and the table that says what is done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from listserv.core.bounces import (
    PROBE_STAYS,
    QUIET,
    STEPS,
    TRY_AGAIN,
    Act,
    Case,
    Entry,
    History,
    Probe,
    What,
    is_fresh,
    score_of,
    weigh,
)
from listserv.core.types import MemberState
from tests.kit.people import NOW

DAY = timedelta(days=1)
START = NOW - 30 * DAY
ACTIVE, BOUNCING = MemberState.ACTIVE, MemberState.BOUNCING


def on(*days: tuple[int, str]) -> History:
    """A history: so many days after START, this."""
    return tuple(Entry((START + day * DAY).date(), What(what), 1, START + day * DAY) for day, what in days)


def every_day(what: str, days: int, first: int = 0) -> History:
    return on(*((first + day, what) for day in range(days)))


# fmt: off
SCORES = (
    ("nothing",                                        (),                                                  0),
    ("a hard bounce on each of three days",            every_day("hard", 3),                                3),
    ("a hundred hard ones on one day",                 (Entry(NOW.date(), What.HARD, 100, NOW),),           1),
    ("a hard and a soft one on one day",               on((0, "hard"), (0, "soft")),                        1),
    ("soft ones on two days in a row",                 every_day("soft", 2),                                0),
    ("soft ones on three days in a row",               every_day("soft", 3),                                1),
    ("soft ones on seven days in a row",               every_day("soft", 7),                                5),
    ("soft ones on every other day",                   on(*((day, "soft") for day in range(0, 20, 2))),     0),
    ("policy on ten days: our fault, not theirs",      every_day("policy", 10),                             0),
    ("four hard ones, then a quiet week",              every_day("hard", 4) + on((11, "eased")),            2),
    ("and another",                                    every_day("hard", 4) + on((11, "eased"), (18, "eased")), 1),
    ("five hard ones, and then a probe arrived",       every_day("hard", 5) + on((9, "cleared")),           0),
    ("that, and one hard one since",                   every_day("hard", 5) + on((9, "cleared"), (10, "hard")), 1),
    ("what was said and done does not count",          every_day("hard", 3) + on((3, "doubted"), (4, "stopped")), 3),
)
# fmt: on


@pytest.mark.parametrize(("history", "score"), [one[1:] for one in SCORES], ids=[one[0] for one in SCORES])
def test_the_score(history: History, score: int) -> None:
    assert score_of(history) == score


def case(history: History, at: int, state: MemberState = ACTIVE, **more: object) -> Case:
    """The case so many days after START."""
    probe, stayed = more.get("probe"), bool(more.get("stayed"))
    assert probe is None or isinstance(probe, Probe)
    return Case(START + at * DAY, state, history, probe, stayed)


BACK, LOST, OUT = Probe(START, returned=True), Probe(lost=True), Probe(START)
DEAD = every_day("hard", 5)
STOPPED = DEAD + on((5, "stopped"))

# fmt: off
CASES = (
    ("nothing to do",                          case(every_day("hard", 2), 2),                          Act.WAIT),
    ("three points: somebody is told",         case(every_day("hard", 3), 3),                          Act.WARN),
    ("told once",                              case(every_day("hard", 3) + on((3, "doubted")), 3),     Act.WAIT),
    ("told at another address",                case(every_day("hard", 3) + on((3, "warned")), 3),      Act.WAIT),
    ("told again after all was well",          case(on((0, "doubted"), (1, "cleared")) + every_day("hard", 3, 2), 5), Act.WARN),
    ("five points: a probe asks",              case(DEAD, 5),                                          Act.PROBE),
    ("the probe has not left yet",             case(DEAD, 40, probe=Probe()),                          Act.WAIT),
    ("the probe is out",                       case(DEAD, 3, probe=OUT),                               Act.WAIT),
    ("the probe came back",                    case(DEAD, 3, probe=BACK),                              Act.STOP),
    ("it could never be delivered",            case(DEAD, 6, probe=LOST),                              Act.STOP),
    ("the probe stayed away",                  case(DEAD, PROBE_STAYS.days, probe=OUT),                Act.RESUME),
    ("stopped a moment ago",                   case(STOPPED, 6, BOUNCING),                             Act.WAIT),
    ("stopped for a week",                     case(STOPPED, 5 + TRY_AGAIN[0].days, BOUNCING),         Act.PROBE),
    ("tried a second time a week ago",         case(STOPPED + on((12, "tried")), 19, BOUNCING),        Act.WAIT),
    ("tried a second time two weeks ago",      case(STOPPED + on((12, "tried")), 26, BOUNCING),        Act.PROBE),
    ("tried often: still every ninety days",   case(STOPPED + every_day("tried", 20, 6), 25 + 90, BOUNCING), Act.PROBE),
    ("while stopped, reports change nothing",  case(STOPPED + on((6, "hard")), 7, BOUNCING),           Act.WAIT),
    ("while stopped, a probe that stays",      case(STOPPED, PROBE_STAYS.days, BOUNCING, probe=OUT),   Act.RESUME),
    ("a quiet week in which a copy arrived",   case(every_day("hard", 2), 1 + QUIET.days, stayed=True), Act.EASE),
    ("a quiet week in which nobody wrote",     case(every_day("hard", 2), 1 + QUIET.days),             Act.WAIT),
    ("eased lately",                           case(every_day("hard", 4) + on((11, "eased"), (11, "warned")), 12, stayed=True), Act.WAIT),
    ("they left",                              case(DEAD, 5, MemberState.LEFT, probe=BACK),            Act.FORGET),
    ("they paused",                            case(DEAD, 5, MemberState.PAUSED),                      Act.FORGET),
)
# fmt: on


@pytest.mark.parametrize(("known", "act"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_is_done(known: Case, act: Act) -> None:
    assert weigh(known).then is act


def test_every_row_of_the_table_decides_some_case_and_has_a_name_of_its_own() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    assert {weigh(one[1]).name for one in CASES} == set(names)


def test_nothing_in_the_table_takes_anybody_off_a_list() -> None:
    assert {step.then for step in STEPS} <= set(Act)
    assert not {"leave", "remove", "delete"} & {act.value for act in Act}


def test_a_report_on_an_old_copy_or_one_from_an_earlier_stay_does_not_count() -> None:
    assert is_fresh(NOW - 14 * DAY, START, NOW)
    assert not is_fresh(NOW - 15 * DAY, START, NOW)
    assert not is_fresh(NOW - 2 * DAY, NOW - DAY, NOW)
