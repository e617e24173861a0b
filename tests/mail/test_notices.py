"""The mails that we write ourselves: our words in templates, a stranger's nowhere but in their place."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, UndefinedError, meta

from listserv.core.address import Address
from listserv.core.commands import GROUP_OF, verb
from listserv.core.notices import (
    AddressQuestion,
    Answer,
    AuthorAnswers,
    BounceComplaint,
    BounceNews,
    BouncePolicy,
    BounceProbe,
    BounceStopped,
    BounceWarning,
    Card,
    CardItem,
    Choice,
    ComplaintRate,
    Declined,
    DidYouMean,
    DoctorSays,
    Duty,
    DutyDay,
    Edited,
    Ended,
    ForgetPreview,
    Forgotten,
    Forwarded,
    Found,
    FoundOne,
    Held,
    Help,
    HelpLine,
    HostAsks,
    HostEnded,
    HostNews,
    HostQuestion,
    Invitation,
    JoinQuestion,
    JoinUnclear,
    JoinWaits,
    Kept,
    LeftOut,
    LettersKept,
    Log,
    LogLine,
    Loosening,
    MergeWhich,
    MyData,
    NoHost,
    NotDelivered,
    Notice,
    NotUnderstood,
    OddLine,
    OtherAddress,
    OtherThread,
    PeopleTold,
    Posted,
    PostOrSetting,
    PostShown,
    PrivateWaits,
    ProviderRests,
    Pulse,
    PulseLine,
    QuietlyAnswered,
    QuietlyClosed,
    QuietlyOut,
    QuietlyPreview,
    QuietlyShows,
    Readers,
    Recalled,
    Refusal,
    Refused,
    Roster,
    RosterLine,
    Said,
    SetAside,
    SettingChanged,
    SettingLine,
    SettingShown,
    Shown,
    SignInLink,
    StillOpen,
    StillWaiting,
    Storm,
    Symptom,
    TakenOff,
    TakenOut,
    Thanked,
    ToldPost,
    Traced,
    Traces,
    WasThisYou,
    Welcome,
    WhichThread,
    WholeThread,
    YourSettings,
)
from listserv.core.refusals import CAUSES
from listserv.core.types import ListSettings, MailList
from listserv.mail.fields import decode_words, read_mailboxes, split
from listserv.mail.notices import Letter, Words, template_of, write

TEMPLATES = Path(__file__).parents[2] / "templates" / "mail"
NOTICES: tuple[type[Notice], ...] = get_args(Notice)
BRIEFS = ("brief.txt", "brief.html", "brief-words.txt", "classic.txt")  # tests/mail/test_briefs.py
OTHER_TEXTS = ("reasons.txt", "said.txt", "verbs.txt", "marks.txt", "readme.txt", *BRIEFS)
WORDS = Words((TEMPLATES,))
HOSTS = "book+host@lists.example.org"
BOOK = MailList(
    1, Address("book", "lists.example.org"), "book.lists.example.org", "Bücherkreis", ListSettings()
)
LETTER = Letter(
    to=Address("ana", "home.example"),
    from_name="Book Circle",
    from_address=Address("book+host", "lists.example.org"),
    message_id="abc@lists.example.org",
    date=datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
)
SUBJECT = "Which book shall we read next? I have three proposals, all of them rather long"
PULSE_KINDS = ("waiting", "newcomer", "question", "unreachable")
ALL_VERBS = tuple(HelpLine(name, verb(name).shape, group) for name, group in GROUP_OF.items())
WELCOME = Welcome(
    list="Book Circle",
    address="book@lists.example.org",
    hosts=HOSTS,
    posting="members",
    rhythm="now",
    hosts_names=("Bea Müller", "Carl Ng", "Dee"),
    archive="https://lists.example.org/book/",
    description="We read a book a month and talk about it on its last Friday.",
    welcome="Bring tea.\n\nAnd cake.",
)
DOUBTS = ("doubted", "fails", "spam", "links", "like a host")
CARD_ITEMS = (
    CardItem(
        1, "Cy Ng", "cy@cy.example", SUBJECT, "stranger", "09:00", None, 0, "none", DOUBTS, "Hi.\n\nCy", True
    ),
    CardItem(
        2, "", "bob@vendor.example", "", "probation", "09:00", date(2026, 11, 3), 1, "passes", (), "Hello"
    ),
    CardItem(
        *(3, "", "", SUBJECT, "no such rule", "09:00", date(2026, 11, 3), 2, "fails", (), "x" * 200),
        *(True, "4.2 MB", ("plan.pdf (4.0 MB)",), ("cheap.example", "x.example"), 12),
    ),
    CardItem(4, "Dora Lind", "dora@dora.example", "Dora Lind", "join request", "09:00", None, 0, "none", ()),
    CardItem(5, "", "emi@lake.example", "", "join request", "09:00", None, 0, "none", ()),
)
QUIETLY_CLOSED = (
    *("off", "stranger", "forged", "other address", "too many", "empty", "long", "dropped", "waits", "over"),
)
CARDS = ((1, 0, True), (2, 1, False), (3, 30, True), (5, 72, False))
EXAMPLES: tuple[Notice, ...] = (
    *(
        Held("Book Circle", HOSTS, SUBJECT, why)
        for why in ("stranger", "probation", "too big", "no such rule")
    ),
    Held("book@lists.example.org", HOSTS, "", "not addressed to us"),
    *(
        PrivateWaits("Book Circle", HOSTS, SUBJECT, why, "cancel")
        for why in ("not addressed to them", "private mails", "odd mail")
    ),
    PrivateWaits("book@lists.example.org", HOSTS, "", "stranger"),
    NotDelivered("Book Circle", SUBJECT, "Ana Silva"),
    NotDelivered("book@lists.example.org", ""),
    Declined(
        "Book Circle", HOSTS, SUBJECT, "Thank you.\n\nThis was on the list yesterday, " + "and before " * 20
    ),
    Declined("Book Circle", HOSTS, ""),
    Kept(
        "Book Circle",
        HOSTS,
        SUBJECT,
        "closed",
        words="Thank you all.\n\nThe answer is in the FAQ, " + "and so on " * 20,
    ),
    Kept("Book Circle", HOSTS, "", "closed"),
    Kept("Book Circle", HOSTS, SUBJECT, "resting", "Sunday 22 November, 09:00"),
    *(Kept("Book Circle", HOSTS, SUBJECT, "slowed", slow=slow) for slow in (1, 3)),
    TakenOut("Book Circle", HOSTS, SUBJECT),
    Recalled("Book Circle", SUBJECT, True, 12, 3, 2, date(2026, 11, 3), wal=True, maildir=True),
    Recalled("Book Circle", "", False, 0, 0, 0),
    MergeWhich("Book Circle", SUBJECT, (OtherThread(SUBJECT, 7, "Friday 8 January, 07:00"),) * 2),
    Storm("Book Circle", "book@lists.example.org", 100, 10),
    Declined("Book Circle", HOSTS, "Cy Ng", join=True),
    Posted("Book Circle", SUBJECT),
    Held("Book Circle", "", SUBJECT, "quietly", "cancel"),
    Declined("Book Circle", "", SUBJECT, "Not now, please."),
    HostAsks("Book Circle", "Hanna Berg", SUBJECT, "Are you safe?", quiet=True),
    AuthorAnswers("Book Circle", "", "a.member.abcdefgh@lists.example.org", SUBJECT, "Yes.", waits=True),
    QuietlyPreview("Book Circle", "A member", SUBJECT, "How?\n\n" + "and so on " * 20),
    QuietlyPreview(
        "Book Circle", "The asker", "Re: x", "How?", ("Ana", "garden.example"), ("pay.pdf",), True
    ),
    QuietlyOut("Book Circle", SUBJECT, date(2026, 12, 21)),
    *(QuietlyClosed("Book Circle", HOSTS, why) for why in QUIETLY_CLOSED),
    QuietlyShows("Book Circle", ("Ana", "+49 30 1234567")),
    QuietlyAnswered("Book Circle", "Ben", "ben.abcdefgh@lists.example.org", SUBJECT, "No.\n\nBen"),
    QuietlyAnswered("Book Circle", "", "member.abcdefgh@l.example", "", "", ("a.pdf",), date(2026, 12, 21)),
    Posted("book@lists.example.org", ""),
    Edited("Book Circle", HOSTS, SUBJECT, "Hello!\n\nIs there a meeting?"),
    StillWaiting("Book Circle", HOSTS, SUBJECT, 1),
    StillWaiting("book@lists.example.org", HOSTS, "", 2),
    StillWaiting("book@lists.example.org", HOSTS, "Cy Ng", 2, join=True),
    HostAsks("Book Circle", "Hanna Berg", SUBJECT, "Would you leave out the shop?\n\nThank you."),
    HostAsks("book@lists.example.org", "", "Cy Ng", "Who sent you to us?", join=True),
    AuthorAnswers("Book Circle", "Cy Ng", "cy@cy.example", SUBJECT, "Of course.\n\nCy"),
    AuthorAnswers("Book Circle", "cy@cy.example", "cy@cy.example", SUBJECT, "Of course.", waits=False),
    *(Card("Book Circle", CARD_ITEMS[:many], many, hours, rota=rota, place=0) for many, hours, rota in CARDS),
    Shown("Book Circle", 2, SUBJECT, b"From: a@b\r\n\r\nHi\r\n"),
    Duty(
        "Book Circle",
        (DutyDay("Hanna Berg", "mon tue", "Friday 4 December, 07:00"), DutyDay("Dana", "")),
        True,
    ),
    Duty("Book Circle", (DutyDay("Hanna Berg", ""),), False),
    NoHost("Book Circle", "book@lists.example.org", 1),
    NoHost("Book Circle", "book@lists.example.org", 3),
    *(Refused("Book Circle", HOSTS, SUBJECT, why, "10 MB") for why in ("too big", "posts per day", "NUL")),
    Refused("Book Circle", HOSTS, "", "too big"),
    Forwarded(
        HOSTS,
        "Ana Silva <ana@home.example>",
        SUBJECT,
        "leave",
        "Please take me off.\n\nAna",
        b"From: a@b\r\n\r\nHi\r\n",
        "ana.x@lists.example.org",
    ),
    Forwarded("postmaster@lists.example.org", "", ""),
    WELCOME,
    Welcome("Ads", "ads@l.example", "ads+host@l.example", "hosts", "mon thu"),
    SetAside("lists.example.org", 1, date(2026, 11, 23)),
    Ended("Book Circle", "book@lists.example.org", "postmaster@lists.example.org"),
    SignInLink("lists.example.org", "https://lists.example.org/in?t=abc", "k7f2m9pq", 15),
    SetAside("lists.example.org", 312, date(2026, 11, 23)),
    DoctorSays(
        "lists.example.org",
        (
            Symptom("spf", True, "lists.example.org has no SPF record", 'Publish: "v=spf1 a mx -all".'),
            Symptom("backup", False, "none was ever made", ""),
        ),
        20,
    ),
    DoctorSays("lists.example.org", (Symptom("disk", False, "only 900 MB free", "Make room."),), 1),
    DoctorSays("lists.example.org", (Symptom("settings", True, "unreadable", "Mend it."),), 0),
    Held("Book Circle", HOSTS, SUBJECT, "probation", "cancel"),
    Held("Book Circle", HOSTS, SUBJECT, "unproven", "yes"),
    Held("Book Circle", HOSTS, SUBJECT, "would show an address", "yes"),
    *(
        Answer("Book Circle", (Said(key, "3", "Berlin"),), undo)
        for key, undo in (("rhythm", True), ("left", True))
    ),
    Answer("Book Circle", (Said("undone"), Said("resumed", "mon thu")), undo=False),
    Help("Book Circle", "book@lists.example.org", True, ALL_VERBS),
    Help("Book Circle", "book@lists.example.org", True, ALL_VERBS[:1], quietly=True),
    Help("book@lists.example.org", "book@lists.example.org", False, join="invite", leaving=True),
    *(
        Help("book@l.example", "book@l.example", False, join=join)
        for join in ("invite", "approve", "confirm", "closed")
    ),
    NotUnderstood("Book Circle", "Dear Sir or Madam, " + "I should like to know " * 5, ALL_VERBS[:3]),
    WasThisYou("Book Circle", "pause until friday"),
    PostOrSetting("Book Circle", "3"),
    *(
        DidYouMean(
            "Book Circle", "Hi Ana, between us, our director …", sign, "", 84, "Ana Silva", "ana", "18:00"
        )
        for sign in ("between us", "greets one", "private mail")
    ),
    DidYouMean(
        "Book Circle", SUBJECT, "listed words", "salary", 1, "", "private", "Sunday 22 November, 09:00"
    ),
    DidYouMean("Book Circle", SUBJECT, "first thanks", people=84, by="18:00"),
    DidYouMean("Book Circle", subject=SUBJECT, to="Ana Silva", word="ana", unclear="Dear Sir or Madam"),
    DidYouMean("Book Circle", people=84, subject=SUBJECT, to="Ana Silva", word="ana", reminder=True),
    PostOrSetting("Book Circle", "close Thank you all", steers=True),
    OtherAddress("Book Circle", "ana@work.example"),
    AddressQuestion("book@lists.example.org", "ana@work.example", "ana@home.example"),
    Invitation("Book Circle", "Hanna Berg", "We read a book a month.\n\nAnd talk about it."),
    Invitation("Book Circle", "Hanna Berg"),
    PeopleTold(
        "Book Circle",
        added=False,
        done=("ben@hill.example", "emi@lake.example"),
        done_count=42,
        left=(LeftOut("ana@home.example", "here already"), LeftOut("cy@cy.example", "not now")),
        left_count=3,
        odd=(OddLine(7, "dora at lake"),),
        odd_count=1,
    ),
    PeopleTold("Book Circle", added=True, done=("ben@hill.example",), done_count=1),
    *(
        PeopleTold("Book Circle", added, (), 0, odd=(OddLine(1, "ana@"),), odd_count=2)
        for added in (True, False)
    ),
    Roster(
        "Book Circle",
        3,
        1,
        (
            RosterLine("Hanna Berg", "hanna@host.example", True, "now", "active", date(2026, 1, 5)),
            RosterLine("", "ben@hill.example", False, "mon thu", "bouncing", date(2026, 11, 3)),
        ),
    ),
    Roster(
        "Book Circle",
        1,
        1,
        (RosterLine("Hanna Berg", "hanna@host.example", True, "3", "paused", date(2026, 1, 5)),),
        attached=True,
        sheet=b"email,name,rhythm,role,copies\n",
    ),
    SettingChanged("Book Circle", "Hanna Berg", "guard", "on", "off"),
    SettingChanged("Book Circle", "", "welcome", "", "Bring tea.\n\nAnd cake."),
    SettingChanged("Book Circle", "Hanna Berg", "archive", "public", "members", called_off=True),
    SettingShown("Book Circle", "welcome", "Bring tea.\n\nAnd cake."),
    SettingShown("Book Circle", "footer", ""),
    replace(WELCOME, by="Hanna Berg"),
    *(
        Loosening("Book Circle", HOSTS, key, old, new, "Friday 8 January, 07:00", to_host)
        for to_host in (True, False)
        for key, old, new in (
            ("archive", "members", "public"),
            ("from", "relay", "author"),
            ("new", "a", "b"),
        )
    ),
    Log(
        "Book Circle",
        (
            LogLine("Friday 8 January, 07:00", "host", "Hanna Berg", "setting changed", "guard=off", "", 12),
            LogLine("Friday 8 January, 07:00", "operator", "", "member removed", "", "Ben", 0),
            LogLine("Friday 8 January, 07:00", "host", "", "of tomorrow", "3", "", 0),
        ),
    ),
    *(HostQuestion("Book Circle", host, tag) for host, tag in (("Hanna Berg", ""), ("", "grants"))),
    *(
        HostNews("Book Circle", what, "Ana Silva <ana@home.example>", "Hanna Berg", tag, undo)
        for what, tag, undo in (
            ("asked", "", True),
            ("accepted", "grants", True),
            ("ended", "", True),
            ("back", "", False),
        )
    ),
    *(HostEnded("Book Circle", HOSTS, tag) for tag in ("", "grants")),
    TakenOff("Book Circle", HOSTS),
    JoinUnclear("book@lists.example.org", HOSTS),
    JoinWaits("book@lists.example.org", HOSTS),
    *(JoinQuestion("book@lists.example.org", "book@lists.example.org", waits) for waits in (True, False)),
    YourSettings(
        "Book Circle",
        "Ana Silva",
        "ana@home.example",
        ("ana@work.example",),
        "mon thu",
        "07:00",
        "Europe/Berlin",
        "10:15",
        "en",
        True,
        "brief",
        "paused",
        "Friday 8 January, 07:00",
        (
            SettingLine("title", "Book Circle", "the list's name, in words"),
            SettingLine(
                "archive", "members", "who may read the archive", "public", "Friday 8 January, 07:00"
            ),
            SettingLine("footer", "", "put under each post"),
        ),
    ),
    Found(
        "Book Circle",
        "cold storage",
        12,
        1,
        True,
        (
            FoundOne(
                SUBJECT, "Ana Silva", 7, "Friday 8 January, 07:00", "… we did, twice. Second time we asked …"
            ),
        )
        * 3,
    ),
    WhichThread("Book Circle", "We do that, too.", (Choice(1, SUBJECT), Choice(12, ""))),
    Thanked("Book Circle", "Ben Okafor", SUBJECT),
    Thanked("Book Circle", "", ""),
    WholeThread(
        "Book Circle",
        SUBJECT,
        (
            ToldPost("Ana Silva", "Friday 8 January, 07:00", "We did, twice.", ("map.pdf, 120 kB",)),
            ToldPost("Ben", "Saturday 9 January, 07:00", "Thanks!"),
        ),
    ),
    *(
        Pulse(
            "Book Circle",
            posts,
            min(posts, 7),
            usual,
            weeks=(4, 7, posts)[-weeks:] if weeks else (),
            lines=tuple(
                PulseLine(number, kind, "Ana Silva", SUBJECT, "Friday 8 January, 07:00", words, number)
                for number, (kind, words) in enumerate(lines, 1)
            ),
            more=more,
            answers=more,
            by_members=0,
            waited=waited,
            readers=Readers(31, now=20, weekly=8, paused=3),
        )
        for posts, usual, weeks, lines, more, waited in (
            (0, 3, 0, (), 0, 0),
            (0, 3, 3, (("waiting", ""),), 1, 20),
            (1, -1, 1, (), 0, 0),
            (12, 9, 3, [(kind, SUBJECT) for kind in PULSE_KINDS], 2, 60),
        )
    ),
    StillOpen(
        "Book Circle", HOSTS, SUBJECT, "Ana Silva", (ToldPost("Ana", "Friday", "Which?"),), "1@home.example"
    ),
    StillOpen("Book Circle", HOSTS, "", "", (ToldPost("", "Friday", "Which?"),)),
    PostShown("Book Circle", SUBJECT, (ToldPost("Ana", "Friday", "Which?"),), "1@home.example"),
    WholeThread("Book Circle", "", (ToldPost("", "Friday 8 January, 07:00", "Well."),), later=True),
    Traces(
        "Book Circle",
        (
            Traced(SUBJECT, "Friday 8 January, 07:00", "held", "stranger"),
            Traced("", "Friday 8 January, 07:00", "posted", "welcome"),
            Traced("Again", "Friday 8 January, 07:00", "discarded", "duplicate"),
        ),
    ),
    MyData("lists.example.org", 31, zip=b"PK\x05\x06" + b"\0" * 18),
    MyData("lists.example.org", 1, zip=b""),
    MyData("lists.example.org", 4000, "https://lists.example.org/my-data/"),
    ForgetPreview("lists.example.org", 31, 12, ("Book Circle", "Garden"), 2, 1),
    ForgetPreview("lists.example.org", 1, 1, ("Book Circle",)),
    ForgetPreview("lists.example.org", 0, 0, (), 0, 3),
    Forgotten("lists.example.org", words=True, posts=31, quotes=12, lists=("Book Circle", "Garden")),
    Forgotten("lists.example.org", False, 1, 1, ("Book Circle",), date(2026, 11, 3), wal=True, maildir=True),
    Forgotten("lists.example.org", False, 0, 0),
    BounceWarning("Book Circle", HOSTS, "ana@home.example", "550 5.1.1 no such user " + "at all " * 20),
    BounceWarning("Book Circle", HOSTS, "ana@home.example"),
    BounceStopped("Book Circle", HOSTS, "ana@home.example", "552 5.2.2 mailbox full"),
    BounceStopped("Book Circle", HOSTS, "ana@home.example"),
    BounceProbe("Book Circle", HOSTS, "ana@home.example", 0, 4),
    BounceProbe("Book Circle", HOSTS, "ana@home.example", 1, 4),
    BounceNews(
        "Book Circle", ("Ana <a@b.example>: full", "c@d.example"), ("e@f.example",), ("g@h.example",), (), 3
    ),
    BounceNews("Book Circle", challenged=("Ana Silva <ana@home.example>",)),
    BounceNews("Book Circle", doubted=("Ana Silva <ana@home.example>: 550 5.1.1 no such user",)),
    BounceNews("Book Circle", resumed=("Ana Silva <ana@home.example>",)),
    BouncePolicy("lists.example.org", (Refusal("Gmail", 1, 1, "authentication"),)),
    BouncePolicy(
        "lists.example.org",
        (
            Refusal("Gmail", 12, 1, "authentication", ("554 5.7.26 no DMARC " + "pass " * 30,)),
            Refusal("Microsoft", 4000, 900, "blocklist", ("550 5.7.1 S3140", "550 5.7.1 on our list")),
            Refusal("", 1, 1, "name", ("550 5.7.25 no PTR",)),
            *(Refusal("hill.example", 2, 2, cause, ("550 5.7.1 no",)) for cause in CAUSES),
        ),
    ),
    ProviderRests("lists.example.org", "Gmail", "421 4.7.28 unusual " + "rate " * 30),
    LettersKept("lists.example.org", 31, 0),
    LettersKept("lists.example.org", 1, 1200),
    ComplaintRate("lists.example.org", 3, 2900, 7, ("Book Circle: 2", "Garden: 1")),
    BounceComplaint("Book Circle", HOSTS, "ana@home.example", "book+join@lists.example.org"),
)


def text_of(raw: bytes) -> str:
    """What a mail program shows, by a parser that isn't ours."""
    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


