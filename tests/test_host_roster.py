"""A host looks after people by mail: who comes in, who goes, who becomes host; and who can't do that."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import itertools
from collections.abc import Iterator
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from listserv.core.address import read_address
from listserv.core.changes import OfLists
from listserv.core.commands import VERBS, read_lines, rows_of, run, written
from listserv.core.found import Hits
from listserv.core.scene import Lookups, OfAddress, Scene
from listserv.core.types import MailList, Member, Person, Standing
from listserv.store import directory, rosters, schema
from tests.kit.people import NOW, RING, SITE, a_list, a_member
from tests.kit.speaker import FAIL, NONE, Letter, Speaker
from tests.kit.world import World, open_world

ASK, LIST = "book+ask@lists.example.org", "book@lists.example.org"
HANNA, HUGO = "hanna@host.example", "hugo@host.example"
ANA, BEN, MALLORY, CY = "ana@ana.example", "ben@ben.example", "mallory@evil.example", "cy@cy.example"
_numbers = itertools.count(1)


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.host(here, HANNA, name="Hanna Host")
    world.host(here, HUGO, name="Hugo")
    world.member(here, ANA, name="Ana Silva")
    world.member(here, BEN, name="Ben")
    return here


def find(world: World, here: MailList, address: str) -> Member | None:
    with world.store.read() as tx:
        return rosters.find_member(tx, here.id, read_address(address))


def member(world: World, here: MailList, address: str = ANA) -> Member:
    found = find(world, here, address)
    assert found is not None
    return found


def is_on(world: World, here: MailList, address: str) -> bool:
    found = find(world, here, address)
    return found is not None and found.standing is not Standing.STRANGER


def token(world: World, address: str = HANNA) -> Letter:
    """A mail of ours that only this person was sent."""
    return Speaker(world, address).writes(ASK, "settings")[0]


def says(world: World, words: str, address: str = HANNA, proof: str = "pass") -> dict[str, Letter]:
    """What comes of a reply to a mail of ours, by who got it."""
    return {one.to: one for one in Speaker(world, address, proof).answers(token(world, address), words)}


def flat(letter: Letter) -> str:
    return " ".join(letter.text.split())


def attaching(world: World, words: str, sheet: str, name: str = "people.csv") -> dict[str, Letter]:
    """A host's reply with a sheet beside it."""
    letter = token(world)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = HANNA, letter.answer_to, "Re: settings"
    mail["Message-ID"], mail["Date"] = (
        f"<{next(_numbers)}.sheet@host.example>",
        "Sat, 21 Nov 2026 09:00:00 +0000",
    )
    mail.set_content(words)
    mail.add_attachment(sheet.encode(), maintype="text", subtype="csv", filename=name)
    proved = b"Authentication-Results: mx.example.org; dmarc=pass header.from=host.example\n"
    told = Speaker(world, HANNA).sends(proved + mail.as_bytes(), letter.answer_to)
    return {one.to: one for one in told}


# -- invite -----------------------------------------------------------------------------------------


def test_who_is_invited_is_asked_once_and_is_a_member_with_one_word(world: World, book: MailList) -> None:
    told = says(
        world, "invite\nCy Young <cy@cy.example>\ndora@dora.example; ana@ana.example\nno address here"
    )
    assert told.keys() == {HANNA, CY, "dora@dora.example"}
    assert told[CY].subject == "Hanna Host invites you to Book Circle"
    answer = flat(told[HANNA])
    assert "cy@cy.example" in answer and "ana@ana.example – is on the list already" in answer
    assert "line 4: no address here" in answer
    assert not is_on(world, book, CY)
    (welcome,) = Speaker(world, CY, NONE).answers(told[CY], "yes")
    assert welcome.subject == "Welcome to Book Circle"
    assert is_on(world, book, CY) and not is_on(world, book, "dora@dora.example")
    assert world.copies().get(HANNA) == 2, "no mail for each who comes"


def test_whom_a_host_invites_waits_for_no_other_host(world: World) -> None:
    here = world.circle(join="approve")
    world.host(here, HANNA, name="Hanna")
    told = says(world, "invite cy@cy.example")
    Speaker(world, CY, NONE).answers(told[CY], "yes")
    assert member(world, here, CY).state == "active"


