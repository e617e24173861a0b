"""News to make Briefs of: a day of a list that we made up, and days of a real one from the corpora."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from listserv.core.address import Address
from listserv.core.brief import Brief, NewPost, News, Reader, ThreadNews
from listserv.core.choosing import choose
from listserv.core.own_words import Heard, own_words
from listserv.core.questions import first_question
from listserv.core.retold import File, author_told
from listserv.core.seals import message_hash
from listserv.core.types import ListSettings, Mail, MailList
from listserv.mail.briefs import write
from listserv.mail.mbox import read_mbox, unveiled
from listserv.mail.notices import Words
from listserv.mail.parse import parse
from listserv.resources import resource
from tests.kit.corpora import CORPORA

DOMAIN, BASE = "lists.example.org", "https://lists.example.org"
TUESDAY = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
READER = Reader("en", "UTC", spent=(2, 3))
WORDS = Words((resource("templates") / "mail",))


def a_list(title: str = "Food Banks NW", local: str = "foodbanks", **settings: object) -> MailList:
    chosen = replace(ListSettings(), **settings)  # type: ignore[arg-type]
    return MailList(1, Address(local, DOMAIN), f"{local}.{DOMAIN}", title, chosen)


def post(turn: int, who: str, words: str, **more: object) -> NewPost:
    """A post of the day before."""
    key = f"{who.partition(' ')[0].lower()}@home.example"
    made = NewPost(
        id=turn,
        turn=turn,
        hash=message_hash(f"{turn}@home.example"),
        author_key=key,
        author_name=who,
        at=TUESDAY - timedelta(hours=20) + timedelta(minutes=53 * (turn % 10)),
        subject="",
        words=words,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def thread(number: int, title: str, *posts: NewPost, **more: object) -> ThreadNews:
    made = ThreadNews(number, message_hash(title)[:12], title, posts)
    return replace(made, **more)  # type: ignore[arg-type]


def news(*threads: ThreadNews, here: MailList | None = None) -> News:
    turns = [one.turn for two in threads for one in two.posts]
    return News(here or a_list(), min(turns, default=1) - 1, max(turns, default=0), threads)


@dataclass(frozen=True, slots=True)
class Written:
    """A Brief as a mail program sees it."""

    raw: bytes

    @property
    def mail(self) -> EmailMessage:
        found = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def part(self, kind: str) -> str:
        part = self.mail.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def text(self) -> str:
        return self.part("plain")

    @property
    def html(self) -> str:
        return self.part("html")

    @property
    def shown(self) -> str:
        """Who it is from, its subject and its text."""
        return f"From: {self.mail['From']}\nSubject: {self.mail['Subject']}\n\n{self.text}"


def written(brief: Brief | None) -> Written:
    assert brief is not None
    return Written(write(brief, WORDS, BASE, DOMAIN))


def a_brief(*threads: ThreadNews, reader: Reader = READER, here: MailList | None = None) -> Written:
    return written(choose(news(*threads, here=here), reader, TUESDAY))


# -- a day that we made up --------------------------------------------------------------------------------

_FREEZERS = """\
We did, twice. The first time we asked for the whole walk-in and were turned down without a reason; the \
second time we asked for two chest freezers and the wiring, and had the money in five weeks.

What helped: a letter from the fire station that they would share the generator, three months of what we \
had to turn away (in pounds, by week), and a photo of the fish truck leaving full.

What did not help at all was the budget sheet they give you. It has no line for electricity, and ours runs \
to 140 dollars a month. Put it under "other", with the meter readings, or somebody will ask in the middle \
of the summer, when nobody has time to look for them.