def value(raw: bytes, name: str) -> str | None:
    found = [f.text for f in split(raw)[0] if f.name == name.lower()]
    assert len(found) <= 1
    return found[0] if found else None


# ---- templates and records


def test_each_notice_has_a_template_and_each_template_a_notice() -> None:
    assert {path.name for path in TEMPLATES.glob("*")} == {*map(template_of, NOTICES), *OTHER_TEXTS}


def test_each_notice_has_an_example_here() -> None:
    assert {type(example) for example in EXAMPLES} == set(NOTICES)


@pytest.mark.parametrize("kind", NOTICES, ids=lambda kind: kind.__name__)
def test_a_template_uses_only_fields_of_its_record(kind: type[Notice]) -> None:
    source = (TEMPLATES / template_of(kind)).read_text(encoding="utf-8")
    environment = Environment(extensions=["jinja2.ext.i18n"])
    environment.filters |= dict.fromkeys(WORDS.filters, str)
    used = meta.find_undeclared_variables(environment.parse(source))
    known = {f.name for f in fields(kind)}
    used -= {"_", "gettext", "ngettext", "pgettext"}
    assert used <= known
    assert re.match(r"(\{%.*%\}\n)*Subject: .*\n\n", source)
    assert known - used <= {"original", "zip", "answers", "sheet"}, "a field that no word needs"


