"""A host changes the list by mail: who is told, what can be taken back, what opens a list and when."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update

from listserv.core.types import MailList
from listserv.store import lists, loosenings, schema
from tests.kit.speaker import FAIL, NONE, Letter, Speaker
from tests.kit.world import World, open_world

ASK, LIST = "book+ask@lists.example.org", "book@lists.example.org"
HANNA, HUGO = "hanna@host.example", "hugo@host.example"
ANA, BEN, MALLORY = "ana@ana.example", "ben@ben.example", "mallory@evil.example"


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


def now(world: World, here: MailList) -> MailList:
    with world.store.read() as tx:
        found = lists.list_by_id(tx, here.id)
    assert found is not None
    return found


def token(world: World, address: str = HANNA) -> Letter:
    """A mail of ours that only this person was sent."""
    return Speaker(world, address).writes(ASK, "settings")[0]


def says(world: World, words: str, address: str = HANNA, proof: str = "pass") -> dict[str, Letter]:
    """What comes of a reply to a mail of ours, by who got it."""
    return {one.to: one for one in Speaker(world, address, proof).answers(token(world, address), words)}


def flat(letter: Letter) -> str:
    return " ".join(letter.text.split())


def acts(world: World) -> list[tuple[str, str, str]]:
    with world.store.read() as tx:
        query = select(schema.acts.c.who, schema.acts.c.act, schema.acts.c.detail).order_by(schema.acts.c.id)
        return [tuple(row) for row in tx.execute(query)]


# -- set --------------------------------------------------------------------------------------------


def test_a_hosts_settings_show_their_own_first_and_then_every_setting_of_the_list(
    world: World, book: MailList
) -> None:
    text = token(world).text
    own, _, of_list = text.partition("these are the list's settings")
    assert "rhythm: now" in own and "name: Hanna Host" in own
    assert "guard = on" in of_list and 'asks "did you mean everyone?"' in of_list
    assert "title = Book Circle" in of_list and "footer = (nothing)" in of_list
    assert "the list's settings" not in token(world, ANA).text


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("set guard off", "guard", False),
        ("Set guard = off", "guard", False),
        ("set guard: off.", "guard", False),
        ("please set the guard off", "guard", False),
        ("set subject tag [book]", "subject_tag", "[book]"),
        ("set subject-tag = [book]", "subject_tag", "[book]"),
        ("set max_posts_per_day 5", "max_posts_per_day", 5),
        ("set rhythm weekly", "rhythm", "weekly"),
        ("set footer -- read more --", "footer", "-- read more --"),
        ("set footer\nOne line.\n\nAnother.", "footer", "One line.\n\nAnother."),
        ("set archive hosts", "archive", "hosts"),
        ("welcome Bring tea.\n\nAnd cake.", "welcome", "Bring tea.\n\nAnd cake."),
        ("welcome\nBring tea.\n\nAnd cake.", "welcome", "Bring tea.\n\nAnd cake."),
    ],
)
def test_a_setting_is_changed_the_other_hosts_are_told_and_undo_takes_it_back(
    world: World, book: MailList, words: str, field: str, value: object
) -> None:
    before = getattr(book.settings, field)
    told = says(world, words)
    assert getattr(now(world, book).settings, field) == value
    assert told.keys() == {HANNA, HUGO}
    assert "Hanna Host changed the setting" in flat(told[HUGO])
    if field != "archive":  # to open it again takes seven days
        Speaker(world, HANNA).answers(told[HANNA], "undo")
        assert getattr(now(world, book).settings, field) == before


def test_any_other_host_can_undo_it_once_and_the_first_one_hears_of_that(
    world: World, book: MailList
) -> None:
    told = says(world, "set guard off")
    answers = {one.to: one for one in Speaker(world, HUGO).answers(told[HUGO], "undo")}
    assert now(world, book).settings.guard is True
    assert "Hugo changed the setting guard" in flat(answers[HANNA])
    (late,) = Speaker(world, HANNA).answers(told[HANNA], "undo")
    assert "was changed since then" in flat(late)
    assert now(world, book).settings.guard is True


def test_the_title_is_a_setting_too(world: World, book: MailList) -> None:
    told = says(world, "set title The Reading Circle")
    assert now(world, book).title == "The Reading Circle"
    Speaker(world, HUGO).answers(told[HUGO], "undo")
    assert now(world, book).title == "Book Circle"


def test_text_is_emptied_by_a_word(world: World, book: MailList) -> None:
    says(world, "set subject_tag [book]")
    says(world, "set subject_tag nothing")
    assert now(world, book).settings.subject_tag == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("set gaurd off", 'There is no setting "gaurd". Did you mean one of these? guard'),
        ("set guard maybe", "guard is 'maybe'; allowed: on, off"),
        ("set guard", "guard is: on"),
        ("set guard on", "guard is so already: on"),
        ("set address new@lists.example.org", "is for whoever runs the server"),
        ("set preset public", "is for whoever runs the server"),
        ("welcome", "These are the words of the setting welcome: (nothing)"),
        ("set outbox_minutes 99", "allowed: a whole number from 0 to 60"),
    ],
)
def test_what_can_not_be_set_is_said_in_a_sentence_and_nothing_changes(
    world: World, book: MailList, words: str, sentence: str
) -> None:
    told = says(world, words)
    assert told.keys() == {HANNA} and sentence in flat(told[HANNA])
    assert now(world, book) == book


def test_several_settings_are_several_lines(world: World, book: MailList) -> None:
    says(world, "set guard off\nset outbox_minutes 5\nset probation 0\n\nThank you")
    found = now(world, book).settings
    assert (found.guard, found.outbox_minutes, found.probation) == (False, 5, 0)


def test_what_older_servers_taught_still_sets_ones_own_rhythm(world: World, book: MailList) -> None:
    told = says(world, "set book digest", ANA)
    assert "one mail a day" in flat(told[ANA])


def test_each_change_is_written_down_with_its_host_and_its_mail(world: World, book: MailList) -> None:
    says(world, "set guard off\nset footer Secret words")
    told = [(who, act, detail) for who, act, detail in acts(world) if act == "setting changed"]
    assert told == [("host 1", "setting changed", "guard=off"), ("host 1", "setting changed", "footer")]
    with world.store.read() as tx:
        mails = tx.execute(
            select(schema.acts.c.arrival_id).where(schema.acts.c.act == "setting changed")
        ).scalars()
        assert all(mails)


# -- who may ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["set guard off", "set archive public", "welcome Hello", "log"])
def test_a_member_hears_that_it_is_for_hosts(world: World, book: MailList, words: str) -> None:
    told = says(world, words, ANA)
    assert told.keys() == {ANA} and told[ANA].text.startswith("That is for hosts.")
    assert now(world, book) == book


@pytest.mark.parametrize("words", ["set guard off", "set posting anyone", "welcome Hello"])
def test_nobody_else_can_say_it_in_a_hosts_place(world: World, book: MailList, words: str) -> None:
    letter = token(world)
    assert all(one.to == HANNA for one in Speaker(world, MALLORY).answers(letter, words))
    assert Speaker(world, BEN).answers(letter, words) == []
    forged = Speaker(world, HANNA, FAIL).answers(letter, words)
    assert all(one.subject.startswith("Was this you?") for one in forged)
    (asked,) = Speaker(world, HANNA).writes(ASK, words)
    assert asked.to == HANNA and asked.subject.startswith("Was this you?")
    assert now(world, book) == book
    Speaker(world, HANNA).answers(asked, "yes")
    assert now(world, book) != book


def test_a_replayed_mail_changes_nothing(world: World, book: MailList) -> None:
    hanna, letter = Speaker(world, HANNA), token(world)
    raw = hanna.mail(letter.answer_to, "set guard off")
    hanna.sends(raw, letter.answer_to)
    says(world, "set guard on")
    assert hanna.sends(raw, letter.answer_to) == []
    assert now(world, book).settings.guard is True


@pytest.mark.parametrize(
    ("words", "weighty"),
    [
        ("set posting anyone", True),
        ("set join approve", True),
        ("set archive public", True),
        ("set from author", True),
        ("set posting hosts", False),
        ("set archive off", False),
        ("set guard off", False),
    ],
)
def test_what_opens_the_list_needs_something_that_passes_for_from(
    world: World, book: MailList, words: str, weighty: bool
) -> None:
    told = says(world, words, proof=NONE)
    assert told[HANNA].subject.startswith("Was this you?") is weighty
    assert (now(world, book) == book) is weighty


def test_an_undo_that_opens_the_list_needs_it_too(world: World, book: MailList) -> None:
    told = says(world, "set posting hosts")
    (asked,) = Speaker(world, HUGO, NONE).answers(told[HUGO], "undo")
    assert asked.subject.startswith("Was this you?")
    assert now(world, book).settings.posting == "hosts"
    Speaker(world, HUGO).answers(asked, "yes")
    assert now(world, book).settings.posting == "members"


def test_who_was_a_host_can_undo_nothing_any_more(world: World, book: MailList) -> None:
    told = says(world, "set guard off")
    (asked,) = Speaker(world, HUGO).writes(ASK, "set footer Mine")
    hugo = schema.subscriptions.c.id == 2
    world.store.do(
        lambda tx: tx.execute(update(schema.subscriptions).where(hugo).values(role="member")) and None
    )
    for letter, word in ((told[HUGO], "undo"), (asked, "yes")):
        (answer,) = Speaker(world, HUGO).answers(letter, word)
        assert "That is for hosts." in answer.text
    assert (now(world, book).settings.guard, now(world, book).settings.footer) == (False, "")


def test_a_host_of_one_list_sets_nothing_on_another_where_they_are_a_member(
    world: World, book: MailList
) -> None:
    other = world.circle("other", "Other Circle")
    world.host(other, "olga@host.example")
    world.member(other, HANNA)
    says(world, "set guard off everywhere")
    assert now(world, other).settings.guard is True


# -- loosening --------------------------------------------------------------------------------------


def loosen(world: World, words: str = "set archive public") -> dict[str, list[Letter]]:
    found: dict[str, list[Letter]] = {}
    for one in Speaker(world, HANNA).answers(token(world), words):
        found.setdefault(one.to, []).append(one)
    return found


def test_what_opens_the_list_takes_effect_a_week_after_every_member_was_told(
    world: World, book: MailList
) -> None:
    told = loosen(world)
    assert told.keys() == {HANNA, HUGO, ANA, BEN}
    assert [len(told[one]) for one in (HANNA, HUGO, ANA, BEN)] == [2, 1, 1, 1]
    assert "anybody on the web can read the archive" in flat(told[ANA][0])
    assert "Saturday 28 November, 09:00" in told[ANA][0].text
    assert 'reply "undo"' in flat(told[HUGO][0]) and "undo" not in told[ANA][0].text
    world.pass_time(days=6, hours=23)
    assert now(world, book).settings.archive == "members"
    world.pass_time(hours=2)
    assert now(world, book).settings.archive == "public"
    assert ("host 1", "setting changed", "archive=public") in acts(world)


def test_posts_keep_the_audience_that_they_were_written_for(world: World, book: MailList) -> None:
    ana = Speaker(world, ANA)
    ana.writes(LIST, "Before anybody was told.", "One")
    loosen(world)
    ana.writes(LIST, "While it is planned.", "Two")
    world.pass_time(days=8)
    ana.writes(LIST, "Afterwards.", "Three")
    with world.store.read() as tx:
        posts = tx.execute(
            select(schema.posts.c.subject, schema.posts.c.audience).order_by(schema.posts.c.id)
        )
        assert [tuple(row) for row in posts] == [("One", "members"), ("Two", "members"), ("Three", "public")]


@pytest.mark.parametrize("who", [HANNA, HUGO])
def test_any_host_calls_it_off_before(world: World, book: MailList, who: str) -> None:
    told = loosen(world)
    answers = {one.to: one for one in Speaker(world, who).answers(told[who][-1], "undo")}
    assert "Called off: archive = public" in flat(answers[who])
    world.pass_time(days=8)
    assert now(world, book).settings.archive == "members"


@pytest.mark.parametrize("who", [HANNA, HUGO])
def test_any_host_takes_it_back_after(world: World, book: MailList, who: str) -> None:
    told = loosen(world)
    world.pass_time(days=20)
    assert now(world, book).settings.archive == "public"
    Speaker(world, who).answers(told[who][-1], "undo")
    assert now(world, book).settings.archive == "members"


def test_a_member_can_not_call_it_off(world: World, book: MailList) -> None:
    told = loosen(world)
    Speaker(world, ANA).answers(told[ANA][0], "undo")
    world.pass_time(days=8)
    assert now(world, book).settings.archive == "public"


def test_setting_it_to_what_it_is_calls_it_off_and_closing_it_further_too(
    world: World, book: MailList
) -> None:
    for words, after in (("set archive members", "members"), ("set archive hosts", "hosts")):
        loosen(world)
        says(world, words)
        world.pass_time(days=9)
        assert now(world, book).settings.archive == after


def test_to_say_it_twice_plans_it_once(world: World, book: MailList) -> None:
    loosen(world)
    world.pass_time(days=3)
    told = loosen(world)
    assert told.keys() == {HANNA} and "planned already" in told[HANNA][0].text
    world.pass_time(days=4, hours=1)
    assert now(world, book).settings.archive == "public"


def test_another_wish_takes_the_place_of_what_was_planned(world: World, book: MailList) -> None:
    says(world, "set archive off")
    loosen(world, "set archive hosts")
    world.pass_time(days=3)
    loosen(world, "set archive members")
    world.pass_time(days=5)
    assert now(world, book).settings.archive == "off"
    world.pass_time(days=3)
    assert now(world, book).settings.archive == "members"


def test_who_comes_while_it_is_planned_hears_of_it_too(world: World, book: MailList) -> None:
    loosen(world)
    world.member(book, "cy@cy.example")
    world.settle()
    assert world.copies()["cy@cy.example"] == 1


@pytest.mark.parametrize(
    ("words", "at_once"),
    [
        ("set roster members", False),
        ("set visible listed", False),
        ("set from author", False),
        ("set posting anyone", True),
        ("set join approve", True),
    ],
)
def test_only_what_shows_people_or_words_waits_a_week(
    world: World, book: MailList, words: str, at_once: bool
) -> None:
    says(world, words)
    assert (now(world, book) != book) is at_once


def test_where_nobody_but_hosts_is_there_is_nobody_to_tell(world: World) -> None:
    here = world.circle("new", "New Circle")
    world.host(here, HANNA)
    letter = Speaker(world, HANNA).writes("new+ask@lists.example.org", "settings")[0]
    Speaker(world, HANNA).answers(letter, "set archive public")
    assert now(world, here).settings.archive == "public"


def test_a_list_of_hundreds_is_told_in_pieces_each_member_once(world: World, book: MailList) -> None:
    for number in range(250):
        world.member(book, f"m{number}@many.example")
    loosen(world)
    copies = world.copies()
    assert all(copies[f"m{number}@many.example"] == 1 for number in range(250))
    with world.store.read() as tx:
        assert loosenings.under_way(tx)[0].told > 250


# -- log --------------------------------------------------------------------------------------------


def test_the_log_says_who_did_what_when_and_by_which_mail(world: World, book: MailList) -> None:
    says(world, "set guard off")
    says(world, "bye", BEN)
    told = says(world, "log")
    text = told[HANNA].text
    assert "Saturday 21 November, 09:00" in text
    assert "Hanna Host: changed a setting: guard=off (mail 2)" in text
    assert "Ben left or was taken off" in text
    assert text.index("Ben left") < text.index("guard=off")
    assert "whoever runs the server: made the list" in text
