"""Machines that write to machines (standards.md §1.4, L1 to L11; S9, S10): each row with what becomes of it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from listserv.core.address import read_address
from listserv.core.breaker import LIMITS, TO_ONE
from listserv.core.comeback import is_back
from listserv.core.robots import why_unanswered
from listserv.core.seals import loop_mark
from listserv.mail.parse import as_sent, parse
from tests.kit.people import RING, a_mail
from tests.kit.returned import failure
from tests.kit.world import Mailed, World, open_world, sqlite_in

DOMAIN = "lists.example.org"
BOOK = f"book@{DOMAIN}"
ME = "ana@ana.example"
HIS = "ben@ben.example"
HEAD = f"From: Ben <{HIS}>\nTo: {BOOK}\nMessage-ID: <%s@ben.example>\n"
ZIP = base64.b64encode(zlib.compress(b"<feedback/>" * 1000)).decode()
REPORT = (
    "Subject: a report\nMIME-Version: 1.0\nContent-Type: {type}\nContent-Transfer-Encoding: base64\n"
    'Content-Disposition: attachment; filename="there.example!lists.example.org!1763596800!1763683199{end}"\n\n'
    + ZIP
)
AWAY = (
    "I am out of the office until Monday. In urgent cases please contact Cleo. I will answer your mail then."
)
LONG = "When do you plant your garlic? The almanac says October, my grandmother said by the first frost.\n"

# fmt: off
TO_THE_LIST = [
    #  row   what                                       its own fields, an empty line, its words                    why it ends
    ("L1",  "our own List-Id",                          f"List-Id: <book.{DOMAIN}>\n\nwords",                       "loop"),
    ("L1",  "our own mark, after another list",         f"X-Loop: {loop_mark(RING, 'book.' + DOMAIN)}\nList-Id: <x.y.example>\n\nwords", "loop"),
    ("L1",  "Delivered-To of the list itself",          f"Delivered-To: {BOOK}\n\nwords",                           "loop"),
    ("L1",  "eight other servers' marks",               "".join(f"X-Loop: {'a' * 25}{n}\n" for n in "bcdefghi") + "\nwords", "loop"),
    ("L1",  "seven other servers' marks",               "".join(f"X-Loop: {'a' * 25}{n}\n" for n in "bcdefgh") + "\nwords", "welcome"),
    ("L1",  "another list's post",                      "List-Id: <news.other.example>\nPrecedence: list\n\nwords", "welcome"),
    ("L4",  "RFC 3834's vacation",                      "Auto-Submitted: auto-replied (vacation)\n\nAway.",         "automatic"),
    ("L4",  "cPanel's",                                 "X-Autorespond: away\nPrecedence: bulk\n\nAway.",           "automatic"),
    ("L4",  "X-Autoreply alone",                        "X-Autoreply: yes\n\nAway.",                                "automatic"),
    ("L4",  "Exchange's, with fields",                  "Subject: Automatic reply: garlic\nX-Auto-Response-Suppress: All\n\nAway.", "automatic"),
    ("L4",  "Exchange's, without any field",            f"Subject: Automatic reply: garlic\n\n{AWAY}",              "automatic"),
    ("L4",  "a robot's watch mail",                     "Auto-Submitted: auto-generated\n\nDisk full.",             "automatic"),
    ("L4",  "a person's 'away until Monday'",           "Subject: Away until Monday\n\nI am away until Monday, who waters the garlic?", "welcome"),
    ("L5",  "a bounce to the list",                     "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b--", "report"),
    ("L8",  "a read receipt",                           "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b--", "report"),
    ("L11", "a DMARC report, zip",                      REPORT.format(type="application/zip", end=".zip"),           "automatic"),
    ("L11", "a DMARC report, gzip",                     REPORT.format(type="application/gzip", end=".xml.gz"),       "automatic"),
    ("L11", "a TLS report",                             REPORT.format(type="application/tlsrpt+gzip", end="!001.json.gz"), "automatic"),
    ("L11", "a DMARC report by its subject",            "Subject: Report domain: x.example Submitter: y.example Report-ID: <1>\n\nx", "automatic"),
    ("L11", "a holiday's photos in a zip",              'Content-Type: application/zip; name="wow!great!2026.zip"\n\nx', "welcome"),
    ("94",  "TMDA's challenge",                         "X-Delivery-Agent: TMDA/1.1\n\nYour message is being held. Reply to confirm that you are a real person.", "automatic"),
    ("94",  "a person's own mail by way of TMDA",       "X-Delivery-Agent: TMDA/1.1\n\nPlease reply by Friday, so that I can confirm the room.", "welcome"),
    ("94",  "a challenge by its words",                 "Subject: Please confirm\n\nYour message is being held because I do not recognize you as a sender. To prevent spam, click https://there.example/7 to verify that you are a real person.", "automatic"),
    ("94",  "a host who explains how it is here",       "Subject: How this works\n\nYour first message is held until a host approves it, to stop spam. Then reply as you like, see https://lists.example.org/.", "welcome"),
    ("94",  "a person who wants to confirm",            "Subject: Please confirm\n\nPlease confirm that you come on Friday, click the link in the wiki.", "welcome"),
    ("L4",  "Mailman's administrivia",                  "X-List-Administrivia: yes\n\nYour message awaits approval.", "automatic"),
    ("L4",  "an Outlook recall",                        "Subject: Recall: garlic\n\nBen Okafor would like to recall the message, \"garlic\".", "odd mail"),
    ("L4",  "a reaction",                               "MIME-Version: 1.0\nContent-Type: text/vnd.google.email-reaction+json\n\n{}", "reaction"),
]
UNANSWERED = [
    ("ben@ben.example",                      False, ""),
    ("mailer-daemon@ben.example",            True,  "nobody's mailbox"),
    ("no-reply@ben.example",                 True,  "nobody's mailbox"),
    ("noreply+7@ben.example",                False, "nobody's mailbox"),
    ("postmaster@ben.example",               False, "a robot's address"),
    ("postmaster@ben.example",               True,  ""),
    ("owner-garden@ben.example",             False, "a robot's address"),
    ("garden-request@ben.example",           False, "a robot's address"),
    ("prayer-request@ben.example",           True,  ""),
    ("garden-bounces@ben.example",           False, "a robot's address"),
    ("bounces+7=x@ben.example",              False, "a robot's address"),
    (f"book+ask@{DOMAIN}",                   True,  "ourselves"),
    (f"book+back=aaabtmnc6ch45gmvf3kp@{DOMAIN}", True, "ourselves"),
    (f"ana.schubert@{DOMAIN}",               False, ""),
    (f"ana@{DOMAIN}",                        True,  ""),
]
# fmt: on


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A list with Ana and Ben, and what a month of machines leaves of it. No breaker: rows are counted here."""
    with open_world(sqlite_in(tmp_path_factory.mktemp("loops"))) as world:
        here = world.circle("book", guard=False, storm="0")
        world.member(here, ME)
        world.member(here, HIS)
        world.host(here, "hanna@host.example")
        yield world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