@pytest.mark.parametrize("notice", EXAMPLES, ids=lambda n: type(n).__name__)
def test_a_notice_reads_well_in_72_columns(notice: Notice) -> None:
    subject, text = WORDS.put(notice)
    assert subject and "\n" not in subject and "None" not in text and "{" not in text
    assert all(len(line) <= 72 or " " not in line.strip() for line in text.splitlines())
    assert "\n\n\n" not in text and text.endswith("\n") and not text.startswith("\n")
    assert all(line == line.rstrip() for line in text.splitlines())


def test_welcome_fits_on_one_screen() -> None:
    without_words = replace(WELCOME, description="", welcome="")
    assert len(WORDS.put(without_words)[1].splitlines()) <= 24
    assert "Bea Müller, Carl Ng and Dee look after it" in WORDS.put(WELCOME)[1]


def test_a_host_s_own_wording_comes_first_and_a_wrong_name_in_it_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "held.txt").write_text("Subject: Bitte warten: {{ subject }}\n\nGleich.\n", encoding="utf-8")
    (tmp_path / "declined.txt").write_text("Subject: x\n\n{{ sorry }}\n", encoding="utf-8")
    words = Words((tmp_path, TEMPLATES))
    assert words.put(Held("l", "h", "Hi", "stranger")) == ("Bitte warten: Hi", "Gleich.\n")
    aside = SetAside("d.example", 1, date(2026, 11, 23))
    assert words.put(aside) == WORDS.put(aside)
    with pytest.raises(UndefinedError):
        words.put(Declined("l", "h", "Hi"))


