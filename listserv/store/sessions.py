"""Sign-in links and sessions: rows made, redeemed, ended. Only hashes are kept; secrets are handed in.

A link is used once. One that was asked for in a browser works in that browser only; elsewhere its mail's
code does, typed where one asked. What a session may see is asked anew on each request (``doors.door``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from sqlalchemy import Connection, delete, insert, select, update

from listserv.core.records import dataclass
from listserv.core.types import MemberState
from listserv.store.engine import Store
from listserv.store.schema import addresses, links, lists, sessions, subscriptions

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


class Invitation(Protocol):
    """What a mail with a sign-in link will say, and the secret of the browser that asked for it."""

    @property
    def secret(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def browser(self) -> str: ...


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


class Sessions:
    """The same in whole steps, for the gate: each method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ask(self, address_key: str, now: datetime, invitation: Invitation) -> bool:
        """Keep a link and its code for the member behind an address; False where there is none."""

        def step(tx: Connection) -> bool:
            person = _member_person(tx, address_key)
            if person is None:
                return False
            for secret in (invitation.secret, code_secret(invitation.code, invitation.browser)):
                make_link(tx, person, now, secret=secret, minutes=WEB_MINUTES, browser=invitation.browser)
            return True

        return self._store.do(step)

    def enter(self, secret: str, now: datetime, *, browser: str, session: str) -> str:
        """Use a link up: ``in`` (``session`` is good from now on), ``elsewhere`` or ``spent``."""
        return self._store.do(lambda tx: redeem(tx, secret, now, browser=browser, session=session)).how

    def enter_by_code(self, code: str, now: datetime, *, browser: str, session: str) -> str:
        """The same by the code of a mail, typed into the browser that asked."""
        return self.enter(code_secret(code, browser), now, browser=browser, session=session)

    def who(self, session: str, now: datetime) -> int | None:
        """The person of a session that has not run out."""
        with self._store.read() as tx:
            return check(tx, session, now)

    def end(self, session: str) -> None:
        """End one session."""
        self._store.do(lambda tx: revoke(tx, session))

    def end_all(self, session: str, now: datetime) -> None:
        """End all sessions of whose this one is, and links not used yet."""

        def step(tx: Connection) -> None:
            if (person := check(tx, session, now)) is not None:
                revoke_all(tx, person)

        self._store.do(step)


def _member_person(tx: Connection, address_key: str) -> int | None:
    """The person behind an address, if they are in any list today."""
    return tx.scalar(
        select(addresses.c.person_id)
        .join(subscriptions, subscriptions.c.person_id == addresses.c.person_id)
        .join(lists, lists.c.id == subscriptions.c.list_id)
        .where(
            addresses.c.key == address_key,
            addresses.c.confirmed.is_not(None) | (addresses.c.id == subscriptions.c.address_id),
            subscriptions.c.state.in_((MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)),
            lists.c.retired.is_(None),
        )
        .limit(1)
    )
