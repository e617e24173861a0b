"""The archive's questions, on both databases; links and sessions beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from listserv.core.types import Standing
from listserv.store import reading, schema, sessions
from listserv.store.engine import open_store
from tests.kit.site import DOMAIN, NOON, Rows, Said


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    store = open_store(database_url)
    schema.metadata.create_all(store.engine)
    yield Rows(store)
    store.close()


def door(rows: Rows, name: str, cookie: str, now: datetime = NOON) -> reading.Door | None:
    with rows.store.read() as tx:
        return reading.door(tx, name, DOMAIN, cookie, now)


@pytest.mark.parametrize(
    ("archive", "opens"),
    [
        ("public", {"nobody", "former", "pending", "member", "paused", "bouncing", "host"}),
        ("members", {"member", "paused", "bouncing", "host"}),
        ("hosts", {"host"}),
        ("off", set()),
    ],
)
def test_a_door_opens_by_the_membership_of_this_moment(rows: Rows, archive: str, opens: set[str]) -> None:
    book = rows.list("book", archive=archive)
    rows.list("elsewhere", archive=archive)
    cookies = {"nobody": ""}
    for who, role, state in (
        ("former", "member", "left"),
        ("pending", "member", "pending"),
        ("member", "member", "active"),
        ("paused", "member", "paused"),
        ("bouncing", "member", "bouncing"),
        ("host", "host", "active"),
    ):
        person = rows.person(f"{who}@example.org")
        rows.join(book, person, role=role, state=state)
        cookies[who] = rows.session(person, f"cookie of {who}")
    assert {who for who, cookie in cookies.items() if door(rows, "book", cookie)} == opens
    late = NOON + timedelta(days=90)
    assert {who for who, cookie in cookies.items() if door(rows, "book", cookie, late)} == (
        opens if archive == "public" else set()
    )
    elsewhere = door(rows, "elsewhere", cookies["host"])
    assert (elsewhere.standing if elsewhere else None) == (Standing.STRANGER if archive == "public" else None)


def test_a_list_is_found_by_every_name_it_has_or_had_and_not_once_retired(rows: Rows) -> None:
    book = rows.list("book", archive="public")
    other = rows.list("book", archive="public", domain="other.example")
    rows.do(schema.list_names, local="old", domain=DOMAIN, list_id=book, kind="former")
    found = {
        name: door(rows, name, "")
        for name in ("book", "old", "book@other.example", f"book@{DOMAIN}", "absent")
    }
    assert {name: one.shelf.name for name, one in found.items() if one} == {
        "book": "book",
        "old": "book",
        f"book@{DOMAIN}": "book",
        "book@other.example": "book@other.example",
    }
    rows.set_list(other, retired=True)
    assert door(rows, "book@other.example", "") is None


def test_a_list_whose_settings_cannot_be_read_opens_to_nobody(rows: Rows) -> None:
    book = rows.list("book", archive="public")
    for broken in ("{", "[]", '{"archive": "everybody"}', '"public"'):
        rows.store.do(
            lambda tx, broken=broken: (
                tx.execute(  # type: ignore[misc]
                    update(schema.lists).where(schema.lists.c.id == book).values(settings=broken)
                )
                and None
            )
        )
        assert door(rows, "book", "") is None


def test_rows_are_fetched_with_the_audiences_of_the_door(rows: Rows) -> None:
    book = rows.list("book", archive="public")
    thread = rows.thread(book, "talk", key="talk")
    hung = (("a.png", "image/png", b"x"),)
    posts = {
        audience: rows.post(
            book, thread, Said(audience=audience, attached=hung, at=NOON + timedelta(hours=n))
        )
        for n, audience in enumerate(("hosts", "members", "public", "off"))
    }
    shelf = door(rows, "book", "")
    assert shelf is not None
    ranks = {
        Standing.STRANGER: {"public": 0},
        Standing.MEMBER: {"members": 0, "public": 1},
        Standing.HOST: {"hosts": 0, "members": 1, "public": 2},
    }
    for standing, expected in ranks.items():
        at = replace(shelf, standing=standing)
        with rows.store.read() as tx:
            places = {one: reading.place(tx, at, digest) for one, digest in posts.items()}
            files = {one for one, digest in posts.items() if reading.attachment(tx, at, digest, 0)}
        assert {one: place.rank for one, place in places.items() if place} == expected
        assert files == set(expected)


def test_who_is_answered_shows_only_where_that_post_does(rows: Rows) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "talk")
    hidden = rows.post(book, thread, Said(audience="hosts", name="Hidden"))
    shown = rows.post(book, thread, Said(name="Shown", at=NOON + timedelta(hours=1)), hidden)
    rows.post(book, thread, Said(at=NOON + timedelta(hours=2)), shown)
    with rows.store.read() as tx:
        members = reading.thread_posts(tx, thread, ("public", "members"), 0, 100)
        hosts = reading.thread_posts(tx, thread, ("public", "members", "hosts"), 1, 1)
    assert [post.parent_name for post in members] == ["", "Shown"]
    assert [post.parent_name for post in hosts] == ["Hidden"]


def test_openings_are_the_first_and_last_of_each_audience_and_count_what_is_out(rows: Rows) -> None:
    book = rows.list("book")
    one, two = rows.thread(book, "one"), rows.thread(book, "two")
    for thread, audience, state, day in (
        (one, "hosts", "posted", 1),
        (one, "members", "posted", 2),
        (one, "members", "redacted", 3),
        (one, "members", "posted", 4),
        (two, "members", "outbox", 5),
        (two, "members", "posted", 40),
    ):
        rows.post(book, thread, Said(audience=audience, state=state, at=NOON + timedelta(days=day)))
    with rows.store.read() as tx:
        month = reading.month_openings(tx, book, "2026-11")
        every = reading.openings(tx, reading.latest_threads(tx, book, 10))
        months = reading.next_month(tx, book, NOON + timedelta(days=20))
    assert [(o.thread_id, o.audience, o.count, o.first, o.last, o.opener) for o in month] == [
        (one, "hosts", 1, True, True, "hosts"),
        (one, "members", 2, True, False, "hosts"),
        (one, "members", 2, False, True, "hosts"),
    ]
    assert {o.thread_id for o in every} == {one, two}
    assert months == "2026-12"


def test_of_many_posts_of_one_moment_the_first_and_the_last_that_came_are_a_months(rows: Rows) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "Garlic", key="garlic")
    hashes = rows.chain(book, thread, [Said(text=f"Word {number}") for number in range(40)])
    with rows.store.read() as tx:
        found = reading.month_openings(tx, book, f"{NOON:%Y-%m}")
    assert [(o.hash, o.first, o.last, o.count) for o in found] == [
        (hashes[0], True, False, 40),
        (hashes[-1], False, True, 40),
    ]


def test_the_log_is_read_in_order_and_gaps_are_found_again(rows: Rows) -> None:
    book = rows.list("book")
    for _ in range(5):
        rows.mark(book, None, "2026-11")
    with rows.store.read() as tx:
        assert reading.log_bounds(tx) == (1, 5)
        assert [mark.id for mark in reading.marks(tx, 3, (), 10)] == [4, 5]
        assert [mark.id for mark in reading.marks(tx, 4, (2, 99), 10)] == [2, 5]
        assert [mark.id for mark in reading.marks(tx, 0, (), 2)] == [1, 2]


def test_a_month_is_that_of_utc_and_has_an_end() -> None:
    assert reading.month_of(datetime(2026, 12, 1, 0, 30, tzinfo=UTC)) == "2026-12"
    assert reading.bounds("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def test_a_link_opens_one_session_and_only_hashes_are_kept(rows: Rows) -> None:
    person, _ = rows.person("ana@example.org")
    rows.store.do(lambda tx: sessions.make_link(tx, person, NOON, secret="the secret", minutes=15))
    use = sessions.Sessions(rows.store)
    later = NOON + timedelta(minutes=14)
    assert use.enter("another", later, browser="", session="no") == "spent"
    assert use.enter("the secret", later, browser="any", session="a session") == "in"
    assert use.enter("the secret", later, browser="any", session="again") == "spent"
    with rows.store.read() as tx:
        assert sessions.check(tx, "a session", later) == person
        assert sessions.check(tx, "a session", later + timedelta(days=90)) is None
        assert sessions.check(tx, "no", later) is sessions.check(tx, "again", later) is None
        told = repr(tx.execute(select(schema.links)).all()) + repr(tx.execute(select(schema.sessions)).all())
    assert "the secret" not in told and "a session" not in told
    use.end("a session")
    with rows.store.read() as tx:
        assert sessions.check(tx, "a session", later) is None


def test_all_sessions_of_a_person_can_be_ended_and_what_ran_out_is_forgotten(rows: Rows) -> None:
    person, other = rows.person("ana@example.org"), rows.person("ben@example.org")
    for name in ("one", "two"):
        rows.session(person, name)
    rows.session(other, "three")
    rows.store.do(lambda tx: sessions.make_link(tx, person[0], NOON, secret="s", minutes=15))
    assert rows.store.do(lambda tx: sessions.revoke_all(tx, person[0])) == 2
    assert sessions.Sessions(rows.store).enter("s", NOON, browser="", session="x") == "spent"
    assert rows.store.do(lambda tx: sessions.forget_expired(tx, NOON + timedelta(days=91))) == 1


@pytest.mark.parametrize("state", ["active", "paused", "bouncing", "pending", "left"])
def test_a_link_is_kept_for_members_alone(rows: Rows, state: str) -> None:
    rows.join(rows.list("book"), rows.person("ana@example.org"), state=state)

    class Invited:
        secret, code, browser = "secret", "ABCDEFGH", "a browser"

    made = sessions.Sessions(rows.store).ask("ana@example.org", NOON, Invited())
    assert made is (state in ("active", "paused", "bouncing"))
    entered = sessions.Sessions(rows.store).enter_by_code("abcdefgh", NOON, browser="a browser", session="s")
    assert entered == ("in" if made else "spent")


def test_what_was_shared_who_wrote_and_what_nobody_answered_is_told_by_standing(rows: Rows) -> None:
    book = rows.list("book", archive="hosts")
    hanna = rows.person("hanna@example.org")
    rows.join(book, hanna, role="host")
    link = "https://x.example/"
    files = (("plan.pdf", "application/pdf", b"123"),)
    for number, (audience, text) in enumerate((("members", link), ("hosts", link), ("members", "plain"))):
        at = NOON + timedelta(hours=number)
        thread = rows.thread(book, f"Thread {number}", at, key=f"k{number}")
        said = Said(text=text, audience=audience, at=at, attached=files if number == 1 else (), zone=330)
        rows.post(book, thread, said)
    answered = rows.post(
        book, 3, Said(text="an answer", author="ben@x.example", at=NOON + timedelta(hours=9))
    )
    rows.post(book, 3, Said(state="redacted", text=link))
    here = door(rows, "book", rows.session(hanna, "cookie of Hanna"))
    assert here is not None
    with rows.store.read() as tx:
        shared = reading.sharing(tx, book, ("members",), 9)
        assert [(one.key, one.thread_title, one.opener, one.attached) for one in shared] == [
            ("k0", "Thread 0", "members", ())
        ]
        both = reading.sharing(tx, book, ("members", "hosts"), 9)
        assert [(one.key, [held.name for held in one.attached]) for one in both] == [
            ("k1", ["plan.pdf"]),
            ("k0", []),
        ]
        assert len(reading.sharing(tx, book, ("members", "hosts"), 1)) == 1
        assert reading.lonely_threads(tx, book, 9) == (2, 1)
        assert reading.thread_counts(tx, 3) == {"members": 3}
        later = NOON + timedelta(hours=5)
        assert reading.thread_counts(tx, 3, later) == {"members": 1}
        assert reading.thread_counts(tx, 3, before=later) == {"members": 2}
        ben = reading.author_of(tx, here, answered)
        assert ben is not None and (ben.first, ben.count) == (answered, 1)
        ana = reading.author_of(tx, here, both[0].hash)
        assert ana is not None and (ana.first, ana.count) == (both[1].hash, 3)
        assert [one.thread for one in reading.written_by(tx, here, ana.key, 2)] == ["k2", "k1"]
        assert [one.thread for one in reading.written_by(tx, here, ana.key, 2, 2)] == ["k0"]
        assert reading.author_of(tx, here, "a" * 32) is None
        (post,) = reading.thread_posts(tx, 1, ("members",), 0, 9)
        assert (post.zone, reading.raw(tx, post.raw_hash)) == (330, b"x")
