"""All 105 rows of standards.md §5: what comes in by whatever door, and what becomes of it.

Mails go in through the real SMTP door (``kit/hostile_mails.py``), and so do the words of one member
(``kit/hostile_words.py``). What needs a machinery of its own, a client that vanishes, a web browser, an
archive of 100,000 posts, has it elsewhere: ELSEWHERE says in which tests.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import insert, select

from archive_site.build import Builder, SiteNames
from listserv.flow.admission import Admission
from listserv.flow.door import DoorSettings
from listserv.flow.receive import open_doors
from listserv.mail.fields import all_of, split
from listserv.resources import resource
from listserv.store import schema
from tests.kit.hostile_mails import ANA, BEN, BOOK, MEMBERS, POSTED, SMALL, TABLE, WIDE, Row, by, mail
from tests.kit.hostile_words import SAID, WORK, Said
from tests.kit.html import read_html, without_ours
from tests.kit.nodes import trouble
from tests.kit.people import DOMAIN, SITE
from tests.kit.smtp_client import calling
from tests.kit.speaker import Speaker, read
from tests.kit.world import Mailed, World, open_world, sqlite_in

DOORS = DoorSettings(hostname="mx.example.org", domain=DOMAIN, smtp="127.0.0.1:0")
# What an author's header must not carry on to the members (70); and what would be a forger's words (69).
GONE = {
    *("approved", "x-moderation-token", "bcc", "return-path"),
    *("x-confirm-reading-to", "disposition-notification-to"),
}
DIALOG = "tests/test_dialogs.py::test_a_dialogue_goes_as_it_is_written"
RECEIVE, SAYS, GATE = (
    "tests/flow/test_receive",
    "tests/test_said.py::test_",
    "tests/archive_site/test_gate.py::test_",
)
RETURNS, REPORTS = "tests/test_returns.py::test_", "tests/mail/test_reports.py::test_"
ELSEWHERE = {
    3: [f"{DIALOG}[other-verbs]"],
    5: [f"{DIALOG}[other-verbs]"],
    6: [f"{RECEIVE}.py::test_an_endless_command_is_answered_500_and_the_line_is_cut"],
    7: [f"{RECEIVE}.py::test_from_the_thousand_and_first_recipient_on_another_mail_is_asked_for"],
    8: [f"{RECEIVE}_lmtp.py::test_each_recipient_gets_its_250"],
    9: [f"{RECEIVE}_postmark.py::test_what_is_refused_while_it_comes_is_read_on_in_flat_memory"],
    10: [f"{RECEIVE}_trouble.py::test_a_client_that_vanishes_after_the_dot_leaves_its_mail_kept_once"],
    11: [f"{RECEIVE}_trouble.py::test_a_client_that_half_closes_behind_its_quit_gets_every_reply"],
    12: [f"{RECEIVE}_tls.py::test_what_is_pipelined_in_the_clear_behind_starttls_is_never_obeyed"],
    16: [f"{DIALOG}[other-verbs]"],
    17: [f"{DIALOG}[strangers]"],
    18: [
        f"{RECEIVE}_crowd.py::test_an_honest_client_is_served_among_two_hundred_that_say_nothing_or_trickle",
        f"{RECEIVE}_crowd.py::test_beyond_the_cap_callers_are_asked_to_come_again_and_a_place_set_free_is_free",
    ],
    40: [
        "tests/mail/test_parse.py::test_every_calendar_and_winmail_of_the_corpora_is_an_attachment_with_its_bytes"
    ],
    42: [f"{GATE}an_attachment_is_saved_and_never_shown"],
    44: ["tests/test_attacks.py::test_s13_nothing_that_came_by_mail_is_ever_unpacked"],
    64: ["tests/mail/test_compose.py::test_the_tag_stands_there_once"],
    78: [f"{SAYS}a_yes_counts_once_however_often_it_comes", f"{SAYS}a_yes_that_is_too_late_does_nothing"],
    79: [f"{SAYS}fifty_answers_at_once_have_one_effect"],
    80: ["tests/test_cards.py::test_a_forged_or_foreign_answer_decides_nothing"],
    81: ["tests/test_cards.py::test_a_hosts_vacation_mail_decides_nothing"],
    83: [
        f"{SAYS}nobody_joins_for_somebody_else",
        f"{SAYS}a_hundred_requests_for_one_victim_are_three_questions",
    ],
    85: [
        "tests/test_stories.py::test_the_story_is_told_as_it_was[said-leave-by-address]",
        f"{SAYS}yes_to_another_address_adds_it_and_does_what_it_asked",
    ],
    86: [f"{GATE}one_click_leaves_without_a_cookie_or_a_redirect_and_again"],
    87: [
        f"{RETURNS}with_a_token_whatever_a_report_says_it_counts_for_the_tokens_member_or_for_nobody",
        f"{RETURNS}without_a_token_or_with_anothers_no_report_counts",
    ],
    88: [f"{RETURNS}delays_and_automatic_answers_never_count"],
    89: [
        "tests/flow/test_alarm_round.py::test_many_refusals_by_one_provider_are_one_mail_a_day_and_nobodys_bounce"
    ],
    91: [f"{REPORTS}complaints_receipts_and_out_of_office_are_no_bounces"],
    92: [
        "tests/test_complaints.py::test_at_the_copys_own_return_path_it_takes_the_member_off_and_tells_them_once",
        "tests/test_complaints.py::test_a_forged_complaint_is_ignored_however_exactly_it_names_the_member",
    ],
    93: [
        "tests/test_loops.py::test_l6_l7_reports_with_made_up_tokens_do_nothing_and_a_bounce_of_a_bounce_neither"
    ],
    94: ["tests/test_loops.py::test_94_hosts_hear_once_whose_mailbox_wants_a_proof"],
    95: ["tests/test_corpora.py::test_what_is_signed_or_encrypted_goes_on_byte_for_byte"],
    99: ["tests/archive_site/test_text.py::test_no_visible_letter_of_a_text_without_addresses_is_lost"],
    100: [
        "tests/archive_site/test_build.py::test_nothing_of_a_hostile_mail_becomes_an_element_an_attribute_or_a_place",
        "tests/mail/test_notices.py::test_a_stranger_s_words_stay_in_their_place",
        "tests/test_cli.py::test_a_strangers_words_do_not_steer_the_terminal",
    ],
    101: [
        "tests/archive_site/test_text.py::test_only_http_and_https_are_linked_and_the_sentences_punctuation_stays_outside",
        "tests/archive_site/test_text.py::test_a_look_alike_host_shows_its_true_letters_and_credentials_are_no_link",
    ],
    102: ["tests/store/test_search.py::test_nothing_that_is_asked_means_anything_to_the_database"],
    103: [f"{GATE}every_path_is_open_or_the_one_404_and_a_look_changes_nothing"],
    104: [
        f"{GATE}a_link_of_the_command_line_signs_in_once_in_any_browser",
        f"{GATE}a_link_asked_for_on_the_web_works_where_it_was_asked_and_its_code_too",
        f"{GATE}a_link_that_ran_out_is_spent",
        f"{GATE}who_leaves_is_out_at_the_next_request",
    ],
    105: [
        "tests/archive_site/test_build.py::test_a_long_thread_is_split_and_a_new_post_renders_its_end_only",
        "tests/archive_site/test_build.py::test_a_thread_of_two_thousand_posts_each_answering_the_last_is_flat",
    ],
}
PROVEN = [(number, node) for number, nodes in ELSEWHERE.items() for node in nodes]


@dataclass(slots=True)
class Site:
    """A world behind a real door."""

    world: World

    async def send(self, row: Row) -> str:
        """The first reply that is no yes, else "". Addresses go as the octets of UTF-8."""
        world = self.world
        log = structlog.wrap_logger(None, processors=[_drop])
        keeper = Admission(
            world.store, DOMAIN, DOORS.max_message_bytes, world.clock.now, world.bells, world.ring
        )
        doors = await open_doors(DOORS, keeper, world.clock.now, log)
        try:
            async with asyncio.timeout(60), calling(doors.smtp) as client:
                commands = [
                    f"MAIL FROM:<{row.sender}>{row.parameters}",
                    *(f"RCPT TO:<{to}>" for to in row.to),
                    "DATA",
                ]
                for command in commands:
                    reply = await client.ask(command)
                    if reply.code >= 400:
                        return f"{reply.code} {reply.enhanced}"
                await client.send(re.sub(rb"(\A|\r\n)\.", rb"\1..", row.octets))
                await client.send(b".\r\n" if row.octets.endswith(b"\r\n") else b"\r\n.\r\n")
                reply = await client.reply()
                return f"{reply.code} {reply.enhanced}" if reply.code >= 400 else ""
        finally:
            await doors.close(grace=1)

    def arrivals(self) -> list[tuple[str, bytes]]:
        """How each arrival ended, with the bytes that were kept."""
        a, r = schema.arrivals.c, schema.raws.c
        query = select(a.state, a.why, r.bytes).join(schema.raws).order_by(a.id)
        with self.world.store.read() as tx:
            return [(f"{row.state}: {row.why}", bytes(row.bytes)) for row in tx.execute(query)]


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_world(sqlite_in(tmp_path_factory.mktemp("hostile"))) as world:
        for name, most in (("book", 10_000_000), ("small", 1_000_000), ("wide", 10_000_000)):
            here = world.circle(name, storm="0", archive="public", visible="listed", max_bytes=most)
            for address in MEMBERS:
                world.member(here, address)
        yield Site(world)


@pytest.fixture(scope="module")
def ana(site: Site) -> Speaker:
    """Ana, on a list of her own where she has a second address; whatever she says does not concern the others."""
    club = site.world.circle("club", "Club", join="confirm", archive="off")
    own = site.world.member(club, ANA, name="Ana Silva")
    address = {"key": WORK, "written": WORK, "person_id": own.person_id, "confirmed": site.world.clock.now()}
    site.world.store.do(lambda tx: tx.execute(insert(schema.addresses).values(**address)) and None)
    return Speaker(site.world, ANA)


ROWS: list[Row | Said | tuple[int, str]] = [*TABLE, *SAID, *PROVEN]


def name_of(row: Row | Said | tuple[int, str]) -> str:
    return f"{row[0]} is {row[1]}" if isinstance(row, tuple) else f"{row.number} {row.name}"


@pytest.mark.parametrize("row", ROWS, ids=map(name_of, ROWS))
def test_the_outcome_is_that_of_the_table(
    row: Row | Said | tuple[int, str], site: Site, ana: Speaker
) -> None:
    match row:
        case Row():
            _check_mail(row, site)
        case Said():
            _check_words(row, site, ana)
        case _, node:
            assert trouble(node) == ""


def test_each_of_the_105_numbers_has_a_row() -> None:
    numbers = {row[0] if isinstance(row, tuple) else row.number for row in ROWS}
    assert sorted(numbers) == list(range(1, 106))


def _check_words(row: Said, site: Site, ana: Speaker) -> None:
    site.world.pass_time(hours=1)  # nobody gets more than 20 letters of ours an hour
    (letter,) = ana.writes(f"club+ask@{DOMAIN}", "settings")
    before = len(site.world.outbox)
    to = row.where(letter.answer_to)
    raw = row.head.encode() + Speaker(site.world, row.who).mail(to, row.words, row.subject)
    raw = raw.replace(b"text/plain", b"text/html") if row.html else raw
    sent = Row(row.number, row.name, raw.replace(b"\n", b"\r\n"), "", (to,), row.who)
    refused = asyncio.run(site.send(sent))
    site.world.settle()
    told = sorted({one.recipient for one in site.world.outbox[before:]})
    assert (refused or f"{_rhythm(site)}; {', '.join(told) or 'nobody'}") == row.outcome
    assert not [
        one for one in site.world.outbox[before:] if b"root:" in one.raw or b"49" in read(one).text.encode()
    ]
    if _rhythm(site) != "now":
        ana.answers(letter, "now")


def _rhythm(site: Site) -> str:
    """How often Ana gets mail of the club, where she still is."""
    lists, subscriptions = schema.lists.c, schema.subscriptions.c
    query = select(subscriptions.rhythm).join(schema.lists, lists.id == subscriptions.list_id)
    with site.world.store.read() as tx:
        (found,) = tx.scalars(query.where(lists.local == "club", subscriptions.state == "active"))
    return str(found)


def _check_mail(row: Row, site: Site) -> None:
    before, sent = site.arrivals(), len(site.world.outbox)
    refused = asyncio.run(site.send(row))
    site.world.settle()
    new = site.arrivals()[len(before) :]
    outcome = ", ".join(sorted(ended for ended, _ in new))
    assert (refused or outcome) == row.outcome
    assert not (refused and new)
    site.world.totals()
    _check_mails(row, [raw for ended, raw in new if ended == POSTED], site.world.outbox[sent:])


def _check_mails(row: Row, posted: list[bytes], mails: list[Mailed]) -> None:
    """Each member has one copy with the very body that was kept; of a hold nobody but the author is told."""
    copies = [mailed for mailed in mails if "+back=" in mailed.sender]
    assert sorted(mailed.recipient for mailed in copies) == sorted(MEMBERS * len(posted))
    for mailed in copies:
        assert split(mailed.raw)[2] == split(posted[0])[2]
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mailed.raw)
        assert not GONE & {one.name for one in split(mailed.raw)[0]}
    assert {mailed.recipient for mailed in mails if mailed not in copies} <= {ANA}
    if row.outcome.startswith("discarded") or not row.sender:
        assert mails == []


def copy_of(site: Site, words: bytes) -> bytes:
    """Ben's copy of the post with these words in it."""
    return next(one.raw for one in reversed(site.world.outbox) if one.recipient == BEN and words in one.raw)


