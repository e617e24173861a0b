"""The links to who asked without a name: sealed, counted, expired. What is in the box: ``_shut``.

Nothing here stays that joins a person to a question: rows know each other by seals, and whose a seal is
stands in a box that only the vault's key opens, which no backup has.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from listserv.core.address import Address
from listserv.core.changes import HostAsked, OfLinks, QuietOut, Veil
from listserv.core.quietly import LASTS, WEEK, Draft, Quiet, seal_for
from listserv.core.seals import Keyring
from listserv.core.types import Arrival, Member, MemberState
from listserv.store import schema, scrubbing, speakers
from listserv.store.holds import HoldState
from listserv.store.keeping import Keeper
from listserv.store.prepared import Prepared
from listserv.store.queue import TAKEN_OUT, call_off

_q, _h, _a, _l, _d = (
    table.c for table in (schema.quiet, schema.holds, schema.arrivals, schema.letters, schema.deliveries)
)
_QUESTION = Prepared(select(_q.id).where(_q.arrival_id == bindparam("arrival")))
_PRESENT = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)
_LINKS = select(schema.quiet, _h.id.label("hold"), _h.state.label("hold_state")).select_from(
    schema.quiet.outerjoin(schema.holds, _h.arrival_id == _q.arrival_id)
)


def is_question(tx: Connection, arrival_id: int) -> bool:
    """Whether this mail is one that we wrote for somebody who asks."""
    return _QUESTION.scalar(tx, {"arrival": arrival_id}) is not None


def begin(tx: Connection, ring: Keyring, of: Quiet, list_id: int, now: datetime) -> Quiet:
    """A new link, with asker, words, writer and expiry of ``of``; it has a number and a seal of its own."""
    assert ring.vault is not None
    assert of.asker is not None
    person = of.asker.person_id
    new = {"list_id": list_id, "seal": "", "box": b"", "whose": _whose(ring, person), "writer": of.writer}
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    row = insert(schema.quiet).values(**new, made=day, expires=of.expires).returning(_q.id)
    number = int(tx.execute(row).scalar_one())
    seal = seal_for(ring, number)
    tx.execute(update(schema.quiet).where(_q.id == number).values(seal=seal))
    begun = replace(of, id=number, seal=seal)
    put(tx, ring, begun)
    return begun


def put(tx: Connection, ring: Keyring, link: Quiet) -> None:
    """The box of a link holds this from now on, and what it held is gone."""
    assert link.asker is not None
    box = _shut(ring, link.seal, link.asker.person_id, link.draft)
    tx.execute(update(schema.quiet).where(_q.id == link.id).values(box=box, expires=link.expires))


def _shut(ring: Keyring, seal: str, person_id: int, draft: Draft | None) -> bytes:
    """Never an address: who is forgotten meanwhile is forgotten here, too."""
    assert ring.vault is not None
    held: dict[str, object] = {"person": person_id}
    if draft is not None:
        held |= {"subject": draft.subject, "text": draft.text, "answers": draft.answers}
    return ring.vault.shut(json.dumps(held).encode(), f"link {seal}")


def _whose(ring: Keyring, person_id: int) -> str:
    assert ring.vault is not None
    return ring.vault.mark(f"person {person_id}")


def find(tx: Connection, ring: Keyring, seal: str) -> Quiet | None:
    """A link, opened; None where there is none any more."""
    return _read(tx, ring, tx.execute(_LINKS.where(_q.seal == seal)).first())


def by_id(tx: Connection, ring: Keyring, number: int) -> Quiet | None:
    return _read(tx, ring, tx.execute(_LINKS.where(_q.id == number)).first())


def _read(tx: Connection, ring: Keyring, row: Any) -> Quiet | None:
    if row is None:
        return None
    opened = ring.vault.open(bytes(row.box), f"link {row.seal}") if ring.vault else None
    held = json.loads(opened) if opened else {}
    draft = Draft(held["subject"], held["text"], held["answers"]) if "text" in held else None
    return Quiet(
        id=row.id,
        seal=row.seal,
        state=row.hold_state or ("draft" if draft else "dropped"),
        expires=row.expires,
        asker=speakers.member_of(tx, row.list_id, held["person"]) if held else None,
        draft=draft,
        writer=row.writer,
        hold=row.hold,
        host=_host(tx, row.host_id),
    )


def _host(tx: Connection, number: int | None) -> Member | None:
    member = speakers.subscription(tx, number) if number is not None else None
    return member if member is not None and member.state in _PRESENT else None


def reach(tx: Connection, ring: Keyring, seal: str) -> Address | None:
    """Where the asker gets their mail; None where the link is gone, or they are."""
    link = find(tx, ring, seal)
    there = link is not None and link.asker is not None and link.asker.state in _PRESENT
    return link.asker.address if there and link and link.asker else None


def counts(
    tx: Connection, ring: Keyring, list_id: int, person_id: int, now: datetime
) -> tuple[int, int, str]:
    """Of one member here: questions that are not decided, those of a week, and the seal of the newest."""
    if ring.vault is None:
        return 0, 0, ""
    mine = (_q.list_id == list_id, _q.whose == _whose(ring, person_id), _q.writer == "")
    rows = tx.execute(_LINKS.where(*mine, _q.expires > now).order_by(_q.id)).all()
    links = [_read(tx, ring, row) for row in rows]
    undecided = sum(link is not None and link.state in ("draft", HoldState.WAITING) for link in links)
    lately = sum(row.made > now - WEEK for row in rows)
    return undecided, lately, rows[-1].seal if rows else ""


# -- what becomes of a link -------------------------------------------------------------------------


def is_sent(tx: Connection, number: int, arrival_id: int, now: datetime) -> None:
    """The question is a mail to the list from now on."""
    values = {"arrival_id": arrival_id, "expires": now + LASTS}
    tx.execute(update(schema.quiet).where(_q.id == number).values(**values))


def carry_out(tx: Connection, change: OfLinks, arrival: Arrival, now: datetime) -> None:
    """What needs no key."""
    match change:
        case HostAsked(hold_id, by):
            of_hold = select(_h.arrival_id).where(_h.id == hold_id).scalar_subquery()
            tx.execute(update(schema.quiet).where(_q.arrival_id == of_hold).values(host_id=by))
        case QuietOut():
            mine = _q.arrival_id == arrival.id
            tx.execute(update(schema.quiet).where(mine).values(expires=now + LASTS))
        case Veil(recipient):
            _veil(tx, arrival, recipient, now)
        case _:
            assert_never(change)


def _veil(tx: Connection, arrival: Arrival, recipient: Address, now: datetime) -> None:
    Keeper(tx, now).empty(arrival.id, arrival.raw_hash)
    nobody = {"recipient": str(recipient), "envelope_from": "", "author_key": "", "subject": "", "detail": ""}
    tx.execute(update(schema.arrivals).where(_a.id == arrival.id).values(**nobody))
    scrubbing.want(tx, f"veil {arrival.id}")


def expire(tx: Connection, now: datetime) -> int:
    """Links whose time is over are gone, with the letters that went by them; how many.

    What still waits for a host keeps its link until it is decided.
    """
    waits = select(_h.id).where(_h.arrival_id == _q.arrival_id, _h.state == HoldState.WAITING).exists()
    over = tx.scalars(select(_q.seal).where(_q.expires <= now, or_(_q.arrival_id.is_(None), ~waits))).all()
    if over:
        _empty_letters(tx, list(over), now)
        tx.execute(delete(schema.quiet).where(_q.seal.in_(over)))
        scrubbing.want(tx, f"quiet {now.timestamp()}")
    return len(over)


def forget(tx: Connection, ring: Keyring, person_id: int, now: datetime) -> None:
    """Nothing leads to this person any more. What waits stays: its going would tell whose it is."""
    if ring.vault is None:
        return
    mine = _q.whose == _whose(ring, person_id)
    _empty_letters(tx, list(tx.scalars(select(_q.seal).where(mine))), now)
    tx.execute(delete(schema.quiet).where(mine, _q.arrival_id.is_(None)))
    tx.execute(update(schema.quiet).where(mine).values(box=b"", whose=""))


def _empty_letters(tx: Connection, seals: list[str], now: datetime) -> None:
    if not seals:
        return
    letters = select(_l.id).where(_l.quiet.in_(seals), _l.quiet != "")
    found = list(tx.scalars(letters))
    if found:
        call_off(tx, _d.letter_id.in_(found), TAKEN_OUT, now)
        tx.execute(update(schema.letters).where(_l.id.in_(found)).values(bytes=b""))
