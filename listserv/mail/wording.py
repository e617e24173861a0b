"""Filters for our templates: records as the words that stand for them in said.txt and verbs.txt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from jinja2 import Environment

from listserv.mail.thread_text import thread_as_text

_DAYS = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
_SHORT = 40


class Wording:
    """What the templates' tables say. One a language."""

    def __init__(self, environment: Environment) -> None:
        self._env = environment
        environment.filters |= {
            "told": self.told,
            "entry": self.entry,
            "named_group": self.named_group,
            "in_rhythm": self.in_rhythm,
            "state_of": self.state_of,
            "first_sentence": first_sentence,
            "short": short,
            "with_word": with_word,
            "as_text": thread_as_text,
        }

    @cached_property
    def _said(self) -> Any:
        return self._env.get_template("said.txt").module

    @cached_property
    def _verbs(self) -> Any:
        return self._env.get_template("verbs.txt").module

    def verbs(self) -> dict[str, str]:
        """What each verb does, by its name."""
        return dict(self._verbs.verbs)

    def told(self, said: Mapping[str, str]) -> str:
        """One line of an answer."""
        one = self.in_rhythm(said["one"]) if said["key"] in _OF_RHYTHM else said["one"]
        return _put(self._said.said[said["key"]], one, said["two"])

    def in_rhythm(self, rhythm: str) -> str:
        """How often, as it stands behind "you get"."""
        rhythms: dict[str, str] = self._said.rhythms
        key = "number" if rhythm.isdigit() else "days" if rhythm[:3] in _DAYS else rhythm
        return _put(rhythms.get(rhythm, rhythms.get(key, rhythm)), rhythm, "")

    def entry(self, line: Mapping[str, str]) -> str:
        """One verb of a help."""
        return f"    {line['shape']} – {self._verbs.verbs[line['name']]}"

    def named_group(self, group: str) -> str:
        """The heading of some verbs."""
        return f"{self._verbs.groups[group]}:"

    def state_of(self, mail: Mapping[str, str]) -> str:
        """Where a mail is."""
        states: dict[str, str] = self._said.states
        return states.get(f"{mail['state']} {mail['why']}", states.get(mail["state"], mail["state"]))


_OF_RHYTHM = ("rhythm", "rhythm already", "resumed")


def _put(words: str, one: str, two: str) -> str:
    """In one pass, so that what stands in is never read again."""
    return re.sub(r"\{(one|two)\}", lambda found: one if found[1] == "one" else two, words)


def first_sentence(text: str) -> str:
    """For a subject."""
    return short(text.split(". ")[0].rstrip("."), 60)


def short(text: str, most: int = _SHORT) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def with_word(address: str, word: str) -> str:
    """``book+join@…``"""
    local, _, domain = address.rpartition("@")
    return f"{local}+{word}@{domain}"
