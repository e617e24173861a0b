"""What goes by the links to who asked without a name: shown, sent to the hosts, passed on, and answered.

Each in the transaction of the mail that asked for it. Whose a link is is known here for a moment, and in
``opened``, where a letter leaves; nothing of it is written down or said.
"""

from __future__ import annotations

import hashlib
from dataclasses import field, replace
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import assert_never

from listserv.core.changes import (
    AnswerAsAsker,
    AskHosts,
    AskQuietly,
    DropQuiet,
    OfQuiet,
    PassToAsker,
    Redraft,
)
from listserv.core.notices import QuietlyAnswered, QuietlyPreview
from listserv.core.quietly import DRAFT_LASTS, Draft, Quiet, address_of, answer_to
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, derived
from listserv.core.types import Intake, MailList
from listserv.flow.bells import Bells
from listserv.flow.pen import Pen
from listserv.mail.fields import split, write_field
from listserv.mail.names import discreet, relay_local
from listserv.mail.quiet import Nameless, nameless_mail
from listserv.store import arrivals, deliveries, lists, quiet, speakers
from listserv.store.aliases import reached
from listserv.store.deliveries import Letter
from listserv.store.engine import Transaction


class Unreachable(LookupError):
    """The link is gone, or whose it was is."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter as it leaves: to whom it really goes, and where it comes back to."""

    to: str = field(repr=False)
    sender: str
    raw: bytes = field(repr=False)


def opened(tx: Transaction, ring: Keyring, letter: Letter, here: MailList | None) -> Opened:
    """A letter by a link. Raises Unreachable."""
    to = quiet.reach(tx, ring, letter.quiet)
    raw = ring.vault.open(letter.raw, f"letter {letter.quiet}") if ring.vault and letter.raw else None
    if to is None or raw is None or here is None:
        raise Unreachable(letter.quiet)
    fields, separator, body = split(raw)
    addressed = (write_field("To", str(to)) if one.name == "to" else one.raw for one in fields)
    sender = str(answer_to(ring, letter.quiet, here))
    return Opened(str(to), sender, b"".join((*addressed, separator, body)))


def of_quiet(tx: Transaction, change: OfQuiet, pen: Pen, now: datetime) -> None:
    """One of them."""
    match change:
        case AskQuietly():
            _begin(tx, change, pen, now)
        case Redraft():
            _again(tx, change, pen, now)
        case AskHosts():
            _send(tx, change, pen, now)
        case DropQuiet(number):
            link = quiet.by_id(tx, pen.ring, number)
            if link is not None and link.asker is not None:
                quiet.put(tx, pen.ring, replace(link, draft=None))
        case PassToAsker():
            _pass_on(tx, change, pen, now)
        case AnswerAsAsker():
            _answer(tx, change, pen, now)
        case _:
            assert_never(change)


def _begin(tx: Transaction, change: AskQuietly, pen: Pen, now: datetime) -> None:
    asker = speakers.member_of(tx, change.list_id, change.person_id)
    new = Quiet(0, "", "draft", now + DRAFT_LASTS, asker, change.draft)
    _show(tx, quiet.begin(tx, pen.ring, new, change.list_id, now), change, pen, now)


def _again(tx: Transaction, change: Redraft, pen: Pen, now: datetime) -> None:
    link = quiet.by_id(tx, pen.ring, change.quiet_id)
    if link is None or link.asker is None or link.state != "draft":
        return
    link = replace(link, draft=change.draft, expires=now + DRAFT_LASTS)
    quiet.put(tx, pen.ring, link)
    _show(tx, link, change, pen, now)


def _show(tx: Transaction, link: Quiet, change: AskQuietly | Redraft, pen: Pen, now: datetime) -> None:
    """To its author alone: exactly what people would see."""
    here, draft = _list(tx, change.list_id), change.draft
    others = isinstance(change, AskQuietly) and change.others
    name = pen.words.mark("asker" if draft.answers else "nobody")
    notice = QuietlyPreview(here.title, name, draft.subject, draft.text, change.found, change.files, others)
    version = hashlib.sha256(f"{draft.subject}\0{draft.text}\0{now.timestamp()}".encode()).hexdigest()
    letter = pen.to_asker(notice, address_of(link.seal, here), here, version)
    deliveries.post_letter(tx, letter, now)


