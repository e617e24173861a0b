"""Signs that a mail is meant for one person: what is one, and what people say to everybody all the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address, read_address
from listserv.core.asks import Ask, AskKind
from listserv.core.greeting import Greeting, greeting_in, is_called
from listserv.core.guard import SIGNS, Company, Voice, is_only_thanks, listed_in, quoted_of_ours, sign_in
from listserv.core.guarding import act_meant, question, reminded_at, word_for
from listserv.core.types import Mail
from tests.kit.people import DOMAIN, NOW, a_list, a_mail

ANA = Voice("Ana Silva", read_address("ana@ana.example"), 1)
BEN = Voice("Ben Okafor", read_address("b.okafor@hill.example"), 2)
CY = Voice("Cy Ng", read_address("cy@cy.example"), 3)
IN_A_THREAD = Company(asker=ANA, answered=BEN)


def reply(said: str, text: str = "", **fields: object) -> Mail:
    return a_mail(said=said, text=text or said, references=("one@ana.example",), **fields)


# -- "Hi Ana," --------------------------------------------------------------------------------------

ONE = """
Hi Ana,                                  | Ana
Hi Ana                                   | Ana
hi Ana, between us, our director left    | Ana
Hello Ana!                               | Ana
Hey Ana - quick question                 | Ana
Hi, Ana.                                 | Ana
Dear Ana Silva,                          | Ana Silva
Dear Dr. Silva,                          | Silva
Dear Mrs Silva                           | Silva
Good morning Jean-Paul,                  | Jean-Paul
Good morning, Tom                        | Tom
Hi Ana, thanks for this                  | Ana
Hi Ana, I think so                       | Ana
Hi Ana, Thanks for this                  | Ana
Hi O'Brien,                              | O'Brien
Liebe Ana,                               | Ana
Hallo Frau Silva,                        | Silva
Hallo Jürgen!                            | Jürgen
Bonjour Zoé,                             | Zoé
Hola José:                               | José
Ciao Ana,                                | Ana
Hej Åsa,                                 | Åsa
"""
UNSURE = """
Ana,       | Ana
Ana:       | Ana
Ana –      | Ana
hi ana,    | ana
"""
NOBODY = """
Hi all,
Hi everyone
Hello!
Hi,
Hi there,
Hello Folks,
Hi Guys,
Dear list,
Dear Sir
Dear Sir or Madam,
Hi team
Hello Book Circle members,
Hi Twisted folks,
Hallo zusammen,
Liebe Leute,
Liebe Freundinnen und Freunde,
Hallo Ana und Ben,
Hi Ana and Ben,
Hi Ana & Ben
Hi Ana/Ben,
Hi Ana, Ben and Cy,
Hi Ana, hi Ben,
Hello Ana, hello all,
Hi Ana and all,
Hi Glyph et al.
Hello, I am getting a strange error
Hi I have a question
Hi Can anybody help
Hello, is there anybody
Hello World this is my very first post here
Thanks,
Thank you!
Yes,
I think Ana is right.
Ana is right about the frost and I would wait.
On Monday we meet:
"""


def lines(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in table.strip().splitlines()]


@pytest.mark.parametrize(("said", "name"), lines(ONE))
def test_a_greeting_to_one_person_is_known(said: str, name: str) -> None:
    assert greeting_in(f"\n  {said}\n\nHow are you?\n") == Greeting(name, sure=True)


@pytest.mark.parametrize(("said", "name"), lines(UNSURE))
def test_what_may_be_a_greeting_counts_where_the_list_knows_the_name(said: str, name: str) -> None:
    assert greeting_in(f"{said}\n\nHow are you?\n") == Greeting(name, sure=False)
    mail = reply(f"{said}\n\nHow are you?\n")
    assert sign_in(mail, Company(asker=BEN, answered=CY)) == ""
    assert sign_in(mail, Company(asker=BEN, answered=CY, greeted=ANA)) == "greets one"


@pytest.mark.parametrize("said", NOBODY.strip().splitlines())
def test_a_greeting_to_several_to_all_or_to_nobody_is_none(said: str) -> None:
    assert greeting_in(f"{said}\nWe met.\n") is None


CALLED = [
    ("Ben", True),
    ("ben", True),
    ("Mr Okafor", True),
    ("Okafor", True),
    ("Benjamin", True),
    ("BO", True),
    ("Bob", False),
    ("Ana", False),
]


@pytest.mark.parametrize(("greeted", "same"), CALLED)
def test_people_are_called_by_first_or_last_name_short_or_long(greeted: str, same: bool) -> None:
    assert is_called(BEN.name, BEN.address, greeted) is same


@pytest.mark.parametrize(
    ("name", "local", "greeted"),
    [
        ("Robert Smith", "rs", "Bob"),
        ("Elisabeth Kranz", "ek", "Lisa"),
        ("", "jean-paul", "Jean-Paul"),
        ("Jean-Paul Calderone", "exarkun", "JP"),
        ("Glyph Lefkowitz", "glyph", "Glypyh"),
        ("Michael Berg", "mb", "Micheal"),
        ("José García", "jg", "Jose"),
        ("Valentino Volonghi aka Dialtone", "dialtone", "dialtone"),
    ],
)
def test_nicknames_and_slips_of_the_hand_are_the_same_person(name: str, local: str, greeted: str) -> None:
    assert is_called(name, Address(local, "x.example"), greeted)


OTHERS = Company(ANA, BEN, greeted=CY)
# fmt: off
GREETS = [
    #  what                                      said               company      alarms
    ("to whoever wrote what is answered",        "Hi Ben,",         IN_A_THREAD, False),
    ("to the asker, in an answer to another",    "Hi Ana,",         IN_A_THREAD, False),
    ("to the asker by last name",                "Dear Ms Silva,",  IN_A_THREAD, False),
    ("to somebody else in the thread",           "Hi Cy,",          OTHERS,      True),
    ("to somebody whom the list does not know",  "Hi Dora,",        IN_A_THREAD, True),
    ("to all",                                   "Hi all,",         IN_A_THREAD, False),
    ("to two",                                   "Hi Cy and Ana,",  IN_A_THREAD, False),
    ("to nobody",                                "I planted it.",   IN_A_THREAD, False),
    ("in a thread that the list does not know",  "Hi Dora,",        Company(),   False),
]
# fmt: on


@pytest.mark.parametrize(
    ("said", "company", "alarms"), [row[1:] for row in GREETS], ids=[row[0] for row in GREETS]
)
def test_a_greeting_alarms_where_it_is_to_one_who_neither_asked_nor_is_answered(
    said: str, company: Company, alarms: bool
) -> None:
    assert (sign_in(reply(f"{said}\n\nwe did it twice.\n"), company) == "greets one") is alarms


def test_who_signed_what_is_answered_or_gets_a_copy_may_be_greeted() -> None:
    said = "Hi Dora,\n\nyes.\n"
    assert sign_in(reply(said, f"{said}\nOn Sat, Ben Okafor wrote:\n> Shall we?\n> Dora"), IN_A_THREAD) == ""
    assert (
        sign_in(reply(said, f"{said}\nOn Sat, Ben Okafor wrote:\n>> Shall we?\n>> Dora"), IN_A_THREAD) != ""
    )
    copied = reply(said, cc=(read_address("dora@x.example"),))
    assert sign_in(copied, IN_A_THREAD) == ""


# -- words ------------------------------------------------------------------------------------------

SAID = """
Between us, our director wants to leave.                      | between us
Hi Ana, between us, our director wants to leave.              | between us
Just between us: it was awful.                                | between us
Please keep this between us.                                  | between us
Between you and me, it was awful.                             | between us
Please keep this to yourself for now.                         | between us
She told me in confidence that she will go.                   | between us
This is off the record, but he is ill.                        | between us
Unter uns gesagt, das war nichts.                             | between us
Unter uns: das war nichts.                                    | between us
Das bleibt bitte unter uns.                                   | between us
Bitte behalt das für dich.                                    | between us
Entre nous, c'était nul.                                      | between us
Que esto quede entre nosotros.                                | between us
Detto tra noi, era brutto.                                    | between us
Please don't forward this.                                    | don't forward
Do not share this mail with Ben                               | don't forward
Don't tell anyone, but we got the grant.                      | don't forward
Bitte nicht weiterleiten!                                     | don't forward
Bitte nicht weitersagen                                       | don't forward
Replying off-list: I know her.                                | off the list
(off list) I know her.                                        | off the list
Off-list, because it is about money.                          | off the list
I am writing to you privately, for I know her.                | off the list
Nur an dich: ich kenne sie.                                   | off the list
The difference between us and them is small.                  |
Between us, we have planted forty trees.                      |
There is a wall between us and the river.                     |
Torn between using one or the other.                          |
Unter uns Gärtnern gibt es viele Meinungen.                   |
I can say so with confidence.                                 |
This e-mail is confidential and may be legally privileged.    |
Dieser Bericht ist vertraulich abgelegt.                      |
Please don't share this outside the group.                    |
Please do not forward this beyond our circle, thank you.      |
Please forward this to whoever may need it.                   |
Send examples to me off-list.                                 |
You may write to me privately.                                |
We took the list of plants with us.                           |
Keep it in the fridge.                                        |
"""


@pytest.mark.parametrize(("said", "sign"), lines(SAID))
def test_words_for_one_are_told_from_words_for_all(said: str, sign: str) -> None:
    assert sign_in(a_mail(said=f"{said}\n"), Company()) == sign


def test_lines_may_break_anywhere() -> None:
    assert sign_in(a_mail(said="Hi Ana,\nplease keep this\nbetween\r\nus.\n"), Company()) == "between us"


@pytest.mark.parametrize(
    ("words", "said", "found"),
    [
        ("salary, Krebs", "What is her salary?", ("salary",)),
        ("salary, Krebs", "Sie hat KREBS.", ("Krebs",)),
        ("salary", "Salaries are public here.", ()),
        ("sick leave", "She is on sick\nleave.", ("sick leave",)),
        ("sick leave", "She is sick. Leave her alone.", ("sick leave",)),
        (" , ,", "Anything", ()),
        ("", "Anything", ()),
        ("C++", "C is fine", ("C++",)),
    ],
)
def test_words_that_the_host_listed_are_looked_for_whole(
    words: str, said: str, found: tuple[str, ...]
) -> None:
    mail = a_mail(said=said)
    assert listed_in(mail, words) == found
    assert sign_in(mail, Company(), words) == ("listed words" if found else "")


def test_a_listed_word_in_the_subject_counts_and_in_a_quote_does_not() -> None:
    assert sign_in(a_mail(subject="My salary", said="See below."), Company(), "salary") == "listed words"
    assert sign_in(a_mail(said="Yes.", text="Yes.\n> her salary\n"), Company(), "salary") == ""


@pytest.mark.parametrize(
    ("said", "only"),
    [
        ("Thanks!", True),
        ("Thank you so much, Ana.\n\nBen", True),
        ("Hi Ana, thanks a lot!", True),
        ("Danke!", True),
        ("Thanks. How deep?", False),
        ("Thanks for that. I have planted mine in October, and the frost took all of it away.", False),
        ("Thanks!\nI did it.\nIt worked.", False),
        ("I did it.", False),
        ("", False),
    ],
)
def test_a_line_of_thanks_is_one_line(said: str, only: bool) -> None:
    assert is_only_thanks(said) is only


def test_only_a_first_mail_of_nothing_but_thanks_is_asked_about() -> None:
    thanks = reply("Thanks, Ben!")
    assert sign_in(thanks, Company(ANA, BEN, first=True)) == "first thanks"
    assert sign_in(thanks, Company(ANA, BEN)) == ""
    assert sign_in(reply("I planted mine."), Company(ANA, BEN, first=True)) == ""


# -- what we sent to one person ---------------------------------------------------------------------

TOKEN = "aaab5bv773ag7ukasm3z"


@pytest.mark.parametrize(
    ("text", "letter", "seals"),
    [
        (f"No.\n\nOn Sat, Book Circle <book+ask@{DOMAIN}> wrote:\n> 1 Cy Ng: Hello\n", True, ()),
        (f"No.\n\nOn Sat, Book Circle <book+re={TOKEN}@{DOMAIN}> wrote:\n> Hello\n", True, ()),
        (
            f"No.\n\n-----Original Message-----\nFrom: Book Circle <book+ask@{DOMAIN}>\nSent: x\n\nHi\n",
            True,
            (),
        ),
        (f"No.\n\nOn Sat, Ben Okafor <ben.okafor.abcdefgh@{DOMAIN}> wrote:\n> Hello\n", False, ("abcdefgh",)),
        (f"Write to book+ask@{DOMAIN} for help.", False, ()),
        (f"No.\n\nOn Sat, Ana <ana@x.example> wrote:\n> Write to book+ask@{DOMAIN}.\n", False, ()),
        (f"No.\n\nOn Sat, Ana <ana@x.example> wrote:\n> To: book@{DOMAIN}\n", False, ()),
        ("No.\n\nOn Sat, Ana <ana@x.example> wrote:\n> Shall we?\n", False, ()),
    ],
)
def test_a_quoted_card_or_private_mail_is_known_by_whom_it_quotes(
    text: str, letter: bool, seals: tuple[str, ...]
) -> None:
    found = quoted_of_ours(a_mail(text=text), a_list())
    assert (found.letter, found.seals) == (letter, seals)


def test_every_sign_of_the_table_shows_in_some_case() -> None:
    shown = {
        sign_in(a_mail(), Company(private=True)),
        sign_in(a_mail(), Company(quoted=True)),
        *(row[1] for row in lines(SAID)),
        sign_in(a_mail(said="salary"), Company(), "salary"),
        sign_in(reply("Hi Dora,"), IN_A_THREAD),
        sign_in(reply("Thanks!"), Company(ANA, BEN, first=True)),
    }
    assert shown - {""} == {sign.name for sign in SIGNS}


# -- the question and its answers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Ana Silva", "ana"),
        ("José García", "josé"),
        ("Jean-Paul Calderone", "jean"),
        ("J. Smith", "private"),
        ("", "private"),
        ("All Good", "private"),
        ("山田", "山田"),
    ],
)
def test_the_word_for_one_person_is_their_first_name(name: str, word: str) -> None:
    assert word_for(Voice(name, ANA.address, 1)) == word
    assert word_for(None) == ""


def asked(act: str = "alone 1") -> Ask:
    return Ask(1, AskKind.GUARD, a_list(), 1, ANA.address, NOW, NOW, act=act)


@pytest.mark.parametrize(
    ("first", "act"),
    [
        ("all", "release"),
        ("All.", "release"),
        ("everyone", "release"),
        ("an alle", "release"),
        ("ana", "alone 1"),
        ("Ana", "alone 1"),
        ("Ana Silva!", "alone 1"),
        ("only ana", "alone 1"),
        ("only to Ana", "alone 1"),
        ("Only Ana, please.", "alone 1"),
        ("Please drop it", "cancel"),
        ("nur an Ana", "alone 1"),
        ("private", "alone 1"),
        ("privat", "alone 1"),
        ("drop", "cancel"),
        ("Drop it", "cancel"),
        ("verwerfen", "cancel"),
        ("ben", ""),
        ("yes", ""),
        ("no", ""),
        ("all of it", ""),
        ("all is well, thank you", ""),
        ("", ""),
    ],
)
def test_three_words_answer_the_question_and_nothing_else_does(first: str, act: str) -> None:
    assert act_meant(first, ANA, asked()) == act


def test_where_it_can_go_to_nobody_alone_no_word_sends_it_there() -> None:
    assert act_meant("private", None, asked("")) == ""
    assert question(1, None).act == ""


@pytest.mark.parametrize(
    ("hour", "zone", "due"),
    [
        (9, "UTC", "21 18:00"),
        (16, "UTC", "21 18:00"),
        (17, "UTC", "22 09:00"),
        (23, "UTC", "22 09:00"),
        (5, "UTC", "21 09:00"),
        (17, "America/New_York", "21 18:00"),
        (9, "Asia/Tokyo", "22 09:00"),
    ],
)
def test_the_reminder_comes_in_the_morning_or_the_evening_of_its_reader(
    hour: int, zone: str, due: str
) -> None:
    since = datetime(2026, 11, 21, hour, tzinfo=UTC)
    assert f"{reminded_at(since, ZoneInfo(zone)):%d %H:%M}" == due


# -- whatever strangers send ------------------------------------------------------------------------

PIECES = [
    "Hi ",
    "Ana",
    ", ",
    "and ",
    "between us",
    "\n",
    "\n\n",
    ". ",
    "Dr. ",
    "thanks ",
    ">",
    "@",
    DOMAIN,
    "don't share it",
]


@given(st.one_of(st.text(max_size=500), st.lists(st.sampled_from(PIECES), max_size=30).map("".join)))
def test_nothing_that_is_written_raises(text: str) -> None:
    mail = reply(text, text, subject=text[:50])
    assert sign_in(mail, Company(ANA, BEN, first=True), "salary, a b") in {"", *(sign.name for sign in SIGNS)}
    quoted_of_ours(mail, a_list())
    act_meant(text, ANA, asked())
    word_for(Voice(text, ANA.address))


@pytest.mark.parametrize("piece", [*PIECES, "don't tell ", "keep ", "dr dr ", "a", "Hi Ana "])
def test_the_worst_that_can_come_takes_a_moment(piece: str) -> None:
    said = (piece * 4000)[:4000]
    mail = reply(said, (piece * 250_000)[:250_000])
    began = time.perf_counter()
    sign_in(mail, IN_A_THREAD, ",".join(f"w{n}" for n in range(250)))
    quoted_of_ours(mail, a_list())
    assert time.perf_counter() - began < 20
