"""Months of an archive: that of ``posts.at`` in UTC, "2026-11". Paths stay when a list changes its zone."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from listserv.store.schema import posts


def month_of(at: datetime) -> str:
    """The month of a moment, as the stale log and the paths have it."""
    return at.astimezone(UTC).strftime("%Y-%m")


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of "2026-11" and that of the month after it."""
    year, number = int(month[:4]), int(month[5:7])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


def next_month(tx: Connection, list_id: int, since: datetime) -> str | None:
    """The first month from that moment on in which something was posted."""
    at = tx.scalar(
        select(posts.c.at)
        .where(posts.c.list_id == list_id, posts.c.at >= since)
        .order_by(posts.c.at)
        .limit(1)
    )
    return month_of(at) if at else None


def thread_months(tx: Connection, thread_id: int) -> set[str]:
    """Every month in which something was posted to a thread."""
    return {month_of(at) for at in tx.scalars(select(posts.c.at).where(posts.c.thread_id == thread_id))}
