"""The storm breaker: what counts, how much is too much, and whom it tells (setting ``storm``, ``100/10``).

Three counts, each within the setting's minutes: the list's posts; mails of members' machines to the list
(they are dropped, and show a loop or a crowd that is away); and the posts of one thread, of which a fifth of
the number is enough. At any of them further posts wait for a host, whose card says so.
"""

from __future__ import annotations

from datetime import timedelta

from listserv.core.changes import Changes, SendNotice
from listserv.core.facts import PostFacts
from listserv.core.notices import Storm

OF_MACHINES = ("automatic", "report", "loop")  # rules whose mails count as machines'
EVERY = timedelta(hours=1)  # hosts hear of machines' mail at most so often
_PART, _LEAST = 5, 5


def limit(setting: str) -> tuple[int, int]:
    """How many mails within how many minutes; (0, 0) where the breaker is off."""
    most, _, minutes = setting.partition("/")
    return (int(most), int(minutes)) if most.isdigit() and minutes.isdigit() else (0, 0)


def of_one_thread(most: int) -> int:
    """How many posts of one thread are too many."""
    return min(most, max(_LEAST, most // _PART))


def blows(facts: PostFacts) -> bool:
    """Whether one post more has to wait."""
    most, _ = limit(facts.list.settings.storm)
    lately = facts.reins.lately if facts.reins else 0
    return most > 0 and (
        max(facts.storm_count, facts.automatic_count) >= most or lately >= of_one_thread(most)
    )


def tell_hosts(facts: PostFacts, rule: str) -> Changes:
    """A machine's mail is dropped in silence, but for the one that is too many."""
    most, minutes = limit(facts.list.settings.storm)
    count = facts.automatic_count + 1
    if rule not in OF_MACHINES or not 0 < most <= count:
        return ()
    notice = Storm(facts.list.title, str(facts.list.address), count, minutes)
    return tuple(SendNotice(notice, host, facts.list.id) for host in facts.alarmed)