def test_three_hundred_addresses_of_a_sheet_are_asked_and_its_odd_rows_named(
    world: World, book: MailList
) -> None:
    rows = [f"Person {n},p{n}@people.example,host" for n in range(300)]
    rows[7], rows[100] = "Nobody,,", "Odd,odd@@people.example,"
    told = attaching(world, "invite\n", "\n".join(["name,email,role", *rows]))
    assert sum(one.endswith("@people.example") for one in told) == 298
    answer = flat(told[HANNA])
    assert told[HANNA].subject.startswith("298 invited")
    assert "line 9: Nobody" in answer and "line 102: odd@@people.example" in answer
    assert "and 258 more" in answer


def test_ten_thousand_addresses_are_too_many_and_nothing_is_done(world: World, book: MailList) -> None:
    lines = "\n".join(f"p{n}@people.example" for n in range(2000))
    told = says(world, f"invite\n{lines}")
    assert told.keys() == {HANNA} and "one mail may have 500" in flat(told[HANNA])
    many = "\n".join(f"p{n}@people.example" for n in range(10_000))
    told = attaching(world, "invite", many)
    assert told.keys() == {HANNA}


def test_nobody_is_asked_twice_a_day_nor_after_stop_nor_more_than_three_times_by_all_lists(
    world: World, book: MailList
) -> None:
    told = says(world, "invite cy@cy.example")
    assert "was asked within the last day" in flat(says(world, "invite CY@cy.example, cy@cy.example")[HANNA])
    for number in range(2):
        other = world.circle(f"list{number}", f"List {number}")
        world.host(other, HANNA)
        letter = Speaker(world, HANNA).writes(f"list{number}+ask@lists.example.org", "settings")[0]
        assert len(Speaker(world, HANNA).answers(letter, "invite cy@cy.example")) == 2
    last = world.circle("last", "Last")
    world.host(last, HANNA)
    letter = Speaker(world, HANNA).writes("last+ask@lists.example.org", "settings")[0]
    (answer,) = Speaker(world, HANNA).answers(letter, "invite cy@cy.example")
    assert "cy@cy.example – can't be asked just now" in flat(answer)
    Speaker(world, CY).answers(told[CY], "stop")
    world.pass_time(days=2)
    assert "can't be asked just now" in flat(says(world, "invite cy@cy.example")[HANNA])


def test_no_host_learns_of_a_second_address_or_of_another_list(world: World, book: MailList) -> None:
    other = world.circle("hush", "Hush", visible="hidden")
    ana = member(world, book)
    row = {"key": "ana@work.example", "written": "ana@work.example", "person_id": ana.person_id}
    world.store.do(
        lambda tx: (
            tx.execute(schema.addresses.insert().values(row | {"confirmed": world.clock.now()})) and None
        )
    )
    answer = flat(says(world, "invite ana@work.example, hush@lists.example.org")[HANNA])
    assert (
        "on the list already" not in answer and "hush@lists.example.org – can't be asked just now" in answer
    )
    answer = flat(says(world, "add ana@work.example, hush@lists.example.org")[HANNA])
    assert answer.count("can't be asked just now") == 2 and other.title not in answer
    assert "is not on the list" in flat(says(world, "remove ana@work.example")[HANNA])
    assert is_on(world, book, ANA)


def test_undo_of_an_invitation_makes_its_yes_void(world: World, book: MailList) -> None:
    told = says(world, "invite cy@cy.example")
    Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert Speaker(world, CY).answers(told[CY], "yes") == []
    assert not is_on(world, book, CY)


def test_an_invited_address_is_known_to_a_hidden_list(world: World) -> None:
    here = world.circle(visible="hidden")
    world.host(here, HANNA, name="Hanna")
    with world.store.read() as tx:
        assert not directory.is_known(tx, here.id, CY, world.clock.now())
    told = says(world, "invite cy@cy.example")
    with world.store.read() as tx:
        assert directory.is_known(tx, here.id, CY, world.clock.now())
    Speaker(world, CY, NONE).answers(told[CY], "yes")
    assert is_on(world, here, CY)


# -- add, remove, trust -----------------------------------------------------------------------------


