"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import archive_site
import listserv
from listserv.core import patterns


def test_a_pattern_finds_what_the_librarys_finds_the_first_time_and_later() -> None:
    ours, theirs = patterns.regex(r"(?P<word>b+)", re.I), re.compile(r"(?P<word>b+)", re.I)
    for _ in range(2):
        found, wanted = ours.search("aBBc"), theirs.search("aBBc")
        assert found is not None and wanted is not None
        assert found["word"] == wanted["word"] == "BB"
        assert ours.sub("-", "aBBc") == "a-c"
        assert (ours.pattern, ours.flags, ours.groups) == (theirs.pattern, theirs.flags, theirs.groups)


def test_what_is_wrong_in_a_pattern_is_told_when_it_is_used() -> None:
    wrong = patterns.regex("(")
    with pytest.raises(re.error):
        wrong.search("a")


def test_each_pattern_of_the_program_can_be_compiled() -> None:
    asked: set[str] = set()
    for package in (listserv, archive_site):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                module = importlib.import_module(found.name)
                asked |= {str(one.pattern) for one in _within(list(vars(module).values()))}
    assert len(asked) > 300


def _within(value: Any) -> Iterator[Any]:
    """The patterns in a table of whatever kind."""
    later: Any = patterns.regex
    if isinstance(value, later):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _within(one)
    elif isinstance(value, dict):
        yield from _within([one for name, one in value.items() if name != "__builtins__"])
