"""The sample community of `listserv demo`, and the mail that it writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from listserv.core.address import Address
from listserv.core.records import dataclass

DOMAIN = "lists.example"
LIST = Address("garden", DOMAIN)
OLD_LIST = Address("twisted-web", DOMAIN)  # a real one's archive, from 2008 to 2021
OLD_POSTS = Path(__file__).parent / "demo_archive" / "twisted-web.mbox.gz"
# .example never exists (RFC 2606): nothing here can reach, or be taken for, a real person.
PEOPLE = {
    "ana@garden.example": "Ana Silva",
    "ben@hill.example": "Ben Okafor",
    "chloe@river.example": "Chloé Martin",
    "david@mill.example": "David Rosen",
    "emi@lake.example": "Emi Tanaka",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One post of the sample conversation; ``answers``: which earlier one, by its place."""

    sender: str
    subject: str
    text: str
    answers: int | None = None


TALK = (
    Line(
        "ana@garden.example",
        "When do you plant your garlic?",
        "Hello all,\n\nthe almanac says October, my grandmother said by the first frost.\n"
        "What do you go by?\n\nAna\n",
    ),
    Line(
        "ben@hill.example",
        "Re: When do you plant your garlic?",
        "> What do you go by?\n\nBy the soil: when it is cool to the hand in the morning. Up here that\n"
        "was last week.\n\nBen\n",
        0,
    ),
    Line(
        "emi@lake.example",
        "Re: When do you plant your garlic?",
        "Grandmothers are right. I put mine in after the frost and it never minded.\n\nEmi\n",
        1,
    ),
    Line(
        "chloe@river.example",
        "Seeds to share",
        "Dear all,\n\nI have far too many bean seeds (« haricot d'Espagne », red flowers).\n"
        "Write to me and I post you some.\n\nChloé\n",
    ),
)


def mails(now: datetime) -> Iterator[tuple[str, EmailMessage]]:
    """Every line of the talk as its writer's mail program has it: (envelope sender, mail)."""
    ids = [f"<{at}.{now:%Y%m%d%H%M%S%f}@{line.sender.partition('@')[2]}>" for at, line in enumerate(TALK)]
    for at, line in enumerate(TALK):
        yield line.sender, _mail(line, ids, at, now - timedelta(minutes=len(TALK) - at))


def _mail(line: Line, ids: list[str], number: int, at: datetime) -> EmailMessage:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"{PEOPLE[line.sender]} <{line.sender}>"
    mail["To"] = str(LIST)
    mail["Subject"] = line.subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = ids[number]
    if line.answers is not None:
        mail["In-Reply-To"] = mail["References"] = ids[line.answers]
    mail.set_content(line.text)
    return mail
