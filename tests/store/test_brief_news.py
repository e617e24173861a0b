"""What a list had since a turn: only what went out and may be read, in four statements, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select, update

from listserv.core.brief import News, ThreadNews
from listserv.core.types import MailList
from listserv.store import brief_news, lists, posts, schema
from listserv.store.engine import open_store
from tests.kit.site import NOON, Rows, Said

MEMBERS, HOSTS = ("public", "members"), ("public", "members", "hosts")
ASKED = "Our cold room is full and the county pays for a new one, it says. Who of you applied for that grant?"


@dataclass
class Book:
    """A list whose posts go out as they are written."""

    rows: Rows
    here: MailList
    turns: int = 0

    def thread(self, title: str) -> int:
        return self.rows.thread(self.here.id, title)

    def post(self, thread: int, text: str = "Hello.", *, out: bool = True, **said: object) -> int:
        kept = Said(text=text, at=NOON + timedelta(minutes=self.turns), **said)  # type: ignore[arg-type]
        self.rows.post(self.here.id, thread, kept)
        self.turns += out
        return self.rows.store.do(lambda tx: self._number(tx, out))

    def _number(self, tx: Connection, out: bool) -> int:
        own = schema.posts.c
        number = int(tx.scalar(select(func.max(own.id))) or 0)
        turn = self.turns if out else None
        tx.execute(update(schema.posts).where(own.id == number).values(turn=turn))
        return number

    def set(self, post: int, **values: object) -> None:
        change = update(schema.posts).where(schema.posts.c.id == post).values(**values)
        self.rows.store.do(lambda tx: tx.execute(change) and None)

    def news(self, after: int = 0, upto: int = 10_000, audiences: tuple[str, ...] = MEMBERS) -> News:
        with self.rows.store.read() as tx:
            return brief_news.news(tx, self.here, after, upto, audiences)


@pytest.fixture
def book(laid_url: str) -> Iterator[Book]:
    store = open_store(laid_url)
    rows = Rows(store)
    number = rows.list("book")
    with store.read() as tx:
        here = lists.list_by_id(tx, number)
    assert here is not None
    yield Book(rows, here)
    store.close()


def only(found: News) -> ThreadNews:
    (thread,) = found.threads
    return thread


def told(found: News) -> list[int]:
    return [post.id for thread in found.threads for post in thread.posts]


def test_what_went_out_in_the_stretch_is_told_once_thread_by_thread(book: Book) -> None:
    first, second = book.thread("Cold storage"), book.thread("Seeds")
    made = [book.post(place, f"Words {n}.") for n, place in enumerate((first, second, first, second, first))]
    found = book.news(1, 4)
    assert [thread.id for thread in found.threads] == [second, first]
    assert told(found) == [made[1], made[3], made[2]]
    assert [thread.earlier for thread in found.threads] == [0, 1]
    assert (found.after, found.upto, found.list) == (1, 4, book.here)
    assert told(book.news(5)) == [] and book.news(5).threads == ()
    later = book.news(4)
    assert told(later) == [made[4]] and only(later).earlier == 2


def test_what_did_not_go_out_or_is_for_others_is_not_in_it(book: Book) -> None:
    thread = book.thread("Cold storage")
    kept = book.post(thread, "One.")
    gone = book.post(thread, "Two.")
    for_hosts = book.post(thread, "Three.", audience="hosts")
    book.post(thread, "Old times.", out=False)
    book.set(gone, state="redacted", text="")
    assert told(book.news()) == [kept]
    assert told(book.news(audiences=HOSTS)) == [kept, for_hosts]


def test_another_list_s_posts_are_never_in_it(book: Book) -> None:
    other = Book(book.rows, replace(book.here, id=book.rows.list("other")))
    other.post(other.thread("Elsewhere"), "Hi.")
    assert book.news().threads == ()


def test_only_new_words_are_told_whichever_post_of_the_thread_they_quote(book: Book) -> None:
    thread = book.thread("Cold storage")
    book.post(thread, f"Hello all,\n\n{ASKED}\n\nAna")
    book.post(thread, f"We did.\n\n{ASKED}\n\n-- \nBen", author="ben@b.example", name="Ben")
    book.post(thread, f"So did we.\n\nFrom: Ben\nSent: today\nSubject: Cold storage\n\nWe did.\n\n{ASKED}")
    words = [post.words for post in only(book.news()).posts]
    assert words == [f"Hello all,\n\n{ASKED}\n\nAna", "We did.", "So did we."]
    assert [post.words for post in only(book.news(2)).posts] == ["So did we."]


def test_imported_posts_were_read_before(book: Book) -> None:
    thread = book.thread("Cold storage")
    book.post(thread, ASKED, out=False)
    book.post(thread, f"We did.\n\n{ASKED}", name="Ben", author="ben@b.example")
    found = only(book.news())
    assert (found.earlier, found.question, found.answered) == (1, "Who of you applied for that grant?", True)
    assert [post.words for post in found.posts] == ["We did."]


def test_a_question_is_open_until_somebody_else_writes(book: Book) -> None:
    thread = book.thread("Cold storage")
    book.post(thread, ASKED)
    book.post(thread, "Nobody?")
    found = only(book.news())
    assert found.question == "Who of you applied for that grant?" and found.asked == NOON
    assert not found.answered
    book.post(thread, "We did.", author="ben@b.example", name="Ben")
    assert only(book.news()).answered and only(book.news(2)).answered
    assert not only(book.news(0, 2)).answered, "as it was then"
    for _ in range(20):
        book.post(thread, "And another thing.")
    assert only(book.news(22)).answered, "however long ago that was"


def test_a_thread_is_not_called_by_what_these_readers_may_not_see(book: Book) -> None:
    thread = book.thread("What to do about Carl?")
    book.post(thread, ASKED, subject="What to do about Carl?", audience="hosts")
    book.post(thread, "Hello.", subject="Lunch", name="Ben", author="ben@b.example")
    found = only(book.news())
    assert (found.title, found.question) == ("Lunch", "")
    assert only(book.news(audiences=HOSTS)).title == "What to do about Carl?"


def test_a_thread_that_became_part_of_another_is_told_there(book: Book) -> None:
    one, other = book.thread("Cold storage"), book.thread("Cold storage again")
    first, second = book.post(one, "One."), book.post(other, "Two.")
    book.rows.store.do(lambda tx: posts.merge(tx, other, one))
    found = only(book.news())
    assert found.id == one and told(book.news()) == [first, second]


def test_a_closed_thread_says_so(book: Book) -> None:
    thread = book.thread("Cold storage")
    book.post(thread, "One.")
    assert not only(book.news()).closed
    change = update(schema.threads).where(schema.threads.c.id == thread).values(closed=True)
    book.rows.store.do(lambda tx: tx.execute(change) and None)
    assert only(book.news()).closed


def test_names_are_shown_and_addresses_never(book: Book) -> None:
    thread = book.thread("Cold storage")
    for name, from_ in (
        ("Ana (Tacoma)", "hidden"),
        ("ana@x.example", "hidden"),
        ("", "hidden"),
        ("", "author"),
        ("x@y.z", "author"),
    ):
        book.post(thread, "Hi.", name=name, from_=from_, author="ana.silva@home.example")
    names = [post.author_name for post in only(book.news()).posts]
    assert names == ["Ana (Tacoma)", "", "", "ana.silva", "x"]


def test_attachments_are_told_by_name_and_size(book: Book) -> None:
    attached = (("a.pdf", "application/pdf", b"12345"), ("b.csv", "text/csv", b"1"))
    book.post(book.thread("Cold storage"), "Here.", attached=attached)
    (post,) = only(book.news()).posts
    assert [(file.name, file.size) for file in post.attachments] == [("a.pdf", 5), ("b.csv", 1)]


def test_however_much_it_is_it_takes_four_statements(book: Book) -> None:
    asked: list[str] = []
    for number in range(30):
        thread = book.thread(f"Thread {number}")
        for _ in range(3):
            book.post(thread)

    def note(*said: Any) -> None:
        asked.append(said[2])

    event.listen(Engine, "before_cursor_execute", note)
    assert len(told(book.news(40))) == 50
    event.remove(Engine, "before_cursor_execute", note)
    assert len([one for one in asked if one.lstrip().upper().startswith("SELECT")]) == 4


def test_of_more_posts_than_anybody_reads_the_first_words_are_enough(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brief_news, "_MOST_WHOLE", 2)
    thread = book.thread("Cold storage")
    for _ in range(3):
        book.post(thread, "word " * 500)
    lengths = [len(post.words) for post in only(book.news(upto=3)).posts]
    assert lengths[0] == 599 and lengths[1] > 2000


def test_all_of_it_is_the_same_again(book: Book) -> None:
    thread = book.thread("Cold storage")
    book.post(thread, ASKED)
    book.post(thread, f"> {ASKED}\n\nYes.", name="Ben")
    assert book.news() == book.news()