@pytest.mark.parametrize(
    ("number", "what", "rest", "why"), TO_THE_LIST, ids=[f"{r[0]} {r[1]}" for r in TO_THE_LIST]
)
def test_what_a_machine_sends_to_a_list_reaches_nobody_and_nobody_is_answered(
    book: World, number: str, what: str, rest: str, why: str
) -> None:
    before = len(book.outbox)
    fields = HEAD % f"{zlib.crc32(what.encode())}"
    book.receive((fields + rest).encode(), sender=HIS)
    assert book.why()[-1] == why
    sent = book.outbox[before:]
    assert all(mailed.recipient != HIS or why == "welcome" for mailed in sent if why != "odd mail")
    assert (len([one for one in sent if b"Kind: post" in one.raw]) > 0) is (why == "welcome")


@pytest.mark.parametrize(("author", "member", "why"), UNANSWERED)
def test_l2_no_machine_of_ours_answers_another_or_itself(author: str, member: bool, why: str) -> None:
    mail = a_mail(author=read_address(author))
    assert why_unanswered(mail, DOMAIN, member=member) == why
    listed = replace(mail, list_ids=("news.other.example",))
    assert why_unanswered(listed, DOMAIN, member=member)


def test_l3_what_we_write_ourselves_says_so_and_has_the_null_sender(book: World) -> None:
    help_me = f"From: {ME}\nTo: book+ask@{DOMAIN}\nMessage-ID: <help@a>\nSubject: help\n\nhelp\n"
    before = len(book.outbox)
    book.receive(help_me.encode(), to=f"book+ask@{DOMAIN}")
    (answer,) = book.outbox[before:]
    assert answer.sender == ""
    for field in (b"Auto-Submitted: auto-replied", b"X-Auto-Response-Suppress: All", b"Precedence: bulk"):
        assert field in answer.raw


