"""Intake comes first, but never for long."""

from __future__ import annotations

from time import monotonic

from listserv.flow.lull import Lull


def crowd(lull: Lull) -> None:
    for _ in range(6):
        with lull.busy():
            pass


def test_one_mail_makes_nobody_wait() -> None:
    lull = Lull()
    with lull.busy():
        begun = monotonic()
        lull.wait(5.0)
        assert monotonic() - begun < 2.5
    begun = monotonic()
    lull.wait(5.0)
    assert monotonic() - begun < 2.5


def test_a_crowd_is_let_go_first_and_not_for_ever() -> None:
    lull = Lull()
    crowd(lull)
    with lull.busy():
        begun = monotonic()
        lull.wait(0.1)
        assert monotonic() - begun >= 0.1


def test_when_the_crowd_is_in_nobody_waits_any_more() -> None:
    lull = Lull()
    crowd(lull)
    lull.wait(60.0)  # returns: nothing is being taken in
