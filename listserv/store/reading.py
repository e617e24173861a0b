"""The archive's questions: read only, answered from rows as they are now.

The one file by which archive_site knows lists, threads and posts; it only gathers names. The answers stand
in doors.py (who may see what), finding.py, authors.py, search.py and feeds.py (what one reader finds),
conversations.py, openings.py, standing.py and shared.py (what the builder renders, by standing and not by
person), months.py, tiering.py (what the search without a server takes in), and stale_log.py (what has
changed since).
Nothing here tells of holds, queues or who is on a list, so the archive can't show them.
"""

from __future__ import annotations

from listserv.store.arrivals import raw
from listserv.store.authors import Author, Written, author_of, written_by
from listserv.store.conversations import (
    Attached,
    PostRow,
    ThreadRow,
    count_threads,
    first_changed,
    first_subject,
    living_keys,
    thread,
    thread_counts,
    thread_posts,
    threads_after,
)
from listserv.store.doors import AUDIENCES, Door, Shelf, door, doors_of, feed_door, first_shelf, shelves
from listserv.store.feeds import feed_of, last_feed
from listserv.store.finding import Place, Titled, attachment, latest_posts, merged_key, month_posts, place
from listserv.store.months import bounds, month_of, next_month, thread_months
from listserv.store.openings import (
    Opening,
    latest_threads,
    lonely_threads,
    month_counts,
    month_openings,
    openings,
)
from listserv.store.read_only import ReadOnly, open_read_only
from listserv.store.search import Cut, Hit, Hits, Readable, find
from listserv.store.shared import Sharing, sharing
from listserv.store.stale_log import GAP_REACH, Mark, epoch, last_act, log_bounds, marks, position
from listserv.store.standing import Stand, stands
from listserv.store.tiering import Findable, Listed, findable, listed, touched_lists

__all__ = [
    "AUDIENCES",
    "GAP_REACH",
    "Attached",
    "Author",
    "Cut",
    "Door",
    "Findable",
    "Hit",
    "Hits",
    "Listed",
    "Mark",
    "Opening",
    "Place",
    "PostRow",
    "ReadOnly",
    "Readable",
    "Sharing",
    "Shelf",
    "Stand",
    "ThreadRow",
    "Titled",
    "Written",
    "attachment",
    "author_of",
    "bounds",
    "count_threads",
    "door",
    "doors_of",
    "epoch",
    "feed_door",
    "feed_of",
    "find",
    "findable",
    "first_changed",
    "first_shelf",
    "first_subject",
    "last_act",
    "last_feed",
    "latest_posts",
    "latest_threads",
    "listed",
    "living_keys",
    "log_bounds",
    "lonely_threads",
    "marks",
    "merged_key",
    "month_counts",
    "month_of",
    "month_openings",
    "month_posts",
    "next_month",
    "open_read_only",
    "openings",
    "place",
    "position",
    "raw",
    "sharing",
    "shelves",
    "stands",
    "thread",
    "thread_counts",
    "thread_months",
    "touched_lists",
    "thread_posts",
    "threads_after",
    "written_by",
]