def test_a_host_adds_people_at_once_past_probation_and_they_are_welcomed(
    world: World, book: MailList
) -> None:
    told = says(world, "add\nCy Young <cy@cy.example>\nana@ana.example")
    assert told.keys() == {HANNA, CY} and told[CY].subject == "Welcome to Book Circle"
    found = member(world, book, CY)
    assert (found.name, found.state, found.probation_left, found.role) == ("Cy Young", "active", 0, "member")
    Speaker(world, CY).answers(told[CY], "weekly")
    assert member(world, book, CY).rhythm == "weekly"
    Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert not is_on(world, book, CY) and is_on(world, book, ANA)


def test_where_hosts_may_not_vouch_nobody_is_added(world: World) -> None:
    here = world.circle(vouch=False)
    world.host(here, HANNA)
    told = says(world, "add cy@cy.example")
    assert told.keys() == {HANNA} and 'Try "invite"' in told[HANNA].text
    assert not is_on(world, here, CY)


def test_who_has_left_is_never_added_again_only_invited(world: World, book: MailList) -> None:
    says(world, "bye", BEN)
    told = says(world, "add ben@ben.example")
    assert "has left the list" in flat(told[HANNA]) and not is_on(world, book, BEN)
    assert BEN in says(world, "invite ben@ben.example")


def test_no_column_of_a_sheet_makes_anybody_host(world: World, book: MailList) -> None:
    attaching(world, "add", "email,role\ncy@cy.example,host\n")
    assert member(world, book, CY).role == "member"


def test_a_member_is_taken_off_is_told_and_undo_brings_them_back(world: World, book: MailList) -> None:
    told = says(world, "remove ben@ben.example")
    assert not is_on(world, book, BEN)
    assert told[BEN].subject == "You are no longer on Book Circle"
    (answer,) = Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert is_on(world, book, BEN) and "on the list again" in flat(answer)


def test_who_left_by_themselves_since_then_is_not_brought_back(world: World, book: MailList) -> None:
    told = says(world, "remove ben@ben.example")
    world.pass_time(hours=1)
    says(world, "add ben@ben.example")  # has left: nothing
    ben = rosters.NewMember(read_address(BEN))
    world.store.do(lambda tx: rosters.add_members(tx, book, [ben], world.hand) and None)
    says(world, "bye", BEN)
    Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert not is_on(world, book, BEN)


def test_a_host_is_not_taken_off_by_remove(world: World, book: MailList) -> None:
    assert "First say: unhost" in flat(says(world, "remove hugo@host.example")[HANNA])
    assert is_on(world, book, HUGO)


def test_trust_ends_the_probation_and_undo_brings_it_back(world: World, book: MailList) -> None:
    world.member(book, CY, probation=2)
    told = says(world, "trust cy@cy.example")
    assert member(world, book, CY).probation_left == 0
    assert len([one for one in Speaker(world, CY).writes(LIST, "Hi all", "Hi") if one.kind == "post"]) == 5
    Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert member(world, book, CY).probation_left == 2
    assert "past probation already" in flat(says(world, "trust ana@ana.example")[HANNA])


# -- who --------------------------------------------------------------------------------------------


def test_who_shows_everybody_by_name_with_rhythm_and_state(world: World, book: MailList) -> None:
    says(world, "weekly\npause", ANA)
    text = says(world, "who")[HANNA].text
    assert "4 people are on the list" in text and "Hanna Host, host" in text
    assert "Ana Silva, paused" in text and "ana@ana.example, weekly, since 21 November 2026" in flat_text(
        text
    )


def flat_text(text: str) -> str:
    return " ".join(text.split())


def test_who_as_a_sheet_is_read_by_a_spreadsheet_without_running_anything(
    world: World, book: MailList
) -> None:
    world.member(book, "=1+1@evil.example", name="=HYPERLINK(1)")
    told = says(world, "who as csv")[HANNA]
    found = email.message_from_bytes(told.mailed.raw, policy=email.policy.default)
    (sheet,) = (part for part in found.walk() if part.get_filename() == "members.csv")
    rows = list(csv.reader(io.StringIO(str(sheet.get_content()))))
    assert rows[0] == ["email", "name", "rhythm", "role", "copies"] and len(rows) == 6
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_sheet_needs_something_that_passes_and_the_list_of_names_does_not(
    world: World, book: MailList
) -> None:
    assert says(world, "who csv", proof=NONE)[HANNA].subject.startswith("Was this you?")
    assert says(world, "who", proof=NONE)[HANNA].subject.startswith("Who is on")


