"""What single verbs want to know: one query each, only where the verb was said (``commands.NEEDS``)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, select

from listserv.core.address import BadAddress, read_address
from listserv.core.asks import Ask, AskKind
from listserv.core.commands import Line, rows_of
from listserv.core.found import Hit, Hits
from listserv.core.guard import Voice
from listserv.core.privacy import may
from listserv.core.pulse_numbers import PulseLook
from listserv.core.pulse_numbers import meant as meant_by
from listserv.core.queries import read_mail_query
from listserv.core.records import dataclass
from listserv.core.relay_words import TO_RELAYS
from listserv.core.retold import ThreadPost
from listserv.core.scene import Across, Lookups, Scene, Trace
from listserv.core.seals import Keyring
from listserv.core.site import Site
from listserv.core.types import MailList, Member, PostState, Standing
from listserv.core.verbs.archive import AT_ONCE, found_before
from listserv.store import (
    aliases,
    asks,
    briefs_told,
    cards,
    holds,
    lists,
    meant,
    pulse_answers,
    schema,
    search,
    voices,
)
from listserv.store.doors import AUDIENCES
from listserv.store.rosters import members_query, read_member
from listserv.store.search import Cut, Readable

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
    card: int | None = None  # whose numbers are said
    parents: tuple[str, ...] = ()  # hashes of the mails that it answers, oldest first
    across: str = ""  # the seal of the relay address that it was said to


def look_up(tx: Connection, scene: Scene, wanted: Collection[str], said: Occasion) -> Lookups:
    """Answer what is wanted, and nothing else."""
    member = scene.member
    assert member is not None
    held = "held" in wanted or said.arrival is not None or _of_hold(said) is not None
    undo = "undoable" in wanted
    return Lookups(
        hits=_hits(tx, scene, said) if "hits" in wanted else None,
        shown=_shown(tx, scene, said) if "shown" in wanted else (),
        traces=_traces(tx, scene) if "traces" in wanted else (),
        undoable=asks.undoable(tx, member.person_id, scene.list.id, scene.now) if undo else None,
        outbox=_outbox(tx, scene, said.parents) if undo or held else None,
        held=_held(tx, scene, said) if held else None,
        alone=_alone(tx, said) if said.ask else None,
        lists=_lists(tx, member.person_id) if any(line.everywhere for line in said.lines) else (),
        taken=_taken(tx, said) if "taken" in wanted else False,
        across=_across(tx, scene, said) if "across" in wanted else None,
        on_call=tuple(cards.on_call(tx, scene.list.id)) if "on_call" in wanted else (),
        card=cards.items(tx, said.card) if said.card is not None else (),
        pulse=_pulse(tx, scene, said),
        brief=briefs_told.look(tx, scene, said.ask) if said.ask else None,
        post=meant.post_of(tx, scene, said.arrival, said.parents) if "post" in wanted else None,
        others=meant.others(tx, scene, said.lines, said.ask) if "others" in wanted else None,
    )


def _pulse(tx: Connection, scene: Scene, said: Occasion) -> PulseLook:
    """How the things stand that the mail which is answered gave numbers to."""
    targets = meant_by(said.ask.act) if said.ask else ()
    if not targets or scene.member is None or scene.member.standing is not Standing.HOST:
        return PulseLook()
    if said.ask is not None and scene.now >= said.ask.expires:
        return PulseLook(late=True)
    return pulse_answers.look(tx, scene.list.id, targets, scene.now)


def _readable(scene: Scene) -> tuple[Readable, ...]:
    """What the speaker may read of this list, at this moment."""
    member, settings = scene.member, scene.list.settings
    if member is None or not may("read archive", member.standing, settings):
        return ()
    return (Readable(scene.list.id, AUDIENCES[member.standing]),)


def _hits(tx: Connection, scene: Scene, said: Occasion) -> Hits:
    """What ``find`` asks for; ``more`` goes on where the mail that it answers ended."""
    line = next(line for line in said.lines if line.verb.name in ("find", "more"))
    asked, offset = line.words, 0
    before = found_before(said.ask.act) if said.ask else None
    if line.verb.name == "more" and before is not None:
        offset, asked = before[0] + len(before[1]), before[2]
    found = search.find(tx, read_mail_query(asked), _readable(scene), Cut(AT_ONCE, offset))
    hits = (Hit(h.thread_id, h.title, h.posts, h.last, h.author_name, h.extract) for h in found.threads)
    return Hits(asked, tuple(hits), found.total, offset)


def _shown(tx: Connection, scene: Scene, said: Occasion) -> tuple[ThreadPost, ...]:
    """The thread that ``send N`` names: by its number in the mail that it answers."""
    before = found_before(said.ask.act) if said.ask else None
    number = next(line.words for line in said.lines if line.verb.name == "send").strip(" #.")
    if before is None or not number.isdigit() or len(number) > 4:
        return ()
    place = int(number) - 1 - before[0]
    if not 0 <= place < len(before[1]):
        return ()
    return tuple(search.thread_text(tx, before[1][place], _readable(scene)))


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


def _of_hold(said: Occasion) -> int | None:
    """Of which mail of the speaker's own a question of ours was, where it says so."""
    own = (AskKind.GUARD, AskKind.CONFIRM, AskKind.ADOPT)
    return said.ask.hold if said.ask is not None and said.ask.kind in own else None


def _alone(tx: Connection, said: Occasion) -> Voice | None:
    """Whom the guard's question named, if they can be written to."""
    acts = said.ask.act.splitlines() if said.ask else []
    number = next((act.removeprefix("alone ") for act in acts if act.startswith("alone ")), "")
    return voices.member_voice(tx, int(number)) if number.isdigit() else None


def _across(tx: Connection, scene: Scene, said: Occasion) -> Across | None:
    """Who is behind the relay address that was spoken to, or that an act names."""
    acts = f"{said.ask.act}\n{said.ask.undo}" if said.ask else ""
    named = (arg for row, arg in rows_of(acts) if row.name in TO_RELAYS)
    seal = said.across or next(named, "")
    leads = aliases.reached(tx, seal) if seal else None
    if scene.member is None or leads is None or leads.list_id != scene.list.id:
        return None
    return Across(seal, leads.alias.name, aliases.is_blocked(tx, scene.member.id, leads.to.key))


def _held(tx: Connection, scene: Scene, said: Occasion) -> tuple[int, str] | None:
    """The mail that is spoken of, else the speaker's latest that waits.

    Locked: of two answers that come at once, the second finds it decided.
    """
    arrival, hold = said.arrival, _of_hold(said)
    keys = [address.key for address in scene.person.addresses] if scene.person else []
    query = select(_h.id, _h.subject).where(_h.list_id == scene.list.id, _h.state == holds.HoldState.WAITING)
    if hold is not None:
        query = query.where(_h.id == hold)
    elif arrival is not None:
        query = query.where(_h.arrival_id == arrival)
    else:
        mine = select(_a.id).where(_a.author_key.in_(keys), _a.author_key != "").scalar_subquery()
        query = query.where(_h.arrival_id.in_(mine))
    row = tx.execute(query.order_by(_h.id.desc()).limit(1).with_for_update()).one_or_none()
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
