"""Whether somebody's Brief is due: what their rhythm, hour, zone and budget mean at one moment. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from listserv.core.books import LOOK
from listserv.core.brief import Reader
from listserv.core.budget import limit, next_brief, week_of
from listserv.core.records import dataclass
from listserv.core.slots import LIVE, is_slot, period_of
from listserv.core.types import MailList, MemberState


@dataclass(frozen=True, slots=True)
class Claim:
    """A subscription that is to be looked at. ``hour``, ``zone``, ``language``: "" for the list's."""

    id: int
    list_id: int
    rhythm: str
    state: str
    hour: str
    form: str
    upto: int
    at: datetime
    zone: str
    language: str


class Look:
    """One claim at one moment. ``upto``: the turn that its Brief would end with."""

    __slots__ = ("_hour", "_now", "_upto", "_zone", "claim", "limit", "week")

    def __init__(self, claim: Claim, here: MailList, of_site: str, upto: int, now: datetime) -> None:
        """Raises ValueError or KeyError for an hour or a zone that there is not (any more)."""
        self.claim, self._now, self._upto = claim, now, upto
        self._hour = claim.hour or here.settings.digest_at
        self._zone = ZoneInfo(claim.zone or here.settings.timezone or of_site or "UTC")
        self.limit = limit(claim.rhythm)
        self.week = week_of(now, self._zone) if self.limit is not None else None

    def is_ripe(self, spent: int) -> bool:
        """Whether they get a Brief now, if there is anything for them."""
        claim = self.claim
        may = claim.state == MemberState.ACTIVE and (self.limit is None or spent < self.limit)
        return may and claim.at != LOOK and claim.upto < self._upto

    def next(self, spent: int) -> datetime | None:
        """When to look again; None: never, or not before something changes."""
        if self.claim.state != MemberState.ACTIVE:
            return None
        return next_brief(self.claim.rhythm, spent, self._hour, self._zone, self._now)

    @property
    def period(self) -> str:
        """The day of its slot; of what is due at another moment, up to which post it tells."""
        claim = self.claim
        if claim.rhythm not in LIVE and is_slot(claim.rhythm, self._hour, self._zone, claim.at):
            return period_of(claim.at, self._zone)
        return f"post {self._upto}"

    def reader(self, language: str, spent: int) -> Reader:
        """As whom they read, but for what is theirs of the threads."""
        counts = (spent + 1, self.limit) if self.limit is not None else None
        return Reader(language, self._zone.key, self.claim.form or "brief", spent=counts)