def test_of_what_a_forger_writes_in_our_place_nothing_goes_on(site: Site) -> None:
    site.world.receive(
        mail(
            b"List-Id: <news.x.example>\r\nList-Unsubscribe: <https://x.example/u>\r\nX-Mark: row-69\r\n"
            b"Reply-To: book+leave@lists.example.org\r\n"
            b"Authentication-Results: lists.example.org; dmarc=pass header.from=ana.example\r\n"
        )
    )
    fields, _, _ = split(copy_of(site, b"row-69"))
    assert not all_of(fields, "authentication-results")
    assert [one.value for one in all_of(fields, "reply-to")] == [b"book@lists.example.org"]
    (list_id,) = all_of(fields, "list-id")
    assert b"<book.lists.example.org>" in list_id.raw
    (leave,) = all_of(fields, "list-unsubscribe")
    assert b"x.example" not in leave.raw


def test_who_posted_is_told_from_the_address_and_not_from_the_name(site: Site) -> None:
    site.world.receive(by(b' "boss@good.example" <mal@evil.example>').replace(b": x", b": row-54"))
    with site.world.store.read() as tx:
        posts = tx.execute(select(schema.posts).where(schema.posts.c.subject == "row-54")).all()
    assert [post.author for post in posts] == ["mal@evil.example"]


def test_pages_of_all_these_rows_show_no_address_and_nothing_that_acts(site: Site, tmp_path: Path) -> None:
    names = SiteNames(SITE.domain, SITE.base_url, "Europe/Berlin")
    Builder(site.world.store, tmp_path / "archive", resource("templates"), names).build_all(None, None)
    pages = list((tmp_path / "archive").rglob("*.html"))
    assert pages
    for path in pages:
        text = path.read_text("utf-8")
        page = read_html(without_ours(text))
        assert page.balanced, path
        assert not {"script", "img", "svg", "iframe", "style", "object"} & set(page.elements), path
        assert not [name for name in page.attributes if name.startswith("on")], path
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text), path
        assert set(re.findall(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]*\w", text)) <= {BOOK, SMALL, WIDE}, path
        assert not [link for link in page.links if re.match(r"(?!https?:|mailto:)[a-z]+:|//", link)], path

    names_on_disk = {path.name for path in (tmp_path / "archive").rglob("*")}
    assert not [name for name in names_on_disk if re.search(r"[<>]|passwd", name)]
