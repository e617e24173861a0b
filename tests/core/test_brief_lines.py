"""What lines say to the numbers of a Brief, and what only looks as if it did."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.core.brief_lines import BriefLine, Known, read_answer, read_verb
from listserv.core.brief_quotes import BriefReply, Sent, items_of, place_below, read_reply_to_brief
from listserv.core.brief_words import NO_ANSWER
from listserv.core.choosing import choose
from listserv.core.commands import read_line
from listserv.mail.words import html_to_text
from tests.kit.briefs import FOOD_BANKS, TUESDAY, food_banks, written
from tests.kit.corpora import CORPORA

KNOWN = Known(frozenset(range(1, 5)), ("Dee Whitehorse (Pullman)", "Carl Ng", "Ana Silva", "Mia Lopez"))
BRIEF = written(choose(food_banks(), FOOD_BANKS, TUESDAY))
SENT = Sent((BRIEF.text, html_to_text(BRIEF.html)), KNOWN, ("Ben Okafor",))


def is_other(line: str) -> bool:
    found = read_line(line)
    return found is not None and found.verb.name not in NO_ANSWER


def reply(text: str, sent: Sent = SENT) -> BriefReply:
    return read_reply_to_brief(text, sent, is_other)


def said(text: str) -> list[tuple[object, ...]]:
    """Each thing as (verb, its words, its numbers)."""
    found = reply(text)
    lines: list[tuple[object, ...]] = [(one.verb, one.words, *one.numbers) for one in found.lines]
    return lines + [("verb", one) for one in found.others] + ([("rest", found.rest)] if found.rest else [])


# fmt: off
TABLE: tuple[tuple[str, list[tuple[object, ...]]], ...] = (
    # a number and words
    ("2: Yes, we do.",                       [("post", "Yes, we do.", 2)]),
    ("#2: Yes",                              [("post", "Yes", 2)]),
    ("2) Yes",                               [("post", "Yes", 2)]),
    ("*2:* Yes",                             [("post", "Yes", 2)]),
    ("2 : Yes",                              [("post", "Yes", 2)]),
    ("2\uff1aはい",                          [("post", "はい", 2)]),
    ("2:\nYes\n\nand no",                   [("post", "Yes\n\nand no", 2)]),
    ("1, 3: Thank you both",                 [("post", "Thank you both", 1, 3)]),
    ("1 und 3: Danke euch",                  [("post", "Danke euch", 1, 3)]),
    ("Hi,\n\n2: Yes\n\nBest\nBen",          [("post", "Yes\n\nBest\nBen", 2)]),
    ("1: a\n2: b",                           [("post", "a", 1), ("post", "b", 2)]),
    # for one alone
    ("1p: between us",                       [("private", "between us", 1)]),
    ("1 p: between us",                      [("private", "between us", 1)]),
    ("1P) between us",                       [("private", "between us", 1)]),
    ("1p between us",                        [("private", "between us", 1)]),
    ("1 privat: unter uns",                  [("private", "unter uns", 1)]),
    ("private 1: between us",                [("private", "between us", 1)]),
    # verbs
    ("all 2",                                [("all", "", 2)]),
    ("Mute 2.",                              [("mute", "", 2)]),
    ("mute 2, 3 and 4",                      [("mute", "", 2, 3, 4)]),
    ("2 mute",                               [("mute", "", 2)]),
    ("2: mute",                              [("mute", "", 2)]),
    ("please mute 2",                        [("mute", "", 2)]),
    ("stumm 2",                              [("mute", "", 2)]),
    ("unmute 2",                             [("unmute", "", 2)]),
    ("follow 2 please",                      [("follow", "", 2)]),
    ("later 2 fri",                          [("later", "fri", 2)]),
    ("später 2 freitag",                     [("later", "freitag", 2)]),
    ("later 2",                              [("later", "", 2)]),
    ("send 2",                               [("all", "", 2)]),
    ("mute",                                 [("mute", "")]),
    ("thanks Ana",                           [("thanks", "Ana")]),
    ("Danke Ana!",                           [("thanks", "Ana")]),
    ("thank you Carl Ng",                    [("thanks", "Carl Ng")]),
    ("thanks 2",                             [("thanks", "", 2)]),
    ("thanks Zoe",                           [("thanks", "Zoe")]),
    ("mute 1\nfollow 2\n4: ok",              [("mute", "", 1), ("follow", "", 2), ("post", "ok", 4)]),
    ("2: I take.\n\nthanks Mia\nmute 3",     [("post", "I take.", 2), ("thanks", "Mia"), ("mute", "", 3)]),
    # other verbs
    ("weekly",                               [("verb", "weekly")]),
    ("3",                                    [("verb", "3")]),
    ("3\n\nBen",                             [("verb", "3")]),
    ("mute 2\nweekly",                       [("mute", "", 2), ("verb", "weekly")]),
    # what is none of it
    ("2:30 is too early for me.",            [("rest", "2:30 is too early for me.")]),
    ("2 pm is fine",                         [("rest", "2 pm is fine")]),
    ("2 boxes, please",                      [("rest", "2 boxes, please")]),
    ("2. Second, we do that too.",           [("rest", "2. Second, we do that too.")]),
    ("10:15 tomorrow?",                      [("rest", "10:15 tomorrow?")]),
    ("1://x",                                [("rest", "1://x")]),
    ("P1: the server is down",               [("rest", "P1: the server is down")]),
    ("Yes",                                  [("rest", "Yes")]),
    ("no",                                   [("rest", "no")]),
    ("all good, thanks",                     [("rest", "all good, thanks")]),
    ("Follow up with Ana?",                  [("rest", "Follow up with Ana?")]),
    ("Later today I can.",                   [("later", "today i can")]),
    ("Thanks all",                           [("rest", "Thanks all")]),
    ("Thanks for the list",                  [("rest", "Thanks for the list")]),
    ("Now\nis the time to plant garlic, says my grandmother.",
        [("rest", "Now\nis the time to plant garlic, says my grandmother.")]),
    ("1: two things:\n1) this\n2) that",     [("post", "two things:\n1) this\n2) that", 1)]),
    ("I think:\n1) this\n2) that",           [("rest", "I think:\n1) this\n2) that")]),
    ("1: see\n17: no such item",             [("post", "see\n17: no such item", 1)]),
    ("1: we\nmute 99",                       [("post", "we\nmute 99", 1)]),
)
# fmt: on


@pytest.mark.parametrize(("text", "what"), TABLE)
def test_lines_are_read_as_people_write_them(text: str, what: list[tuple[object, ...]]) -> None:
    assert said(text) == what


@given(st.text(max_size=300))
def test_no_line_raises(text: str) -> None:
    read_answer(text)
    read_verb(text)
    reply(text)


_PIECES = st.sampled_from(
    ["> ", "\n", "2: ", "1p ", "mute 2", " 1  Volunteer no-shows", "To answer, just reply, one line or many:"]
    + ["On Mon, Ana wrote:", "We ask when they can next time", "Ben", "\n\n", "4) ", "thanks Dee", "-- "]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_words_are_never_lost_and_never_doubled(text: str) -> None:
    found = reply(text)
    for line in found.lines:
        assert all(number in range(0, 1000) for number in line.numbers)
    told = sum(len(line.words) for line in found.lines) + len(found.rest)
    assert told <= len(text)


@settings(deadline=None)
@given(
    st.sampled_from(
        ["2: a\n", "mute 2\n", "\n", "> 1  Volunteer no-shows\n", "a\n", "> \n", "#2,", "thanks "]
    )
)
def test_reading_is_linear(piece: str) -> None:
    start = time.perf_counter()
    reply(piece * (30_000 // len(piece)))
    assert time.perf_counter() - start < 30


def replies_of_people() -> list[Path]:
    return sorted((CORPORA / "quotes" / "email_reply_trimmer" / "emails").glob("*"))


def test_real_replies_are_never_read_as_numbers_by_accident() -> None:
    odd = {}
    for file in replies_of_people():
        found = reply(file.read_text("utf-8", "replace"))
        if found.lines or found.others:
            odd[file.name] = (found.lines, found.others)
    assert odd == {}


# -- where words stand ------------------------------------------------------------------------------


def item(number: int) -> str:
    lines = BRIEF.text.split("\n")
    start = next(n for n, line in enumerate(lines) if line.startswith(f" {number}  "))
    end = next(n for n in range(start + 1, len(lines)) if lines[n] and not lines[n].startswith("    "))
    return "\n".join(lines[start:end])


def marked(text: str, sign: str = "> ") -> str:
    return "\n".join(f"{sign}{line}".rstrip() for line in text.split("\n"))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_words_below_an_item_are_for_it_however_it_is_quoted(number: int) -> None:
    items = items_of(BRIEF.text, KNOWN.numbers)
    whole = item(number)
    for quoted in (
        whole,
        marked(whole),
        marked(" ".join(whole.split())),
        whole.upper(),
        whole.split("\n")[0],
    ):
        assert place_below(quoted, items, None) == number
    assert place_below(marked(BRIEF.text), items, None) == 0


def test_in_html_as_well() -> None:
    items = items_of(BRIEF.text, KNOWN.numbers)
    page = html_to_text(BRIEF.html)
    at = page.index("We did, twice.")
    line = next(line for line in BRIEF.text.split("\n") if "  Cold storage" in line[:20])
    assert place_below(page[:at], items, None) == int(line[:3])
    assert place_below(page, items, None) == 0


def test_a_verb_or_private_words_below_an_item_are_about_it() -> None:
    head = "On Tue, 24 Nov 2026, Food Banks NW wrote:"
    said_below = ("mute", "p: Who is Marlene?", "Ten for me.\n\nBen")
    below = "\n".join(f"{marked(item(number))}\n\n{one}\n" for number, one in enumerate(said_below, 1))
    found = reply(f"{head}\n{below}")
    assert found.lines == (
        BriefLine((1,), "mute"),
        BriefLine((2,), "private", "Who is Marlene?"),
        BriefLine((3,), "post", "Ten for me.\n\nBen"),
    )
    assert found.rest == ""


def test_a_number_said_below_an_item_counts_more_than_where_it_stands() -> None:
    text = f"On Tue, Ana wrote:\n{marked(item(1))}\n\n3: Ten for me.\n"
    assert reply(text).lines == (BriefLine((3,), "post", "Ten for me."),)
