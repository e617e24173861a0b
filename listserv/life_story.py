"""A mail's life as data and in plain words: when it came, what decided, how its copies fare, what is next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.seals import Keyring
from listserv.core.types import ArrivalState, DeliveryState, PostState
from listserv.mail.encoded import decode_words
from listserv.mail.fields import first_of, split
from listserv.mail.passing import passing_token
from listserv.shown import cell
from listserv.store import lives, pause, queue, relay_rest, tracing
from listserv.store.lives import Copies, Hold, Life
from listserv.store.queue import QueueRow

_OUR_ID = regex(rb"\A(?:From [^\n]*\n)?Received: [^;]*? id ([0-9a-f]{16});")
_OUTBOX = "outbox"  # why a mail is held that waits for nobody
_TELLING = 8  # characters of a Message-ID; a shorter one might stand anywhere
_HAS_LETTERS = (ArrivalState.COMMANDS, ArrivalState.HELD, ArrivalState.REFUSED)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a life hangs on besides itself. ``stops``: why no copy leaves just now, "" where they do."""

    now: datetime
    base_url: str
    domain: str
    stops: str = ""
    ring: Keyring | None = None  # without it a mail that was passed on is not found again


def why_nothing_leaves(tx: Connection, now: datetime) -> str:
    """In words; "" where copies leave."""
    if pause.current(tx) is not None:
        return "nothing leaves since the restore, until `listserv queue retry --all` or `queue drop --all`"
    rest = relay_rest.current(tx)
    if rest is None or not relay_rest.is_resting(tx, now):
        return ""
    return f"the relay rests until {moment(rest.until)}, since it said: {cell(rest.why)}"


def mails(tx: Connection, arrivals: tuple[int, ...], around: Surroundings) -> list[dict[str, Any]]:
    """Everything that is known of these arrivals, a dict each."""
    heads = tracing.heads(tx, arrivals)
    found = (lives.life(tx, number) for number in arrivals)
    return [told(tx, life, heads[life.arrival], around) for life in found if life is not None]


def told(tx: Connection, life: Life, head: bytes, around: Surroundings) -> dict[str, Any]:
    """One life as ``--json`` gives it. ``story`` says it in sentences, ``next`` is the last of them."""
    kept = _OUR_ID.match(head)
    said = asdict(life) | {
        "envelope_from": life.envelope_from or "<>",
        "kept_as": kept[1].decode() if kept else "",
        "message_id": _field(head, "message-id"),
        "from": _field(head, "from"),
        "subject": _field(head, "subject"),
        "link": link(life, around),
    }
    said["letters"] = [asdict(row) for row in _letters(tx, life, said, around)]
    after = what_is_next(life, around)
    story = (*_came(said), *_held(life.hold), *_decided(life), *_posted(said), *_written(said))
    return said | {"next": after, "story": [*story, *_copied(life.copies), after]}


def _letters(tx: Connection, life: Life, said: dict[str, Any], around: Surroundings) -> list[QueueRow]:
    """The letters of ours that came of a mail: known by what they answer, or have in them."""
    if life.hold is None and life.state not in _HAS_LETTERS:
        return []
    told = said["message_id"]
    needles = [told.encode("utf-8", "replace")] if len(told) >= _TELLING else []
    needles += [f" id {said['kept_as']};".encode()] if said["kept_as"] else []
    needles += [f"<{passing_token(around.ring, life.arrival)}@".encode()] if around.ring else []
    ids = tracing.letters_with(tx, needles, life.at) if needles else []
    return queue.chosen(tx, queue.these(ids), queue.ALL, None) if ids else []


def link(life: Life, around: Surroundings) -> str:
    """Where its post stands in the archive; "" where it does not."""
    post = life.post
    if post is None or post.audience == "off" or post.state != PostState.POSTED:
        return ""
    local, _, domain = life.list.partition("@")
    return f"{around.base_url}/{local if domain == around.domain else life.list}/m/{post.hash}"


