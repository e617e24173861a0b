"""The archive's full text: the same questions find the same on both databases, for who may read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from listserv.core.queries import Query, read_mail_query, read_web_query
from listserv.core.types import PostState
from listserv.store import indexing, schema
from listserv.store.engine import open_store
from listserv.store.search import Cut, Hits, Readable, find, thread_text
from tests.kit.site import NOON, Rows, Said

MEMBERS, HOSTS = ("public", "members"), ("public", "members", "hosts")
GARLIC = Said(
    subject="When do you plant your garlic?",
    text="Hello all,\n\nthe almanac says October, my grandmother said by the first frost.\n"
    "Write to ana@garden.example or come by.\n> quoted cabbages\nWhat do you go by?",
)
FROST = Said(
    subject="Re: When do you plant your garlic?",
    name="Ben Okafor",
    text="By the soil: when it is cool to the hand. Cafés are closed; the Straße too. 我也喜歡那些信。",
    at=NOON + timedelta(hours=1),
)
SEEDS = Said(
    subject="Seeds to share",
    name="Emi Tanaka",
    text="I have cold frames and a storage box. No-shows get no seeds.",
    at=NOON + timedelta(days=40),
    attached=(("map of the Garden.pdf", "application/pdf", b"%PDF"),),
)


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    store = open_store(database_url)
    schema.metadata.create_all(store.engine)
    yield Rows(store)
    store.close()


@pytest.fixture
def book(rows: Rows) -> Readable:
    """A list with two threads, in the search."""
    made = rows.list("book")
    thread = rows.thread(made, GARLIC.subject)
    rows.post(made, thread, GARLIC)
    rows.post(made, thread, FROST)
    rows.post(made, rows.thread(made, SEEDS.subject), SEEDS)
    bring_in(rows)
    return Readable(made, MEMBERS)


def bring_in(rows: Rows) -> None:
    while rows.store.do(partial(indexing.catch_up, most=2)):
        pass


def found(rows: Rows, query: Query, *readable: Readable, limit: int = 8, offset: int = 0) -> Hits:
    with rows.store.read() as tx:
        return find(tx, query, readable, Cut(limit, offset))


def titles(rows: Rows, asked: str, *readable: Readable) -> list[str]:
    return [hit.title for hit in found(rows, read_web_query(asked), *readable).threads]


G, S = GARLIC.subject, SEEDS.subject


QUESTIONS: tuple[tuple[str, set[str]], ...] = (
    ("garlic", {G}),
    ("GARLICS", {G}),
    ("cafe strasse", {G}),
    ("喜歡", {G}),
    ("喜", {G}),
    ("信", {G}),
    ("喜歡那", {G}),
    ("喜那", set()),
    ("cold storage", {S}),
    ('"cold storage"', set()),
    ('"storage box"', {S}),
    ('"storage boxes"', {S}),
    ("no-show", {S}),
    ("show-no", set()),
    ("cold", {S}),
    ("the", {G, S}),
    ("garlic frost", {G}),
    ("garlic -frost", {G}),  # the thread's other post has garlic in its subject
    ("garlic -frost -soil", set()),
    ("from:ben", {G}),
    ('from:"okafor ben"', {G}),
    ("from:ana soil", set()),
    ("from:garlic", set()),
    ("subject:seed", {S}),
    ("subject:frames", set()),
    ('subject:"plant garlic"', {G}),
    ("okafor soil", {G}),
    ("garden.pdf", {S}),
    ("has:attachment", {S}),
    ("has:attachment garlic", set()),
    ("after:2026", {G, S}),
    ("after:2026-12", {S}),
    ("before:2026-12", {G}),
    ("before:2026-11-20 garlic", set()),
    ("cabbages", set()),  # quoted
    ("ana@garden.example", set()),
    ("from:ana@garden.example", set()),
    ("garden.example", set()),
    ("-garlic", set()),  # asks for nothing
    ("", set()),
    ("!!! ???", set()),
    ("nowhere", set()),
    ("nor near not and or", set()),
)


def test_a_question_finds_the_threads_that_have_what_it_asks_for(rows: Rows, book: Readable) -> None:
    told = [(asked, set(titles(rows, asked, book))) for asked, _ in QUESTIONS]
    assert told == list(QUESTIONS)


# What people write in one list, and words of it as others type them: the thirteen and five of archive.md.
TONGUES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Meeting", "The meetings of our committee are postponed.", ("meeting", "postponed", "Committee")),
    ("Reunión", "La próxima reunión será en otoño, señora.", ("reunion", "otono", "próxima", "senora")),
    (
        "Sitzung",
        "Die Lerngruppensitzung fällt aus. Grüße aus Köln!",
        ("lerngruppensitzung", "grusse", "koln"),
    ),
    ("Café", "Où est passée la clé du café ? Ça dépend.", ("cle", "cafe", "ca depend", "CLÉ")),
    ("모임", "다음 모임은 도서관에서 합니다.", ("모임", "도서관", "도서관에서")),
    ("اجتماع", "الاجتماع القادم في المكتبة يوم الأحد.", ("المكتبة", "الأحد")),
    ("Встреча", "Следующая встреча будет в библиотеке.", ("встреча", "библиотеке", "ВСТРЕЧА")),
    ("聚会", "下次读书会在图书馆举行。", ("图书馆", "读书会", "举行", "图")),
    ("会合", "次の読書会は図書館で開きます。カタカナも。", ("図書館", "読書会", "カタカナ", "開きます")),
    ("집회", "學生們都喜歡那些信。", ("喜歡", "學生")),
)


def test_one_box_finds_what_people_wrote_in_any_language(rows: Rows) -> None:
    made = rows.list("book")
    for subject, said, _ in TONGUES:
        rows.post(made, rows.thread(made, subject), Said(subject=subject, text=f"{said}\n"))
    bring_in(rows)
    read = Readable(made, MEMBERS)
    wanted = [(word, [subject]) for subject, _, words in TONGUES for word in words]
    assert [(word, titles(rows, word, read)) for word, _ in wanted] == wanted
    assert titles(rows, "subject:会合 図書館", read) == ["会合"]
    assert titles(rows, '"読書会は図書館"', read) == ["会合"] and titles(rows, '"図書館読書会"', read) == []


def test_a_question_in_a_mail_may_ask_for_everything_at_once(rows: Rows, book: Readable) -> None:
    mailed = read_mail_query('soil "cool to the hand" from Ben subject garlic since nov 2026 before 2027')
    (hit,) = found(rows, mailed, book).threads
    assert (hit.title, hit.posts, hit.last, hit.author_name) == (G, 2, FROST.at, "Ben Okafor")


def test_a_hit_shows_its_best_post_in_one_line_without_an_address(rows: Rows, book: Readable) -> None:
    (hit,) = found(rows, read_web_query("almanac grandmother"), book).threads
    assert hit.author_name == "Ana Silva"
    assert hit.extract.startswith("… the almanac says October, my grandmother said")
    assert "@" not in hit.extract and "cabbages" not in hit.extract
    assert len(hit.extract) <= 104 and "\n" not in hit.extract
    with rows.store.read() as tx:
        assert tx.scalar(select(schema.posts.c.text).where(schema.posts.c.hash == hit.hash)) == GARLIC.text


def test_a_word_in_the_subject_weighs_more_than_one_in_the_text(rows: Rows, book: Readable) -> None:
    aside = rows.thread(book.list_id, "Weather")
    rows.post(book.list_id, aside, Said(subject="Weather", text="Rain on the seeds. " * 3, at=NOON))
    bring_in(rows)
    assert titles(rows, "seeds", book) == [S, "Weather"]


def test_threads_come_in_pages_and_are_counted(rows: Rows) -> None:
    made = rows.list("walks")
    for number in range(11):
        at = NOON + timedelta(days=number)
        thread = rows.thread(made, f"Walk {number}", at)
        for _ in range(2):
            rows.post(made, thread, Said(subject=f"Walk {number}", text="The same hill.", at=at))
    bring_in(rows)
    read, hill = Readable(made, MEMBERS), read_web_query("hill")
    first = found(rows, hill, read)
    assert (len(first.threads), first.total) == (8, 11)
    rest = found(rows, hill, read, offset=8)
    assert (len(rest.threads), rest.total) == (3, 11)
    every = [hit.title for hit in (*first.threads, *rest.threads)]
    assert every == [f"Walk {number}" for number in reversed(range(11))]  # alike: the newest first
    assert found(rows, hill, read, offset=20) == Hits((), 0)


# -- who may read what ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audiences", "sees"),
    [
        ((), set()),
        (("public",), {"public"}),
        (MEMBERS, {"public", "members"}),
        (HOSTS, {"public", "members", "hosts"}),
        ((*HOSTS, "off"), {"public", "members", "hosts"}),
    ],
)
def test_posts_are_found_by_those_alone_for_whom_they_were_written(
    rows: Rows, audiences: tuple[str, ...], sees: set[str]
) -> None:
    made, other = rows.list("book"), rows.list("other")
    for list_id in (made, other):
        for audience in ("public", "members", "hosts", "off"):
            said = Said(subject=audience, text="the word secret", audience=audience)
            rows.post(list_id, rows.thread(list_id, audience), said)
    bring_in(rows)
    hits = found(rows, read_web_query("secret"), Readable(made, audiences))
    assert {hit.title for hit in hits.threads} == sees
    assert hits.total == len(sees)
    assert {hit.list_id for hit in hits.threads} <= {made}


def test_each_list_is_read_with_its_own_audiences(rows: Rows) -> None:
    made = [rows.list(name) for name in ("one", "two", "three")]
    for list_id in made:
        for audience in ("members", "hosts"):
            said = Said(subject=f"{audience} {list_id}", text="the word secret", audience=audience)
            rows.post(list_id, rows.thread(list_id, audience), said)
    bring_in(rows)
    seen = titles(rows, "secret", Readable(made[0], MEMBERS), Readable(made[1], HOSTS))
    assert sorted(seen) == [f"hosts {made[1]}", f"members {made[0]}", f"members {made[1]}"]


def test_a_thread_tells_nothing_of_posts_that_the_reader_may_not_see(rows: Rows) -> None:
    made = rows.list("book")
    thread = rows.thread(made, "Whom shall we ban?")
    rows.post(made, thread, Said(subject="Whom shall we ban?", text="garlic", audience="hosts"))
    rows.post(made, thread, Said(subject="Garlic", text="garlic", at=NOON + timedelta(hours=1)))
    late = NOON + timedelta(hours=2)
    rows.post(made, thread, Said(subject="Garlic, hosts", text="garlic", audience="hosts", at=late))
    bring_in(rows)
    (hit,) = found(rows, read_web_query("garlic"), Readable(made, MEMBERS)).threads
    assert (hit.title, hit.posts, hit.last) == ("Garlic", 1, NOON + timedelta(hours=1))
    (hit,) = found(rows, read_web_query("garlic"), Readable(made, HOSTS)).threads
    assert (hit.title, hit.posts, hit.last) == ("Whom shall we ban?", 3, late)


@pytest.mark.parametrize("state", [PostState.OUTBOX, PostState.REDACTED])
def test_a_post_that_is_not_out_is_not_found_even_if_its_words_are_there(
    rows: Rows, book: Readable, state: str
) -> None:
    rows.store.do(lambda tx: tx.execute(update(schema.posts).values(state=state)) and None)
    assert titles(rows, "garlic", book) == []
    with rows.store.read() as tx:
        assert thread_text(tx, 1, [book]) == []


def test_nobody_who_may_read_nothing_finds_anything(rows: Rows, book: Readable) -> None:
    assert found(rows, read_web_query("garlic")) == Hits((), 0)
    assert titles(rows, "garlic", Readable(book.list_id + 1, HOSTS)) == []


# -- what strangers write -------------------------------------------------------------------------------

_SCRAPS = [
    *"\"*():^{}+-&|!<>\\'@=",
    "\0",
    " ",
    "NEAR(",
    " OR ",
    " NOT ",
    "garlic",
    "text:",
    "喜",
    ":*",
    "%s",
    ":p",
]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_nothing_that_is_asked_means_anything_to_the_database(
    request: pytest.FixtureRequest, dialect: str
) -> None:
    url = request.getfixturevalue("sqlite_url" if dialect == "sqlite" else "postgres_url")
    store = open_store(url)
    schema.metadata.create_all(store.engine)
    rows = Rows(store)
    made, other = rows.list("book"), rows.list("other")
    rows.post(made, rows.thread(made, "Garlic"), replace(GARLIC, name='O\'Neil "x" @2 =a <b'))
    rows.post(other, rows.thread(other, "Other"), Said(subject="Other", text="garlic @1 '1' p1"))
    bring_in(rows)
    read = Readable(made, MEMBERS)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(_SCRAPS), max_size=8).map("".join)))
    def ask(asked: str) -> None:
        for query in (
            Query(words=(asked,)),
            Query(words=("garlic",), phrases=(asked,)),
            Query(words=("garlic",), without=(asked,)),
            Query(from_=asked),
            Query(subject=asked),
            read_web_query(asked),
        ):
            assert {hit.list_id for hit in found(rows, query, read).threads} <= {made}

    try:
        ask()
    finally:
        store.close()


# -- a thread, to be sent -------------------------------------------------------------------------------


def test_a_thread_is_told_in_order_with_its_files_to_who_may_read_it(rows: Rows, book: Readable) -> None:
    hidden = Said(text="for hosts", audience="hosts", at=NOON + timedelta(minutes=30))
    rows.post(book.list_id, 1, hidden)
    with rows.store.read() as tx:
        told = thread_text(tx, 1, [book])
        assert [(post.author_name, post.text) for post in told] == [
            ("Ana Silva", GARLIC.text),
            ("Ben Okafor", FROST.text),
        ]
        (seeds,) = thread_text(tx, 2, [book])
        assert [(file.name, file.size) for file in seeds.attachments] == [("map of the Garden.pdf", 4)]
        assert thread_text(tx, 1, []) == thread_text(tx, 99, [book]) == []
        assert texts(thread_text(tx, 1, [replace(book, audiences=HOSTS)]))[1] == "for hosts"


def texts(told: Sequence[object]) -> list[str]:
    return [getattr(post, "text", "") for post in told]
