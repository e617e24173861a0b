"""What a list's posts share (links, files), for its page of resources; asked by standing, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, text

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.conversations import Attached, attached_to, opener
from listserv.store.prepared import Prepared
from listserv.store.schema import posts, threads

_LONGEST = 20_000  # characters of a post in which links are looked for


@dataclass(frozen=True, slots=True)
class Sharing:
    """A post that may have links of its own, or files, and the thread it stands in."""

    hash: str
    author: str
    author_key: str
    author_name: str
    hidden: bool
    at: datetime
    audience: str
    subject: str
    text: str
    html: str
    thread_id: int
    key: str
    thread_title: str
    opener: str  # the audience of the thread's first post; "" where that was taken out
    attached: tuple[Attached, ...] = ()


def sharing(tx: Connection, list_id: int, audiences: Sequence[str], most: int) -> tuple[Sharing, ...]:
    """The newest posts of these audiences that share something."""
    rows = _SHARING.rows(tx, {"list": list_id, "audiences": list(audiences), "most": most})
    held = attached_to(tx, [row[0] for row in rows])
    told: list[list[Any]] = [[*row[1:], held.get(row[0], ())] for row in rows]
    return tuple(Sharing(*one) for one in told)


def _sharing() -> Select[Any]:
    own = posts.c
    return (
        select(
            own.id,
            *(own[name] for name in ("hash", "author", "author_key", "author_name")),
            (own.from_ == "hidden").label("hidden"),
            *(own[name] for name in ("at", "audience", "subject")),
            func.substr(own.text, 1, _LONGEST).label("words"),
            func.substr(own.html, 1, _LONGEST).label("html"),
            own.thread_id,
            threads.c.key,
            threads.c.title,
            func.coalesce(opener(), "").label("opener"),
        )
        .join(threads, threads.c.id == own.thread_id)
        .where(own.list_id == bindparam("list"), text("posts.shares"), own.state == PostState.POSTED)
        .where(own.audience.in_(bindparam("audiences", expanding=True)))
        .order_by(own.at.desc(), own.id.desc())
        .limit(bindparam("most"))
    )


_SHARING = Prepared(_sharing())