def test_l2_a_list_that_writes_to_a_command_address_is_not_answered(book: World) -> None:
    before = len(book.outbox)
    raw = f"From: {ME}\nTo: book+ask@{DOMAIN}\nList-Id: <x.y.example>\nMessage-ID: <l2@a>\nSubject: help\n\nhelp\n"
    book.receive(raw.encode(), to=f"book+ask@{DOMAIN}")
    assert book.outbox[before:] == []


def test_l6_l7_reports_with_made_up_tokens_do_nothing_and_a_bounce_of_a_bounce_neither(book: World) -> None:
    before, dead = len(book.outbox), f"book+bounces@{DOMAIN}"
    for to in (dead, BOOK, f"book+ask@{DOMAIN}", f"postmaster@{DOMAIN}"):
        book.receive(failure("nobody@ben.example", number=len(to)), to=to, sender="")
    assert book.outbox[before:] == []


def test_l9_the_same_mail_again_is_dropped_and_other_words_under_its_id_are_not(book: World) -> None:
    one = (HEAD % "l9" + f"Subject: Garlic\n\n{LONG}").encode()
    for raw in (one, one, one.replace(LONG.encode(), b"Something else altogether, by somebody else.\n")):
        book.receive(raw, sender=HIS)
    assert book.why()[-3:] == ["welcome", "duplicate", "welcome"]


def test_l10_the_author_never_sees_a_members_bounce(book: World) -> None:
    before = len(book.outbox)
    book.receive((HEAD % "l10" + "Subject: Tomatoes\n\nWho has seeds?\n").encode(), sender=HIS)
    copies = book.outbox[before:]
    assert all(copy.sender.startswith("book+back=") for copy in copies)
    book.receive(failure(ME), to=copies[0].sender, sender="")
    assert len(book.outbox) == before + len(copies)


# -- L1: a post that comes back without its traces


def again(copy: Mailed, **changed: str) -> bytes:
    """A copy as a program passes it on that takes every trace away, and writes a footer below."""
    head, _, body = copy.raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields = (b"\n" + head).replace(b"\n ", b" ").split(b"\n")[1:]
    kept = [
        field
        for field in fields
        if field.split(b":")[0].lower() in (b"from", b"to", b"subject", b"date", b"message-id")
    ]
    for name, value in changed.items():
        kept = [field for field in kept if not field.lower().startswith(name.replace("_", "-").encode())]
        kept.append(f"{name.replace('_', '-')}: {value}".encode())
    return b"\n".join(kept) + b"\n\n" + body + b"-- \nThe other list. To leave it, write to it.\n"


def test_l1_a_forwarder_that_strips_every_field_and_adds_a_footer_brings_nothing_round(world: World) -> None:
    here = world.circle("book", guard=False)
    world.member(here, ME)
    world.receive(f"From: {ME}\nTo: {BOOK}\nSubject: Garlic\nMessage-ID: <1@a>\n\n{LONG}".encode())
    world.receive(again(world.outbox[0]), sender="forwarder@elsewhere.example")
    assert world.why() == ["welcome", "loop"]


