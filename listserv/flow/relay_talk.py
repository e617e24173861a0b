"""What is said over one connection to the relay: the greeting, then one transaction after the other.

SMTP (RFC 5321) or LMTP (RFC 2033), pipelined where the server offers it (RFC 2920). A transaction costs one
round trip: MAIL, RCPT and DATA go out together, and behind a message's final dot goes the next one's MAIL,
RCPT and DATA (§3.1 of RFC 2920 lets a client send on after the dot).

A talk is a generator that yields the verbs whose replies it waits for. It does not: touch the socket
(relay_line.py), or decide what becomes of a copy whose connection ended (its ``Desk``, relay_round.py).
"""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterable
from functools import lru_cache
from typing import Protocol

from listserv.core.types import Outcome
from listserv.flow.offer import read_offer
from listserv.flow.parcel import Job, Wire
from listserv.flow.relay import Lost
from listserv.flow.relay_line import Line, Talk, Wait, answer
from listserv.flow.replies import Reply, insist, outcome_of, too_many


class Desk(Protocol):
    """Who hands out the copies and hears what became of them."""

    @property
    def wire(self) -> Wire:
        """The bytes of messages."""

    def take(self) -> Job | None:
        """The next copy to send, None if there is none."""

    def settle(self, job: Job, recipient: str, outcome: Outcome) -> None:
        """A recipient has its outcome."""

    def progress(self) -> None:
        """The server gave an answer that counts."""

    def bring_back(self, job: Job) -> None:
        """Some recipients are left, for another transaction."""

    def undone(self, job: Job, lost: Lost, *, dot_out: bool) -> None:
        """The connection ended under a transaction, before its final dot was out or after it."""


def greet(line: Line) -> Talk:
    """From the banner to where mail can be sent. Any refusal is the relay's trouble, not a copy's."""
    relay = line.setup.relay
    insist((yield from answer("greeting")), 220)
    yield from _hello(line)
    if relay.tls == "starttls":
        if not line.offer.starttls:
            raise Lost("the relay doesn't offer STARTTLS, and nothing is sent in the clear", final=True)
        line.say(b"STARTTLS\r\n")
        insist((yield from answer("STARTTLS")), 220)
        line.secure()
        yield from answer("TLS")
        yield from _hello(line)
    if relay.user:
        yield from _log_in(line)
    line.ready = True


def _hello(line: Line) -> Talk:
    name = line.setup.hostname
    line.say(f"{'LHLO' if line.setup.relay.lmtp else 'EHLO'} {name}\r\n".encode())
    reply = yield from answer("EHLO")
    if reply.code // 100 == 5 and not (line.setup.relay.lmtp or line.setup.relay.tls):
        line.say(f"HELO {name}\r\n".encode())
        insist((yield from answer("EHLO")), 250)
        return
    insist(reply, 250)
    line.offer = read_offer(reply)


def _log_in(line: Line) -> Talk:
    """AUTH PLAIN (RFC 4616), else LOGIN. ``open_courier`` sees to it that this is never in the clear."""
    user, password = line.setup.relay.user.encode(), line.setup.relay.password.encode()
    if "PLAIN" in line.offer.auth:
        line.say(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password) + b"\r\n")
        insist((yield from answer("AUTH")), 235)
        return
    if "LOGIN" not in line.offer.auth:
        raise Lost("the relay offers no login that we know (AUTH PLAIN or LOGIN)", final=True)
    line.say(b"AUTH LOGIN\r\n")
    for word in (user, password):
        insist((yield from answer("AUTH")), 334)
        line.say(base64.b64encode(word) + b"\r\n")
    insist((yield from answer("AUTH")), 235)


@lru_cache(maxsize=256)
def _verbs(recipients: int, *, reset: bool) -> tuple[str, ...]:
    return (*["RSET"] * reset, "MAIL", *["RCPT"] * recipients, "DATA")


def transact(line: Line, desk: Desk) -> Talk | None:
    """The next copy's transaction, None if there is none. What this server can't be asked is settled."""
    while (job := desk.take()) is not None:
        refusal = line.offer.refusal(job.parcel.envelope)
        for recipient in tuple(job.left):
            if said := refusal or line.offer.refusal_of(recipient):
                desk.settle(job, recipient, said)
        if job.left:
            return Transaction(line, desk, job).run()
    return None


