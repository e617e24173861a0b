"""Threads: hostile chains end, any order of arrival gives the same tree, identities never change."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from listserv.core.threads import MOST_REFERENCES, Known, branch, place, tree

NAMES = st.lists(st.sampled_from([f"m{n}" for n in range(12)]), max_size=12)


def test_a_mail_without_references_begins_a_thread() -> None:
    placement = place(Known("m1", (), {}))
    assert (placement.thread, placement.parent, placement.ghosts, placement.merge) == (None, "", (), ())


def test_the_nearest_known_reference_names_the_thread() -> None:
    placement = place(Known("m3", ("m1", "m2", "gone"), {"m1": 5, "m2": 5}))
    assert (placement.thread, placement.parent, placement.ghosts) == (5, "gone", ("gone",))


def test_a_late_parent_joins_the_thread_that_waited_for_it() -> None:
    assert place(Known("m1", (), {"m1": 9})).thread == 9


def test_a_late_parent_that_has_a_thread_of_its_own_joins_both_under_the_older() -> None:
    placement = place(Known("m2", ("m1",), {"m2": 9, "m1": 4}))
    assert (placement.thread, placement.merge) == (4, (9,))


def test_a_mail_that_refers_to_itself_has_no_parent() -> None:
    assert place(Known("m1", ("m1",), {})).parent == ""


def test_fifty_thousand_references_are_cut_to_the_last_fifty() -> None:
    placement = place(Known("own", tuple(f"m{n}" for n in range(50_000)), {}))
    assert len(placement.ghosts) == MOST_REFERENCES
    assert placement.parent == "m49999"


def test_a_chain_fifty_thousand_deep_has_no_recursion() -> None:
    nodes = tree((f"m{n}", f"m{n - 1}" if n else "") for n in range(50_000))
    assert [node.depth for node in nodes[:3]] == [0, 1, 2]
    assert nodes[-1].depth == 49_999


def test_any_order_of_arrival_gives_the_same_tree() -> None:
    parents = {"a": "", "b": "a", "c": "b", "d": "ghost", "e": "a"}
    shapes = set()
    for order in permutations(parents):
        at = {hash_: n for n, hash_ in enumerate("abcde")}
        pairs = sorted(((hash_, parents[hash_]) for hash_ in order), key=lambda pair: at[pair[0]])
        shapes.add(tree(pairs))
    assert len(shapes) == 1


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefghX")), max_size=20))
def test_every_post_stands_in_the_tree_exactly_once_whatever_the_cycles(pairs: list[tuple[str, str]]) -> None:
    nodes = tree(pairs)
    assert sorted(node.hash for node in nodes) == sorted(dict(pairs))


@given(NAMES, st.dictionaries(st.sampled_from([f"m{n}" for n in range(12)]), st.integers(1, 4)))
def test_a_post_joins_a_known_thread_or_none_and_never_merges_more_than_one(
    references: list[str], threads: dict[str, int]
) -> None:
    placement = place(Known("own", tuple(references), threads))
    assert placement.thread is None or placement.thread in threads.values()
    assert len(placement.merge) <= 1
    assert placement.thread not in placement.merge


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 15)), max_size=12), st.sets(st.integers(0, 12)))
def test_a_branch_is_its_roots_and_whatever_answers_them_however_they_are_tied(
    ties: list[tuple[int, int]], roots: set[int]
) -> None:
    posts = [(n, f"m{n}", f"m{parent}") for n, parent in dict(ties).items()]
    found = branch(posts, roots)
    there = {n for n, _, _ in posts}
    assert roots & there <= found <= there
    for number, _, parent in posts:
        assert number in found or int(parent[1:]) not in found


def test_a_branch_fifty_thousand_deep_has_no_recursion() -> None:
    assert len(branch(((n, f"m{n}", f"m{n - 1}") for n in range(50_000)), [1])) == 49_999
