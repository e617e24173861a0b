"""A real SMTP or LMTP server on loopback that remembers all it was told, and misbehaves as it is asked to.

Written by hand on asyncio and independent of the code it tests: no aiosmtpd, nothing of listserv. It is
strict where a receiver may be: it notes bare CR and LF, and answers 503 to what comes out of order.

    with Mailroom(Script(refuse={"bob@b.example": "550 5.1.1 no Bob here"})) as room:
        …                       # send to 127.0.0.1, room.port
        room.mails              # what was taken: sender, recipients, data as it was before dot-stuffing
        room.offered            # every transaction that was begun, with how it went
        room.sessions           # every connection, with each command line
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ALL = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True)
class Script:
    """How to behave. The default is a good, modern server.

    ``refuse``: a reply for a recipient (or a function that gives one, or None). ``refuse_mail``,
    ``refuse_data``, ``after_dot``: the reply to MAIL, DATA or the message, by envelope sender; ``after_dot``
    may name a recipient too (LMTP). ``greylist``: so many 450s for each recipient first. ``most_mails``: so
    many on one connection, then 421. ``drop_after_dot``: so many messages end in a lost connection, the
    message itself being kept. ``hang``: the verb ("banner", "EHLO", …, "dot", "QUIT") that gets no answer;
    ``hang_times`` bounds how often. ``drip``: replies leave an octet at a time. ``always_354``: DATA is
    answered 354 even where every RCPT was refused. ``heard`` and ``answered`` are told of each message that
    is kept, before its reply leaves and right after; an EOFError of theirs ends the connection.
    """

    banner: str = "220 mailroom ESMTP"
    offers: tuple[str, ...] = ALL
    refuse: Mapping[str, str] | Callable[[str], str | None] = field(default_factory=dict)
    refuse_mail: Mapping[str, str] = field(default_factory=dict)
    refuse_data: Mapping[str, str] = field(default_factory=dict)
    after_dot: Mapping[str, str] = field(default_factory=dict)
    greylist: int = 0
    most_mails: int = 0
    most_recipients: int = 0
    most_connections: int = 0
    drop_after_dot: int = 0
    hang: str = ""
    hang_times: int = 1_000_000
    drip: bool = False
    always_354: bool = False
    lmtp: bool = False
    no_ehlo: bool = False
    login: tuple[str, str] | None = None
    tls: ssl.SSLContext | None = None  # STARTTLS is offered; with ``smtps`` the connection begins with TLS
    smtps: bool = False
    inject_after_starttls: bytes = b""
    heard: Callable[[Mail], None] = lambda mail: None
    answered: Callable[[Mail], None] = lambda mail: None


@dataclass
class Mail:
    """One transaction."""

    session: int
    sender: str
    mail_words: tuple[str, ...] = ()
    recipients: list[str] = field(default_factory=list)  # accepted
    refused: list[str] = field(default_factory=list)
    rcpt_words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    wire: bytes = b""  # what came after the 354, without the final dot
    reply: str = ""  # to the message

    @property
    def data(self) -> bytes:
        """The message as it was before dot-stuffing."""
        return (b"\r\n" + self.wire).replace(b"\r\n.", b"\r\n")[2:]

    @property
    def bare(self) -> bool:
        """It holds a CR or an LF that isn't part of a CRLF."""
        ends = self.wire.count(b"\r\n")
        return not self.wire.count(b"\n") == ends == self.wire.count(b"\r")


@dataclass
class Session:
    """One connection: what the client said (without messages), and how it ended."""

    number: int
    commands: list[str] = field(default_factory=list)
    secure: bool = False
    user: str = ""
    mails: int = 0
    polite: bool = False  # the client said QUIT
    unread: bytes = b""  # what lay behind the words at which the server fell silent
    ended: bool = False


class Mailroom:
    """A context manager; the server runs in a thread of its own."""

    def __init__(self, script: Script | None = None, *, port: int = 0, path: Path | None = None) -> None:
        self.script = script or Script()
        self.port = port
        self.sessions: list[Session] = []
        self.offered: list[Mail] = []
        self.mails: list[Mail] = []
        self._path = path
        self._tries: Counter[str] = Counter()
        self._drops = self._hangs = 0
        self._started = threading.Event()
        self._trouble: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait(60)
        if self._trouble:
            raise self._trouble
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the mailroom did not stop"

    @property
    def taken(self) -> Counter[str]:
        """How many copies each recipient got."""
        return Counter(to for mail in self.mails for to in mail.recipients)

    @property
    def is_hanging(self) -> bool:
        """Somebody waits for an answer that doesn't come."""
        return self._hangs > 0

    def copies_for(self, recipient: str) -> list[Mail]:
        return [mail for mail in self.mails if recipient in mail.recipients]

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as trouble:
            self._trouble = trouble
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        context = self.script.tls if self.script.smtps else None
        if self._path:
            server = await asyncio.start_unix_server(self._accept, self._path)
        else:
            server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=context)
            self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        for door in server.sockets:  # asyncio forgets to close whom it lets in just as the server closes
            self._loop.remove_reader(door.fileno())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        server.close()
        me = asyncio.current_task()
        while others := asyncio.all_tasks() - {me}:  # who was just being let in is among them
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others, timeout=0.05)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        session = Session(len(self.sessions), secure=self.script.smtps)
        self.sessions.append(session)
        clerk = Clerk(self, session, reader, writer)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await clerk.serve()
        finally:
            session.ended = True
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def hangs(self, verb: str) -> bool:
        if verb == self.script.hang and self._hangs < self.script.hang_times:
            self._hangs += 1
            return True
        return False

    def drops(self) -> bool:
        if self._drops >= self.script.drop_after_dot:
            return False
        self._drops += 1
        return True

    def answer_rcpt(self, recipient: str) -> str | None:
        """What the script has against a recipient."""
        self._tries[recipient] += 1
        if self._tries[recipient] <= self.script.greylist:
            return "450 4.2.0 greylisted, come back later"
        refuse = self.script.refuse
        return refuse(recipient) if callable(refuse) else refuse.get(recipient)


