"""Table 3: rights only grow with standing, and with openness."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from listserv.core.privacy import RIGHTS, is_more_open, may
from listserv.core.types import ListSettings, Standing

ORDER = (Standing.STRANGER, Standing.MEMBER, Standing.HOST)


def test_whatever_a_lesser_standing_may_a_greater_one_may_too() -> None:
    for right, (setting, values) in RIGHTS.items():
        for value in values:
            changed: dict[str, Any] = {setting: value}
            settings = replace(ListSettings(), **changed)
            allowed = [may(right, standing, settings) for standing in ORDER]  # type: ignore[arg-type]
            assert allowed == sorted(allowed), (right, value)


def test_a_stranger_at_a_hidden_list_may_nothing() -> None:
    hidden = ListSettings(visible="hidden")
    assert not any(may(right, Standing.STRANGER, hidden) for right in RIGHTS)  # type: ignore[arg-type]


def test_what_is_hidden_shows_no_more_than_private_and_private_no_more_than_listed() -> None:
    for smaller, larger in pairwise(("hidden", "private", "listed")):
        for right in RIGHTS:
            for standing in ORDER:
                less = may(right, standing, ListSettings(visible=smaller))  # type: ignore[arg-type]
                assert not less or may(right, standing, ListSettings(visible=larger))  # type: ignore[arg-type]


def test_nobody_reads_an_archive_that_is_off() -> None:
    assert not any(may("read archive", standing, ListSettings(archive="off")) for standing in ORDER)


def test_a_setting_without_a_row_value_gives_nobody_the_right() -> None:
    assert not may("read archive", Standing.HOST, ListSettings(archive="a value of tomorrow"))


def test_more_open_is_about_the_list_and_about_its_archive() -> None:
    private = ListSettings()
    assert is_more_open(replace(private, visible="listed"), private)
    assert is_more_open(replace(private, archive="public"), private)
    assert not is_more_open(private, private)
    assert not is_more_open(replace(private, visible="hidden"), private)
