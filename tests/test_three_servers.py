"""Three servers of ours that subscribe each other's lists, and robots that misbehave (standards.md S10).

What is promised: after a person's post all comes to rest within 50 mails, not counting copies of posts that
go to members. No list gives anybody a post twice, and no post is lost.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from listserv.core.address import read_address
from listserv.store import lists
from tests.kit.post_office import (
    Carried,
    PostOffice,
    body_of,
    bouncer,
    challenge,
    field_of,
    liker,
    open_office,
    other_make,
    strips,
    tickets,
    vacation,
)

DOMAINS = ("one.example", "two.example", "three.example")
LISTS = tuple(f"garden@{domain}" for domain in DOMAINS)
PEOPLE = ("ana@ana.example", "ben@ben.example", "emi@emi.example")
PLANTS = "plants@plants.example"
ROBOTS = {
    "away@away.example": vacation,
    "help@tickets.example": tickets,
    "guarded@there.example": challenge,
    "full@full.example": bouncer,
    "likes@likes.example": liker,
}
BEYOND = 50  # standards.md S10


@dataclass(frozen=True, slots=True)
class Case:
    """``crossing``: each list takes what names one of the others, so that posts go on from list to list."""

    crossing: bool
    seed: int


def settle_in(office: PostOffice, *, crossing: bool) -> None:
    """Each list has the other two as members, three people, and one of every robot."""
    for domain, own in zip(DOMAINS, LISTS, strict=True):
        world, others = office.worlds[domain], sorted(set(LISTS) - {own})
        here = world.circle("garden", "Garden", guard=False, join="confirm")
        if crossing:
            named = tuple(read_address(other) for other in others)
            new = lists.NewList(here.address, here.title, here.settings, named)
            world.store.do(lambda tx, h=here, n=new, w=world: lists.set_list(tx, h, n, w.hand))  # type: ignore[misc]
        world.host(here, f"host@home.{domain}")
        stripping = f"strip@{domain}.strip.example"
        for address in (*PEOPLE, *ROBOTS, PLANTS, stripping, *others):
            world.member(here, address)
        office.robots[stripping] = strips(stripping, own)
    office.robots |= {address: robot(address) for address, robot in ROBOTS.items()}
    office.robots[PLANTS] = other_make(PLANTS, LISTS)


def human(number: int, author: str, here: str, named: str) -> Carried:
    raw = (
        f"From: {author}\nTo: {named}\nSubject: Garlic {number}\nMessage-ID: <{number}.{author}>\n\n"
        f"Post {number}: when do you plant your garlic, and how deep? The almanac says October.\n"
    )
    return Carried(author, here, raw.encode(), "person")


def by_list(office: PostOffice) -> Counter[tuple[str, str, str]]:
    """Posts that people have: who, by which list, which."""
    return Counter(
        (one.to, field_of(one.raw, "list-id"), body_of(one.raw).partition(":")[0])
        for one in office.read
        if one.to in PEOPLE and b"Kind: post" in one.raw
    )


def beyond(office: PostOffice) -> int:
    """Mails that robots sent, and letters of ours."""
    return office.counts["robot"] + office.counts["letter"]


def of(number: int, here: str) -> set[tuple[str, str, str]]:
    """What a post to a list gives each person."""
    return {(one, f'"Garden" <{here.replace("@", ".")}>', f"Post {number}") for one in PEOPLE}


@pytest.mark.parametrize("crossing", [False, True])
def test_one_post_comes_to_rest_within_50_mails_and_each_person_has_it_once(
    tmp_path: Path, crossing: bool
) -> None:
    with open_office(tmp_path, DOMAINS) as office:
        settle_in(office, crossing=crossing)
        office.post(human(1, PEOPLE[0], LISTS[0], LISTS[0]))
        office.wait(hours=1)
        office.wait(days=1)
        assert beyond(office) <= BEYOND, dict(office.counts)
        reached = LISTS if crossing else LISTS[:1]
        assert by_list(office) == Counter(one for here in reached for one in of(1, here))


@pytest.mark.parametrize("case", [Case(False, 1), Case(True, 2)])
def test_ten_posts_here_and_there_come_to_rest_and_none_is_lost_or_doubled(
    tmp_path: Path, case: Case
) -> None:
    dice, wanted = random.Random(case.seed), set()
    with open_office(tmp_path, DOMAINS) as office:
        settle_in(office, crossing=case.crossing)
        for number in range(10):
            author, named = dice.choice(PEOPLE), dice.sample(LISTS, dice.choice([1, 1, 2]))
            for here in named:
                office.post(human(number, author, here, ", ".join(named)))
            for here in LISTS if case.crossing else named:
                wanted |= of(number, here)
            office.wait(minutes=dice.choice([1, 20, 300]))
        office.wait(days=1)
        assert set(by_list(office)) == wanted
        assert set(by_list(office).values()) == {1}
        assert beyond(office) <= 10 * BEYOND, dict(office.counts)
