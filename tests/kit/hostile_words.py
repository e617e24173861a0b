"""Verbs and tokens of standards.md §5 D, a row a case: what Ana's program makes of a mail of ours, and what it does.

Each is a reply to the answer that ``settings`` brought to Ana, at the address that she alone was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.hostile_mails import ANA
from tests.kit.people import DOMAIN

WORK, MALLORY = "ana@work.example", "mallory@evil.example"  # Ana's second address; nobody's here
CLUB = f"club@{DOMAIN}"
# The rhythm that Ana has then (it was "now"), or the reply at RCPT; and who is written to.
OBEYED, UNMOVED = "weekly; ana@ana.example", "now; ana@ana.example"
SILENT, NO_SUCH = "now; nobody", "550 5.1.1"


@dataclass(frozen=True, slots=True)
class Said:
    """``where``: what becomes of the address to reply to. ``html``: the words are a page and nothing else."""

    number: int
    name: str
    words: str
    outcome: str
    subject: str = "Re: Your settings"
    where: Callable[[str], str] = str
    who: str = ANA
    head: str = ""
    html: bool = False


def _token(address: str) -> str:
    return address.partition("=")[2].partition("@")[0]


def _other_token(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda address: address.replace(_token(address), change(_token(address)))


def _flipped(token: str) -> str:
    return f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}"


# fmt: off
SAID = [
    Said(75, "in a page alone", "<div>weekly<br></div><blockquote type=cite>bye</blockquote>", OBEYED, html=True),
    Said(75, "above a quote", "weekly\n\nOn Sat, 21 Nov 2026 at 09:00, Club wrote:\n> bye\n", OBEYED),
    Said(75, "below a quote", "> How often shall mail come?\n> bye\n\nweekly\n", OBEYED),
    Said(75, "in the quote", "> weekly\n>weekly\n", UNMOVED),
    Said(75, "a signature with another word", "weekly\n\n-- \nbye\n", OBEYED),
    Said(75, "only in the signature", "Hm.\n\n-- \nweekly\n", UNMOVED),
    *(Said(75, repr(words), words, OBEYED) for words in ("Weekly.", "WEEKLY!", " \t weekly", "\n\nweekly", "please weekly", "wöchentlich")),
    Said(75, "a sentence that has it", "I read it weekly.", UNMOVED),
    Said(76, "only in the subject", "", UNMOVED, subject="Re: weekly"),
    Said(77, "in capitals", "weekly", OBEYED, where=str.upper),
    Said(77, "a minus for the plus", "weekly", OBEYED, where=lambda it: it.replace("+", "-")),
    Said(77, "the plus as a program wrote it in a link", "weekly", OBEYED, where=lambda it: it.replace("+", "%2B")),
    Said(77, "the equals sign as a space", "weekly", NO_SUCH, where=lambda it: it.replace("=", ".")),
    Said(77, "the token cut off", "weekly", UNMOVED, where=lambda it: CLUB),
    Said(78, "cut short", "weekly", NO_SUCH, where=_other_token(lambda token: token[:-1])),
    Said(78, "one letter changed", "weekly", NO_SUCH, where=_other_token(_flipped)),
    Said(78, "of another list", "weekly", NO_SUCH, where=lambda it: it.replace("club", "book")),
    Said(78, "made up", "weekly", NO_SUCH, where=_other_token(lambda token: "a" * len(token))),
    Said(78, "somebody else's", "weekly", "now; ana@ana.example", who=MALLORY),
    Said(81, "by a machine", "weekly", SILENT, head="Auto-Submitted: auto-replied\n"),
    Said(82, "ten thousand lines", "weekly\n" * 10_000, OBEYED),
    Said(82, "nine and then another verb, and another", "copies\n" * 9 + "weekly\nbye\n", OBEYED),
    Said(83, "for somebody else", "join victim@cy.example", UNMOVED),
    Said(83, "for somebody else, as others taught", "subscribe victim@cy.example", UNMOVED),
    *(Said(84, words, words, UNMOVED) for words in (
        "help ../../../../etc/passwd", "info ; rm -rf /", "set '; DROP TABLE lists; --", "help {{7*7}}", "help $(id)", "send ../1", "find ' OR 1=1 --")),
    Said(85, "from her second address", "weekly", OBEYED, who=WORK),
]
# fmt: on
