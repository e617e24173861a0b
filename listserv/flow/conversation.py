"""The verbs of SMTP (RFC 5321) and LMTP (RFC 2033).

LMTP differs in three things only: it says LHLO, the greeting says so, and after the final dot there is a
reply for each accepted recipient, whatever the outcome. Every reply but greetings and 354 carries an
enhanced status code (RFC 2034).
"""

from __future__ import annotations

from listserv.flow.door import NO_ROOM, TOO_BIG, Caller, Refusal, reply
from listserv.flow.line import Door, Line
from listserv.flow.path import (
    read_argument,
    read_mail_parameters,
    read_sender,
    refuse_parameters,
)
from listserv.flow.postmark import Trace
from listserv.flow.reception import Transaction
from listserv.flow.turnstile import Load

_OK = "250 2.0.0 OK"
_NAME_MISSING = "501 5.5.4 Please say your name"
_NO_ARGUMENT = "501 5.5.4 This takes no argument"
_GREET_FIRST = "503 5.5.1 Please say hello first"
_MAIL_FIRST = "503 5.5.1 Please say MAIL first"
_RCPT_FIRST = "503 5.5.1 No recipient has been accepted"
_NESTED = "503 5.5.1 A mail is already begun"
_NOT_HERE = "502 5.5.1 Not offered here"
_NOT_SPOKEN = "500 5.5.1 This door does not speak that"
_TOO_MANY = "452 4.5.3 Too many recipients at once, send the others in another mail"
_CANNOT_VERIFY = "252 2.5.0 We don't say who is here; send the mail and see"
_GO_ON = "354 Send the mail, end with CR LF . CR LF"
_BYE = "221 2.0.0 Goodbye"
_TLS_IS_ON = "503 5.5.1 TLS is on already"
_HELP = "214 2.0.0 Write to postmaster at this domain, people read it"


_ELSEWHERE = ("AUTH", "EXPN", "BDAT", "TURN", "ETRN", "ATRN", "XCLIENT", "XFORWARD", "SEND", "SOML", "SAML")


