"""Hands copies to the relay: SMTP (RFC 5321) or LMTP (RFC 2033), pipelined (RFC 2920), connections kept.

One thread drives all connections. A transaction costs one round trip: MAIL, RCPT and DATA go out together,
and behind a message's final dot goes the next one's MAIL, RCPT and DATA (§3.1 of RFC 2920 lets a client
send on after the dot). Reading order: the records, what a server says, the bytes of a message, what a
server offers, one connection (``Line``), one call of ``carry`` (``Round``), the courier.

It does not: retry later, sign, convert 8-bit mail, look up MX records, or blame members (deliver.py decides).
Known limit: names are looked up by the system's resolver, which blocks.

    Exception
     ├─ Lost        the connection is of no more use
     └─ Stopped     ``report`` raised; its cause is what carry raises
    (neither leaves this file)
"""

from __future__ import annotations

import base64
import errno
import os
import re
import selectors
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from listserv.core.types import Deferred, Envelope, Failed, Outcome, Sent

Report = Callable[[int, str, Outcome], None]

# ---------------------------------------------------------------------------------------------- records


@dataclass(frozen=True, slots=True)
class Parcel:
    """One transaction's worth of mail. ``key`` is the delivery's id.

    ``message``: pieces with CRLF line ends, not dot-stuffed, usually (personal header block, shared rest),
    so that a body is never copied per member. ``stuffed``: the pieces after the first have been through
    ``stuff`` already, once for all members, and the first piece ends with CRLF.
    """

    key: int
    envelope: Envelope
    message: tuple[bytes, ...]
    stuffed: bool = False


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes. ``path``: a unix socket instead. ``tls``: "", "starttls" or "smtps"."""

    host: str = ""
    port: int = 25
    path: str = ""
    lmtp: bool = False
    tls: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for an answer (RFC 5321 §4.5.3.2), and until an idle connection is closed."""

    connect: float = 30
    greeting: float = 300
    hello: float = 300  # EHLO, STARTTLS, AUTH
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180  # while sending makes no progress
    dot: float = 600
    idle: float = 30

    def of(self, verb: str) -> float:
        match verb:
            case "connect" | "greeting" | "dot" | "DATA" | "RCPT":
                return float(getattr(self, verb.lower()))
            case "MAIL" | "RSET":
                return self.mail
            case _:
                return self.hello


class Lost(Exception):
    """The connection is of no more use; ``code`` is 0 where no server spoke.

    ``final``: trying again at once won't help. ``bystander``: it was not the fault of what was under way.
    """

    def __init__(self, text: str, *, code: int = 0, final: bool = False, bystander: bool = False) -> None:
        super().__init__(text)
        self.text, self.code, self.final, self.bystander = text, code, final, bystander

    def aside(self) -> Lost:
        """The same for a copy that had nothing to do with it, and for which trying again may well help."""
        return Lost(self.text, code=self.code, bystander=True)


class Stopped(Exception):
    """``report`` raised. Wrapped, so that its OSError isn't taken for one of the network's."""


class Job:
    """A parcel under way: ``left`` are the recipients without an outcome yet."""

    __slots__ = ("accepted", "dot_at", "heard", "left", "losses", "parcel")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.left = list(parcel.envelope.recipients)
        self.accepted: list[str] = []  # by RCPT, in this transaction
        self.dot_at = 0  # which octet of the connection ends the message; 0 while it isn't under way
        self.heard = False  # the server has answered to MAIL
        self.losses = 0


# ------------------------------------------------------------------------------------ what a server says