RULES = [
    *("stranger", "probation", "hosts only", "forged", "unproven", "not addressed to us", "too big", "storm"),
    *("would reveal another list", "posts per day", "no author", "several authors", "ambiguous From"),
    *(
        "two From fields",
        "two Subject fields",
        "two Message-IDs",
        "bare CR in header",
        "NUL",
        "message/partial",
    ),
    *("calendar reply", "closed", "resting", "slowed"),
]


@pytest.mark.parametrize("rule", RULES)
def test_each_reason_has_plain_words_of_its_own(rule: str) -> None:
    assert WORDS.to_author(rule) not in ("", WORDS.to_author("otherwise"))
    assert WORDS.to_host(rule) not in ("", WORDS.to_host("otherwise"))
    assert WORDS.to_author(rule)[0].isupper() and WORDS.to_author(rule).endswith(".")


def test_an_unknown_reason_still_says_something() -> None:
    assert WORDS.to_author("some new rule") and WORDS.to_host("some new rule")


# ---- the mail


def test_a_held_notice_byte_for_byte() -> None:
    notice = Held("Book Circle", HOSTS, "Größe", "probation")
    letter = replace(LETTER, list=BOOK, in_reply_to="1@home.example", auto="auto-replied")
    assert write(notice, letter, WORDS).decode("ascii").split("\r\n") == [
        "From: Book Circle <book+host@lists.example.org>",
        "To: ana@home.example",
        "Subject: Waiting for a host: =?utf-8?b?R3LDtsOfZQ==?=",
        "Date: Mon, 23 Nov 2026 07:00:00 +0000",
        "Message-ID: <abc@lists.example.org>",
        "In-Reply-To: <1@home.example>",
        "References: <1@home.example>",
        "List-Id: =?utf-8?q?B=C3=BCcherkreis?= <book.lists.example.org>",
        "Auto-Submitted: auto-replied",
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        "X-Listserv-Kind: notice",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Your mail to Book Circle has arrived and waits for one of the hosts:",
        "",
        "    Gr=C3=B6=C3=9Fe",
        "",
        "It is one of your first mails to this list. A host reads those before",
        "they go out; later ones go out at once.",
        "",
        "There is nothing you need to do, and no need to send it again. If it",
        "can't go out, we tell you.",
        "",
        "If you have a question, ask the hosts:",
        "",
        f"    {HOSTS}",
        "",
    ]


