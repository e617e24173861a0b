"""How often the reply guard asks where nobody made a mistake: real posts of an archive, each in its thread.

Who asked, and who wrote what is answered, is known as a list knows it: from References and from the posts
that came before. A post whose author the archive does not give is no voice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache

from listserv.core.greeting import greeting_in, is_called
from listserv.core.guard import Company, Voice, asks_who, may_be_their_first, quoted_of_ours, sign_in
from listserv.core.types import Mail
from listserv.mail.mbox import read_mbox, unveiled
from listserv.mail.parse import parse
from tests.kit.corpora import corpus
from tests.kit.people import a_list

MOST = 0.02  # what the guard may cost people (product.md: more would annoy)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def archive() -> tuple[Mail, ...]:
    """Oldest first."""
    found: list[tuple[datetime, Mail]] = []
    for name, raw in corpus("archives/twisted-web"):
        for one in read_mbox(raw.splitlines(keepends=True), 10_000_000) if name.endswith(".mbox") else ():
            mail = parse(unveiled(one.raw))
            assert isinstance(mail, Mail)
            found.append((one.at or _LONG_AGO, mail))
    return tuple(mail for _, mail in sorted(found, key=lambda pair: pair[0]))


@dataclass(slots=True)
class Ears:
    """A list that hears one post after the other."""

    by_id: dict[str, Voice] = field(default_factory=dict)
    root: dict[str, str] = field(default_factory=dict)
    heard: dict[str, Voice] = field(default_factory=dict)

    def company(self, mail: Mail) -> Company:
        known = [ref for ref in mail.references if ref in self.by_id]
        if not asks_who(mail) or not known or known[-1] != mail.references[-1]:
            return Company()
        own = mail.author.key if mail.author else ""
        chain = [self.by_id[ref] for ref in reversed(known)]
        answered = next((voice for voice in chain if voice.address.key != own), chain[0])
        first = bool(own) and may_be_their_first(mail) and own not in self.heard
        company = Company(asker=self.by_id[self.root[known[-1]]], answered=answered, first=first)
        return replace(company, greeted=self._greeted(mail))

    def _greeted(self, mail: Mail) -> Voice | None:
        greeting = greeting_in(mail.said)
        called = [
            voice
            for voice in self.heard.values()
            if greeting is not None and is_called(voice.name, voice.address, greeting.name)
        ]
        return called[0] if len(called) == 1 else None

    def hear(self, mail: Mail) -> None:
        if mail.author is None:
            return
        voice = Voice(mail.author_name, mail.author)
        self.by_id[mail.message_id] = self.heard[mail.author.key] = voice
        above = next((self.root[ref] for ref in reversed(mail.references) if ref in self.root), None)
        self.root[mail.message_id] = above or mail.message_id


def alarms() -> Iterator[tuple[str, Mail]]:
    """Each post for which its author would be asked, and the sign in it."""
    ears = Ears()
    for mail in archive():
        quoted = quoted_of_ours(mail, a_list())
        company = replace(ears.company(mail), quoted=quoted.letter or bool(quoted.seals))
        if sign := sign_in(mail, company):
            yield sign, mail
        ears.hear(mail)


def test_of_1258_real_posts_fewer_than_two_in_a_hundred_are_asked_about() -> None:
    found = list(alarms())
    assert len(archive()) > 1250
    assert len(found) < MOST * len(archive()), Counter(sign for sign, _ in found)


def greeting_replies() -> Iterator[tuple[Mail, Company]]:
    """The replies in it that greet one person, where the list knows what they answer."""
    ears = Ears()
    for mail in archive():
        company, greeting = ears.company(mail), greeting_in(mail.said)
        if company.answered is not None and greeting is not None and greeting.sure:
            yield mail, company
        ears.hear(mail)


def test_the_same_replies_are_asked_about_once_they_greet_somebody_else() -> None:
    found = list(greeting_replies())
    assert len(found) > 30
    for mail, company in found:
        greeting = greeting_in(mail.said)
        assert greeting is not None
        other = replace(mail, said=mail.said.replace(greeting.name, "Dora", 1))
        assert sign_in(other, replace(company, greeted=None)) == "greets one", mail.said[:80]
