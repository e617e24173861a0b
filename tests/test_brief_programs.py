"""Answers to a Brief as Gmail, Outlook, Apple Mail and phones write them: what they quote is never posted."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from listserv.mail.words import html_to_text
from tests.kit.brief_reader import Got, last_brief
from tests.kit.speaker import Letter, Speaker
from tests.kit.world import World, open_world, sqlite_in
from tests.test_brief_answers import ANA, BEN, DEE, header, posts, starts

FROM = "Book Circle <book+ask@lists.example.org>"
GRANT = "Re: Cold storage grant – who applied?"
WORDS = "Yes, in March.\n\nAnd it was worth it."


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Got]]:
    """Ben's Brief, for all of this file: each answer is a mail of its own."""
    folder: Path = tmp_path_factory.mktemp("programs")
    with open_world(sqlite_in(folder)) as world:
        here = world.circle()
        for address, name in ((ANA, "Ana Silva"), (DEE, "Dee Whitehorse")):
            world.member(here, address, name=name)
        world.member(here, BEN, name="Ben Okafor", rhythm="daily")
        starts(world, ANA, "Cold storage grant – who applied?", _ANAS, "Ana Silva")
        starts(world, DEE, "Volunteer no-shows", _DEES, "Dee Whitehorse")
        starts(
            world, ANA, "Squash", "Who takes 40 boxes of squash by Thursday?\n\nThey are clean.", "Ana Silva"
        )
        world.pass_time(days=1)
        yield world, last_brief(world, BEN)


_ANAS = """\
We did, twice. The first time we asked for the whole walk-in and were turned down without a reason.

What helped: a letter from the fire station that they would share the generator, and three months of what we
had to turn away (in pounds, by week).

1) call them first
2) send photos"""
_DEES = "We stopped asking why.\n\nWe ask when they can next time, all of them."