_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_LONGEST_LINE, _MOST_LINES, _LONGEST_TEXT = 2000, 100, 500
_TOO_MANY = re.compile(r"[45]\.5\.3\b|too many", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    lines: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """Fit to be kept and shown: one line, at most 500 characters, nothing but printable ones."""
        return _printable(b" ".join(self.lines))


class Replies:
    """Cuts what a server sends into replies, in whatever pieces it comes. Raises Lost at nonsense."""

    def __init__(self) -> None:
        self.rest = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete by now. A line has at most 2000 octets, a reply at most 100 lines."""
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) > _LONGEST_LINE:
            raise Lost("the relay sends a line without end")
        return [reply for line in lines if (reply := self._read(line)) is not None]

    def _read(self, line: bytes) -> Reply | None:
        reply, more = _cut(line)
        if not (more or self._lines):
            return reply
        self._lines.extend(reply.lines)
        if len(self._lines) > _MOST_LINES:
            raise Lost("the relay sends a reply without end")
        if more:
            return None
        whole = Reply(reply.code, tuple(self._lines))
        self._lines.clear()
        return whole


@lru_cache(maxsize=64)  # most of what a server says, it says for each mail in the same words
def _cut(line: bytes) -> tuple[Reply, bool]:
    """One line, and whether the reply goes on behind it."""
    found = _REPLY.fullmatch(line.removesuffix(b"\r"))
    if not found or len(line) > _LONGEST_LINE:
        raise Lost(f"the relay does not speak SMTP: {_printable(line[:80])}")
    code, dash, text = found.groups()
    return Reply(int(code), (text or b"",)), dash == b"-"


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "?" for c in text)
    return text[:_LONGEST_TEXT]


def _outcome(reply: Reply, at: str) -> Outcome:
    match reply.code // 100:
        case 2:
            return Sent(reply.code, reply.text)
        case 4:
            return Deferred(reply.code, reply.text)
        case 5:
            return Failed(reply.code, reply.text, at)
        case _:
            raise Lost(f"the relay is out of step: {reply.code} after {at}")


# ------------------------------------------------------------------------------- the bytes of a message


def stuff(piece: bytes, *, after: bytes = b"\r\n") -> bytes:
    """A piece as it goes over the wire: lines end with CRLF, leading dots doubled (RFC 5321 §4.5.2).

    ``after``: how what comes before ends; as it stands, the piece begins at the start of a line. No copy
    is made of a piece that needs no change.
    """
    if not _clean(piece):
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    stuffed = piece.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") and after.endswith(b"\r\n") else stuffed


def plain(parcel: Parcel) -> bytes:
    """The message in one piece, not stuffed, as it came."""
    if not parcel.stuffed:
        return b"".join(parcel.message)
    return b"".join((*parcel.message[:1], *(_unstuffed(piece) for piece in parcel.message[1:])))


def _clean(piece: bytes) -> bool:
    """No bare CR, no bare LF: either could end the message at a lenient next server (standards.md S1)."""
    ends = piece.count(b"\r\n")
    return piece.count(b"\n") == ends == piece.count(b"\r")


def _unstuffed(piece: bytes) -> bytes:
    bare = piece.replace(b"\r\n..", b"\r\n.")
    return bare[1:] if bare.startswith(b"..") else bare


class Wire:
    """Wire forms; those of shared pieces are kept, so that a body is looked at once for all members."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, bool, bool], tuple[bytes, bytes | None]] = {}

    def pieces(self, parcel: Parcel) -> list[bytes]:
        """What follows the 354, the final dot included."""
        out: list[bytes] = []
        end = b"\r\n"
        for position, piece in enumerate(parcel.message):
            form = self._shared(piece, end, stuffed=parcel.stuffed) if position else _stuff_clean(piece, end)
            if form is None:  # bare CR or LF, perhaps a CRLF that is cut in two: rare, so slow will do
                form = stuff(plain(parcel))
                return [form, b".\r\n" if form.endswith(b"\r\n") else b"\r\n.\r\n"]
            out.append(form)
            end = form[-2:] or end
        out.append(b".\r\n" if end == b"\r\n" else b"\r\n.\r\n")
        return out

    def _shared(self, piece: bytes, end: bytes, *, stuffed: bool) -> bytes | None:
        place = (id(piece), end == b"\r\n", stuffed)
        kept = self._kept.get(place)
        if kept is None:
            if len(self._kept) >= 16:
                self._kept.clear()
            form = (piece if _clean(piece) else None) if stuffed else _stuff_clean(piece, end)
            kept = self._kept[place] = (piece, form)  # the piece too, or its id could be another's
        return kept[1]


def _stuff_clean(piece: bytes, end: bytes) -> bytes | None:
    return stuff(piece, after=end) if _clean(piece) else None


# ---------------------------------------------------------------------------------- what a server offers

_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]")  # would end the path, or the command line
_NO_UTF8 = "5.6.7 the relay doesn't take addresses with letters beyond ASCII (SMTPUTF8)"