class Conversation(Line):
    """One client's mails, one after the other. Each verb returns its reply."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._mail: Transaction | None = None
        self.verbs = {
            "HELO": self._helo,
            "EHLO": self._ehlo,
            "LHLO": self._lhlo,
            "STARTTLS": self._starttls,
            "MAIL": self._mail_from,
            "RCPT": self._rcpt_to,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
            "VRFY": self._vrfy,
            "HELP": self._help,
            **dict.fromkeys(_ELSEWHERE, self._not_here),
        }

    def _set_post_data_state(self) -> None:
        """Forget the mail begun. aiosmtpd calls this when a connection opens and when TLS begins."""
        self._mail = None

    # greetings

    async def _helo(self, arg: str) -> str:
        return self._greet(arg, lmtp=False, extended=False)

    async def _ehlo(self, arg: str) -> str:
        return self._greet(arg, lmtp=False, extended=True)

    async def _lhlo(self, arg: str) -> str:
        return self._greet(arg, lmtp=True, extended=True)

    def _greet(self, name: str, *, lmtp: bool, extended: bool) -> str:
        if lmtp is not self.door.lmtp:
            return _NOT_SPOKEN
        if not name:
            return _NAME_MISSING
        self._set_post_data_state()
        assert self.session is not None
        self.session.host_name = name.split()[0].encode("ascii", "replace").decode("ascii")
        self.session.extended_smtp = extended
        if not extended:
            return f"250 {self.hostname}"
        offers = [self.hostname, "PIPELINING", f"SIZE {self.reception.settings.max_message_bytes}"]
        offers += ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.door.tls and not self._secure():
            offers.append("STARTTLS")
        return "".join(f"250-{offer}\r\n" for offer in offers) + "250 HELP"

    async def _starttls(self, arg: str) -> str:
        if not self.door.tls:
            return _NOT_HERE
        if arg:
            return _NO_ARGUMENT
        if self._secure():
            return _TLS_IS_ON
        self.wire.forget()
        await self.smtp_STARTTLS("")  # says 220 itself, and begins a new session
        return ""

    def _secure(self) -> bool:
        return self._tls_protocol is not None

    def _helo_name(self) -> str:
        assert self.session is not None
        return self.session.host_name or ""

    # the envelope

    async def _mail_from(self, arg: str) -> str:
        if not self._helo_name():
            return _GREET_FIRST
        if self._mail:
            return _NESTED
        mail = self._read_mail(arg)
        if isinstance(mail, Refusal):
            return reply(mail)
        if mail.size is not None and mail.size > self.reception.settings.max_message_bytes:
            return reply(TOO_BIG)
        self._mail = mail
        return "250 2.1.0 OK"

    def _read_mail(self, text: str) -> Transaction | Refusal:
        assert self.session is not None
        argument = read_argument(text, "FROM:")
        if isinstance(argument, Refusal):
            return argument
        if argument.rest and not self.session.extended_smtp:
            return Refusal(555, "5.5.4", "Say EHLO to use parameters")
        parameters = read_mail_parameters(argument.rest)
        if isinstance(parameters, Refusal):
            return parameters
        sender = read_sender(argument.path, utf8=parameters.smtputf8)
        if isinstance(sender, Refusal):
            return sender
        return Transaction(sender, parameters.size, parameters.smtputf8, self.door.lmtp)

    async def _rcpt_to(self, arg: str) -> str:
        mail = self._mail
        if not mail:
            return _MAIL_FIRST
        mail.asked += 1
        if mail.asked > self.reception.settings.max_recipients:
            return _TOO_MANY
        argument = read_argument(arg, "TO:")
        if isinstance(argument, Refusal):
            return reply(argument)
        if refusal := refuse_parameters(argument.rest):
            return reply(refusal)
        caller = Caller(self.peer, self._helo_name(), mail.sender, mail.size, mail.smtputf8, mail.lmtp)
        answer = await self.unhurried(self.reception.ask(argument.path, caller))
        if isinstance(answer, Refusal):
            return reply(answer)
        mail.recipients.append(answer)
        return "250 2.1.5 OK"

    # the mail

    async def _data(self, arg: str) -> str:
        mail = self._mail
        if not mail or not mail.recipients:
            return _RCPT_FIRST if mail else _MAIL_FIRST
        if arg:
            return _NO_ARGUMENT
        if not self.reception.scales.fits(mail.size or 0):
            return reply(NO_ROOM)
        load = Load(self.reception.scales)
        try:
            await self.push(_GO_ON)
            data = await self._content(mail, load)
        except BaseException:
            load.drop()
            raise
        if isinstance(data, Refusal):
            replies = [reply(data)] * len(mail.recipients)
        else:
            replies = await self.unhurried(self.reception.receive(data, mail, self._trace(mail), load))
        self._set_post_data_state()
        return "\r\n".join(replies if mail.lmtp else replies[:1])

    async def _content(self, mail: Transaction, load: Load) -> bytearray | Refusal:
        settings = self.reception.settings
        most = min(settings.max_message_bytes, max(accepted.limit for accepted in mail.recipients))
        ceiling = (
            most + most // 32 + 4_096
        )  # doubled dots don't count (RFC 1870 §3); the final count is exact
        deadline = self.loop.time() + settings.data_seconds

        def weigh(octets: int) -> Refusal | None:
            left = deadline - self.loop.time()
            self._reset_timeout(max(0.001, min(settings.idle_seconds, left)))
            if octets <= ceiling and load.grow(octets):
                return None
            load.drop()
            return TOO_BIG if octets > ceiling else NO_ROOM

        return await self.wire.content(weigh)

    def _trace(self, mail: Transaction) -> Trace:
        assert self.session is not None
        protocol = "LMTP" if mail.lmtp else "SMTP"
        if mail.smtputf8:
            protocol = f"UTF8{protocol}"
        elif self.session.extended_smtp and not mail.lmtp:
            protocol = "ESMTP"
        if self._secure():
            protocol += "S"
        return Trace(self._helo_name(), self.peer, self.hostname, protocol, self.reception.now())

    # the rest

    async def _rset(self, arg: str) -> str:
        if arg:
            return _NO_ARGUMENT
        self._set_post_data_state()
        return _OK

    async def _noop(self, arg: str) -> str:
        return _OK

    async def _quit(self, arg: str) -> str:
        if arg:
            return _NO_ARGUMENT
        self.over = True
        return _BYE

    async def _vrfy(self, arg: str) -> str:
        """The same words for a member, a list and nobody at all (standards.md P14)."""
        return _CANNOT_VERIFY

    async def _help(self, arg: str) -> str:
        return _HELP

    async def _not_here(self, arg: str) -> str:
        return _NOT_HERE