@pytest.mark.parametrize("notice", EXAMPLES, ids=lambda n: type(n).__name__)
def test_nobody_s_machine_answers_a_notice_and_nobody_unsubscribes_by_it(notice: Notice) -> None:
    raw = write(notice, LETTER, WORDS)
    assert value(raw, "Auto-Submitted") == "auto-generated"
    assert value(raw, "X-Auto-Response-Suppress") == "All" and value(raw, "Precedence") == "bulk"
    assert value(raw, "X-Listserv-Kind") == "notice"
    assert value(raw, "List-Unsubscribe") is None and value(raw, "List-Id") is None
    assert text_of(raw) == WORDS.put(notice)[1]
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_an_odd_message_id_is_not_answered_by_its_id() -> None:
    for odd in ("x y", "a>\r\nBcc: b@c", "x" * 2000, "é@b", ""):
        raw = write(EXAMPLES[0], replace(LETTER, in_reply_to=odd), WORDS)
        assert value(raw, "In-Reply-To") is None and value(raw, "References") is None


@pytest.mark.parametrize(
    "original",
    [
        b"From: a@b.example\r\nSubject: x\r\n\r\nplain\r\n",
        b"From: a@b.example\r\n\r\nGr\xc3\xbc\xc3\x9fe \xff\r\nno line end",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
        b"",
    ],
)
def test_a_forwarded_mail_is_attached_with_its_bytes(original: bytes) -> None:
    letter = replace(LETTER, reply_to=Address("ana.r4k2mmpq", "lists.example.org"))
    raw = write(Forwarded(HOSTS, "Ana", "Hi", original=original, reply="x@y.example"), letter, WORDS)
    assert b"\r\n\r\n" + original + b"\r\n--=_" in raw
    assert value(raw, "Reply-To") == "ana.r4k2mmpq@lists.example.org"
    parts = [part.get_content_type() for part in email.message_from_bytes(raw).walk()]
    assert parts[:3] == ["multipart/mixed", "text/plain", "message/rfc822"]
    eightbit = value(raw, "Content-Transfer-Encoding") == "8bit"
    assert eightbit == (not original.isascii())