@dataclass(frozen=True, slots=True)
class Offer:
    """What stood in the answer to EHLO."""

    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    size: bool = False
    dsn: bool = False
    starttls: bool = False
    auth: frozenset[str] = frozenset()

    def commands(self, job: Job) -> list[bytes]:
        """MAIL, a RCPT for each recipient left, DATA."""
        parcel, envelope = job.parcel, job.parcel.envelope
        mail = f"MAIL FROM:<{envelope.sender}>"
        if self.size:
            mail += f" SIZE={sum(map(len, parcel.message))}"
        if self.eightbit and envelope.eightbit:
            mail += " BODY=8BITMIME"
        if self.smtputf8 and (envelope.smtputf8 or not _ascii(envelope.sender, *job.left)):
            mail += " SMTPUTF8"
        if not self.dsn or not envelope.sender:  # RFC 3461 §4.1: nothing to report to the null sender
            return [f"{mail}\r\n".encode(), *(f"RCPT TO:<{to}>\r\n".encode() for to in job.left), b"DATA\r\n"]
        mail += f" RET=HDRS ENVID={parcel.key}"
        return [f"{mail}\r\n".encode(), *map(_rcpt_with_notify, job.left), b"DATA\r\n"]

    def refusal(self, envelope: Envelope) -> Failed | None:
        """Why this server can't be given any copy of this mail."""
        if _UNSAFE.search(envelope.sender):
            return Failed(553, "5.1.7 the sender's address can't be written in a command", "MAIL")
        if not self.smtputf8 and (envelope.smtputf8 or not _ascii(envelope.sender)):
            return Failed(553, _NO_UTF8, "MAIL")
        if envelope.eightbit and not self.eightbit:
            return Failed(554, "5.6.3 the relay doesn't take 8-bit mail (8BITMIME)", "DATA")
        return None

    def refusal_of(self, recipient: str) -> Failed | None:
        if not recipient or _UNSAFE.search(recipient):
            return Failed(553, "5.1.3 the address can't be written in a command", "RCPT")
        return None if self.smtputf8 or recipient.isascii() else Failed(553, _NO_UTF8, "RCPT")


def _ascii(*addresses: str) -> bool:
    return all(address.isascii() for address in addresses)


def _rcpt_with_notify(to: str) -> bytes:
    original = re.sub(r"[+=]", lambda found: f"+{ord(found[0]):02X}", to)  # xtext, RFC 3461 §4
    orcpt = f" ORCPT=rfc822;{original}" if to.isascii() else ""
    return f"RCPT TO:<{to}> NOTIFY=FAILURE{orcpt}\r\n".encode()


def _read_offer(reply: Reply) -> Offer:
    words = [line.decode("ascii", "replace").upper().split() for line in reply.lines[1:]]
    names = {line[0] for line in words if line}
    return Offer(
        pipelining="PIPELINING" in names,
        eightbit="8BITMIME" in names,
        smtputf8="SMTPUTF8" in names,
        size="SIZE" in names,
        dsn="DSN" in names,
        starttls="STARTTLS" in names,
        auth=frozenset(name for line in words if line[:1] == ["AUTH"] for name in line[1:]),
    )


# --------------------------------------------------------------------------------------- one connection

Talk = Generator[str, Reply, None]  # yields the verb whose reply it waits for


@dataclass(slots=True)
class Turn:
    """A talk, and the verb whose reply it waits for."""

    talk: Talk
    verb: str


_BUSY = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@dataclass(frozen=True, slots=True)
class Setup:
    """What all connections of a courier have in common. ``tls`` is there where the relay asks for it."""

    relay: Relay
    hostname: str
    patience: Patience
    tls: ssl.SSLContext | None