def _send(tx: Transaction, change: AskHosts, pen: Pen, now: datetime) -> None:
    """As a mail to the list, which waits for a host as any other; of its author only the link is left."""
    link, here = quiet.by_id(tx, pen.ring, change.quiet_id), _list(tx, change.list_id)
    if link is None or link.draft is None or link.state != "draft":
        return
    draft, own = link.draft, address_of(link.seal, here)
    made = Nameless(
        name=pen.words.mark("asker" if draft.answers else "nobody"),
        from_address=own,
        to=here.address,
        subject=draft.subject,
        message_id=f"{derived(pen.ring, 'quietly', link.seal)}@{here.address.domain}",
        text=draft.text,
        answers=draft.answers,
        reply_to=own if here.settings.reply_to == "author" else None,
    )
    raw = nameless_mail(made)
    intake = Intake((here.address,), str(own), raw, hashlib.sha256(raw).hexdigest())
    quiet.put(tx, pen.ring, replace(link, draft=Draft(draft.subject, "", draft.answers or made.message_id)))
    quiet.is_sent(tx, link.id, arrivals.keep(tx, intake, now)[0], now)


def _pass_on(tx: Transaction, change: PassToAsker, pen: Pen, now: datetime) -> None:
    """With a link of its own, so that the asker's answer finds back to who wrote."""
    parent, here = quiet.find(tx, pen.ring, change.seal), _list(tx, change.list_id)
    if parent is None or parent.asker is None or quiet.reach(tx, pen.ring, change.seal) is None:
        return
    answers = parent.draft.answers if parent.draft else ""
    new = replace(parent, writer=change.writer_seal, draft=Draft(change.subject, "", answers))
    link = quiet.begin(tx, pen.ring, new, here.id, now)
    known = reached(tx, change.writer_seal)
    name = discreet(known.alias.name) if known else ""
    relay = f"{relay_local(name, change.writer_seal)}@{here.address.domain}"
    notice = QuietlyAnswered(
        here.title, name, relay, change.subject, change.words, change.files, link.expires.date()
    )
    deliveries.post_letter(tx, pen.to_asker(notice, address_of(link.seal, here), here, link.seal), now)


def _answer(tx: Transaction, change: AnswerAsAsker, pen: Pen, now: datetime) -> None:
    """To whoever wrote in private, who may answer again: the link's own address stands in From."""
    link, here = quiet.by_id(tx, pen.ring, change.quiet_id), _list(tx, change.list_id)
    writer = reached(tx, link.writer) if link is not None else None
    if link is None or writer is None:
        return
    subject = link.draft.subject if link.draft else ""
    own = derived(pen.ring, "quiet answer", f"{link.seal} {now.timestamp()}")
    said = Nameless(
        name=pen.words.mark("asker"),
        from_address=address_of(link.seal, here),
        to=writer.to,
        subject=subject if subject[:3].casefold() == "re:" else f"Re: {subject}",
        message_id=f"{own}@{here.address.domain}",
        text=change.words,
        date=format_datetime(now.replace(microsecond=0)),
    )
    deliveries.post_letter(tx, Letter(str(writer.to), nameless_mail(said), here.id, returns=True), now)


def _list(tx: Transaction, number: int) -> MailList:
    here = lists.list_by_id(tx, number)
    assert here is not None, "a mail that is processed is of a list that lives"
    return here


def forget_expired(pen: Pen, bells: Bells) -> int:
    """Links whose time is over are gone; how many."""
    done = pen.store.do(partial(quiet.expire, now=pen.clock.now()))
    if done:
        bells.threads.set()  # where the database is scrubbed
    return done
