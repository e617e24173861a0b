"""Mails that wait because of what hosts decided of their thread: what their authors are told.

What rests or is slowed needs no host and is on no card: it goes out by itself (flow/threads_round.py). What
was written into a closed thread is kept for a host, should one want to let it through.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from listserv.core import when
from listserv.core.cards import CLOSED, RESTING, SLOWED
from listserv.core.facts import PostFacts
from listserv.core.notices import Kept
from listserv.core.types import Mail

BY_THREAD = (CLOSED, RESTING, SLOWED)


def kept_notice(rule: str, mail: Mail, facts: PostFacts) -> Kept | None:
    """To the author, kindly; None for a mail that waits for another reason."""
    reins = facts.reins
    if rule not in BY_THREAD or reins is None:
        return None
    here = facts.list
    hosts = str(here.at("host"))
    return Kept(
        list=here.title,
        hosts=hosts,
        subject=mail.subject,
        why=rule,
        until=_said(reins.rests_until, facts) if rule == RESTING and reins.rests_until else "",
        slow=reins.slow,
        words=reins.words if rule == CLOSED else "",
    )


def _said(until: datetime, facts: PostFacts) -> str:
    """In the author's own zone and language."""
    zone = facts.scene.zone if facts.scene else ZoneInfo(facts.site.timezone or "UTC")
    language = facts.scene.language if facts.scene else "en"
    return when.say_moment(until, zone, language, facts.now)


def waits_until(rule: str, facts: PostFacts) -> datetime | None:
    """A slowed mail's turn comes on the list's next day; all else depends on its thread as it will be."""
    if rule != SLOWED:
        return None
    return midnight(facts.now, facts.list.settings.timezone or facts.site.timezone or "UTC") + timedelta(
        days=1
    )


def midnight(now: datetime, zone: str) -> datetime:
    """When the day of ``now`` began in a zone."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