def moment(value: datetime | None) -> str:
    """A time for a person, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value is not None else "some time"


def _field(head: bytes, name: str) -> str:
    found = first_of(split(head)[0], name)
    return decode_words(found.text) if found is not None else ""


# -- what was ---------------------------------------------------------------------------------------


def _came(said: dict[str, Any]) -> Iterator[str]:
    kept = f", and was kept as {said['kept_as']}" if said["kept_as"] else ""
    yield f"Mail {said['arrival']} came at {moment(said['at'])} for {said['recipient']}{kept}."
    yield f"Its envelope says {said['envelope_from']}, its From {said['from'] or 'nothing'}."
    words = f"{said['subject'] or '(no subject)'} · {said['message_id'] or '(no Message-ID)'}"
    yield f"{words} · {said['size']} octets"


def _held(hold: Hold | None) -> Iterator[str]:
    if hold is not None and hold.decided is not None:
        yield (
            f'It waited for a host since {moment(hold.since)} ("{hold.why}"), and was {hold.state} '
            f"by {hold.decided_by} at {moment(hold.decided)}."
        )


def _decided(life: Life) -> Iterator[str]:
    why = f'"{life.why}"'
    match life.state:
        case ArrivalState.WAITING:
            tries = f" It was tried {life.tries} times: {why}." if life.tries else ""
            yield f"Nobody has decided about it yet.{tries}"
        case ArrivalState.HELD if life.why == _OUTBOX:
            yield "It is accepted, and rests in the outbox so that its author can take it back."
        case ArrivalState.HELD:
            yield f"It waits for a host of {life.list}, because of the rule {why}."
        case ArrivalState.POSTED:
            yield f"It was posted by the rule {why}."
        case ArrivalState.COMMANDS:
            yield f"It was no post: {why}."
        case ArrivalState.ASIDE:
            yield f"It was set aside: {why}."
        case _:
            yield f"It was {life.state} by the rule {why}."


def _posted(said: dict[str, Any]) -> Iterator[str]:
    if said["post"]:
        flagged = f" ({said['post']['flagged']})" if said["post"]["flagged"] else ""
        where = f": {said['link']}" if said["link"] else "."
        yield f"It is post {said['post']['id']}{flagged} in the thread “{said['post']['thread']}”{where}"


def _written(said: dict[str, Any]) -> Iterator[str]:
    for row in said["letters"]:
        answer = f": {row['answer']}" if row["answer"] else ""
        yield f"A letter about it for {row['to']} (copy {row['id']}) is {row['state']}{answer}"


def _copied(copies: Copies | None) -> Iterator[str]:
    if copies is not None and copies.total:
        states = ", ".join(f"{many} {state}" for state, many in copies.states.items() if many)
        ended = f"; the last that ended did so at {moment(copies.last)}" if copies.last else ""
        yield f"{_many(copies.total)} made at {moment(copies.first)}: {states}{ended}."


# -- what will be -----------------------------------------------------------------------------------


def what_is_next(life: Life, around: Surroundings) -> str:
    """What happens to a mail next and when, or who has to do something."""
    match life.state:
        case ArrivalState.WAITING if life.lease_until is not None and life.lease_until > around.now:
            return f"It is being read; if its reader died, another takes it at {moment(life.lease_until)}."
        case ArrivalState.WAITING:
            return "It is read as soon as a running `listserv serve` gets to it."
        case ArrivalState.HELD if life.why == _OUTBOX:
            return f"It goes out at {moment(life.post.release_at if life.post else None)}."
        case ArrivalState.HELD:
            number = life.hold.id if life.hold else ""
            return f"A host decides, or you: `listserv hold ok {life.list} {number}`, or `hold no`."
        case ArrivalState.ASIDE:
            return f"You decide: `listserv queue retry --aside {life.arrival}`, or `queue drop --aside`."
        case ArrivalState.POSTED if life.copies is not None:
            return what_is_left(life.copies, around)
    return "Nothing more happens to it."


def what_is_left(copies: Copies, around: Surroundings) -> str:
    """What happens to copies that have not ended."""
    states = (DeliveryState.SENDING, DeliveryState.DUE, DeliveryState.DEFERRED, DeliveryState.FAILED)
    sending, due, deferred, failed = (copies.states[state] for state in states)
    parts = [f"{_many(sending)} being sent"] if sending else []
    parts += [f"{_many(due)} to go out next"] if due else []
    parts += [f"{_many(deferred)} to be tried again, the first at {moment(copies.next)}"] if deferred else []
    if parts:
        stops = f". But {around.stops}" if around.stops and (due or deferred) else ""
        return f"{'; '.join(parts)}{stops}."
    if failed:
        return "Nothing more happens; `listserv queue retry ID` tries a failed copy again."
    return "All is sent; nothing more happens." if copies.total else "Nobody gets a copy of it."


def _many(copies: int) -> str:
    return "1 copy" if copies == 1 else f"{copies} copies"