# -- hosts ------------------------------------------------------------------------------------------


def test_a_new_host_is_asked_all_hosts_are_told_and_a_yes_makes_them_one(
    world: World, book: MailList
) -> None:
    told = says(world, "host ana@ana.example")
    assert told.keys() == {HANNA, HUGO, ANA}
    assert member(world, book).role == "member"
    assert "Ana Silva <ana@ana.example>" in told[HUGO].text
    answers = {one.to: one for one in Speaker(world, ANA).answers(told[ANA], "yes")}
    assert answers.keys() == {ANA, HANNA, HUGO} and member(world, book).role == "host"
    assert says(world, "set guard off", ANA)[ANA].text.startswith("guard is now: off")


def test_a_no_or_silence_changes_nothing(world: World, book: MailList) -> None:
    told = says(world, "host ana@ana.example")
    Speaker(world, ANA).answers(told[ANA], "no")
    Speaker(world, ANA).answers(told[ANA], "yes")
    assert member(world, book).role == "member"


def test_nobody_else_can_say_yes_in_their_place(world: World, book: MailList) -> None:
    told = says(world, "host ana@ana.example")
    for who, proof in ((MALLORY, "pass"), (BEN, "pass"), (HANNA, "pass"), (ANA, FAIL)):
        Speaker(world, who, proof).answers(told[ANA], "yes")
    assert [one.role for one in (member(world, book), member(world, book, BEN))] == ["member", "member"]


@pytest.mark.parametrize("who", [HANNA, HUGO])
@pytest.mark.parametrize("after", [False, True])
def test_any_host_can_take_the_question_or_the_new_host_back(
    world: World, book: MailList, who: str, after: bool
) -> None:
    told = says(world, "host ana@ana.example")
    if after:
        Speaker(world, ANA).answers(told[ANA], "yes")
    Speaker(world, who).answers(told[who], "undo")
    Speaker(world, ANA).answers(told[ANA], "yes")
    assert member(world, book).role == "member"


def test_only_a_member_can_be_asked(world: World, book: MailList) -> None:
    told = says(world, "host cy@cy.example")
    assert told.keys() == {HANNA} and "A host is a member first" in flat(told[HANNA])


def test_a_host_of_a_tag_stays_a_member_and_none_of_these_words_is_theirs(
    world: World, book: MailList
) -> None:
    told = says(world, "host ana@ana.example of #Grants")
    assert "#grants" in told[ANA].text
    Speaker(world, ANA).answers(told[ANA], "yes")
    assert member(world, book).role == "member"
    with world.store.read() as tx:
        assert [row.tag for row in tx.execute(select(schema.sections))] == ["grants"]
    assert says(world, "set guard off", ANA)[ANA].text.startswith("That is for hosts.")
    ended = says(world, "unhost ana@ana.example of #grants")
    with world.store.read() as tx:
        assert not tx.execute(select(schema.sections)).all()
    assert "#grants" in ended[ANA].text
    Speaker(world, HUGO).answers(ended[HUGO], "undo")
    with world.store.read() as tx:
        assert [row.tag for row in tx.execute(select(schema.sections))] == ["grants"]


def test_a_host_is_ended_all_are_told_and_any_of_them_can_undo_it(world: World, book: MailList) -> None:
    world.host(book, "ida@host.example", name="Ida")
    told = says(world, "unhost hugo@host.example")
    assert told.keys() == {HANNA, HUGO, "ida@host.example"} and member(world, book, HUGO).role == "member"
    assert told[HUGO].subject == "You are no longer a host of Book Circle"
    Speaker(world, HUGO).answers(told[HUGO], "undo")
    assert member(world, book, HUGO).role == "member"
    Speaker(world, "ida@host.example").answers(told["ida@host.example"], "undo")
    assert member(world, book, HUGO).role == "host"


def test_the_last_host_stays(world: World, book: MailList) -> None:
    says(world, "unhost hugo@host.example")
    told = says(world, "unhost hanna@host.example")
    assert "Somebody has to look after Book Circle" in flat(told[HANNA])
    assert member(world, book, HANNA).role == "host"


