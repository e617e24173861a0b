"""What hosts say to one conversation, through the whole program: who may, what follows, how it is undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from archive_site.build import Builder, SiteNames
from listserv.core.types import Deferred, MailList, Sent
from listserv.resources import resource
from listserv.store import holds, schema
from tests.kit.speaker import FAIL, NONE, Letter, Speaker, read
from tests.kit.world import World, open_world

LIST, ASK = "book@lists.example.org", "book+ask@lists.example.org"
ANA, BEN, HANNA, HEIDI = "ana@ana.example", "ben@ben.example", "hanna@host.example", "heidi@host.example"
SECTION = "sue@sue.example"
MALLORY = "mallory@evil.example"


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle(storm="0")
    for address in (HANNA, HEIDI):
        world.host(here, address, name=address.partition("@")[0].title())
    for address in (ANA, BEN):
        world.member(here, address, name=address.partition("@")[0].title())
    section = world.member(here, SECTION, name="Sue")
    row = {"subscription_id": section.id, "tag": "grants"}
    world.store.do(lambda tx: tx.execute(insert(schema.sections).values(row)))
    return here


class Talk:
    """A conversation as people see it: everybody writes and answers by Message-ID."""

    def __init__(self, world: World, subject: str = "Garlic") -> None:
        self.world, self.subject = world, subject
        self.number = 0

    def post(self, who: str, text: str, answers: str = "", proof: str = "pass") -> str:
        """Somebody writes to the list; the Message-ID."""
        raw = Speaker(self.world, who, proof).mail(LIST, text, self.subject, answers)
        self.last = self.send(who, raw)
        return raw.partition(b"Message-ID: <")[2].partition(b">")[0].decode()

    def send(self, who: str, raw: bytes) -> list[Letter]:
        before = len(self.world.outbox)
        self.world.receive(raw, LIST, who)
        return list(map(read, self.world.outbox[before:]))

    def says(self, who: str, text: str, answers: str, proof: str = "pass") -> list[Letter]:
        """A mail to the list; what we send because of it."""
        self.post(who, text, answers, proof)
        return self.last


def texts(letters: list[Letter]) -> str:
    return "\n".join(" ".join(letter.text.split()) for letter in letters)


def thread_of(world: World, id_: str) -> Any:
    with world.store.read() as tx:
        number = tx.scalar(select(schema.posts.c.thread_id).where(schema.posts.c.message_id == id_))
        return tx.execute(select(schema.threads).where(schema.threads.c.id == number)).one_or_none()


def posted(world: World) -> list[str]:
    """The posts that are out, by their text, in the order in which they went."""
    with world.store.read() as tx:
        query = (
            select(schema.posts.c.text).where(schema.posts.c.state == "posted").order_by(schema.posts.c.id)
        )
        return [text.strip() for text in tx.scalars(query)]


def waiting(world: World) -> list[str]:
    with world.store.read() as tx:
        query = select(schema.holds.c.why).where(schema.holds.c.state == holds.HoldState.WAITING)
        return list(tx.scalars(query.order_by(schema.holds.c.id)))


def acts(world: World) -> list[tuple[str, str, bool]]:
    with world.store.read() as tx:
        rows = tx.execute(
            select(schema.acts).where(schema.acts.c.who.like("host %")).order_by(schema.acts.c.id)
        )
        return [(row.who, row.act, row.arrival_id is not None) for row in rows]


def render(world: World, folder: Path) -> dict[str, str]:
    names = SiteNames("lists.example.org", "https://lists.example.org", "UTC")
    Builder(world.store, folder, resource("templates"), names).catch_up(world.clock.now())
    pages = sorted(folder.rglob("index.html"))
    return {page.relative_to(folder).as_posix(): page.read_text("utf-8") for page in pages}


# -- cool, slow, close, open ------------------------------------------------------------------------------


def test_a_cooled_conversation_keeps_what_is_written_and_lets_it_out_in_order_when_the_time_is_over(
    world: World, book: MailList
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    (told,) = talk.says(HANNA, "cool 24h", first)
    assert told.to == HANNA and "It rests until Sunday 22 November, 09:00." in texts([told])
    (ben,) = talk.says(BEN, "Nonsense.", first)
    (ana,) = talk.says(ANA, "I beg your pardon?", first)
    assert (ben.to, ana.to) == (BEN, ANA)
    assert "rests until Sunday 22 November, 09:00. Yours is kept and will go out then" in texts([ben])
    assert waiting(world) == ["resting", "resting"] and posted(world) == ["The almanac says October."]
    world.pass_time(hours=23)
    assert len(posted(world)) == 1
    world.pass_time(hours=1)
    assert posted(world)[1:] == ["Nonsense.", "I beg your pardon?"] and waiting(world) == []
    assert talk.says(BEN, "Sorry.", first)[0].kind == "post"
    assert acts(world) == [(acts(world)[0][0], "thread: cool", True)]


def test_other_conversations_go_on_and_so_do_hosts(world: World, book: MailList) -> None:
    talk, other = Talk(world), Talk(world, "Leeks")
    first = talk.post(ANA, "The almanac says October.")
    talk.says(HANNA, "cool until tomorrow", first)
    assert other.says(BEN, "About leeks.", "")[0].kind == "post"
    assert talk.says(HEIDI, "Let us breathe.", first)[0].kind == "post"


def test_an_author_takes_back_what_rests_and_it_never_goes_out(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    talk.says(HANNA, "cool 24h", first)
    (kept,) = talk.says(BEN, "Nonsense.", first)
    (told,) = Speaker(world, BEN).answers(kept, "cancel")
    assert "Taken back" in told.text
    world.pass_time(days=2)
    assert posted(world) == ["The almanac says October."]


def test_open_ends_a_rest_and_what_was_kept_goes_out_at_once(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    talk.says(HANNA, "cool 2 days", first)
    talk.says(BEN, "Nonsense.", first)
    told = talk.says(HANNA, "open", first)
    assert "Open again." in texts(told) and posted(world)[1:] == ["Nonsense."]


def test_undo_gives_a_conversation_back_as_it_was(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    (slowed,) = talk.says(HANNA, "slow 2/day", first)
    (cooled,) = Speaker(world, HANNA).answers(slowed, "cool 24h")
    (closed,) = Speaker(world, HANNA).answers(cooled, "close\nThank you all.\nSee you!")
    row = thread_of(world, first)
    assert (row.slow, row.closed, row.closed_words) == (2, True, "Thank you all.\nSee you!")
    Speaker(world, HANNA).answers(closed, "undo")
    row = thread_of(world, first)
    assert (row.slow, row.closed, row.closed_words) == (2, False, "") and row.rests_until is not None
    Speaker(world, HANNA).answers(cooled, "undo")
    assert thread_of(world, first).rests_until is None
    (opened,) = talk.says(HANNA, "open", first)
    assert thread_of(world, first).slow == 0
    Speaker(world, HANNA).answers(opened, "undo")
    assert thread_of(world, first).slow == 2
    (told,) = talk.says(HANNA, "undo", first)
    assert thread_of(world, first).slow == 0 and "As before." in texts([told])


def test_in_a_slow_conversation_a_day_takes_one_mail_of_each_and_the_rest_come_day_by_day(
    world: World, book: MailList
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "Ana one.")
    talk.says(HANNA, "slow", first)
    talk.post(BEN, "Ben one.", first)
    (kept,) = talk.says(BEN, "Ben two.", first)
    talk.post(BEN, "Ben three.", first)
    assert "one mail a day from each of us. Yours is kept" in texts([kept])
    (kept,) = talk.says(ANA, "Ana two.", first)
    assert kept.to == ANA
    world.pass_time(hours=12)
    assert posted(world) == ["Ana one.", "Ben one."]
    world.pass_time(hours=4)  # past midnight
    assert posted(world) == ["Ana one.", "Ben one.", "Ben two.", "Ana two."]
    world.pass_time(days=1)
    assert posted(world)[4:] == ["Ben three."] and waiting(world) == []


def test_who_writes_into_a_closed_conversation_reads_the_hosts_words_and_a_host_may_let_it_through(
    world: World, book: MailList
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    (told,) = talk.says(HANNA, "close: This is answered in the FAQ.\nThank you all.", first)
    assert "Closed." in texts([told])
    (ben,) = [one for one in talk.says(BEN, "One word more!", first) if one.kind != "card"]
    assert ben.to == BEN and "This is answered in the FAQ. Thank you all." in texts([ben])
    assert "a host may still let them through" in texts([ben]) and "book+host@" in ben.text
    world.pass_time(days=3)
    assert waiting(world) == ["closed"]
    world.approve(1)
    assert posted(world)[1:] == ["One word more!"]


def test_what_rests_in_a_conversation_that_is_closed_meanwhile_is_kept_for_a_host_and_its_author_told(
    world: World, book: MailList
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    talk.says(HANNA, "cool 24h", first)
    talk.says(BEN, "Nonsense.", first)
    talk.says(HEIDI, "close", first)
    before = len(world.outbox)
    world.pass_time(hours=25)
    (told,) = [one for one in map(read, world.outbox[before:]) if one.kind != "card"]
    assert told.to == BEN and told.subject.startswith("Closed:") and waiting(world) == ["closed"]
    assert "Taken back" in Speaker(world, BEN).answers(told, "cancel")[0].text


def test_who_has_left_meanwhile_does_not_go_out_by_themselves(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    talk.says(HANNA, "cool 24h", first)
    (kept,) = talk.says(BEN, "Nonsense.", first)
    Speaker(world, BEN).answers(kept, "bye")
    world.pass_time(days=2)
    assert len(posted(world)) == 1 and waiting(world) == ["stranger"]


# -- who may ----------------------------------------------------------------------------------------------

ALL = ("cool 24h", "slow 1/day", "close", "open", "split: Leeks", "merge", "recall")


@pytest.mark.parametrize("word", ALL)
def test_a_members_word_is_a_post_a_strangers_waits_and_neither_does_anything(
    world: World, book: MailList, word: str
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    copies = talk.says(BEN, word, first)
    assert {letter.kind for letter in copies} == {"post"} and word in posted(world)
    talk.says(MALLORY, word, first)
    assert waiting(world) == ["stranger"]
    row = thread_of(world, first)
    assert (row.rests_until, row.slow, row.closed, row.title) == (None, 0, False, "Garlic")
    assert acts(world) == []


@pytest.mark.parametrize("word", ("cool 24h", "slow 1/day", "close", "split: Leeks", "recall"))
@pytest.mark.parametrize("proof", (FAIL, NONE))
def test_a_hosts_word_that_nothing_proves_is_asked_about_and_yes_does_it(
    world: World, book: MailList, word: str, proof: str
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    second = talk.post(BEN, "By the soil.", first)
    (asked,) = talk.says(HANNA, word, second, proof)
    assert asked.to == HANNA and asked.subject.startswith("Was this you?") and acts(world) == []
    assert talk.says(HANNA, word, second, proof) == []  # once a day
    Speaker(world, HANNA).answers(asked, "yes")
    assert len(acts(world)) == 1


def test_the_same_mail_again_does_nothing_again(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    raw = Speaker(world, HANNA).mail(LIST, "cool 24h", "Re: Garlic", first)
    talk.send(HANNA, raw)
    talk.says(HANNA, "open", first)
    assert talk.send(HANNA, raw) == [] and thread_of(world, first).rests_until is None


def test_a_sections_host_looks_after_what_bears_its_tag_and_nothing_else(
    world: World, book: MailList
) -> None:
    inside, outside = Talk(world, "#grants for leeks"), Talk(world, "Garlic")
    one, two = inside.post(ANA, "Who applied?"), outside.post(ANA, "October.")
    (told,) = inside.says(SECTION, "cool 24h", one)
    assert told.to == SECTION and thread_of(world, one).rests_until is not None
    assert inside.says(SECTION, "Breathe.", one)[0].kind == "post"
    assert {letter.kind for letter in outside.says(SECTION, "cool 24h", two)} == {"post"}
    assert thread_of(world, two).rests_until is None
    (asked,) = Speaker(world, SECTION).writes(ASK, "close", "Re: Garlic", answers=two)
    (answer,) = Speaker(world, SECTION).answers(asked, "yes")
    assert "That is for hosts." in texts([answer]) and not thread_of(world, two).closed
    (undone,) = Speaker(world, SECTION).answers(told, "undo")
    assert undone.text.startswith("Undone.") and thread_of(world, one).rests_until is None


def test_a_sections_host_merges_only_what_both_bear_its_tag(world: World, book: MailList) -> None:
    one = Talk(world, "#grants for leeks").post(ANA, "Who applied?")
    Talk(world, "Garlic").post(ANA, "October.")
    (told,) = Talk(world).says(SECTION, 'merge "Garlic"', one)
    assert "can't be said here" in texts([told]) and acts(world) == []


def test_with_a_token_nobody_else_gets_anything(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    (told,) = talk.says(HANNA, "cool 24h", first)
    for who in (MALLORY, BEN, HEIDI):
        Speaker(world, who).answers(told, "open")
        Speaker(world, who).answers(told, "undo")
    assert thread_of(world, first).rests_until is not None
    (told,) = Speaker(world, HANNA).answers(told, "open")
    assert thread_of(world, first).rests_until is None


def test_what_may_be_a_post_is_asked_about_and_either_answer_is_obeyed(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    (asked,) = talk.says(HANNA, "close Thank you all.\n\nHanna", first)
    assert asked.to == HANNA and waiting(world) == ["post or setting"]
    Speaker(world, HANNA).answers(asked, "setting")
    row = thread_of(world, first)
    assert row.closed and row.closed_words == "Thank you all.\n\nHanna" and waiting(world) == []
    talk.says(HANNA, "open", first)
    (asked,) = talk.says(HANNA, "close Thank you all", first)
    Speaker(world, HANNA).answers(asked, "post")
    assert "close Thank you all" in posted(world) and not thread_of(world, first).closed


def test_a_hosts_answer_that_only_begins_alike_is_a_post(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    for text in ("Cool, thanks!", "cool!", "Slow down please", "open question: why?", "close to the lake …"):
        assert {letter.kind for letter in talk.says(HANNA, text, first)} == {"post"}, text
    talk.says(HANNA, "close: the hut by the lake", "")  # of no conversation
    assert "close: the hut by the lake" in posted(world)
    assert acts(world) == []


# -- split, merge -----------------------------------------------------------------------------------------


def test_a_split_takes_a_post_and_its_answers_along_and_later_answers_find_it(
    world: World, book: MailList, tmp_path: Path
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    leeks = talk.post(BEN, "And leeks?", first)
    answer = talk.post(ANA, "In spring.", leeks)
    garlic = talk.post(BEN, "So garlic it is.", first)
    render(world, tmp_path)
    (told,) = talk.says(HANNA, "split: When do leeks go in", leeks)
    assert '"When do leeks go in" is a conversation of its own now; it was a part of "Garlic".' in texts(
        [told]
    )
    new, old = thread_of(world, leeks), thread_of(world, first)
    assert (new.title, new.posts, old.posts) == ("When do leeks go in", 2, 2)
    assert thread_of(world, answer).id == new.id and thread_of(world, garlic).id == old.id
    assert thread_of(world, talk.post(ANA, "Mind the slugs.", answer)).id == new.id
    assert thread_of(world, talk.post(ANA, "Yes.", garlic)).id == old.id
    pages = render(world, tmp_path)
    mine, theirs = pages[f"book/t/{new.key}/index.html"], pages[f"book/t/{old.key}/index.html"]
    assert all(words in mine and words not in theirs for words in ("And leeks?", "In spring.", "the slugs"))
    assert "So garlic it is." in theirs and "So garlic it is." not in mine
    assert (
        "When do leeks go in" in pages["book/index.html"]
        and "When do leeks go in" in pages["book/2026/11/index.html"]
    )
    Speaker(world, HANNA).answers(told, "undo")
    back = thread_of(world, leeks)
    assert back.id == old.id and back.posts == 6 and back.title == "Garlic"
    assert thread_of(world, talk.post(BEN, "Slugs, indeed.", leeks)).id == old.id
    pages = render(world, tmp_path)
    assert "the slugs" in pages[f"book/t/{old.key}/index.html"]
    assert not any("When do leeks go in" in page for page in pages.values())


def test_the_first_mail_of_a_conversation_can_not_be_split_from_it(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    talk.post(BEN, "By the soil.", first)
    (told,) = talk.says(HANNA, "split: Leeks", first)
    assert "That is the first mail of the conversation" in texts([told])
    assert thread_of(world, first).title == "Garlic" and acts(world) == []


def test_a_late_mail_does_not_make_one_again_of_what_a_host_split(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, "The almanac says October.")
    leeks = talk.post(BEN, "And leeks?", first)
    ghosts = f"References: <{first}> <late@ana.example>\n".encode()
    raw = (
        Speaker(world, BEN)
        .mail(LIST, "As Ana wrote.", "Re: Garlic")
        .replace(b"Subject:", ghosts + b"Subject:")
    )
    talk.send(BEN, raw)
    talk.says(HANNA, "split: Leeks", leeks)
    late = Speaker(world, ANA).mail(LIST, "I wrote.", "Re: Garlic", leeks)
    start, _, rest = late.partition(b"Message-ID: <")
    talk.send(ANA, start + b"Message-ID: <late@ana.example>" + rest.partition(b">")[2])
    assert thread_of(world, leeks).id != thread_of(world, first).id
    assert thread_of(world, leeks).title == "Leeks"


def test_merge_shows_the_latest_conversations_and_a_number_merges(
    world: World, book: MailList, tmp_path: Path
) -> None:
    garlic, other, leeks = Talk(world), Talk(world, "Compost"), Talk(world, "Leeks")
    one = garlic.post(ANA, "October.")
    other.post(BEN, "Heaps.")
    two = leeks.post(BEN, "And leeks?")
    world.pass_time(minutes=5)
    three = leeks.post(ANA, "In spring.", two)
    before, old = thread_of(world, two), thread_of(world, one)
    render(world, tmp_path)
    (shown,) = leeks.says(HANNA, "merge", three)
    assert (
        shown.to == HANNA
        and "1. Compost" in shown.text
        and "2. Garlic" in shown.text
        and "Leeks" in shown.subject
    )
    (whole,) = Speaker(world, HANNA).answers(shown, "send 2")
    assert "October." in whole.text
    (told,) = Speaker(world, HANNA).answers(shown, "merge 2")
    assert '"Leeks" is a part of "Garlic" now.' in texts([told])
    merged = thread_of(world, two)
    assert merged.id == thread_of(world, one).id == old.id and merged.posts == 3
    assert thread_of(world, leeks.post(BEN, "Late leeks.", three)).id == old.id
    pages = render(world, tmp_path)
    assert "In spring." in pages[f"book/t/{old.key}/index.html"]
    assert (
        f"book/t/{before.key}/index.html" not in pages or old.key in pages[f"book/t/{before.key}/index.html"]
    )
    Speaker(world, HANNA).answers(told, "undo")
    again = thread_of(world, two)
    assert (again.id, again.key, again.title, again.posts) == (before.id, before.key, "Leeks", 3)
    assert thread_of(world, one).posts == 1
    assert thread_of(world, garlic.post(ANA, "Or November.", one)).id == old.id
    pages = render(world, tmp_path)
    assert "In spring." in pages[f"book/t/{before.key}/index.html"]
    assert "In spring." not in pages[f"book/t/{old.key}/index.html"]


def test_merge_takes_a_subject_too_and_says_where_there_is_none(world: World, book: MailList) -> None:
    one, two = Talk(world).post(ANA, "October."), Talk(world, "Re: Leeks").post(BEN, "And leeks?")
    (told,) = Talk(world).says(HANNA, 'merge "Onions"', one)
    assert 'no conversation "Onions"' in texts([told])
    (told,) = Talk(world).says(HANNA, 'merge "garlic"', one)
    assert "the same conversation" in texts([told])
    (told,) = Talk(world).says(HANNA, 'merge "leeks"', one)
    assert thread_of(world, one).id == thread_of(world, two).id


def test_a_number_that_was_never_shown_only_shows_what_there_is(world: World, book: MailList) -> None:
    one = Talk(world).post(ANA, "October.")
    Talk(world, "Leeks").post(BEN, "And leeks?")
    (shown,) = Talk(world).says(HANNA, "merge 1", one)
    assert shown.subject.startswith("With which one?") and acts(world) == []
    (shown,) = Speaker(world, HANNA).answers(shown, "merge 9")
    assert shown.subject.startswith("With which one?") and acts(world) == []


def test_a_merged_conversation_is_answered_for_by_the_one_that_it_is_part_of(
    world: World, book: MailList
) -> None:
    garlic, leeks = Talk(world), Talk(world, "Leeks")
    one, two = garlic.post(ANA, "October."), leeks.post(BEN, "And leeks?")
    (cooled,) = leeks.says(HANNA, "cool 24h", two)
    leeks.says(BEN, "Hm.", two)
    leeks.says(HANNA, 'merge "Garlic"', two)
    assert posted(world)[2:] == ["Hm."]  # into a conversation that does not rest
    (told,) = Speaker(world, HANNA).answers(cooled, "undo")
    assert "part of another one now" in texts([told])
    Speaker(world, HANNA).answers(told, "close")
    assert thread_of(world, one).closed


# -- recall -----------------------------------------------------------------------------------------------

SECRET = "the combination of the shed is four nine two"


def dump(world: World) -> bytes:
    with world.store.read() as tx:
        rows = [row for table in schema.metadata.sorted_tables for row in tx.execute(select(table))]
    return b"\n".join(v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row)


def test_a_recalled_post_leaves_pages_search_queue_and_database_and_the_answer_says_how_far_it_got(
    world: World, book: MailList, tmp_path: Path
) -> None:
    talk = Talk(world)
    first = talk.post(ANA, SECRET)
    talk.post(BEN, f"Don't!\n\nOn Sat, Ana wrote:\n> {SECRET}\n", first)
    render(world, tmp_path)
    told = talk.says(HANNA, "recall", first)
    assert {letter.to for letter in told} == {HANNA, ANA}
    answer = next(letter for letter in told if letter.to == HANNA)
    assert "It is out of the archive" in texts([answer]) and "5 copies had already been sent." in texts(
        [answer]
    )
    assert "One mail of others quoted it." in texts([answer]) and "can't be undone" in texts([answer])
    assert "A host of Book Circle has taken a mail of yours out" in texts(told)
    assert SECRET.encode() not in dump(world)
    assert not any(SECRET in page for page in render(world, tmp_path).values())
    if world.store.dialect == "sqlite":
        file = Path(str(world.store.engine.url.database))
        assert all(SECRET.encode() not in one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    (told_again,) = talk.says(HANNA, "recall", first)
    assert "taken out before" in texts([told_again])
    (found,) = (
        Speaker(world, HANNA).answers(answer, "find combination") if "+re=" in answer.answer_to else (None,)
    )
    assert found is None or "Nothing was found" in found.text


def test_copies_that_have_not_left_do_not_leave(world: World, book: MailList) -> None:
    talk = Talk(world)
    world.pigeons.answer = lambda parcel: Deferred(450, "4.2.0 later")
    first = talk.post(ANA, SECRET)
    assert talk.last == []
    talk.says(HANNA, "recall", first)
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    before = len(world.outbox)
    world.pass_time(hours=2)
    letters = list(map(read, world.outbox[before:]))
    assert {letter.to for letter in letters} == {HANNA, ANA} and SECRET not in texts(letters)
    answer = next(letter for letter in letters if letter.to == HANNA)
    assert "No copy had been sent yet." in answer.text and "5 copies were still on their way out." in texts(
        [answer]
    )


def test_an_author_recalls_their_own_post_and_nobody_elses(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, SECRET)
    copies = talk.says(BEN, "recall", first)
    assert {letter.kind for letter in copies} == {"post"}
    (asked,) = Speaker(world, BEN).writes(ASK, "recall", "Re: Garlic", answers=first) or (None,)
    assert asked is None or "not yours to recall" in texts([asked])
    (told,) = talk.says(ANA, "recall", first)
    assert (
        told.to == ANA and "It is out of the archive" in texts([told]) and SECRET.encode() not in dump(world)
    )


def test_a_recall_that_nothing_proves_is_asked_about(world: World, book: MailList) -> None:
    talk = Talk(world)
    first = talk.post(ANA, SECRET)
    (asked,) = talk.says(ANA, "recall", first, NONE)
    assert asked.subject.startswith("Was this you?") and SECRET in posted(world)
    (told,) = Speaker(world, ANA).answers(asked, "yes")
    assert told.to == ANA and SECRET not in posted(world)


def test_a_post_in_the_outbox_is_recalled_before_anybody_has_it(world: World) -> None:
    here = world.circle(outbox_minutes=5)
    world.host(here, HANNA, name="Hanna")
    world.member(here, ANA, name="Ana")
    talk = Talk(world)
    first = talk.post(ANA, SECRET)
    (told,) = talk.says(ANA, "recall", first)
    assert "taken back in time. Nobody has got it." in texts([told])
    world.pass_time(minutes=10)
    assert posted(world) == [] and SECRET.encode() not in dump(world)


# -- the storm breaker ------------------------------------------------------------------------------------

AUTO = b"Auto-Submitted: auto-replied\n"


def test_machines_that_write_too_much_are_told_of_once_an_hour_and_posts_wait_till_it_is_calm(
    world: World,
) -> None:
    here = world.circle(storm="10/5")
    world.host(here, HANNA, name="Hanna")
    world.member(here, ANA, name="Ana")
    before = len(world.outbox)
    for number in range(15):
        raw = Speaker(world, f"away{number}@x.example").mail(LIST, "I am away.", "Away")
        world.receive(raw.replace(b"Subject:", AUTO + b"Subject:"), LIST, "away@x.example")
    assert world.outbox[before:] == []  # a stranger's machine stops no list
    for _ in range(15):
        raw = Speaker(world, ANA).mail(LIST, "I am away.", "Away")
        world.receive(raw.replace(b"Subject:", AUTO + b"Subject:"), LIST, ANA)
    (told,) = map(read, world.outbox[before:])
    assert told.to == HANNA and "Within 5 minutes, 10 automatic mails came" in texts([told])
    Talk(world).post(ANA, "Hello?")
    assert waiting(world) == ["storm"]
    world.pass_time(minutes=6)
    Talk(world).post(ANA, "Hello again.")
    assert posted(world) == ["Hello again."]


def test_a_fifth_of_the_storm_in_one_conversation_holds_that_one_alone(world: World) -> None:
    here = world.circle(storm="30/10", outbox_minutes=0)
    world.host(here, HANNA, name="Hanna")
    world.member(here, ANA, name="Ana")
    talk = Talk(world)
    first = talk.post(ANA, "Number 0.")
    for number in range(1, 8):
        talk.post(ANA, f"Number {number}.", first)
    assert len(posted(world)) == 6 and waiting(world) == ["storm", "storm"]
    Talk(world, "Leeks").post(ANA, "Calm here.")
    assert posted(world)[-1] == "Calm here."
    world.clock.move(timedelta(minutes=11))
    talk.post(ANA, "Later.", first)
    assert posted(world)[-1] == "Later."