class Clerk:
    """Serves one connection."""

    def __init__(
        self, room: Mailroom, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.room, self.script, self.session = room, room.script, session
        self.reader, self.writer = reader, writer
        self.buffer = bytearray()
        self.mail: Mail | None = None
        self.greeted = False

    async def serve(self) -> None:
        await self.hang("banner")
        open_now = sum(not session.ended for session in self.room.sessions)
        if self.script.most_connections and open_now > self.script.most_connections:
            return await self.say("421 4.7.0 too many connections from you")
        await self.say(self.script.banner)
        if not self.script.banner.startswith("220"):
            return None
        while (line := await self.line()) is not None:
            self.session.commands.append(line)
            verb, _, rest = line.partition(" ")
            await self.hang(verb.upper())
            if await self.obey(verb.upper(), rest) == "bye":
                return None
        return None

    async def obey(self, verb: str, rest: str) -> str | None:
        match verb:
            case "EHLO" | "LHLO" | "HELO":
                await self.hello(verb)
            case "STARTTLS" if self.script.tls and not self.session.secure:
                await self.secure()
            case "AUTH":
                await self.log_in(rest)
            case "MAIL" | "RCPT" | "DATA":
                return await self.transact(verb, rest)
            case "RSET":
                self.mail = None
                await self.say("250 2.0.0 flushed")
            case "QUIT":
                self.session.polite = True
                await self.say("221 2.0.0 bye")
                return "bye"
            case _:
                await self.say("502 5.5.1 not known here")
        return None

    async def transact(self, verb: str, rest: str) -> str | None:
        match verb:
            case "MAIL":
                return await self.begin(rest)
            case "RCPT":
                return await self.add(rest)
            case _:
                return await self.take()

    async def hello(self, verb: str) -> None:
        if (verb == "LHLO") != self.script.lmtp or (verb == "EHLO" and self.script.no_ehlo):
            return await self.say("500 5.5.1 wrong language")
        self.greeted, self.mail = True, None
        if verb == "HELO":
            return await self.say("250 mailroom")
        offers = list(self.script.offers)
        if self.script.tls and not self.session.secure:
            offers.append("STARTTLS")
        if self.script.login and not any(offer.startswith("AUTH") for offer in offers):
            offers.append("AUTH PLAIN LOGIN")
        lines = ["mailroom", *offers]
        return await self.say(*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}")

    async def secure(self) -> None:
        self.writer.write(b"220 2.0.0 go ahead\r\n" + self.script.inject_after_starttls)
        await self.writer.drain()
        self.buffer.clear()
        await self.writer.start_tls(self.script.tls)  # type: ignore[arg-type]  # obey() has looked
        self.session.secure, self.greeted = True, False

    async def log_in(self, rest: str) -> None:
        kind, _, first = rest.partition(" ")
        if kind.upper() == "PLAIN":
            _, user, password = base64.b64decode(first).decode().split("\0")
        else:
            answers = []
            for question in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
                await self.say(f"334 {question}")
                answers.append(base64.b64decode(await self.line() or "").decode())
            user, password = answers
        if (user, password) != self.script.login:
            return await self.say("535 5.7.8 wrong user or password")
        self.session.user = user
        return await self.say("235 2.7.0 welcome")

    async def begin(self, rest: str) -> str | None:
        if self.mail or not self.greeted:
            await self.say("503 5.5.1 not now")
            return None
        if self.script.login and not self.session.user:
            await self.say("530 5.7.0 log in first")
            return None
        if self.script.most_mails and self.session.mails >= self.script.most_mails:
            await self.say("421 4.7.0 enough for one connection")
            return "bye"
        path, words = _path(rest)
        if refusal := self.script.refuse_mail.get(path):
            return await self.refuse(refusal)
        self.mail = Mail(self.session.number, path, words)
        self.room.offered.append(self.mail)
        await self.say("250 2.1.0 sender fine")
        return None

    async def add(self, rest: str) -> str | None:
        path, words = _path(rest)
        if not self.mail:
            await self.say("503 5.5.1 MAIL first")
            return None
        if self.script.most_recipients and len(self.mail.recipients) >= self.script.most_recipients:
            await self.say("452 4.5.3 too many recipients")
            return None
        if refusal := self.room.answer_rcpt(path):
            self.mail.refused.append(path)
            return await self.refuse(refusal)
        self.mail.recipients.append(path)
        self.mail.rcpt_words[path] = words
        await self.say("250 2.1.5 recipient fine")
        return None

    async def refuse(self, reply: str) -> str | None:
        await self.say(reply)
        return "bye" if reply.startswith("421") else None

    async def take(self) -> str | None:
        mail = self.mail
        if not mail or not (mail.recipients or self.script.always_354):
            await self.say("503 5.5.1 no valid recipients" if not mail else "554 5.5.1 no valid recipients")
            return None
        if refusal := self.script.refuse_data.get(mail.sender):
            return await self.refuse(refusal)
        await self.say("354 go on")
        mail.wire = await self.message()
        self.mail = None
        self.session.mails += 1
        await self.hang("dot")
        if self.room.drops():
            self.room.mails.append(mail)
            return "bye"
        if not mail.recipients:
            await self.say("554 5.5.1 no valid recipients")
            return None
        return await self.verdict(mail)

    async def verdict(self, mail: Mail) -> str | None:
        fine = "250 2.0.0 kept"
        mail.reply = self.script.after_dot.get(mail.sender, fine)
        replies = [mail.reply]
        if self.script.lmtp:
            replies = [self.script.after_dot.get(to, mail.reply) for to in mail.recipients]
            kept = [to for to, reply in zip(mail.recipients, replies, strict=True) if reply[0] == "2"]
            mail.refused += [to for to in mail.recipients if to not in kept]
            mail.recipients = kept
        is_ours = any(reply.startswith("2") for reply in replies)
        if is_ours:
            self.room.mails.append(mail)  # before the reply, so that a sender that has it finds the mail
            self.script.heard(mail)
        await self.say(*replies)
        if is_ours:
            self.script.answered(mail)
        return "bye" if any(reply.startswith("421") for reply in replies) else None

    async def hang(self, verb: str) -> None:
        if self.room.hangs(verb):
            self.session.unread = bytes(self.buffer)
            while await self.fill():
                self.session.unread = bytes(self.buffer)
            raise EOFError

    async def line(self) -> str | None:
        while (end := self.buffer.find(b"\n")) < 0:
            if not await self.fill():
                return None
        line = bytes(self.buffer[:end]).removesuffix(b"\r")
        del self.buffer[: end + 1]
        return line.decode("utf-8", "replace")

    async def message(self) -> bytes:
        """Up to the final dot, which is CRLF dot CRLF and nothing else."""
        start = 0
        while True:
            if self.buffer.startswith(b".\r\n"):
                del self.buffer[:3]
                return b""
            if (end := self.buffer.find(b"\r\n.\r\n", start)) >= 0:
                wire = bytes(self.buffer[: end + 2])
                del self.buffer[: end + 5]
                return wire
            start = max(0, len(self.buffer) - 4)
            if not await self.fill():
                raise EOFError

    async def fill(self) -> bool:
        data = await self.reader.read(262144)
        self.buffer += data
        return bool(data)

    async def say(self, *lines: str) -> None:
        data = "".join(f"{line}\r\n" for line in lines).encode()
        if not self.script.drip:
            self.writer.write(data)
            return
        for octet in data:
            self.writer.write(bytes((octet,)))
            await self.writer.drain()
            await asyncio.sleep(0)


def _path(rest: str) -> tuple[str, tuple[str, ...]]:
    """``FROM:<a@b> SIZE=3`` is ``a@b`` and ``("SIZE=3",)``."""
    path, _, words = rest.partition("<")[2].partition(">")
    return path, tuple(words.split())


@dataclass(frozen=True)
class Papers:
    """TLS for tests: ``ca`` is a file to trust; ``good`` is signed by it for 127.0.0.1 and localhost."""

    ca: Path
    good: ssl.SSLContext
    wrong_name: ssl.SSLContext  # signed, but for another host
    unknown: ssl.SSLContext  # for the right host, signed by nobody known
    expired: ssl.SSLContext


def make_papers(folder: Path) -> Papers:
    """Make keys and certificates in ``folder``."""
    ca_key, ca = _certificate("mailroom CA", None, None)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))

    def context(name: str, host: str, *, until: int = 2120, known: bool = True) -> ssl.SSLContext:
        key, certificate = _certificate(host, ca if known else None, ca_key if known else None, until)
        file = folder / f"{name}.pem"
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
        file.write_bytes(secret + certificate.public_bytes(pem))
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(file)
        return made

    return Papers(
        folder / "ca.pem",
        good=context("good", "localhost"),
        wrong_name=context("wrong-name", "elsewhere.example"),
        unknown=context("unknown", "localhost", known=False),
        expired=context("expired", "localhost", until=2021),
    )


def _certificate(
    host: str,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
    until: int = 2120,
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names: list[x509.GeneralName] = [x509.DNSName(host.replace(" ", "-"))]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(until, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=host.endswith("CA"), path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return key, builder.sign(issuer_key or key, hashes.SHA256())