def test_two_hosts_who_end_each_other_at_once_leave_one(world: World, book: MailList) -> None:
    letters = {who: token(world, who) for who in (HANNA, HUGO)}
    for who, other in ((HANNA, HUGO), (HUGO, HANNA)):
        raw = Speaker(world, who).mail(letters[who].answer_to, f"unhost {other}")
        world.accept(raw, letters[who].answer_to, who)
    world.settle()
    assert sorted(member(world, book, who).role for who in (HANNA, HUGO)) == ["host", "member"]


def test_the_last_host_may_leave_and_hears_what_that_means(world: World, book: MailList) -> None:
    assert "Nobody looks after" not in says(world, "bye", HUGO)[HUGO].text
    told = says(world, "bye")
    assert "Nobody looks after Book Circle now" in flat(told[HANNA])
    assert not is_on(world, book, HANNA)


def test_a_host_who_left_can_be_ended_so_that_their_undo_makes_them_no_host(
    world: World, book: MailList
) -> None:
    left = says(world, "bye", HUGO)
    says(world, "unhost hugo@host.example")
    Speaker(world, HUGO).answers(left[HUGO], "undo")
    assert is_on(world, book, HUGO) and member(world, book, HUGO).role == "member"


# -- who may ----------------------------------------------------------------------------------------

MINE = ("who", "who csv", "invite cy@cy.example", "add cy@cy.example", "remove ben@ben.example",
        "trust ben@ben.example", "host ana@ana.example", "unhost hugo@host.example")  # fmt: skip


@pytest.mark.parametrize("words", MINE)
def test_a_member_hears_that_it_is_for_hosts(world: World, book: MailList, words: str) -> None:
    told = says(world, words, ANA)
    assert told.keys() == {ANA} and told[ANA].text.startswith("That is for hosts.")
    assert is_on(world, book, BEN) and not is_on(world, book, CY)


@pytest.mark.parametrize("words", MINE)
def test_nobody_else_can_say_it_in_a_hosts_place(world: World, book: MailList, words: str) -> None:
    letter, before = token(world), len(world.outbox)
    Speaker(world, MALLORY).answers(letter, words)
    Speaker(world, BEN).answers(letter, words)
    Speaker(world, HANNA, FAIL).answers(letter, words)
    Speaker(world, HANNA).writes(ASK, words)
    Speaker(world, HANNA, NONE).writes(ASK, words)
    vacation = b"Auto-Submitted: auto-replied\n" + Speaker(world, HANNA).mail(letter.answer_to, words)
    assert Speaker(world, HANNA).sends(vacation, letter.answer_to) == []
    assert {one.recipient for one in world.outbox[before:]} == {HANNA}
    assert is_on(world, book, BEN) and not is_on(world, book, CY)
    assert member(world, book, HUGO).role == "host"


@pytest.mark.parametrize(
    "words", [one for one in MINE if one.split()[0] in ("add", "remove", "host", "unhost")]
)
def test_what_weighs_needs_something_that_passes_and_a_yes_does_it(
    world: World, book: MailList, words: str
) -> None:
    told = says(world, words, proof=NONE)
    assert told.keys() == {HANNA} and told[HANNA].subject.startswith("Was this you?")
    after = Speaker(world, HANNA, NONE).answers(told[HANNA], "yes")
    assert {one.to for one in after} - {HANNA}, "somebody hears of it: it was done"


def test_a_strangers_word_to_the_list_is_nothing(world: World, book: MailList) -> None:
    for words in MINE:
        Speaker(world, MALLORY).writes(ASK, words)
    assert {one.recipient for one in world.outbox} <= {MALLORY}
    assert is_on(world, book, BEN)


# -- no way from member to host (S24) ---------------------------------------------------------------

ARGUMENTS = (
    *("", " ana@ana.example", " me", " host", " role=host", " role host", " everywhere"),
    *("\nhost ana@ana.example", "\naccept hosting ana@ana.example", "\nback as host ana@ana.example"),
    *(
        "\\naccept hosting ana@ana.example",
        "\x0baccept hosting ana@ana.example",
        "\u2028host ana@ana.example",
    ),
)
HEADS = sorted({row.name for row in VERBS} | {row.shape for row in VERBS if row.shape})
STAGE = Scene(
    now=NOW,
    site=SITE,
    list=a_list(),
    member=a_member(),
    person=Person(1, (read_address(ANA),)),
    zone=ZoneInfo("UTC"),
    language="en",
    mark="1",
    ring=RING,
    look=Lookups(people=(OfAddress(read_address(ANA), a_member()),), hits=Hits("", (), 0, 0)),
)