class Transaction:
    """One attempt to hand over one parcel."""

    __slots__ = ("desk", "job", "line")

    def __init__(self, line: Line, desk: Desk, job: Job) -> None:
        self.line, self.desk, self.job = line, desk, job

    def run(self) -> Talk:
        """One transaction, from MAIL to the reply after the dot."""
        self.line.jobs += 1
        try:
            if (yield from self._offer_mail()):
                self.line.say(*self.desk.wire.pieces(self.job.parcel))
                self.job.dot_at = self.line.queued
                self._look_ahead()
                yield from self._await_verdict()
        except Lost as lost:
            if self.line.answers and not self.job.heard and not lost.final:  # "so many mails a connection"
                self._undone(lost.aside())
            else:
                self._undone(lost)
            raise
        finally:
            self.line.jobs -= 1
        if self.job.left:  # "too many recipients": the others go in a transaction of their own
            self.desk.bring_back(self.job)

    def _offer_mail(self) -> Generator[Wait, None, bool]:
        """MAIL, RCPT and DATA; True if the server waits for the message and somebody is to get it."""
        asked = tuple(self.job.left)
        commands = self.line.offer.commands(self.job)
        reset, self.line.dirty = self.line.dirty, True
        if not self.line.offer.pipelining:
            return (yield from self._offer_by_steps(asked, commands, reset=reset))
        self.line.say("".join(["RSET\r\n", *commands] if reset else commands).encode())
        wait = Wait(_verbs(len(asked), reset=reset))
        try:
            yield wait
        except Lost:  # before all replies came: what was said of some holds
            self._heard_envelope(asked, wait.heard[reset:])
            raise
        self._heard_envelope(asked, wait.heard[reset:-1])
        return (yield from self._heard_data(wait.heard[-1]))

    def _heard_envelope(self, asked: tuple[str, ...], replies: list[Reply]) -> None:
        """MAIL's reply and those of as many RCPT as came."""
        if replies:
            self._heard_mail(asked, replies[0])
        for recipient, reply in zip(asked, replies[1:], strict=False):
            self._heard_rcpt(recipient, reply)

    def _offer_by_steps(
        self, asked: tuple[str, ...], commands: list[str], *, reset: bool
    ) -> Generator[Wait, None, bool]:
        """The same for a server that wants each command after its answer to the one before."""
        mail, *rcpts, data = commands
        if reset:
            yield from self._ask("RSET", "RSET\r\n")  # whatever it says: MAIL will tell
        self._heard_mail(asked, (yield from self._ask("MAIL", mail)))
        if self.job.left:
            for recipient, command in zip(asked, rcpts, strict=True):
                self._heard_rcpt(recipient, (yield from self._ask("RCPT", command)))
        if not self.job.accepted:
            return False
        return (yield from self._heard_data((yield from self._ask("DATA", data))))

    def _ask(self, verb: str, command: str) -> Generator[Wait, None, Reply]:
        self.line.say(command.encode())
        return (yield from answer(verb))

    def _heard_mail(self, asked: tuple[str, ...], reply: Reply) -> None:
        self.job.heard = True
        if reply.code // 100 != 2:
            self._settle(asked, outcome_of(reply, "MAIL"))

    def _heard_rcpt(self, recipient: str, reply: Reply) -> None:
        if reply.code // 100 == 2:
            self.job.accepted.append(recipient)
        elif self.job.left and not (self.job.accepted and too_many(reply)):
            self._settle((recipient,), outcome_of(reply, "RCPT"))

    def _heard_data(self, reply: Reply) -> Generator[Wait, None, bool]:
        if reply.code == 354 and self.job.accepted and self.job.left:
            self.line.dirty = False
            return True
        if reply.code == 354:
            yield from self._lone_dot()
        elif reply.code < 400:
            raise Lost(f"the relay is out of step: {reply.code} after DATA")
        elif self.job.left:
            self._settle(self.job.accepted, outcome_of(reply, "DATA"))
        return False

    def _lone_dot(self) -> Talk:
        """RFC 2920 §3.1: a server that says 354 though it refused every RCPT is given an empty message."""
        if self.job.accepted or self.line.setup.relay.lmtp:  # it goes to somebody; in LMTP, nothing answers
            raise Lost("the relay is out of step: it wants a message that it refused")
        self.line.say(b".\r\n")
        self.line.dirty = False
        yield from answer("dot")

    def _look_ahead(self) -> None:
        if self.line.offer.pipelining:
            self.line.next_talk()

    def _await_verdict(self) -> Talk:
        """The reply to the message; by LMTP one for each accepted recipient (RFC 2033 §4.2)."""
        if self.line.setup.relay.lmtp:
            while self.job.accepted:
                outcome = outcome_of((yield from answer("dot")), "DATA")
                self._settle((self.job.accepted.pop(0),), outcome)
        else:
            self._settle(self.job.accepted, outcome_of((yield from answer("dot")), "DATA"))

    def _settle(self, recipients: Iterable[str], outcome: Outcome) -> None:
        self.line.answers += 1
        self.desk.progress()
        for recipient in tuple(recipients):
            self.desk.settle(self.job, recipient, outcome)

    def _undone(self, lost: Lost) -> None:
        self.desk.undone(self.job, lost, dot_out=0 < self.job.dot_at <= self.line.gone)
