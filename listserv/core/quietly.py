"""Asking without a name: the address that stands for the asker, the words one can say, and what is kept.

Whoever asks is to everybody, to our tables too, an address of ours: ``a.member.XXXX@``. Whose it is stands
only in a sealed box (``seals.Vault``), which is opened where a mail has to reach them and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import field
from datetime import datetime, timedelta
from hmac import compare_digest

from listserv.core.address import Address
from listserv.core.courtesy_words import CLOSING, CLOSING_TAIL
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, derived, short_seal
from listserv.core.types import MailList, Member

QUIETLY = "quietly"  # why such a mail waits for a host
LASTS = timedelta(days=30)  # how long answers find their way back, after a host let it through
DRAFT_LASTS = timedelta(days=7)  # how long a text waits for its author's word
MOST_OPEN, MOST_A_WEEK = 3, 5  # questions of one member: hosts are not to be flooded by nobody they can name
WEEK = timedelta(days=7)
MOST_LETTERS = 6000  # of one question: what the preview can show whole
_THANKS = regex(rf"(?:{CLOSING})(?: (?:{CLOSING_TAIL}))*")
_LOCAL = "a.member."
_SEAL = regex(r"a\.member\.([a-z2-7]{8})")
_TOKEN = regex(r"([a-z2-7]{8})([a-z2-7]{12})")

_SAID = {
    # what one can say to a preview, alone on the first line
    **dict.fromkeys(("send", "yes", "ok", "senden", "ja"), "send"),
    **dict.fromkeys(("drop", "no", "cancel", "verwerfen", "nein"), "drop"),
    **dict.fromkeys(("all", "alle"), "all"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A question as people will see it. ``answers``: Message-ID of the post whose thread it goes on in."""

    subject: str
    text: str = field(repr=False)
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A link that was opened: whose it is, and how far the question is.

    ``state``: draft, or the state of its hold (waiting, approved, declined, cancelled). ``writer``: the seal
    of the relay address of who wrote in private, where the link is to answer them. ``host``: the
    subscription that asked something. ``asker`` None: they are gone, or another key shut the box.
    """

    id: int
    seal: str
    state: str
    expires: datetime
    asker: Member | None = None
    draft: Draft | None = None
    writer: str = ""
    hold: int | None = None
    host: Member | None = None


def address_of(seal: str, here: MailList) -> Address:
    """What stands for the asker."""
    return Address(f"{_LOCAL}{seal}", here.address.domain)


def seal_in(address: Address | None, here: MailList | None) -> str:
    """The seal in an address of this list that stands for an asker; "" in any other."""
    if address is None or here is None or address.domain != here.address.domain:
        return ""
    found = _SEAL.fullmatch(address.local.lower())
    return found[1] if found else ""


def seal_for(ring: Keyring, number: int) -> str:
    """The seal of the link of that number."""
    return short_seal(ring, "quietly", f"{number}")


def token(ring: Keyring, seal: str) -> str:
    """What only the asker is sent, in ``book+re=TOKEN@``: the seal, which all see, and 60 secret bits."""
    return seal + derived(ring, "quiet token", seal)[:12]


def sealed_token(ring: Keyring, words: str) -> str:
    """The seal that a token speaks for; "" where it is none of ours."""
    found = _TOKEN.fullmatch(words.lower())
    return found[1] if found and compare_digest(token(ring, found[1]), words.lower()) else ""


def answer_to(ring: Keyring, seal: str, here: MailList) -> Address:
    """Where the asker's answer comes, and whatever becomes of a mail to them: never their own address."""
    return here.at(f"re={token(ring, seal)}")


def said(words: str) -> str:
    """ "send" or "drop", where nothing else is said but thanks; a word too much, and it is a text: ""."""
    lines = [line for line in words.splitlines() if line.strip()]
    alone = all(_THANKS.fullmatch(" ".join(re.findall(r"\w+", line[:80])).casefold()) for line in lines[1:])
    return first_said(words) if alone else ""


def first_said(words: str) -> str:
    """What the first line says, whatever stands below it."""
    first = next((line.strip() for line in words.splitlines() if line.strip()), "")
    return _SAID.get(first.strip(' .!"„“”*').casefold(), "")


def behind(words: str) -> str:
    """The words below the first line."""
    return words.strip().partition("\n")[2].strip()
