"""Coming in by mail: ask for a link, press its button, have a session. The same answers for everybody.

Whether an address belongs to somebody is looked up after the answer was sent, so neither its words nor
its time tell (S20). A link is bound to the browser that asked (S28); its code does the same there.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote

from archive_site.answers import Answer, Cards, onward
from archive_site.limits import Limit
from archive_site.urls import local_path
from archive_site.visit import Cookies, Visit
from listserv.core.address import BadAddress, read_address
from listserv.core.records import dataclass

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_ASKER_SECONDS = 3600
_SESSION_SECONDS = 90 * 86_400
CODE = 8  # characters


class Invitation(Protocol):
    """What is kept, hashed, of a link that was asked for."""

    @property
    def secret(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def browser(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Invited:
    """A link to be mailed."""

    secret: str
    code: str
    browser: str


class Sessions(Protocol):
    """What the gate writes. Its methods are those of ``listserv.store.sessions.Sessions``."""

    def ask(self, address_key: str, now: datetime, invitation: Invitation) -> bool: ...
    def enter(self, secret: str, now: datetime, *, browser: str, session: str) -> str: ...
    def enter_by_code(self, code: str, now: datetime, *, browser: str, session: str) -> str: ...
    def end(self, session: str) -> None: ...
    def end_all(self, session: str, now: datetime) -> None: ...
    def who(self, session: str, now: datetime) -> int | None: ...


@dataclass(frozen=True, slots=True)
class SignInParts:
    """``draw`` gives a fresh secret (at least 16 of A-Z a-z 0-9 _ -); ``mail_link(address, url, code)``
    has it mailed; ``home`` says where somebody with this session goes who did not say where to."""

    sessions: Sessions
    cards: Cards
    cookies: Cookies
    base_url: str
    draw: Callable[[], str]
    mail_link: Callable[[str, str, str], None]
    home: Callable[[str], str]


class SignIn:
    def __init__(self, parts: SignInParts) -> None:
        self._parts = parts
        self._by_peer = Limit(20, _HOUR)
        # Whoever asks in vain for somebody else's address uses up their own tries, and half of its day's
        # at most: its owner, who comes from elsewhere, still has some.
        self._by_both = Limit(5, _HOUR)
        self._by_both_daily = Limit(10, _DAY)
        self._by_address_daily = Limit(20, _DAY)
        self._misses = Limit(20, _HOUR)

    def ask(self, visit: Visit, now: datetime) -> tuple[Answer, Callable[[], None]]:
        """Somebody gave an address on whatever page: the one answer, and what to do once it was sent."""
        asker = visit.asker or self._parts.draw()
        cookie = self._parts.cookies.set(self._parts.cookies.asker, asker, _ASKER_SECONDS)
        path = local_path(visit.path)
        told = self._parts.cards.told("asked", onward=quote(path, safe="/"))
        answer = Answer(told.status, told.body, cookies=(cookie,))
        return answer, lambda: self._invite(visit, asker, now)

    def pass_door(self, visit: Visit, now: datetime) -> Answer:
        """In or out, by whose button was pressed."""
        return self.leave(visit, now) if visit.route.kind == "out" else self.enter(visit, now)

    def leave(self, visit: Visit, now: datetime) -> Answer:
        """The same answer for everybody, and no session in any browser of who had one here."""
        if visit.session:
            self._parts.sessions.end_all(visit.session, now)
        told, cookies = self._parts.cards("went-out"), self._parts.cookies
        return Answer(told.status, told.body, cookies=(cookies.set(cookies.session, "", 0),))

    def enter(self, visit: Visit, now: datetime) -> Answer:
        """The button of a link was pressed, or a code typed."""
        cards, sessions = self._parts.cards, self._parts.sessions
        if self._misses.reached(visit.peer, now):
            return cards("spent", 429)
        session = self._parts.draw()
        if code := visit.field("code"):
            how = sessions.enter_by_code(code[:20], now, browser=visit.asker, session=session)
        else:
            how = sessions.enter(visit.token, now, browser=visit.asker, session=session)
        if how == "elsewhere":
            return cards("elsewhere", 403)
        if how != "in":
            self._misses.passes(visit.peer, now)
            return cards("spent", 410)
        if visit.session:  # a new one at each sign-in: nobody can fix it beforehand
            sessions.end(visit.session)
        cookie = self._parts.cookies.set(self._parts.cookies.session, session, _SESSION_SECONDS)
        path = visit.onward if visit.onward != "/" else self._parts.home(session)
        return onward(path, 303, (cookie,))

    def _invite(self, visit: Visit, asker: str, now: datetime) -> None:
        try:
            address = read_address(visit.field("email"))
        except BadAddress:
            return
        if not self._may_ask(visit.peer, address.key, now):
            return
        secret = self._parts.draw()
        invited = Invited(secret, _code_of(secret), asker)
        if self._parts.sessions.ask(address.key, now, invited):
            path = quote(local_path(visit.path), safe="/")
            url = f"{self._parts.base_url}/in?t={secret}&next={path}"
            self._parts.mail_link(str(address), url, invited.code)

    def _may_ask(self, peer: str, key: str, now: datetime) -> bool:
        both = f"{peer} {key}"
        return (
            self._by_peer.passes(peer, now)
            and self._by_both.passes(both, now)
            and self._by_both_daily.passes(both, now)
            and self._by_address_daily.passes(key, now)  # last: it counts only what the others let through
        )


def _code_of(secret: str) -> str:
    """Eight characters to type, drawn with the link (40 bits; tries are limited)."""
    return b32encode(sha256(f"code {secret}".encode()).digest()).decode()[:CODE]