@pytest.mark.parametrize("head", HEADS)
def test_no_verb_with_any_argument_makes_a_member_host(head: str) -> None:
    """Whatever is said, written down, and done with a member's standing: now, or by a "yes" to it."""
    for arg in ARGUMENTS:
        acts = [act for line in read_lines(head + arg) if isinstance(act := written(line, STAGE), str)]
        assert not any(row.name == "accept hosting" for row, _ in rows_of("\n".join(acts))), head + arg
        for change in run("\n".join(acts), STAGE).changes:
            assert not isinstance(change, OfLists), head + arg
            assert "role" not in dict(getattr(change, "values", ())), head + arg


def test_a_host_of_another_list_makes_themselves_no_host_here(world: World, book: MailList) -> None:
    mine = world.circle("mine", "Mine")
    world.host(mine, ANA)
    ana, letter = Speaker(world, ANA), token(world, ANA)
    for words in (
        "host ana@ana.example",
        "host ana@ana.example everywhere",
        "x\naccept hosting ana@ana.example",
    ):
        for told in (*ana.answers(letter, words), *ana.writes(ASK, words)):
            ana.answers(told, "yes")
    assert member(world, book).role == "member"


def test_who_leaves_and_comes_anew_is_neither_host_nor_of_a_tag(world: World, book: MailList) -> None:
    told = says(world, "host ana@ana.example of #grants")
    Speaker(world, ANA).answers(told[ANA], "yes")
    says(world, "bye", ANA)
    told = says(world, "invite ana@ana.example")
    Speaker(world, ANA).answers(told[ANA], "yes")
    assert member(world, book).role == "member"
    with world.store.read() as tx:
        assert not tx.execute(select(schema.sections)).all()


def test_who_was_unhosted_confirms_and_undoes_nothing_any_more(world: World, book: MailList) -> None:
    removed = says(world, "remove ben@ben.example", HUGO)
    (asked,) = Speaker(world, HUGO).writes(ASK, "remove ana@ana.example")
    hugo = schema.subscriptions.c.id == member(world, book, HUGO).id
    world.store.do(
        lambda tx: tx.execute(update(schema.subscriptions).where(hugo).values(role="member")) and None
    )
    Speaker(world, HUGO).answers(removed[HUGO], "undo")
    Speaker(world, HUGO).answers(asked, "yes")
    assert is_on(world, book, ANA) and not is_on(world, book, BEN)


# -- help, the books --------------------------------------------------------------------------------


def test_help_shows_hosts_their_words_after_those_of_members(world: World, book: MailList) -> None:
    (told,) = Speaker(world, HANNA).writes(ASK, "help")
    assert told.text.index("The list:") > told.text.index("And:") and "invite x@y –" in told.text
    (told,) = Speaker(world, ANA).writes(ASK, "help")
    assert "The list:" not in told.text and "invite" not in told.text


def test_each_act_is_written_down_with_its_host_and_its_mail_and_nobodys_words(
    world: World, book: MailList
) -> None:
    for words in ("add cy@cy.example", "trust cy@cy.example", "remove ben@ben.example"):
        says(world, words)
    with world.store.read() as tx:
        query = select(schema.acts).where(schema.acts.c.who == "host 1").order_by(schema.acts.c.id)
        rows = tx.execute(query).all()
    assert [row.act for row in rows] == ["members added", "member removed"]
    assert all(row.arrival_id for row in rows) and not any("@" in row.detail for row in rows)


def test_who_is_forgotten_is_in_no_undo_of_a_host(world: World, book: MailList) -> None:
    says(world, "add cy@cy.example")
    (shown,) = says(world, "forget me", CY).values()
    Speaker(world, CY).answers(shown, "yes")
    with world.store.read() as tx:
        kept = tx.execute(select(schema.asks.c.act, schema.asks.c.undo)).all()
    assert "cy@cy.example" not in repr(kept)
