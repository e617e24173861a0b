"""Records to decide about, with plain defaults: a list, a member, a mail, the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from listserv.core.address import Address, read_address
from listserv.core.facts import PostFacts, Site
from listserv.core.seals import Keyring
from listserv.core.threads import Known
from listserv.core.types import ListSettings, Mail, MailList, Member, MemberState, Role

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DOMAIN = "lists.example.org"
SITE = Site(DOMAIN, read_address("owner@example.org"), f"https://{DOMAIN}", "UTC")
RING = Keyring(b"k" * 32, "epoch")
BOOK = Address("book", DOMAIN)
ANA = read_address("ana@ana.example")


def a_list(**settings: Any) -> MailList:
    """A circle called Book, with these settings changed."""
    return MailList(1, BOOK, f"book.{DOMAIN}", "Book Circle", replace(ListSettings(), **settings))


def a_member(**fields: Any) -> Member:
    """Ana, an active member."""
    ana = Member(
        id=1,
        person_id=1,
        list_id=1,
        address=ANA,
        name="Ana Silva",
        role=Role.MEMBER,
        rhythm="now",
        state=MemberState.ACTIVE,
        copies=True,
        probation_left=0,
        joined=NOW,
    )
    return replace(ana, **fields)


def a_mail(**fields: Any) -> Mail:
    """A plain mail of Ana's to the list."""
    mail = Mail(
        message_id="one@ana.example",
        made_id=False,
        author=ANA,
        author_name="Ana Silva",
        subject="Cold storage",
        size=500,
        body_hash="b" * 64,
        to=(BOOK,),
        text="Who applied?\n",
    )
    return replace(mail, **fields)


def the_facts(**fields: Any) -> PostFacts:
    """What is known when Ana, a member, writes to a circle."""
    facts = PostFacts(
        now=NOW,
        site=SITE,
        list=a_list(),
        member=a_member(),
        approved=False,
        duplicate=False,
        held_twin=False,
        preclaimed=False,
        earlier_proved=False,
        posts_today=0,
        storm_count=0,
        others=(),
        known=Known("own", (), {}),
        answered=frozenset(),
        ring=RING,
    )
    return replace(facts, **fields)
