"""What stands in one member's Brief, in which order, and that it fits ten minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from listserv.core.brief import Brief, News, Reader
from listserv.core.choosing import A_MINUTE, beginning, choose, life, minutes, minutes_left, words_in
from tests.kit.briefs import FOOD_BANKS, READER, TUESDAY, food_banks, news, post, thread

SENTENCE = "A sentence of six words each. "


def words(many: int) -> str:
    return (SENTENCE * (many // 6 + 1)).strip()


def chosen(of: News, reader: Reader = READER) -> Brief:
    found = choose(of, reader, TUESDAY)
    assert found is not None
    return found


def titles(brief: Brief) -> list[str]:
    return [item.thread.title for item in brief.items]


def told(brief: Brief) -> list[int]:
    return [post.id for item in brief.told for post in item.posts]


# ---- what is in it


def test_muted_threads_and_posts_that_the_reader_had_are_not_in_it() -> None:
    of = news(thread(1, "a", post(1, "Ana", "x"), post(2, "Ben", "y")), thread(2, "b", post(3, "Ana", "z")))
    assert told(chosen(of, replace(READER, muted=frozenset([1])))) == [3]
    assert told(chosen(of, replace(READER, skip=frozenset([1, 3])))) == [2]


def test_nothing_left_is_no_brief() -> None:
    of = news(thread(1, "a", post(1, "Ana", "x")))
    assert choose(of, replace(READER, muted=frozenset([1])), TUESDAY) is None
    assert choose(of, replace(READER, skip=frozenset([1])), TUESDAY) is None
    assert choose(news(), READER, TUESDAY) is None


def test_threads_that_are_followed_come_first_then_the_liveliest_then_the_older() -> None:
    quiet = thread(1, "quiet", post(1, "Ana", "x"))
    other = thread(2, "as quiet", post(2, "Ben", "x"))
    lively = thread(3, "lively", post(3, "Ana", "x"), post(4, "Ben", "y"))
    alone = thread(4, "one speaks", post(5, "Ana", "x"), post(6, "Ana", "y"))
    asks = thread(5, "asks", post(7, "Ana", "Who?"), question="Who?", asked=TUESDAY)
    followed = thread(6, "followed", post(8, "Ana", "x"))
    of = news(other, alone, quiet, lively, asks, followed)
    found = chosen(of, replace(READER, followed=frozenset([6])))
    assert titles(found) == ["followed", "asks", "lively", "one speaks", "quiet", "as quiet"]
    assert [item.number for item in found.items] == [1, 2, 3, 4, 5, 6]
    assert life(asks) > life(replace(asks, answered=True)) == life(replace(asks, closed=True))


def test_one_who_writes_from_two_addresses_is_one_person() -> None:
    posts = (post(1, "Ana", "x", subscription_id=7), post(2, "Ana", "y", author_key="b@b", subscription_id=7))
    assert life(thread(1, "a", *posts)) == 3


def test_the_same_news_give_the_same_brief() -> None:
    assert chosen(food_banks(), FOOD_BANKS) == chosen(food_banks(), FOOD_BANKS)


# ---- ten minutes


@pytest.mark.parametrize(
    ("threads", "posts", "size"), [(1, 300, 100), (300, 1, 100), (40, 5, 400), (3, 2, 9000)]
)
def test_a_busy_day_is_cut_to_ten_minutes_and_all_of_it_has_a_number(
    threads: int, posts: int, size: int
) -> None:
    turns = iter(range(1, 10_000))
    of = news(
        *(
            thread(number, f"Thread {number}", *(post(next(turns), "Ana", words(size)) for _ in range(posts)))
            for number in range(1, threads + 1)
        )
    )
    found = chosen(of)
    assert 1 <= found.minutes <= 10
    assert sum(words_in(post.words) for item in found.told for post in item.posts) <= 10 * A_MINUTE + threads
    assert [item.number for item in found.items] == list(range(1, threads + 1))
    assert all(item.more + len(item.posts) == posts for item in found.items)
    assert found.told


def test_one_long_thread_leaves_room_for_others_and_takes_what_they_leave() -> None:
    long = thread(1, "long", *(post(turn, "Ana", words(150)) for turn in range(1, 40)))
    many = [thread(number, f"{number}", post(100 + number, "Ben", words(150))) for number in range(2, 9)]
    crowded, alone = chosen(news(long, *many)), chosen(news(long))
    assert len(crowded.told) == 8 and not crowded.titles
    assert len(crowded.told[0].posts) < len(alone.told[0].posts) == 13


def test_within_a_thread_the_oldest_words_are_told_and_a_private_answer_reaches_who_is_shown_last() -> None:
    item = chosen(news(thread(1, "long", *(post(turn, "Ana", words(150)) for turn in range(1, 40))))).told[0]
    assert [post.id for post in item.posts] == list(range(1, 14)) and item.more == 26
    assert item.last.id == 13
    index = chosen(
        news(thread(1, "a", post(1, "Ana", "x"), post(2, "Ben", "y"))), replace(READER, form="index")
    )
    assert index.titles[0].last.id == 2


def test_a_long_post_ends_at_a_sentence_and_says_how_much_is_left() -> None:
    long = f"{words(100)}\n\nIs it? {words(700)}"
    (item,) = chosen(news(thread(1, "a", post(1, "Ana", long)))).told
    (shown,) = item.posts
    assert 100 < words_in(shown.words) < 200 and shown.words.endswith("each. …")
    assert item.thread.posts[0].words == long
    assert minutes_left(item) == minutes(words_in(long) - words_in(shown.words)) == 3
    assert minutes_left(chosen(news(thread(1, "a", post(1, "Ana", words(210))))).told[0]) == 0


def test_what_has_no_sentences_ends_at_a_word() -> None:
    assert beginning("one two three four", 2) == "one two …"
    assert beginning("one two", 2) == "one two"
    assert beginning("日本語の文章です。" * 50, 20).startswith("日本語の文章です。")
    assert len(beginning("日" * 500, 20)) == 42


def test_two_letters_of_a_script_without_spaces_are_a_word() -> None:
    assert words_in("日本語") == 2 and words_in("two words") == 2 and words_in("") == 0


# ---- the classic forms


def test_classic_forms_have_each_post_whole_in_the_order_of_the_threads() -> None:
    first = thread(1, "first", post(1, "Ana", words(500)), post(4, "Ben", words(3000)))
    second = thread(2, "second", post(2, "Ana", "x"), post(3, "Ben", "y"), post(5, "Cy", "z"))
    of = news(second, first)
    for form in ("mime", "plain"):
        found = chosen(of, replace(READER, form=form))
        assert titles(found) == ["first", "second"] and told(found) == [1, 4, 2, 3, 5]
        assert all(minutes_left(item) == 0 for item in found.told)
    summary = chosen(of, replace(READER, form="summary"))
    assert told(summary) == [1, 2] and [item.more for item in summary.told] == [1, 2]
    index = chosen(of, replace(READER, form="index"))
    assert titles(index) == ["first", "second"] and index.told == ()


def test_a_brief_is_chosen_from_the_time_it_is_told() -> None:
    later = choose(food_banks(), FOOD_BANKS, TUESDAY + timedelta(days=3))
    assert later is not None and later.at == TUESDAY + timedelta(days=3)
