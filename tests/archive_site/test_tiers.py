"""Which posts lie in which tier, what a post becomes there, and whether an index is whole."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archive_site import urls
from archive_site.pagefind import PagefindFailed, make_index
from archive_site.records import content, record
from archive_site.soundness import faults, read_cbor
from archive_site.tiers import MOST, Tier, planned, stale
from listserv.store.reading import Findable, Listed


def posts(count: int, *, first: int = 1, weight: int = 500) -> list[Listed]:
    return [Listed(number, f"mark {number}", weight) for number in range(first, first + count)]


def sizes(tiers: Sequence[Tier]) -> list[int]:
    return [len(tier.posts) for tier in tiers]


def test_tiers_hold_all_posts_once_the_oldest_first_and_none_has_more_than_the_most() -> None:
    for count in (0, 1, 4999, 5000, 5001, 9001, 50_000):
        plan = planned((), posts(count), "")
        assert [post for tier in plan for post in tier.posts] == list(range(1, count + 1))
        assert max(sizes(plan), default=0) <= MOST
        assert [tier.frozen for tier in plan] == [True] * (len(plan) - 1) + [False] * bool(plan)
        assert [tier.engine for tier in plan] == [tier is plan[-1] for tier in plan]


def test_a_new_post_changes_the_current_tier_alone_and_a_full_one_leaves_some_to_the_next() -> None:
    built = planned((), posts(12_345), "")
    after = planned(built, posts(12_346), "")
    assert [tier.name for tier in after[:-1]] == [tier.name for tier in built[:-1]]
    assert after[-1].name != built[-1].name
    for count in range(12_346, 20_000, 997):
        older, built = built, planned(built, posts(count), "")
        assert [tier.name for tier in built[: len(older) - 1]] == [tier.name for tier in older[:-1]]
        assert 1000 < len(built[-1].posts) <= MOST


def test_what_is_taken_out_changes_its_own_tier_alone_and_is_seen_to_be_there_still() -> None:
    known = posts(12_345)
    built = planned((), known, "")
    gone = [one for one in known if one.id != 700]
    assert [stale(tier, gone) for tier in built] == [True, False, False]
    after = planned(built, gone, "")
    assert [tier.name for tier in after[1:]] == [tier.name for tier in built[1:]]
    assert 700 not in after[0].posts
    assert sizes(after) == [3999, *sizes(built)[1:]]
    changed = [Listed(one.id, "another", 500) if one.id == 12_000 else one for one in known]
    assert [stale(tier, changed) for tier in built] == [False, False, True]
    assert not any(stale(tier, posts(13_000)) for tier in built)


def test_a_frozen_tier_that_lost_all_its_posts_is_no_more_and_the_last_one_brings_the_engine() -> None:
    built = planned((), posts(6000), "")
    assert sizes(planned(built, posts(2000, first=4001), "")) == [2000]
    (alone,) = planned(built, posts(4000), "")
    assert alone.frozen and alone.engine
    assert alone.name != built[0].name


def test_long_posts_make_smaller_tiers_so_that_no_build_needs_more_memory() -> None:
    plan = planned((), posts(3000, weight=10**7), "")
    assert sum(sizes(plan)) == 3000
    assert max(sizes(plan)) <= 100
    assert len(plan[-1].posts) > 10


def test_any_history_ends_with_each_post_in_one_tier_as_it_is_now() -> None:
    dice = random.Random(8)
    known: dict[int, str] = {}
    built: tuple[Tier, ...] = ()
    for step in range(20):
        for _ in range(dice.randrange(900)):
            known[len(known) + step + 1] = "as written"
        for post in dice.sample(sorted(known), min(len(known), dice.randrange(3))):
            known[post] = f"edited {step}"
        for post in dice.sample(sorted(known), min(len(known), dice.randrange(2))):
            del known[post]
        built = planned(built, [Listed(post, mark, 900) for post, mark in sorted(known.items())], "")
        held = [item for tier in built for item in tier.posts.items()]
        assert held == sorted(known.items())
        assert max(sizes(built), default=0) <= MOST


# -- a record ---------------------------------------------------------------------------------------


def a_post(text: str, subject: str = "A talk", **told: object) -> Findable:
    at = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    ordinary = {"author": "ana@garden.example", "author_name": "Ana Silva", "hidden": False, "files": False}
    return Findable(id=1, hash="h" * 32, subject=subject, at=at, text=text, **(ordinary | told))  # type: ignore[arg-type]


def test_a_record_holds_what_its_author_wrote_and_no_quote_signature_address_or_noise() -> None:
    text = (
        "My own words, to ben@hill.example.\n\n> quoted words\n\nOn Tuesday Ben wrote:\n> more\n\n"
        f"{'A1b2' * 40}\nhttps://www.garden.example/a/long/path?with=things\n\n"
        "-- \nsigned words\nana@garden.example"
    )
    made = record(a_post(text, "Re: A talk of ana@garden.example", files=True), "en")
    assert made["content"].startswith("A talk of ana@… · Ana Silva · My own words, to …")
    for gone in ("quoted", "more", "signed", "A1b2", "path", "@garden.example", "hill"):
        assert gone not in made["content"], gone
    assert "garden.example" in made["content"]  # the host of a link
    assert made["meta"] == {"title": "A talk of ana@…", "author": "Ana Silva", "date": "2026-11-20"}
    assert made["filters"] == {"author": ["Ana Silva"], "year": ["2026"], "attachment": ["yes"]}
    assert made["sort"] == {"date": "20261120233000"}


def test_where_a_list_hides_addresses_a_nameless_author_is_nobody() -> None:
    made = record(a_post("words", author_name="", hidden=True), "en")
    assert "ana" not in repr(made)
    assert "author" not in made["meta"] and "author" not in made["filters"]


def test_a_script_without_spaces_becomes_pairs_of_letters() -> None:
    assert content("日本語", "Emi", "abc 中文。Tür").split(" · ") == [
        "日本 本語 語",
        "Emi",
        "abc 中文 文 。Tür",
    ]


# -- an index ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def index() -> dict[str, bytes]:
    told = [record(a_post(f"words {number}"), "en") | {"url": f"/{number}"} for number in range(30)]
    return dict(make_index(told, "en", seconds=60))


def laid(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_an_index_is_whole_and_each_file_that_is_lost_empty_or_cut_is_found(
    index: dict[str, bytes], tmp_path: Path
) -> None:
    assert faults(laid(tmp_path / "whole", index), 30, engine=True) == []
    assert faults(tmp_path / "whole", 31, engine=True) == ["30 posts instead of 31"]
    needed = [*index]
    assert len(needed) > 30
    for number, name in enumerate(needed[:10] + needed[-4:]):
        folder = laid(tmp_path / f"{number}", index)
        (folder / name).unlink()
        assert faults(folder, 30, engine=True), f"{name} missing"
    for number, name in enumerate(index):
        folder = tmp_path / "whole"
        for harm in (b"", index[name][: len(index[name]) // 2], gzip.compress(b"something else")):
            if name != "pagefind.js" or not harm:
                (folder / name).write_bytes(harm)
                assert faults(folder, 30, engine=True), f"{name} is {harm[:20]!r}"
        (folder / name).write_bytes(index[name])
        if number > 8:
            break
    assert faults(tmp_path / "nothing", 30, engine=True)


@pytest.mark.parametrize("language", ["en", "de", "zh", "fil"])
def test_a_list_of_any_language_gets_an_index_that_a_page_can_read(language: str, tmp_path: Path) -> None:
    told = [record(a_post("words"), language) | {"url": "/1"}]
    files = make_index(told, language, seconds=60)
    assert faults(laid(tmp_path, dict(files)), 1, engine=True) == []
    for name in files:
        assert urls.read_path(f"/book/search/{'0' * 16}/{name}").kind == "tier-file", name


def test_a_table_that_is_cut_or_made_up_is_told_and_never_believed() -> None:
    assert read_cbor(b"\x83\x01\x19\x03\xe8\x63abc") == [1, 1000, "abc"]
    for broken in (b"", b"\x83\x01", b"\x19\x03", b"\x63ab", b"\x01\x01", b"\x9f", b"\xff", b"\x81" * 60):
        with pytest.raises(ValueError, match=r"."):
            read_cbor(broken)


def test_a_program_that_dies_hangs_or_refuses_is_one_kind_of_trouble(tmp_path: Path) -> None:
    told = [record(a_post("words"), "en") | {"url": "/1"}]
    for body in ("exit 0", "exec sleep 600", "echo nonsense,; exit 3", "kill -9 $$"):
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        with pytest.raises(PagefindFailed):
            make_index(told * 2000, "en", seconds=1, program=program)
    with pytest.raises(PagefindFailed):
        make_index([{"url": 1}], "en", seconds=60)
    with pytest.raises(ZeroDivisionError):
        make_index(({"url": 1 / zero} for zero in [0]), "en", seconds=60)
