"""The templates in one language, and filters for them: records as the words that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from listserv.core.calendar_words import SAID_MONTHS
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.catalogs import catalog_of, read_catalog
from listserv.mail.columns import boxed, indented
from listserv.mail.names import shown_name
from listserv.mail.thread_text import thread_as_text

ENGLISH = "en"  # what the templates themselves are in
_SHORT = 40


@dataclass(frozen=True, slots=True)
class Writer:
    """Who wrote a private mail. ``list``: its title, or name; ``standing``: member, host or stranger."""

    name: str
    list: str
    standing: str
    proved: bool


class Wording:
    """What our templates and their tables say in one language. English where it has no words of its own.

    ``folders`` are looked up in turn, each for a folder of the language's name first: a host's words/de,
    then words, then ours. The catalogs are beside the last one.
    """

    def __init__(self, folders: Sequence[Path], language: str = ENGLISH) -> None:
        path = None if language == ENGLISH else catalog_of(folders[-1].parent / "locale", language)
        self.language = language if path else ENGLISH
        own = [folder / language for folder in folders] if path else []
        self._env = _environment([*own, *folders], read_catalog(path) if path else NullTranslations())
        self._env.filters |= {
            "as_said": self.as_said,
            "as_text": thread_as_text,
            "because": self.to_author,
            "boxed": boxed,
            "day": self.day,
            "entry": self.entry,
            "first_sentence": first_sentence,
            "in_rhythm": self.in_rhythm,
            "indented": indented,
            "listed": self.listed,
            "named_group": self.named_group,
            "short": short,
            "state_of": self.state_of,
            "to_host": self.to_host,
            "told": self.told,
            "with_word": with_word,
        }

    @property
    def filters(self) -> frozenset[str]:
        """What a template may put words through."""
        return frozenset(self._env.filters)

    def template(self, name: str) -> Template:
        """One of ours, or a host's own in its place."""
        return self._env.get_template(name)

    @cached_property
    def _said(self) -> Any:
        return self.template("said.txt").module

    @cached_property
    def _verbs(self) -> Any:
        return self.template("verbs.txt").module

    def verbs(self) -> dict[str, str]:
        """What each verb does, by its name."""
        return dict(self._verbs.verbs)

    def to_author(self, rule: str) -> str:
        """Why a mail waits, as said to its author: one or two sentences. Any rule name gives some."""
        return self._reason("to_author", rule)

    def to_host(self, rule: str) -> str:
        """The same as said to hosts and on the command line: a short phrase."""
        return self._reason("to_host", rule)

    def _reason(self, table: str, rule: str) -> str:
        reasons: dict[str, str] = getattr(self.template("reasons.txt").module, table)
        return reasons.get(rule, reasons["otherwise"])

    def told(self, said: Mapping[str, str]) -> str:
        """One line of an answer."""
        one = self.in_rhythm(said["one"]) if said["key"] in _OF_RHYTHM else said["one"]
        return _put(self._said.said[said["key"]], one, said["two"], said["three"])

    def in_rhythm(self, rhythm: str) -> str:
        """How often, as it stands behind "you get"."""
        rhythms: dict[str, str] = self._said.rhythms
        days: dict[str, str] = self._said.weekdays
        if rhythm[:3] in days:
            return _put(rhythms["days"], self.listed([days[day] for day in rhythm.split()]), "")
        key = "number" if rhythm.isdigit() else rhythm
        return _put(rhythms.get(rhythm, rhythms.get(key, rhythm)), self.as_said(rhythm), "")

    def as_said(self, rhythm: str) -> str:
        """A rhythm as the reader would type it."""
        typed: dict[str, str] = self._said.typed
        return " ".join(typed.get(word, word) for word in rhythm.split())

    def written_through(self, who: Writer) -> str:
        """The name in From of a private mail: who wrote it, and through which list."""
        words: dict[str, str] = self._said.through
        most = _NAME if who.standing != "stranger" else _STRANGERS_NAME
        name = short(shown_name(who.name), most) or words["nobody"]
        name = name if who.proved else _put(words["unproven"], name, "")
        return _put(words[who.standing], name, short(shown_name(who.list)))

    def entry(self, line: Mapping[str, str]) -> str:
        """One verb of a help."""
        shape = self._verbs.shapes.get(line["name"], line["shape"])
        return f"    {shape} – {self._verbs.verbs[line['name']]}"

    def named_group(self, group: str) -> str:
        """The heading of some verbs."""
        return f"{self._verbs.groups[group]}:"

    def state_of(self, mail: Mapping[str, str]) -> str:
        """Where a mail is."""
        states: dict[str, str] = self._said.states
        return states.get(f"{mail['state']} {mail['why']}", states.get(mail["state"], mail["state"]))

    def listed(self, names: Sequence[str]) -> str:
        """ "Ana, Bea and Carl"."""
        if len(names) < 2:
            return "".join(names)
        return _put(self._said.both, ", ".join(names[:-1]), names[-1])

    def day(self, day: date) -> str:
        """ "3 November 2026"."""
        months = SAID_MONTHS.get(self.language, SAID_MONTHS[ENGLISH])
        return _put(self._said.day, str(day.day), f"{months[day.month - 1]} {day.year}")


# On a phone some thirty characters of From are seen: what we say of the writer must be among them.
_NAME, _STRANGERS_NAME = 40, 20
_OF_RHYTHM = ("rhythm", "rhythm already", "resumed")


def _environment(folders: Sequence[Path], translations: NullTranslations) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folders),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        autoescape=_is_html,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with_words: Any = made  # the extension gives it a method that the type does not have
    with_words.install_gettext_translations(translations, newstyle=True)
    return made


def _is_html(name: str | None) -> bool:
    """Plain text is never HTML; what is, has nothing of a stranger's in it that was not escaped."""
    return name is not None and name.endswith(".html")


def _put(words: str, one: str, two: str, three: str = "") -> str:
    """In one pass, so that what stands in is never read again."""
    put = {"one": one, "two": two, "three": three}
    return re.sub(r"\{(one|two|three)\}", lambda found: put[found[1]], words)


_SENTENCE_ENDS = regex(rf"\. (?!(?:{'|'.join(SAID_MONTHS['de'])})\b)")  # "8. Januar" is a day


def first_sentence(text: str) -> str:
    """For a subject."""
    return short(_SENTENCE_ENDS.split(text)[0].rstrip("."), 60)


def short(text: str, most: int = _SHORT) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def with_word(address: str, word: str) -> str:
    """``book+join@…``"""
    local, _, domain = address.rpartition("@")
    return f"{local}+{word}@{domain}"