class Line:
    """One connection, and what is being said over it: at most two transactions, the second looked ahead to.

    Each method may raise Lost or OSError; then whoever called it calls ``fail``.
    """

    def __init__(self, setup: Setup, family: int, address: str | tuple[str, int], desk: Round) -> None:
        self.setup, self.desk = setup, desk
        self.offer = Offer()
        self.ready = False  # greeted, secured and logged in
        self.kept = False  # from an earlier round
        self.answers = 0  # outcomes that the server itself gave, in this round
        self.jobs = 0
        self.deadline = monotonic() + setup.patience.connect
        self.wants = _WRITE
        self._turns: deque[Turn] = deque()
        self._replies = Replies()
        self._out: deque[bytes | memoryview] = deque()
        self._queued = self._gone = 0  # octets, of all that was ever said
        self._moved = False  # since the deadline was set
        self._dirty = False  # a transaction was begun and has not come to its dot
        self._stage: Callable[[], None] = self._connected
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if (error := self.sock.connect_ex(address)) not in (0, errno.EINPROGRESS):
            self.sock.close()
            raise OSError(error, os.strerror(error))

    # - the socket

    def attend(self) -> None:
        """Do what can be done now that the socket is ready for something; ``flush`` comes after."""
        self._stage()

    def join(self, desk: Round) -> None:
        """Go over to another round."""
        self.desk, self.kept, self.answers = desk, self.ready, 0
        self.deadline = monotonic() + self._patience()

    def next_job(self) -> bool:
        """Begin the next transaction, if there is one to begin."""
        while (job := self.desk.take()) is not None:
            if self._may_go(job):
                self.jobs += 1
                self._begin(self._transact(job))
                return True
        return False

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it, and look at the clock if anything moved."""
        if self._stage == self._hear:
            with suppress(*_BUSY):
                while self._out:
                    self._went(self._send())
            self.wants = _READ | _WRITE if self._out else _READ
        if self._moved:
            self._moved = False
            self.deadline = monotonic() + self._patience()

    def fail(self, lost: Lost) -> None:
        """Close, and let what was under way know why. Only the first in line had something to do with it."""
        self.sock.close()
        for place, turn in enumerate(self._turns):
            with suppress(Lost):
                turn.talk.throw(lost if place == 0 else lost.aside())
        self._turns.clear()

    def overdue(self) -> Lost:
        """What it means that the deadline has passed."""
        if self._out:
            return Lost("the relay has stopped reading", final=True)
        verb = self._turns[0].verb if self._turns else "connect"
        return Lost(f"no answer to {verb} in {self.setup.patience.of(verb):g} s", final=True)

    def drop(self) -> None:
        """Close at once, forgetting what was under way."""
        self.sock.close()
        for turn in self._turns:
            turn.talk.close()
        self._turns.clear()

    def quit(self) -> None:
        """Take leave (RFC 5321 §4.1.1.10) and close; waits a second at most."""
        with self.sock, suppress(OSError):
            if self.ready and not self._turns:
                self.sock.settimeout(1)
                self.sock.sendall(b"QUIT\r\n")
                self.sock.recv(512)

    def _connected(self) -> None:
        if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self._stage, self.wants = self._hear, _READ
        self._begin(self._greet())
        if self.setup.relay.tls == "smtps":
            self._secure()

    def _secure(self) -> None:
        """Turn to TLS. What came in the clear after the STARTTLS reply was put there by somebody else."""
        if self._replies.rest or self.setup.tls is None:
            raise Lost("the relay sent words in the clear that belong inside TLS", final=True)
        self.sock = self.setup.tls.wrap_socket(
            self.sock, server_hostname=self.setup.relay.host, do_handshake_on_connect=False
        )
        self._stage, self.wants = self._shake_hands, _WRITE

    def _shake_hands(self) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = _READ
        except ssl.SSLWantWriteError:
            self.wants = _WRITE
        except ssl.SSLCertVerificationError as error:
            text = f"the relay's certificate is not good for {self.setup.relay.host}: {error.verify_message}"
            raise Lost(text, final=True) from None
        else:
            self._stage, self.wants = self._hear, _READ
            if self._turns[0].verb == "TLS":
                self._step(Reply(220, ()))
            self._moved = True

    def _hear(self) -> None:
        """Read what has come and let the talks go on with it."""
        with suppress(*_BUSY):
            while True:
                data = self.sock.recv(65536)
                if not data:
                    raise Lost("the relay closed the connection")
                for reply in self._replies.feed(data):
                    self._step(reply)
                if self._stage != self._hear or not isinstance(self.sock, ssl.SSLSocket):
                    return  # TLS may hold back what the selector can't see, so there we read until dry

    def _send(self) -> int:
        if isinstance(self.sock, ssl.SSLSocket):
            return self.sock.send(memoryview(self._out[0])[:16384])  # a record's worth: progress shows
        return self.sock.sendmsg(list(self._out)[:64])

    def _went(self, count: int) -> None:
        self._gone += count
        while self._out and len(self._out[0]) <= count:
            count -= len(self._out.popleft())
        if count:
            self._out[0] = memoryview(self._out[0])[count:]
        self._moved = True

    # - the talks

    def _say(self, *pieces: bytes) -> None:
        if isinstance(self.sock, ssl.SSLSocket):
            pieces = (b"".join(pieces),)
        self._out.extend(pieces)
        self._queued += sum(map(len, pieces))

    def _patience(self) -> float:
        if not self._turns:
            return float("inf") if self.ready else self.setup.patience.connect
        return self.setup.patience.block if self._out else self.setup.patience.of(self._turns[0].verb)

    def _begin(self, talk: Talk) -> None:
        self._turns.append(Turn(talk, next(talk)))
        self._moved = True

    def _step(self, reply: Reply) -> None:
        """Hand a reply to whoever waits for it."""
        if self._stage != self._hear:
            raise Lost("the relay sent words in the clear that belong inside TLS", final=True)
        if reply.code == 421 or not self._turns:
            raise Lost(reply.text, code=reply.code)
        turn = self._turns[0]
        try:
            turn.verb = turn.talk.send(reply)
        except StopIteration:
            self._turns.popleft()
            if not self._turns:
                self.next_job()
        self._moved = True

    def _greet(self) -> Talk:
        """From the banner to where mail can be sent. Any refusal is the relay's trouble, not a copy's."""
        relay = self.setup.relay
        _insist((yield "greeting"), 220)
        yield from self._hello()
        if relay.tls == "starttls":
            if not self.offer.starttls:
                raise Lost("the relay doesn't offer STARTTLS, and nothing is sent in the clear", final=True)
            self._say(b"STARTTLS\r\n")
            _insist((yield "STARTTLS"), 220)
            self._secure()
            yield "TLS"
            yield from self._hello()
        if relay.user:
            yield from self._log_in()
        self.ready = True

    def _hello(self) -> Talk:
        name = self.setup.hostname
        self._say(f"{'LHLO' if self.setup.relay.lmtp else 'EHLO'} {name}\r\n".encode())
        reply = yield "EHLO"
        if reply.code // 100 == 5 and not (self.setup.relay.lmtp or self.setup.relay.tls):
            self._say(f"HELO {name}\r\n".encode())
            _insist((yield "EHLO"), 250)
            return
        _insist(reply, 250)
        self.offer = _read_offer(reply)

    def _log_in(self) -> Talk:
        """AUTH PLAIN (RFC 4616), else LOGIN. ``open_courier`` sees to it that this is never in the clear."""
        user, password = self.setup.relay.user.encode(), self.setup.relay.password.encode()
        if "PLAIN" in self.offer.auth:
            self._say(b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password) + b"\r\n")
            _insist((yield "AUTH"), 235)
            return
        if "LOGIN" not in self.offer.auth:
            raise Lost("the relay offers no login that we know (AUTH PLAIN or LOGIN)", final=True)
        self._say(b"AUTH LOGIN\r\n")
        for word in (user, password):
            _insist((yield "AUTH"), 334)
            self._say(base64.b64encode(word) + b"\r\n")
        _insist((yield "AUTH"), 235)

    def _may_go(self, job: Job) -> bool:
        """Settle what this server can't be asked; True if something is left to ask."""
        refusal = self.offer.refusal(job.parcel.envelope)
        for recipient in tuple(job.left):
            if said := refusal or self.offer.refusal_of(recipient):
                self.desk.settle(job, recipient, said)
        return bool(job.left)

    def _transact(self, job: Job) -> Talk:
        """One transaction, from MAIL to the reply after the dot."""
        try:
            if (yield from self._offer_mail(job)):
                self._say(*self.desk.wire.pieces(job.parcel))
                job.dot_at = self._queued
                self._look_ahead()
                yield from self._await_verdict(job)
        except Lost as lost:
            enough = self.answers > 0 and not job.heard and not lost.final  # "so many mails a connection"
            self.desk.undone(job, lost.aside() if enough else lost, dot_out=0 < job.dot_at <= self._gone)
            raise
        finally:
            self.jobs -= 1
        if job.left:  # "too many recipients": the others go in a transaction of their own
            self.desk.bring_back(job)

    def _offer_mail(self, job: Job) -> Generator[str, Reply, bool]:
        """MAIL, RCPT and DATA; True if the server waits for the message and somebody is to get it."""
        asked = tuple(job.left)
        mail, *rcpts, data = self.offer.commands(job)
        reset, self._dirty = self._dirty, True
        if self.offer.pipelining:
            self._say(b"".join((b"RSET\r\n" if reset else b"", mail, *rcpts, data)))
        if reset:
            yield from self._ask("RSET", b"RSET\r\n")  # whatever it says: MAIL will tell
        reply = yield from self._ask("MAIL", mail)
        job.heard = True
        if reply.code // 100 != 2:
            self._settle(job, asked, _outcome(reply, "MAIL"))
        if job.left or self.offer.pipelining:
            for recipient, command in zip(asked, rcpts, strict=True):
                self._heard_rcpt(job, recipient, (yield from self._ask("RCPT", command)))
        if not (job.accepted or self.offer.pipelining):
            return False
        return (yield from self._ask_for_data(job, data))

    def _ask(self, verb: str, command: bytes) -> Generator[str, Reply, Reply]:
        if not self.offer.pipelining:
            self._say(command)
        return (yield verb)

    def _heard_rcpt(self, job: Job, recipient: str, reply: Reply) -> None:
        if reply.code // 100 == 2:
            job.accepted.append(recipient)
        elif job.left and not (job.accepted and _too_many(reply)):
            self._settle(job, (recipient,), _outcome(reply, "RCPT"))

    def _ask_for_data(self, job: Job, data: bytes) -> Generator[str, Reply, bool]:
        reply = yield from self._ask("DATA", data)
        if reply.code == 354 and job.accepted and job.left:
            self._dirty = False
            return True
        if reply.code == 354:
            yield from self._lone_dot(job)
        elif reply.code < 400:
            raise Lost(f"the relay is out of step: {reply.code} after DATA")
        elif job.left:
            self._settle(job, job.accepted, _outcome(reply, "DATA"))
        return False

    def _lone_dot(self, job: Job) -> Talk:
        """RFC 2920 §3.1: a server that says 354 though it refused every RCPT is given an empty message."""
        if job.accepted or self.setup.relay.lmtp:  # it would go to somebody; in LMTP, nothing would answer
            raise Lost("the relay is out of step: it wants a message that it refused")
        self._say(b".\r\n")
        self._dirty = False
        yield "dot"

    def _look_ahead(self) -> None:
        if self.offer.pipelining:
            self.next_job()

    def _await_verdict(self, job: Job) -> Talk:
        """The reply to the message; by LMTP one for each accepted recipient (RFC 2033 §4.2)."""
        if self.setup.relay.lmtp:
            while job.accepted:
                outcome = _outcome((yield "dot"), "DATA")
                self._settle(job, (job.accepted.pop(0),), outcome)
        else:
            self._settle(job, job.accepted, _outcome((yield "dot"), "DATA"))

    def _settle(self, job: Job, recipients: Iterable[str], outcome: Outcome) -> None:
        self.answers += 1
        self.desk.progress()
        for recipient in tuple(recipients):
            self.desk.settle(job, recipient, outcome)


