"""A flood of strangers' mails costs hosts a line of a card, and nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from listserv.core.cards import JOINING, SPAM, Seen, Waiting, folded
from tests.kit.people import NOW

MAIL = Waiting(0, "stranger", "cy@cy.example", "Hello", NOW, Seen())


def many(count: int, first: int = 1, **fields: Any) -> list[Waiting]:
    return [replace(MAIL, hold=first + number, **fields) for number in range(count)]


def shown(items: list[Waiting]) -> list[tuple[int, int]]:
    return [(item.hold, item.behind) for item in folded(items)]


def test_the_oldest_five_of_an_address_are_shown_and_the_last_says_how_many_more_wait() -> None:
    assert shown(many(5)) == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]
    assert shown(many(12)) == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 7)]


def test_what_is_decided_makes_room_for_the_next() -> None:
    assert shown(many(12)[5:]) == [(6, 0), (7, 0), (8, 0), (9, 0), (10, 2)]


def test_a_thousand_addresses_of_one_domain_are_ten_lines() -> None:
    flood = [replace(MAIL, hold=number, sender=f"a{number}@Spam.example") for number in range(1000)]
    assert [behind for _, behind in shown(flood)] == [0] * 9 + [990]


def test_a_flood_hides_nobody_elses_mail() -> None:
    flood = [*many(300), replace(MAIL, hold=301, sender="emi@lake.example")]
    assert [item.sender for item in folded(flood)] == ["cy@cy.example"] * 5 + ["emi@lake.example"]


def test_members_mails_and_wishes_to_join_are_all_shown() -> None:
    assert len(folded(many(30, joined=NOW, why="probation"))) == 30
    assert len(folded(many(30, why=JOINING))) == 30


def test_a_flood_in_a_members_name_is_a_few_lines_too() -> None:
    for why in ("forged", SPAM, "no clear author"):
        assert len(folded(many(30, joined=NOW, why=why))) == 5


def test_mails_that_name_nobody_are_a_few_lines() -> None:
    assert shown(many(8, sender="")) == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 3)]
