"""Lists and who is on them, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from listserv.core.address import Address, read_address
from listserv.core.settings_table import preset_settings
from listserv.core.types import MailList, Member, MemberState, Role
from listserv.errors import BadData
from listserv.store.acts import Hand
from listserv.store.engine import Store, open_store
from listserv.store.lists import (
    NewList,
    Tally,
    all_lists,
    create_list,
    find_list,
    list_by_id,
    rename,
    retire_list,
    set_list,
    tallies,
)
from listserv.store.rosters import (
    Joined,
    NewMember,
    add_members,
    find_member,
    list_members,
    remove_member,
    set_member,
)
from listserv.store.schema import acts, addresses, metadata, people

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPERATOR = Hand("operator", NOON)
LATER = Hand("operator", NOON + timedelta(hours=1))
ANA, BEN = "ana@example.org", "Ben@Example.org"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    metadata.create_all(opened.engine)
    yield opened
    opened.close()


def new_list(name: str = "book", preset: str = "circle") -> NewList:
    return NewList(Address(name, "lists.example.org"), name.title(), preset_settings(preset))


def make(store: Store, name: str = "book") -> MailList:
    return store.do(lambda tx: create_list(tx, new_list(name), OPERATOR))


def add(store: Store, found: MailList, *new: NewMember, hand: Hand = OPERATOR) -> list[Joined]:
    return store.do(lambda tx: add_members(tx, found, new, hand))


def new(email: str, name: str = "", role: Role = Role.MEMBER, rhythm: str = "") -> NewMember:
    return NewMember(read_address(email), name, role, rhythm)


def recorded(store: Store) -> list[tuple[str, str]]:
    with store.read() as tx:
        return [(row.act, row.detail) for row in tx.execute(select(acts).order_by(acts.c.id))]


def at(name: str) -> Address:
    return Address(name, "lists.example.org")


def found(store: Store, name: str) -> MailList | None:
    with store.read() as tx:
        return find_list(tx, at(name))


# -- lists ------------------------------------------------------------------------------------------


def test_a_list_is_found_by_its_address_however_it_is_written(store: Store) -> None:
    made = make(store)
    assert made.list_id == "book.lists.example.org"
    assert found(store, "book") == found(store, "BOOK") == made
    assert found(store, "other") is None
    with store.read() as tx:
        assert list_by_id(tx, made.id) == made
    assert recorded(store) == [("list created", "")]


def test_an_address_leads_to_one_list(store: Store) -> None:
    make(store)
    with pytest.raises(BadData, match=r"book@lists.example.org leads to a list already"):
        make(store)
    with pytest.raises(BadData, match="same List-Id"):
        store.do(
            lambda tx: create_list(
                tx, replace(new_list(), address=Address("book.lists", "example.org")), OPERATOR
            )
        )
    with store.read() as tx:
        assert len(all_lists(tx)) == 1


def test_aliases_lead_to_the_list_and_can_be_taken_away(store: Store) -> None:
    made = store.do(lambda tx: create_list(tx, replace(new_list(), aliases=(at("buch"),)), OPERATOR))
    assert found(store, "buch") == made
    make(store, "other")
    with pytest.raises(BadData, match="other@"):
        store.do(lambda tx: set_list(tx, made, replace(made, aliases=(at("other"),)), LATER))
    assert found(store, "buch") == made
    bare = store.do(lambda tx: set_list(tx, made, replace(made, aliases=()), LATER))
    assert bare.aliases == ()
    assert found(store, "buch") is None


def test_a_renamed_list_keeps_its_list_id_and_its_old_address(store: Store) -> None:
    made = make(store)
    named = store.do(lambda tx: rename(tx, made, at("books"), LATER))
    assert named.list_id == made.list_id
    assert found(store, "book") == found(store, "books") == named
    again = store.do(lambda tx: set_list(tx, named, replace(named, title="B", aliases=(at("buch"),)), LATER))
    assert found(store, "book") == found(store, "buch") == again
    back = store.do(lambda tx: rename(tx, again, at("book"), LATER))
    assert found(store, "books") == found(store, "book") == back
    assert back.address == at("book")
    with pytest.raises(BadData):
        make(store, "books")
    assert ("list renamed", "book@lists.example.org to books@lists.example.org") in recorded(store)


def test_a_retired_list_is_found_no_more_and_its_addresses_are_never_used_again(store: Store) -> None:
    made = make(store)
    store.do(lambda tx: retire_list(tx, made, LATER))
    assert found(store, "book") is None
    with store.read() as tx:
        assert all_lists(tx) == []
        assert list_by_id(tx, made.id) is None
    with pytest.raises(BadData, match="never used again"):
        make(store)


def test_a_changed_setting_is_recorded_without_anybodys_words(store: Store) -> None:
    made = make(store)
    settings = replace(made.settings, archive="public", footer="Secret words", from_="relay")
    new = replace(made, title="New", settings=settings)
    assert store.do(lambda tx: set_list(tx, made, new, LATER)) == new == found(store, "book")
    assert recorded(store)[1:] == [
        ("setting changed", "archive=public"),
        ("setting changed", "from=relay"),
        ("setting changed", "footer"),
        ("setting changed", "title"),
    ]


def test_lists_are_counted(store: Store) -> None:
    book, _ = make(store), make(store, "empty")
    add(store, book, new(ANA, role=Role.HOST), new(BEN), new("c@example.org"))
    with store.read() as tx:
        gone = find_member(tx, book.id, read_address("c@example.org"))
        assert gone is not None
    store.do(lambda tx: remove_member(tx, gone, LATER))
    with store.read() as tx:
        assert tallies(tx) == {book.id: Tally(members=2, hosts=1)}


# -- members ----------------------------------------------------------------------------------------


def members(store: Store, found: MailList, *states: MemberState) -> list[Member]:
    with store.read() as tx:
        return list_members(tx, found.id, states or MemberState)


def test_whom_the_operator_adds_is_active_and_past_probation(store: Store) -> None:
    book = make(store)
    (joined,) = add(store, book, new(ANA, "Ana", Role.HOST, "daily"))
    one = joined.member
    assert joined.outcome == "added"
    assert (one.state, one.probation_left, one.rhythm, one.role) == (
        MemberState.ACTIVE,
        0,
        "daily",
        Role.HOST,
    )
    assert one.joined == NOON
    with store.read() as tx:
        assert find_member(tx, book.id, read_address("ANA@example.org")) == one
        assert find_member(tx, book.id + 1, read_address(ANA)) is None


def test_a_new_member_starts_with_the_lists_rhythm(store: Store) -> None:
    made = make(store)
    weekly = replace(made, settings=replace(made.settings, rhythm="weekly"))
    book = store.do(lambda tx: set_list(tx, made, weekly, OPERATOR))
    assert add(store, book, new(ANA))[0].member.rhythm == "weekly"


def test_adding_somebody_twice_changes_nothing(store: Store) -> None:
    book = make(store)
    first = add(store, book, new(BEN, "Ben"), new("ben@example.org", "Other"), new(ANA))
    assert [one.outcome for one in first] == ["added", "already", "added"]
    before = recorded(store)
    (again,) = add(store, book, new("BEN@example.org", "Somebody", Role.HOST))
    assert again.outcome == "already"
    assert again.member == first[0].member
    assert again.member.name == "Ben"
    assert str(again.member.address) == "Ben@example.org"
    assert recorded(store) == before


def test_a_person_is_shared_by_lists_through_their_address(store: Store) -> None:
    book, garden = make(store), make(store, "garden")
    one, other = add(store, book, new(ANA))[0].member, add(store, garden, new(ANA))[0].member
    assert one.person_id == other.person_id
    assert one.id != other.id
    with store.read() as tx:
        for table in (people, addresses):
            assert tx.scalar(select(func.count()).select_from(table)) == 1


def test_who_has_two_addresses_is_one_member(store: Store) -> None:
    book = make(store)
    one = add(store, book, new(ANA))[0].member

    def second(tx: Connection) -> None:
        values = {"key": "a@work.example", "written": "a@work.example", "person_id": one.person_id}
        tx.execute(addresses.insert().values(values))

    store.do(second)
    (again,) = add(store, book, new("a@work.example"))
    assert again == Joined(one, "already")


def test_who_left_comes_back_to_the_same_subscription(store: Store) -> None:
    book = make(store)
    one = add(store, book, new(ANA, "Ana"))[0].member
    store.do(lambda tx: remove_member(tx, one, LATER))
    assert members(store, book)[0].state is MemberState.LEFT
    assert members(store, book, MemberState.ACTIVE) == []
    (back,) = add(store, book, new(ANA, "Ana S"), hand=LATER)
    assert back.outcome == "again"
    assert (back.member.id, back.member.state, back.member.name) == (one.id, MemberState.ACTIVE, "Ana S")


def test_a_member_is_changed_and_the_name_is_not_recorded(store: Store) -> None:
    book = make(store)
    one = add(store, book, new(ANA))[0].member
    wanted = replace(
        one, name="Ana S", rhythm="weekly", role=Role.HOST, copies=False, state=MemberState.PAUSED
    )
    changed = store.do(lambda tx: set_member(tx, one, wanted, LATER))
    assert changed == wanted == members(store, book)[0]
    (detail,) = (detail for act, detail in recorded(store) if act == "member changed")
    assert detail == f"subscription {one.id}: name, role=host, rhythm=weekly, state=paused, copies=False"
    store.do(lambda tx: set_member(tx, changed, changed, LATER))
    assert len(recorded(store)) == 3


def test_hosts_come_first_then_addresses_in_order(store: Store) -> None:
    book = make(store)
    add(store, book, new("b@example.org"), new("a@example.org"), new("z@example.org", role=Role.HOST))
    assert [one.address.local for one in members(store, book)] == ["z", "a", "b"]


def test_thousands_are_added_in_one_go_and_told_in_their_order(store: Store) -> None:
    book = make(store)
    add(store, book, new("m7@example.org"))
    many = [new(f"m{number}@example.org", f"M {number}") for number in range(1200)]
    joined = add(store, book, *many)
    assert [one.member.name for one in joined if one.outcome == "added"] == [
        one.name for one in many if one.name != "M 7"
    ]
    assert len(members(store, book)) == 1200