def test_a_zip_is_attached_under_its_name_and_a_link_stands_in_the_words() -> None:
    data = bytes(range(256)) * 40
    raw = write(MyData("lists.example.org", 31, zip=data), LETTER, WORDS)
    assert raw.isascii() and raw.count(b"\n") == raw.count(b"\r\n")
    (attached,) = email.message_from_bytes(raw, policy=email.policy.default).iter_attachments()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/zip", "my-data.zip")
    assert attached.get_content() == data
    linked = write(MyData("lists.example.org", 31, "https://lists.example.org/my-data/"), LETTER, WORDS)
    assert value(linked, "Content-Type") == 'text/plain; charset="us-ascii"'
    assert "\n    https://lists.example.org/my-data/\n" in text_of(linked)


def test_the_other_texts_of_ours_are_there() -> None:
    assert WORDS.mark("member") == "a member"
    told = WORDS.page("readme.txt", {"domain": "lists.example.org", "posts": 1, "day": date(2026, 11, 3)})
    assert "posts.mbox: the 1 mail that you wrote" in told
    assert all(len(line) <= 72 for line in told.splitlines())


NASTY = st.text(max_size=300) | st.sampled_from(
    [
        "x\r\nBcc: evil@evil.example",
        "{{ 7*7 }}",
        "{% raw %}",
        "\u202egnp.exe",
        "a\x00b\x1b[31m",
        "=?utf-8?q?a=0Ab?=",
        "x" * 3000,
    ]
)