def as_html(got: Got) -> str:
    part = header(got.letter).get_body(("html",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def number(got: Got, title: str) -> int:
    return next(int(line[:3]) for line in got.text.splitlines() if line[4:].startswith(title))


def sends(world: World, got: Got, text: str, html: str = "") -> list[Letter]:
    world.pass_time(minutes=11)  # nobody is that fast: the storm breaker would hold what comes
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = (
        f"Ben Okafor <{BEN}>",
        got.answer_to,
        f"Re: {got.letter.subject}",
    )
    mail["Message-ID"] = f"<{abs(hash((text, html)))}@ben.example>"
    mail["In-Reply-To"] = header(got.letter)["Message-ID"]
    mail["Date"] = "Sun, 22 Nov 2026 10:00:00 +0100"
    if text:
        mail.set_content(text, cte="quoted-printable")
    if html and text:
        mail.add_alternative(html, subtype="html")
    elif html:
        mail.set_content(html, subtype="html")
    raw = b"Authentication-Results: mx.example.org; dmarc=pass header.from=ben.example\r\n" + mail.as_bytes()
    return Speaker(world, BEN).sends(raw, got.answer_to)


def marked(text: str, sign: str = "> ") -> str:
    return "\n".join(f"{sign}{line}".rstrip() for line in text.split("\n"))


def as_gmail_quotes(got: Got) -> str:
    """Of the HTML what Gmail's text part has: lines of at most 76 columns behind the sign."""
    lines = []
    for line in html_to_text(as_html(got)).split("\n"):
        lines += textwrap.wrap(line, 76) or [""]
    return "\n".join(lines)


GMAIL = f"On Sun, Nov 22, 2026 at 8:00 AM {FROM}\nwrote:\n"
APPLE = f"On 22 Nov 2026, at 08:00, {FROM} wrote:\n"
TO = f"Ben Okafor <{BEN}>"
OUTLOOK = f"From: {FROM}\nSent: Sunday, November 22, 2026 8:00 AM\nTo: {TO}\nSubject: Sun: 3 threads\n"
OUTLOOK_DE = f"Von: {FROM}\nGesendet: Sonntag, 22. November 2026 08:00\nAn: {TO}\nBetreff: Sun: 3\n"
PHONE = "Sent from my iPhone\n"

# fmt: off
ABOVE: dict[str, Callable[[str, str], str]] = {
    # program: what it puts below the words, given the Brief as text and as Gmail makes text of its HTML
    "Gmail":               lambda text, page: f"{GMAIL}\n{marked(page)}",
    "Gmail, plain":        lambda text, page: f"{GMAIL}\n{marked(text)}",
    "Outlook":             lambda text, page: f"{OUTLOOK}\n{page}",
    "Outlook, plain":      lambda text, page: f"-----Original Message-----\n{OUTLOOK}\n{text}",
    "Outlook, German":     lambda text, page: f"{OUTLOOK_DE}\n{page}",
    "Outlook on the web":  lambda text, page: f"________________________________\n{OUTLOOK}\n{page}",
    "Apple Mail":          lambda text, page: f"{APPLE}\n{marked(text)}",
    "iPhone":              lambda text, page: f"{PHONE}\n{marked(APPLE + chr(10) + text)}",
    "K-9, unmarked":       lambda text, page: f"{GMAIL}\n{text}",
    "nothing":             lambda text, page: "",
}
# fmt: on


@pytest.mark.parametrize("program", ABOVE)
def test_words_above_with_a_number(at: tuple[World, Got], program: str) -> None:
    world, got = at
    below = ABOVE[program](got.text, as_gmail_quotes(got))
    letters = sends(world, got, f"{number(got, 'Cold')}: {WORDS}\n\n{below}")
    assert posts(letters, DEE) == [(GRANT, WORDS)]


@pytest.mark.parametrize("program", ABOVE)
def test_words_above_without_one_are_asked_about(at: tuple[World, Got], program: str) -> None:
    world, got = at
    below = ABOVE[program](got.text, as_gmail_quotes(got))
    (asked,) = sends(world, got, f"{WORDS} ({program})\n\n{below}")
    assert asked.subject.startswith("Which one?")
    assert posts(Speaker(world, BEN).answers(asked, f"{number(got, 'Cold')}."), DEE) == [
        (GRANT, f"{WORDS} ({program})")
    ]


def among(text: str, below: str, words: str) -> str:
    """The text with words below a line of it."""
    lines = text.split("\n")
    at = next(n for n, line in enumerate(lines) if below in line)
    return "\n".join([*lines[: at + 1], "", *words.split("\n"), "", *lines[at + 1 :]])


# fmt: off
AMONG = {
    "Gmail":            (GMAIL, "> ", "html"),
    "Apple Mail":       (APPLE, "> ", "text"),
    "Thunderbird":      (f"Am 22.11.26 um 08:00 schrieb {FROM}:\n", "> ", "text"),
    "Outlook":          (OUTLOOK, "", "html"),
    "Outlook, plain":   (f"-----Original Message-----\n{OUTLOOK}", "", "text"),
    "Outlook, German":  (OUTLOOK_DE, "", "html"),
}
# fmt: on


@pytest.mark.parametrize("program", AMONG)
def test_words_among_the_quoted_lines(at: tuple[World, Got], program: str) -> None:
    world, got = at
    head, sign, kind = AMONG[program]
    page = as_gmail_quotes(got) if kind == "html" else got.text
    text = marked(page, sign)
    text = among(text, "2) send photos", f"{WORDS}\n\nBy {program}.")
    text = among(text, "all of them.", f"We do the same. ({program})")
    letters = sends(world, got, f"Hi all,\n\nmy answers are below.\n\n{head}\n{text}")
    assert sorted(posts(letters, DEE)) == [
        (GRANT, f"{WORDS}\n\nBy {program}."),
        ("Re: Volunteer no-shows", f"We do the same. ({program})"),
    ]


# -- HTML alone -------------------------------------------------------------------------------------


def test_a_phone_that_sends_html_alone(at: tuple[World, Got]) -> None:
    world, got = at
    n = number(got, "Cold")
    wrote = "On Sun, Nov 22, 2026 at 8:00 AM Book Circle &lt;book+ask@lists.example.org&gt; wrote:<br>"
    gmail = (
        f'<div dir="auto">{n}: Yes, in May.</div><br><div class="gmail_quote">'
        f'<div dir="ltr" class="gmail_attr">{wrote}</div>'
        f'<blockquote class="gmail_quote" style="margin:0">{as_html(got)}</blockquote></div>'
    )
    assert posts(sends(world, got, "", gmail), DEE) == [(GRANT, "Yes, in May.")]
    outlook = (
        f'<div>{n}: Yes, in June.</div><div id="ms-outlook-mobile-signature">Get Outlook for iOS</div><hr>'
        '<div id="divRplyFwdMsg" dir="ltr"><b>From:</b> Book Circle &lt;book+ask@lists.example.org&gt;<br>'
        "<b>Sent:</b> Sunday, November 22, 2026 8:00 AM<br><b>To:</b> Ben<br><b>Subject:</b> Sun</div>"
        f"{as_html(got)}"
    )
    assert posts(sends(world, got, "", outlook), DEE) == [(GRANT, "Yes, in June.")]


def test_words_among_the_quoted_html(at: tuple[World, Got]) -> None:
    world, got = at
    answer = "all of them.</p></div></blockquote><div>In HTML.</div><blockquote><div>"
    page = as_html(got).replace("all of them.</p>", answer, 1)
    wrote = "On Sun, Book Circle &lt;book+ask@lists.example.org&gt; wrote:"
    quote = f'<div class="gmail_attr">{wrote}</div><blockquote>{page}</blockquote>'
    html = f'<div>see below</div><div class="gmail_quote">{quote}</div>'
    assert posts(sends(world, got, "", html), DEE) == [("Re: Volunteer no-shows", "In HTML.")]


def test_files_go_with_the_first_words_alone(at: tuple[World, Got]) -> None:
    world, got = at
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = BEN, got.answer_to, "Re: Sun"
    mail["Message-ID"] = "<files@ben.example>"
    mail.set_content("1: The sheet is attached.\n2: Same sheet.\n")
    mail.add_attachment(b"a,b\r\n1,2\r\n", maintype="text", subtype="csv", filename="sheet.csv")
    world.pass_time(minutes=11)
    letters = Speaker(world, BEN, "").sends(mail.as_bytes(), got.answer_to)
    found = [
        [part.get_filename() for part in header(one).iter_attachments()] for one in letters if one.to == DEE
    ]
    assert found == [["sheet.csv"], []]
