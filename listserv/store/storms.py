"""What the storm breaker counts. Nothing is counted where it is off, nor a thread of a list that is calm."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, exists, func, select

from listserv.core.address import Address
from listserv.core.notices import Storm
from listserv.core.records import dataclass
from listserv.core.storms import EVERY, OF_MACHINES, limit, of_one_thread
from listserv.core.types import ArrivalState, Automatic, MailList
from listserv.store import answered, directory, posts, schema
from listserv.store.prepared import Prepared
from listserv.store.question import Question

_a, _d, _s = schema.arrivals.c, schema.addresses.c, schema.subscriptions.c
# Of people of the list only: no stranger's machine reaches a list, and none shall be able to stop it.
_OF_THEIRS = exists().where(
    _d.key == _a.author_key, _s.person_id == _d.person_id, _s.list_id == bindparam("of_list")
)
_DROPPED = Prepared(
    select(func.count())
    .select_from(schema.arrivals)
    .where(
        _a.list_id == bindparam("of_list"),
        _a.done > bindparam("since", type_=schema.Moment),
        _a.state == ArrivalState.DISCARDED,
        _a.why.in_(bindparam("rules", expanding=True)),
        _OF_THEIRS,
    )
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Posts of the list and members' machines' mails that were dropped; hosts to tell if another one comes.

    ``of_thread``: since when the posts of a thread are worth counting; None: they can't be too many.
    """

    posts: int = 0
    dropped: int = 0
    alarmed: tuple[Address, ...] = ()
    of_thread: datetime | None = None


def counts(tx: Connection, ask: Question, here: MailList) -> Counts:
    """All within the minutes that the list's setting says."""
    most, minutes = limit(here.settings.storm)
    if not most:
        return Counts()
    since = ask.now - timedelta(minutes=minutes)
    posted = posts.count_since(tx, here.id, since)
    dropped = _DROPPED.scalar(tx, {"of_list": here.id, "since": since, "rules": OF_MACHINES}) or 0
    alarms = ask.mail.automatic is not Automatic.NO and dropped + 1 >= most
    return Counts(
        posts=posted,
        dropped=dropped,
        alarmed=_not_told(tx, ask, here) if alarms else (),
        of_thread=since if posted >= of_one_thread(most) else None,
    )


def _not_told(tx: Connection, ask: Question, here: MailList) -> tuple[Address, ...]:
    """The hosts, unless they heard within the hour."""
    if answered.was_since(tx, Storm.__name__, here.id, ask.now - EVERY):
        return ()
    return directory.hosts_of(tx, here.id)