@given(a=NASTY, b=NASTY, c=NASTY)
def test_a_stranger_s_words_stay_in_their_place(a: str, b: str, c: str) -> None:
    notices: tuple[Notice, ...] = (
        Held(a, HOSTS, b, c),
        Declined(a, HOSTS, b, c),
        Refused(a, HOSTS, b, "too big", c),
        Forwarded(a, b, c, "", a, b"From: x@y\r\n\r\n"),
        replace(WELCOME, list=a, description=b, welcome=c, hosts_names=(a, b)),
        SetAside("d.example", 2, date(2026, 11, 23)),
        ForgetPreview("d.example", 1, 1, (a, b)),
        Forgotten("d.example", True, 1, 1, (a, b)),
    )
    wanted = [name for name, _ in email.message_from_bytes(write(EXAMPLES[0], LETTER, WORDS)).items()]
    for notice in notices:
        raw = write(notice, replace(LETTER, from_name=a), WORDS)
        head = split(raw)[0]
        assert [f.name for f in head if not f.name.startswith("content-")] == [
            name.lower() for name in wanted if not name.startswith("Content-")
        ]
        assert read_mailboxes(value(raw, "From") or "").found[0].address == LETTER.from_address
        assert not set("\r\n\0\x1b\u202e") & set(decode_words(value(raw, "Subject") or ""))
        shown = WORDS.put(notice)[1]
        assert not set("\r\0\x1b\u202e") & set(shown)
        assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
        assert len(shown) < 60_000


def test_a_template_in_a_subject_is_only_text() -> None:
    subject, text = WORDS.put(Held("{{ hosts }}", HOSTS, "{{ 7*7 }}", "stranger"))
    assert "{{ 7*7 }}" in subject and "{{ hosts }}" in text and "49" not in text
