"""What time brings about: one work a row, with how often it looks by itself, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from listserv.clock import Clock
from listserv.core.records import dataclass
from listserv.doctor.finding import Told
from listserv.doctor.monthly import tell_monthly
from listserv.flow import (
    bounce_round,
    brief_round,
    card_round,
    guard_round,
    loosening_round,
    pulse_round,
    quiet_links,
    returned_round,
    upkeep,
)
from listserv.flow.bells import Bells
from listserv.flow.coming_back import bring_back
from listserv.flow.pen import Pen
from listserv.flow.threads_round import release_kept
from listserv.flow.worker import Work
from listserv.store import pause
from listserv.store.engine import Store


@dataclass(frozen=True, slots=True)
class Rounds:
    """What the rounds need."""

    store: Store
    clock: Clock
    bells: Bells
    pen: Pen
    examine: Callable[[datetime], Sequence[Told]]  # what `listserv doctor` would say


def scheduled(of: Rounds) -> tuple[Work, ...]:
    """The role ``schedule``. Nothing of it happens while a restored site is paused, but for the search."""
    store, clock, bells, pen = of.store, of.clock, of.bells, of.pen
    works = (
        Work("outbox", partial(upkeep.release_due, store, clock, bells), bells.outbox, rest=1.0),
        Work("back", partial(bring_back, pen, bells), bells.back, rest=20.0),
        Work("guard", partial(guard_round.remind, pen, bells), bells.guard, rest=60.0),
        Work("threads", partial(release_kept, pen, bells), bells.threads, rest=1.0),
        Work("loosenings", partial(loosening_round.look_after, pen, bells), bells.loosenings, rest=20.0),
        Work("quiet", partial(quiet_links.forget_expired, pen, bells), bells.quiet, rest=3600.0),
        Work("owner", partial(upkeep.tell_owner, pen), bells.owner, rest=60.0),
        Work("doctor", partial(tell_monthly, pen, bells, of.examine), bells.doctor, rest=3600.0),
        Work("links", partial(upkeep.forget_expired, store, clock), bells.links, rest=3600.0),
        Work("hosts", partial(card_round.look_for_hosts, pen, bells), bells.hosts, rest=3600.0),
        Work(
            "cards", partial(card_round.send_cards, pen, bells, card_round.Looked()), bells.cards, rest=10.0
        ),
        Work("pulse", partial(pulse_round.bring_due, pen, bells), bells.pulse, rest=60.0),
        Work(
            "briefs",
            partial(brief_round.send_briefs, pen, bells, brief_round.Watch()),
            bells.briefs,
            rest=2.0,
        ),
        Work("bounces", partial(bounce_round.look_after, pen, bells), bells.bounces, rest=60.0),
        Work("returned", partial(returned_round.tell_writers, pen, bells), bells.returned, rest=20.0),
    )
    paused = (replace(work, step=partial(pause.unless_paused, store, work.step)) for work in works)
    # A restored site is searched before anything may leave it.
    return (*paused, Work("search", partial(upkeep.index_posts, store), bells.search, rest=60.0))