def test_l1_a_list_of_another_make_that_writes_its_own_from_and_id_brings_nothing_round(world: World) -> None:
    here = world.circle("book", guard=False)
    world.member(here, ME)
    world.member(here, "plants@other.example")
    world.receive(f"From: {ME}\nTo: {BOOK}\nSubject: Garlic\nMessage-ID: <1@a>\n\n{LONG}".encode())
    raw = again(world.outbox[0], From="plants@other.example", Message_ID="<7@other.example>")
    world.receive(raw, sender="plants-bounces@other.example")
    assert world.why() == ["welcome", "loop"]


def test_l1_an_answer_that_has_the_whole_post_below_without_a_mark_is_no_loop(world: World) -> None:
    here = world.circle("book", guard=False)
    world.member(here, ME)
    world.member(here, HIS)
    world.receive(f"From: {ME}\nTo: {BOOK}\nSubject: Garlic\nMessage-ID: <1@a>\n\n{LONG}".encode())
    answer = f"From: {HIS}\nTo: {BOOK}\nSubject: Re: Garlic\nMessage-ID: <2@a>\nIn-Reply-To: <1@a>\n\n"
    world.receive(f"{answer}{LONG}\nNow.\n".encode(), sender="srs0=ab=cd@forward.example")
    above = answer.replace("<2@a>", "<3@a>").replace("In-Reply-To: <1@a>\n", "")
    world.receive(f"{above}Now.\n\n{LONG}".encode(), sender="srs0=ab=cd@forward.example")
    assert world.why() == ["welcome"] * 3


def test_short_words_may_be_said_twice() -> None:
    assert not is_back("Thanks!\n", ["Thanks!\n"], same_id=False)
    assert is_back("Thanks!\n-- \nfooter", ["Thanks!\n"], same_id=True)
    assert not is_back(LONG + "x" * 5000, [LONG], same_id=True), "more was added than any footer"


# -- 94, and the breaker


def test_94_hosts_hear_once_whose_mailbox_wants_a_proof(world: World) -> None:
    here = world.circle("book", guard=False)
    world.member(here, ME)
    world.member(here, HIS, name="Ben Okafor")
    world.host(here, "hanna@host.example")
    challenge = f"From: {HIS}\nTo: {BOOK}\nMessage-ID: <%d@c>\nX-Delivery-Agent: TMDA\n\nYour message is held. Reply to confirm it.\n"
    for number in range(3):
        world.receive(
            f"From: {ME}\nTo: {BOOK}\nSubject: {number}\nMessage-ID: <p{number}@a>\n\nw {number}".encode()
        )
        copy = next(one for one in reversed(world.outbox) if one.recipient == HIS)
        world.receive((challenge % number).encode(), to=copy.sender, sender="")
    world.pass_time(minutes=2)
    told = [one.raw for one in world.outbox if b"Kind: notice" in one.raw]
    assert len(told) == 1
    assert b"prove that they are a person" in told[0].replace(b"\r\n", b" ")
    assert b"Ben Okafor <ben@ben.example>" in told[0]


def test_two_machines_that_answer_each_other_come_to_rest_and_the_owner_is_told_once(world: World) -> None:
    here = world.circle("book")
    world.member(here, HIS)
    for number in range(60):
        raw = f"From: {HIS}\nTo: book+ask@{DOMAIN}\nSubject: settings\nMessage-ID: <{number}@b>\n\nsettings\n"
        world.receive(raw.encode(), to=f"book+ask@{DOMAIN}", sender=HIS)
    limit = next(row for row in LIMITS if row.name == TO_ONE)
    assert world.copies()[HIS] == limit.at_once
    kept = world.totals()["delivery:failed"]
    assert kept == 60 - limit.at_once, "kept, not lost"
    owner = [one for one in world.outbox if one.recipient == "owner@example.org"]
    assert len(owner) == 1
    assert b"Too many letters" in owner[0].raw


def test_a_bomb_in_a_report_is_never_unpacked() -> None:
    bomb = base64.b64encode(zlib.compress(b"0" * 10_000_000)).decode()
    raw = (HEAD % "bomb" + REPORT.format(type="application/gzip", end=".xml.gz").replace(ZIP, bomb)).encode()
    mail = parse(raw.replace(b"\n", b"\r\n"))
    assert getattr(as_sent(mail, HIS), "automatic", "") == "auto-generated"  # type: ignore[arg-type]