def _insist(reply: Reply, code: int) -> None:
    if reply.code != code:
        raise Lost(reply.text, code=reply.code, final=reply.code // 100 == 5)


def _too_many(reply: Reply) -> bool:
    """More recipients than the server takes at once (RFC 5321 §4.5.3.1.10; some say 552)."""
    return reply.code in (452, 552) and bool(_TOO_MANY.search(reply.text))


# ------------------------------------------------------------------------------------ one call of carry

_FRUITLESS = 3  # so many connections in a row that gave us nothing, and the relay is left alone


class Round:
    """One call of ``carry``: which copy goes over which connection, and what becomes of those that fail.

    The first connection is opened alone, to see whether the relay is there; then as many as there is work
    for. A copy whose connection ends before its dot was out goes on over another one; if it was the copy
    at which the connection ended, once.
    """

    def __init__(self, setup: Setup, kept: list[Line], parcels: Iterator[Parcel], report: Report) -> None:
        self._setup, self.lines, self._parcels, self._report = setup, kept, parcels, report
        self.wire = Wire()
        self._waiting: deque[Job] = deque()
        self._exhausted = False
        self._broken: Exception | None = None
        self._fruitless = 0
        self._trouble = Lost("the relay does not answer")
        self._addresses: list[tuple[int, str | tuple[str, int]]] = []
        self._selector = selectors.DefaultSelector()

    def run(self, width: int) -> None:
        """Carry everything, over at most ``width`` connections. Raises only what parcels or report raise."""
        self._width = width
        with self._selector:
            for line in self.lines:
                line.join(self)
                self._selector.register(line.sock.fileno(), line.wants, line)
            self._listen(0)  # who hung up meanwhile?
            self._staff()
            while self._waiting or any(line.jobs for line in self.lines):
                self._listen(max(0.0, min(line.deadline for line in self.lines) - monotonic()))
                self._staff()
        if self._broken:
            raise self._broken

    def take(self) -> Job | None:
        """The next copy to send. What the caller's iterable raises is kept until all under way is settled."""
        if self._waiting:
            return self._waiting.popleft()
        if self._exhausted:
            return None
        try:
            return Job(next(self._parcels))
        except StopIteration:
            self._exhausted = True
        except Exception as error:
            self._exhausted, self._broken = True, error
        return None

    def settle(self, job: Job, recipient: str, outcome: Outcome) -> None:
        job.left.remove(recipient)
        try:
            self._report(job.parcel.key, recipient, outcome)
        except Exception as error:
            raise Stopped from error

    def progress(self) -> None:
        """The server gave an answer that counts: it is there, and it is worth going on."""
        self._fruitless = 0

    def bring_back(self, job: Job) -> None:
        job.accepted.clear()
        job.dot_at, job.heard = 0, False
        self._waiting.appendleft(job)

    def undone(self, job: Job, lost: Lost, *, dot_out: bool) -> None:
        """The connection ended under a transaction. After the dot nobody knows whether it was taken."""
        relay_ends = lost.code == 421
        if dot_out:
            unsure = Deferred(lost.code, lost.text, in_doubt=not relay_ends, of_relay=relay_ends)
            for recipient in job.accepted:
                self.settle(job, recipient, unsure)
        job.losses += not lost.bystander
        if lost.final or job.losses > 1:
            for recipient in tuple(job.left):
                self.settle(job, recipient, Deferred(lost.code, lost.text, of_relay=relay_ends))
        if job.left:
            self.bring_back(job)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(min(seconds, 3600)):
            self._try(key.data, key.data.attend)
        now = monotonic()
        for line in [line for line in self.lines if line.deadline <= now]:
            self._lose(line, line.overdue())

    def _try(self, line: Line, act: Callable[[], object]) -> None:
        """Do something with a connection, and bury it if that ends it."""
        fd, wants = line.sock.fileno(), line.wants
        try:
            act()
            line.flush()
        except Lost as lost:
            self._lose(line, lost, fd)
        except OSError as error:
            self._lose(
                line, Lost(f"the connection to {self._setup.relay} failed: {error.strerror or error}"), fd
            )
        else:
            if line.wants != wants:
                self._selector.modify(fd, line.wants, line)

    def _lose(self, line: Line, lost: Lost, fd: int = -1) -> None:
        self._selector.unregister(fd if fd >= 0 else line.sock.fileno())
        self.lines.remove(line)
        stale = line.kept and not line.answers and not lost.final
        line.fail(lost.aside() if stale else lost)
        if not line.answers and not line.kept:
            self._in_vain(lost)

    def _in_vain(self, lost: Lost) -> None:
        """A connection gave us nothing. With others at work that only says: it takes no more of them."""
        self._trouble = lost
        self._fruitless += _FRUITLESS if lost.final else 1
        self._width = max(1, sum(line.ready for line in self.lines))

    def _staff(self) -> None:
        """Give work to whoever has none, and open what is missing."""
        for line in self._idle():
            self._try(line, line.next_job)
        while self._waiting and (idle := self._idle()):  # what a line brought back that died just now
            self._try(idle[0], idle[0].next_job)
        while self._more_needed():
            self._open()
        if not self.lines and self._fruitless >= _FRUITLESS:
            self._give_up()

    def _idle(self) -> list[Line]:
        return [line for line in self.lines if line.ready and not line.jobs]

    def _more_needed(self) -> bool:
        opening = sum(not line.ready for line in self.lines)
        if len(self.lines) >= self._width or (opening and opening == len(self.lines)):
            return False
        if self._fruitless >= _FRUITLESS or self._idle():
            return False
        if len(self._waiting) <= opening and (job := self.take()):
            self._waiting.append(job)
        return len(self._waiting) > opening

    def _open(self) -> None:
        try:
            self._addresses = self._addresses or _look_up(self._setup.relay)
            family, address = self._addresses[self._fruitless % len(self._addresses)]
            line = Line(self._setup, family, address, self)
        except OSError as error:
            self._in_vain(Lost(f"no connection to {self._setup.relay}: {error.strerror or error}"))
        else:
            self.lines.append(line)
            self._selector.register(line.sock.fileno(), line.wants, line)

    def _give_up(self) -> None:
        """Defer everything left; a caller that sees ``of_relay`` may stop giving out copies."""
        trouble = Deferred(self._trouble.code, self._trouble.text, of_relay=True)
        while (job := self.take()) is not None:
            for recipient in tuple(job.left):
                self.settle(job, recipient, trouble)


def _look_up(relay: Relay) -> list[tuple[int, str | tuple[str, int]]]:
    if relay.path:
        return [(socket.AF_UNIX, relay.path)]
    found = socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in found]


# ------------------------------------------------------------------------------------------ the courier


class SmtpCourier:
    """Keeps up to ``connections`` connections to one relay; one ``carry`` at a time."""

    def __init__(self, setup: Setup, connections: int) -> None:
        self._setup, self._connections = setup, connections
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def carry(self, parcels: Iterable[Parcel], report: Report) -> None:
        """Send each parcel; ``report(key, recipient, outcome)`` exactly once for each of its recipients.

        Parcels are drawn when there is a connection for them, two per connection at most being under way.
        What the network does is an outcome; what ``parcels`` or ``report`` raise is raised, the former
        after all under way is settled.
        """
        with self._lock:
            self._stop_timer()
            try:
                Round(self._setup, self._lines, iter(parcels), report).run(self._connections)
            except Stopped as stopped:
                self._hang_up()
                raise stopped.__cause__ or stopped from None
            except BaseException:
                self._hang_up()
                raise
            if self._lines:
                self._timer = threading.Timer(self._setup.patience.idle, self.close)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Take leave of the relay; waits for a ``carry`` under way. Another ``carry`` connects again."""
        with self._lock:
            self._stop_timer()
            while self._lines:
                self._lines.pop().quit()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        while self._lines:
            self._lines.pop().drop()
