"""What single verbs want to know: one query each, only where the verb was said (``commands.NEEDS``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from listserv.core.address import BadAddress, read_address
from listserv.core.asks import Ask
from listserv.core.commands import Line
from listserv.core.scene import Lookups, Scene, Trace
from listserv.core.seals import Keyring
from listserv.core.site import Site
from listserv.core.types import MailList, Member, PostState
from listserv.store import asks, holds, lists, schema
from listserv.store.rosters import members_query, read_member

_a, _p, _h, _d, _s = (
    schema.arrivals.c,
    schema.posts.c,
    schema.holds.c,
    schema.addresses.c,
    schema.subscriptions.c,
)
_TRACES = 8


@dataclass(frozen=True, slots=True)
class Occasion:
    """What was said, and where. ``thread``: what it is about; ``arrival``: the mail that it speaks of."""

    list: MailList
    site: Site
    now: datetime
    lines: tuple[Line, ...]
    mark: str  # tells the mail that speaks from all others
    ring: Keyring = field(repr=False)
    thread: int | None = None
    arrival: int | None = None
    ask: Ask | None = None
    parents: tuple[str, ...] = ()  # hashes of the mails that it answers, oldest first


def look_up(tx: Connection, scene: Scene, wanted: Collection[str], said: Occasion) -> Lookups:
    """Answer what is wanted, and nothing else."""
    member = scene.member
    assert member is not None
    held = "held" in wanted or said.arrival is not None
    undo = "undoable" in wanted
    return Lookups(
        traces=_traces(tx, scene) if "traces" in wanted else (),
        undoable=asks.undoable(tx, member.person_id, scene.list.id, scene.now) if undo else None,
        outbox=_outbox(tx, scene, said.parents) if undo or held else None,
        held=_held(tx, scene, said.arrival) if held else None,
        lists=_lists(tx, member.person_id) if any(line.everywhere for line in said.lines) else (),
        taken=_taken(tx, said) if "taken" in wanted else False,
    )


def _lists(tx: Connection, person_id: int) -> tuple[tuple[MailList, Member], ...]:
    """All that somebody is on."""
    query = members_query().where(_s.person_id == person_id, _s.state.not_in(("left", "pending")))
    members = map(read_member, tx.execute(query.order_by(_s.id)))
    found = ((lists.list_by_id(tx, member.list_id), member) for member in members)
    return tuple((here, member) for here, member in found if here is not None)


def _traces(tx: Connection, scene: Scene) -> tuple[Trace, ...]:
    keys = [address.key for address in scene.person.addresses] if scene.person else []
    query = (
        select(_a.at, _a.subject, _a.state, _a.why)
        .where(_a.author_key.in_(keys), _a.author_key != "", _a.list_id == scene.list.id)
        .where(_a.state != "commands")
        .order_by(_a.id.desc())
        .limit(_TRACES)
    )
    return tuple(Trace(*row) for row in tx.execute(query))


def _outbox(tx: Connection, scene: Scene, parents: tuple[str, ...]) -> int | None:
    """The speaker's own post that still waits in the outbox: the one answered."""
    assert scene.member is not None
    query = (
        select(_p.id)
        .where(_p.list_id == scene.list.id, _p.subscription_id == scene.member.id)
        .where(_p.state == PostState.OUTBOX, _p.hash.in_(parents))
        .order_by(_p.id.desc())
        .limit(1)
    )
    return tx.scalar(query) if parents else None


def _held(tx: Connection, scene: Scene, arrival: int | None) -> tuple[int, str] | None:
    """The mail that is spoken of, else the speaker's latest that waits."""
    keys = [address.key for address in scene.person.addresses] if scene.person else []
    query = select(_h.id, _h.subject).where(_h.list_id == scene.list.id, _h.state == holds.HoldState.WAITING)
    if arrival is not None:
        query = query.where(_h.arrival_id == arrival)
    else:
        mine = select(_a.id).where(_a.author_key.in_(keys), _a.author_key != "").scalar_subquery()
        query = query.where(_h.arrival_id.in_(mine))
    row = tx.execute(query.order_by(_h.id.desc()).limit(1)).one_or_none()
    return (row.id, row.subject) if row else None


def _taken(tx: Connection, said: Occasion) -> bool:
    for line in said.lines:
        if line.verb.name != "address add":
            continue
        try:
            key = read_address(line.words.strip().strip("<>")).key
        except BadAddress:
            continue
        if tx.scalar(select(_d.id).where(_d.key == key)) is not None:
            return True
    return False
