"""Somebody who gets Briefs and answers them, in the way that mail programs quote."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from listserv.core.seals import seal
from listserv.store import schema
from tests.kit.speaker import Letter, Speaker, read
from tests.kit.world import World

_k, _d = schema.asks.c, schema.deliveries.c


@dataclass(frozen=True, slots=True)
class Got:
    """A Brief as its reader has it. ``answer_to``: where a reply goes."""

    letter: Letter
    answer_to: str

    @property
    def text(self) -> str:
        return self.letter.text

    def item(self, number: int) -> str:
        """The lines of one item, down to the next."""
        lines = self.text.split("\n")
        start = next(n for n, line in enumerate(lines) if line.startswith(f"{number:>2}  "))
        end = next(n for n in range(start + 1, len(lines)) if lines[n] and not lines[n].startswith("    "))
        return "\n".join(lines[start:end]).rstrip()


def last_brief(world: World, to: str) -> Got:
    """The latest that somebody was sent."""
    with world.store.read() as tx:
        query = select(_d.ask_id).where(_d.to == to, _d.kind == "digest").order_by(_d.id.desc()).limit(1)
        number = tx.execute(query).scalar_one()
    address = f"book+re={seal(world.ring, 're', number)}@lists.example.org"
    with world.store.read() as tx:
        letter_id = tx.scalar(select(_d.letter_id).where(_d.ask_id == number))
        raw = tx.scalar(select(schema.letters.c.bytes).where(schema.letters.c.id == letter_id))
    from tests.kit.world import Mailed

    return Got(read(Mailed("", to, bytes(raw or b""))), address)


def replies(world: World, address: str, got: Got, text: str, **more: str) -> list[Letter]:
    """Words, and what their program puts below or among them."""
    speaker = Speaker(world, address, **more)
    return speaker.writes(got.answer_to, text, f"Re: {got.letter.subject}")
