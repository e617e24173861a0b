"""What of a list's news stands in one member's Brief, and in which order. Pure: the same in, the same out.

Gone are muted threads and what the reader had singly or wrote. Threads that the reader follows come first;
then the liveliest: a point for each new post and each person who takes part, three for a question that
nobody has answered; of equals the older. Within a thread the oldest words come first.

A Brief takes ten minutes at most. A long post ends early, at a sentence; each thread in turn gets three
minutes, then those that need more share what is left, the first first; threads for which nothing is left
are listed by title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from listserv.core.brief import Brief, Item, NewPost, News, Reader, ThreadNews
from listserv.core.patterns import regex

A_MINUTE = 200  # words
_MOST = 10 * A_MINUTE
_OF_A_THREAD = 3 * A_MINUTE  # while others wait
_OF_A_POST, _CUT_TO = 220, 150  # a longer post is cut to about so much: never for a few words' sake
_NAMED = 5  # words that a name is worth
_LEAST = 60  # words of a thread that are worth beginning with
_CLASSIC = ("mime", "plain", "summary", "index")
_OPEN_QUESTION = 3  # points of life

_LETTERS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"  # written without spaces
_WORD = regex(rf"[{_LETTERS}]|[^\s{_LETTERS}]{{1,40}}")  # what is longer counts as several
_LETTER = regex(f"[{_LETTERS}]")
_IN_A_WORD = 2  # letters of scripts without spaces
_SENTENCE_END = regex(r"[.!?…](?:[)\]\"'’”»]{0,2})(?=\s)|[。！？]|(?<!:)\n[ \t]*\n")


def choose(news: News, reader: Reader, at: datetime) -> Brief | None:
    """What this member reads at that moment; None where nothing is left for them.

    ``form``: a Brief is cut and ordered as above. ``mime``, ``plain`` and ``summary`` have all threads in the
    order in which they went on, no post cut (of ``summary`` the first new one of each); ``index`` has titles.
    """
    kept = [left for thread in news.threads if (left := _without_skipped(thread, reader))]
    if not kept:
        return None
    if reader.form in _CLASSIC:
        return _classic(news, reader, at, kept)
    ordered = sorted(
        kept, key=lambda thread: (thread.id not in reader.followed, -life(thread), _since(thread))
    )
    rooms = _rooms([sum(map(_told_size, thread.posts)) for thread in ordered])
    told = [thread for thread, room in zip(ordered, rooms, strict=True) if room]
    items = [_told(number, thread, rooms[number - 1]) for number, thread in enumerate(told, 1)]
    titles = [Item(number, one, (), len(one.posts)) for number, one in enumerate(ordered, 1)][len(told) :]
    read = sum(words_in(post.words) for item in items for post in item.posts)
    return Brief(news.list, reader, at, tuple(items), tuple(titles), minutes(read))


def _without_skipped(thread: ThreadNews, reader: Reader) -> ThreadNews | None:
    if thread.id in reader.muted:
        return None
    left = tuple(post for post in thread.posts if post.id not in reader.skip)
    return replace(thread, posts=left) if left else None


def _since(thread: ThreadNews) -> int:
    return thread.posts[0].turn


def life(thread: ThreadNews) -> int:
    """How much goes on in a thread."""
    people = {post.subscription_id or post.author_key for post in thread.posts}
    is_open = bool(thread.question) and not thread.answered and not thread.closed
    return len(thread.posts) + len(people) + _OPEN_QUESTION * is_open


def _classic(news: News, reader: Reader, at: datetime, kept: Sequence[ThreadNews]) -> Brief:
    ordered = list(enumerate(sorted(kept, key=_since), 1))
    if reader.form == "index":
        titles = tuple(Item(number, thread, (), len(thread.posts)) for number, thread in ordered)
        return Brief(news.list, reader, at, (), titles)
    most = 1 if reader.form == "summary" else None
    told = tuple(
        Item(number, thread, thread.posts[:most], len(thread.posts[most or len(thread.posts) :]))
        for number, thread in ordered
    )
    read = sum(words_in(post.words) for item in told for post in item.posts)
    return Brief(news.list, reader, at, told, (), minutes(read))


# -- ten minutes --------------------------------------------------------------------------------------------


def _rooms(wanted: Sequence[int]) -> list[int]:
    """How many words each thread may have; 0 from where on only titles fit."""
    rooms: list[int] = []
    left = _MOST
    for size in wanted:
        room = min(size, _OF_A_THREAD, left)
        if room < min(size, _LEAST) or (rooms and not rooms[-1]):
            room = 0
        rooms.append(room)
        left -= room
    for at, size in enumerate(wanted):
        more = min(max(size - rooms[at], 0), left) if rooms[at] else 0
        rooms[at] += more
        left -= more
    return rooms


def _told(number: int, thread: ThreadNews, room: int) -> Item:
    """As many posts as there is room for, at least the beginning of the first."""
    told: list[NewPost] = []
    for post in thread.posts:
        size = _told_size(post)
        if size <= room:
            told.append(_shortened(post, _CUT_TO) if words_in(post.words) > _OF_A_POST else post)
        elif not told or room >= _LEAST:
            told.append(_shortened(post, max(room - _NAMED, 1)))
        else:
            break
        room -= size
        if room <= 0:
            break
    return Item(number, thread, tuple(told), len(thread.posts) - len(told))


def _told_size(post: NewPost) -> int:
    """So many words of it are told where there is room, and who wrote them."""
    size = words_in(post.words)
    return _NAMED + (_CUT_TO if size > _OF_A_POST else size)


def _shortened(post: NewPost, most: int) -> NewPost:
    return replace(post, words=beginning(post.words, most))


@lru_cache(maxsize=4096)  # each reader's choice asks for the same posts
def words_in(text: str) -> int:
    """How many words it takes to read; two letters of a script without spaces are one."""
    found = _WORD.findall(text)
    letters = sum(1 for word in found if _LETTER.match(word))
    return len(found) - letters + -(-letters // _IN_A_WORD)


@lru_cache(maxsize=4096)
def beginning(text: str, most: int) -> str:
    """About so many words, to the end of a sentence or paragraph, and "…"; where it has none, of a word."""
    end = _end_of(text, most)
    if end >= len(text.rstrip()):
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text, end // 2, min(end + 1, len(text)))]
    return f"{text[: ends[-1] if ends else end].rstrip()} …"


def _end_of(text: str, most: int) -> int:
    """Where so many words end."""
    count = 0.0
    for found in _WORD.finditer(text):
        count += 1 / _IN_A_WORD if _LETTER.match(found[0]) else 1
        if count > most:
            return found.start()
    return len(text)


def minutes(words: int) -> int:
    """How long that takes to read; at least one."""
    return max(1, (words + A_MINUTE // 2) // A_MINUTE)


def minutes_left(item: Item) -> int:
    """How long it takes to read what is not told of a thread; 0 where all of it is."""
    told = sum(words_in(post.words) for post in item.posts)
    left = sum(words_in(post.words) for post in item.thread.posts) - told
    is_cut = any(
        post.words != whole.words for post, whole in zip(item.posts, item.thread.posts, strict=False)
    )
    return minutes(left) if item.more or is_cut else 0
