"""The database, what waits in it and for how long, and when it was last backed up."""

from __future__ import annotations

from datetime import datetime, timedelta

from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.machine import size_of
from listserv.doctor.seen import Seen
from listserv.shown import cell

_SOME_TIME, _LONG = timedelta(minutes=15), timedelta(hours=4)
_OLD_BACKUP, _OLDER_BACKUP = timedelta(days=2), timedelta(days=8)
_MOST_NAMED = 5


def database(seen: Seen) -> list[Finding]:
    """It answers, is of this program's schema, and whole."""
    found = seen.database
    if found is None:
        return [_unopened(seen.database_trouble)]
    if found.fault:
        return [failed("database broken", why=found.fault)]
    facts = {"size": size_of(found.size)}
    return [ok("database unchecked" if found.fault is None else "database ok", **facts)]


def _unopened(trouble: str) -> Finding:
    """What we say ourselves of a database has its remedy behind a semicolon; a driver's words have none."""
    if not trouble:
        return failed("database slow")
    says, _, remedy = trouble.partition("; ")
    return failed("database bad", why=says, remedy=remedy) if remedy else failed("database away", why=says)


def queue(seen: Seen) -> list[Finding]:
    """How long mail waits, coming in and going out."""
    found = seen.database
    if found is None:
        return []
    if found.paused:
        return [warning("queue paused")]
    if found.rest is not None and seen.now < found.rest.until:
        return [warning("queue resting", why=found.rest.why, until=cell(found.rest.until))]
    waits = max(_age(found.oldest_waiting, seen), _age(found.longest_due, seen))
    facts = {"minutes": int(waits.total_seconds() // 60)}
    if waits > _LONG:
        return [failed("queue stuck", **facts)]
    return [warning("queue slow", **facts) if waits > _SOME_TIME else ok("queue ok")]


def _age(since: datetime | None, seen: Seen) -> timedelta:
    return max(seen.now - since, timedelta(0)) if since is not None else timedelta(0)


def aside(seen: Seen) -> list[Finding]:
    """Mails that could not be read."""
    if seen.database is None:
        return []
    many = seen.database.aside
    return [warning("aside some", many=many) if many else ok("aside none")]


def holds(seen: Seen) -> list[Finding]:
    """What hosts let wait for longer than their list says."""
    if seen.database is None:
        return []
    late = seen.database.late
    told = [warning("holds late", list=one.list, many=one.many, since=cell(one.since)) for one in late]
    if len(told) > _MOST_NAMED:
        told[_MOST_NAMED:] = [warning("holds more", many=len(late) - _MOST_NAMED)]
    return told or [ok("holds ok")]


def hosts(seen: Seen) -> list[Finding]:
    """Lists where no host gets mail."""
    if seen.database is None:
        return []
    alone = seen.database.hostless
    if not alone:
        many = seen.database.lists
        return [ok("hosts ok", lists=many) if many else ok("hosts of nothing")]
    more = ", …" if len(alone) > _MOST_NAMED else ""
    return [failed("hosts none", lists=", ".join(alone[:_MOST_NAMED]) + more, first=alone[0])]


def backup(seen: Seen) -> list[Finding]:
    """When the last one was made; whether it can be restored only a restore tells."""
    if seen.database is None:
        return []
    if (made := _moment(seen.database.last_backup)) is None:
        return [warning("backup none")]
    age = seen.now - made
    facts = {"made": cell(made), "days": age.days}
    if age > _OLDER_BACKUP:
        return [failed("backup old", **facts)]
    return [warning("backup old", **facts) if age > _OLD_BACKUP else ok("backup ok", **facts)]


def _moment(text: str | None) -> datetime | None:
    """None for what is no time, or has no zone."""
    try:
        made = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return made if made.tzinfo else None