If you want, I send you both applications, the one that failed and the one that did not. They are the same \
but for four sentences, and it is a good exercise to find them. One thing more: call them before you write. \
The woman who reads these is called Marlene, she has run a pantry herself, and she will tell you in two \
minutes whether this year is a freezer year or a truck year. Nobody else asks her, she says, and everybody \
then wonders. She also knows which of the counties match what the state gives, and that changes from one \
autumn to the next: ours did, until it did not, and we had bought the second freezer by then."""


def food_banks() -> News:
    """Four threads of a day."""
    return news(
        thread(
            7,
            "Cold storage grant – who applied?",
            post(41, "Ana Silva (Tacoma)", _FREEZERS),
            post(
                44,
                "Ben Okafor (Yakima)",
                "> a photo of the fish truck leaving full\nAsk Lee for the 2-page template first. It has the "
                "photo on page one, and that is all they look at.",
                attachments=(File("template-2-pages.docx", 34_100),),
            ),
            question="Who of you applied for the cold storage grant?",
            asked=TUESDAY - timedelta(days=2, hours=3),
            answered=True,
            earlier=1,
        ),
        thread(
            9,
            "Volunteer no-shows",
            post(
                42,
                "Dee Whitehorse (Pullman)",
                "We stopped asking why. We ask when they "
                "can next time, and we ask it the same evening, by text, all of them, also those who came.",
            ),
            post(
                43,
                "Carl Ng",
                "Same here, and it halved them. What do you do about Saturdays, though? Ours is "
                "the day with the longest line and the fewest hands.",
            ),
            post(46, "Dee Whitehorse (Pullman)", "> about Saturdays\nBreakfast."),
        ),
        thread(
            11,
            "Who takes 40 boxes of squash by Thursday?",
            post(
                45,
                "Mia Lopez (Wenatchee)",
                "Nobody? They are butternut, they are clean, and my cold room is full.\n\n- pickup at the "
                "back, from 6 in the morning\n- we can load, you need a gate\n- take ten or take all\n\nMia",
                at=TUESDAY - timedelta(hours=3),
            ),
            question="Who takes 40 boxes of squash by Thursday?",
            asked=TUESDAY - timedelta(days=2, hours=1),
            earlier=1,
        ),
        thread(
            5,
            "Minutes of the November call",
            post(
                47,
                "Hanna Host",
                "Attached, with all of your to-dos. The short of it: we buy boxes together from January on, "
                "Carl asks three firms and tells us here. Nobody wants a second call in the month. Whoever "
                "has a walk-in that stands empty in winter writes to Mia, she keeps the list.\n\nNext "
                "call: 8 December, 10 o'clock. Jo brings the numbers of the fall.",
                attachments=(File("call-november.pdf", 121_000), File("to-dos.csv", 940)),
            ),
        ),
    )


FOOD_BANKS = replace(READER, followed=frozenset([9]))


# -- a real one -------------------------------------------------------------------------------------------

TWISTED = CORPORA / "archives" / "twisted-web"


def mails_of(month: str) -> Iterator[Mail]:
    """The mails of a month of the twisted-web list, in their order."""
    with (TWISTED / f"{month}.mbox").open("rb") as file:
        for found in read_mbox(file, 10_000_000):
            mail = parse(unveiled(found.raw))
            if isinstance(mail, Mail):
                yield mail if mail.date else replace(mail, date=found.at)


def month_news(month: str, after: int = 0, upto: int = 10_000) -> News:
    """What that list had between its so-manieth post of a month and another."""
    threads: dict[str, list[NewPost]] = {}
    heard: dict[str, Heard] = {}
    of: dict[str, str] = {}
    for turn, mail in enumerate(mails_of(month), 1):
        key = next((of[id_] for id_ in reversed(mail.references) if id_ in of), mail.message_id)
        of[mail.message_id] = key
        known = heard.setdefault(key, Heard())
        words = own_words(mail.text, mail.subject, known, answers=bool(mail.references))
        known.add(mail.text)
        threads.setdefault(key, []).append(_of_mail(mail, turn, words))
    told = (_thread(number, posts, after, upto) for number, posts in enumerate(threads.values(), 1))
    here = a_list("Twisted Web", "twisted-web", archive="public")
    return News(here, after, upto, tuple(one for one in told if one.posts))


def _of_mail(mail: Mail, turn: int, words: str) -> NewPost:
    return NewPost(
        id=turn,
        turn=turn,
        hash=message_hash(mail.message_id),
        author_key=mail.author.key if mail.author else mail.author_name,
        author_name=author_told(mail.author_name, "", hidden=True),
        at=mail.date or TUESDAY,
        subject=mail.subject,
        words=words,
        attachments=tuple(File(part.name, part.size) for part in mail.parts if part.attached),
    )


def _thread(number: int, posts: Sequence[NewPost], after: int, upto: int) -> ThreadNews:
    first, until = posts[0], [one for one in posts if one.turn <= upto]
    question = first_question(first.words, first.subject)
    return ThreadNews(
        id=number,
        key=first.hash[:12],
        title=first.subject,
        posts=tuple(one for one in until if one.turn > after),
        earlier=sum(1 for one in posts if one.turn <= after),
        question=question,
        asked=first.at if question else None,
        answered=any(one.author_key != first.author_key for one in until),
    )
