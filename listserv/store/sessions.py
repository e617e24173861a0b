"""Sign-in links and sessions: rows made, redeemed, ended. Only hashes are kept; secrets are handed in.

A link is used once. One that was asked for in a browser works in that browser only; elsewhere its mail's
code does, typed where one asked. What a session may see is asked anew on each request (``reading.door``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, select, update

from listserv.store.schema import links, sessions

SESSION_DAYS = 90
WEB_MINUTES, CLI_MINUTES = 15, 60


def hashed(secret: str) -> str:
    """What is kept of a secret; "" of none."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest() if secret else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """How a link was met: ``in``, ``elsewhere`` (asked for in another browser; still good), or ``spent``."""

    how: str
    person_id: int | None = None


def make_link(  # noqa: PLR0913  (five things and a transaction; the command line calls it too)
    tx: Connection, person_id: int, now: datetime, *, secret: str, minutes: int, browser: str = ""
) -> None:
    """Keep a link that signs this person in, once, within so many minutes.

    ``browser`` is the secret of the asking browser's cookie; "" works in any.
    """
    tx.execute(
        insert(links).values(
            hash=hashed(secret),
            person_id=person_id,
            made=now,
            expires=now + timedelta(minutes=minutes),
            browser=hashed(browser),
        )
    )


def code_secret(code: str, browser: str) -> str:
    """The secret under which a mailed code is kept: it is good only together with the asking browser."""
    return f"code {code.strip().upper()} {browser}"


def redeem(tx: Connection, secret: str, now: datetime, *, browser: str, session: str) -> Entry:
    """Use a link up and open a session whose cookie is ``session``. The step is harmless when run again."""
    row = tx.execute(
        select(links).where(links.c.hash == hashed(secret), links.c.used.is_(None), links.c.expires > now)
    ).first()
    if row is None:
        return Entry("spent")
    if row.browser and row.browser != hashed(browser):
        return Entry("elsewhere")
    # The condition is asked again: of two at once, one gets in.
    used = tx.execute(update(links).where(links.c.hash == row.hash, links.c.used.is_(None)).values(used=now))
    if used.rowcount != 1:
        return Entry("spent")
    if row.browser:  # the link and its code are one
        twins = (links.c.person_id == row.person_id, links.c.browser == row.browser, links.c.made == row.made)
        tx.execute(update(links).where(*twins, links.c.used.is_(None)).values(used=now))
    tx.execute(
        insert(sessions).values(
            hash=hashed(session),
            person_id=row.person_id,
            made=now,
            expires=now + timedelta(days=SESSION_DAYS),
        )
    )
    return Entry("in", row.person_id)


def check(tx: Connection, session: str, now: datetime) -> int | None:
    """The person of a session that has not run out."""
    return tx.scalar(
        select(sessions.c.person_id).where(sessions.c.hash == hashed(session), sessions.c.expires > now)
    )


def revoke(tx: Connection, session: str) -> None:
    """End one session."""
    tx.execute(delete(sessions).where(sessions.c.hash == hashed(session)))


def revoke_all(tx: Connection, person_id: int) -> int:
    """End all of a person's sessions and the links not yet used; how many sessions there were."""
    tx.execute(delete(links).where(links.c.person_id == person_id, links.c.used.is_(None)))
    return tx.execute(delete(sessions).where(sessions.c.person_id == person_id)).rowcount


def forget_expired(tx: Connection, now: datetime) -> int:
    """Delete what has run out, for upkeep; how many rows."""
    gone = tx.execute(delete(links).where(links.c.expires <= now)).rowcount
    return gone + tx.execute(delete(sessions).where(sessions.c.expires <= now)).rowcount
