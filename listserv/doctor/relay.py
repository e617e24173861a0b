"""The way out: as far as one gets with the relay without handing it a mail."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import closing, suppress

from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.inner import is_inner
from listserv.doctor.machine import size_of
from listserv.doctor.seen import RelaySeen, Seen, Step
from listserv.flow.courier import BadRelay, read_relay, trust_of
from listserv.flow.relay import Relay
from listserv.settings import Settings

_SECONDS = 4.0  # for each answer
_LONGEST = 200


# -- the looking ------------------------------------------------------------------------------------


def look_at_relay(settings: Settings) -> RelaySeen:
    """Connect, greet, secure, log in, take leave. Raises nothing of the network's."""
    text = settings.deliver.relay
    if text.startswith("maildir:"):
        return RelaySeen("", Step.DONE, near=True)
    try:
        relay = read_relay(text)
        context = trust_of(text, relay, settings.folder)
    except BadRelay as error:
        return RelaySeen("", Step.MISSPELT, str(error))
    return Visit(relay, context, settings.site.domain).made()


class Visit:
    """One connection to the relay."""

    def __init__(self, relay: Relay, context: ssl.SSLContext | None, hostname: str) -> None:
        self._relay, self._context, self._hostname = relay, context, hostname
        self._step, self._name = Step.CONNECT, ""
        self._near = bool(relay.path) or relay.host == "localhost" or is_inner(relay.host)

    def made(self) -> RelaySeen:
        """What came of it."""
        try:
            with closing(self._connected()) as client:
                self._talk(client)
                seen = self._seen(Step.DONE, "", client)
                with suppress(smtplib.SMTPException, OSError):
                    client.quit()
                return seen
        except ssl.SSLCertVerificationError as error:
            return self._seen(Step.CERTIFICATE, error.verify_message)
        except smtplib.SMTPConnectError as error:
            return self._seen(Step.GREETING, _words(error))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return self._seen(self._step, _words(error))

    def _connected(self) -> smtplib.SMTP:
        """The greeting is read here, too."""
        relay, name = self._relay, self._hostname
        if relay.lmtp:
            return smtplib.LMTP(relay.path or relay.host, relay.port, name, timeout=_SECONDS)
        if relay.tls == "smtps":
            return smtplib.SMTP_SSL(relay.host, relay.port, name, timeout=_SECONDS, context=self._context)
        return smtplib.SMTP(relay.host, relay.port, name, timeout=_SECONDS)

    def _talk(self, client: smtplib.SMTP) -> None:
        self._near = self._near or _is_near(client.sock)
        self._step = Step.GREETING
        self._greet(client)
        if self._relay.tls == "starttls":
            self._step = Step.STARTTLS
            client.starttls(context=self._context)
            self._greet(client)
        if self._relay.user:
            self._step = Step.LOGIN
            self._log_in(client)

    def _greet(self, client: smtplib.SMTP) -> None:
        client.ehlo_or_helo_if_needed()
        words = (client.ehlo_resp or client.helo_resp or b"").decode("ascii", "replace").split()
        self._name = words[0].lower().rstrip(".")[:253] if words and words[0].isprintable() else ""

    def _log_in(self, client: smtplib.SMTP) -> None:
        """As flow/relay_talk.py does."""
        client.user, client.password = self._relay.user, self._relay.password
        if "PLAIN" in client.esmtp_features.get("auth", "").upper().split():
            client.auth("PLAIN", client.auth_plain)
        else:
            client.auth("LOGIN", client.auth_login, initial_response_ok=False)

    def _seen(self, step: Step, said: str, client: smtplib.SMTP | None = None) -> RelaySeen:
        offers = client.esmtp_features if client is not None else {}
        size = offers.get("size", "")[:15]
        return RelaySeen(
            where=str(self._relay),
            step=step,
            said=said,
            name=self._name,
            size=int(size) if size.isdecimal() else 0,
            tls=self._relay.tls,
            offers_tls="starttls" in offers,
            near=self._near,
        )


def _words(error: Exception) -> str:
    """What the server or the machine said."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return f"{error.smtp_code} {text}"[:_LONGEST]
    if isinstance(error, TimeoutError):
        return f"no answer in {_SECONDS:g} seconds"
    return (getattr(error, "strerror", None) or str(error))[:_LONGEST]


def _is_near(sock: socket.socket | None) -> bool:
    """Whether the other end is the site's own: on this machine, or in a network that nobody else is in."""
    if sock is None or sock.family == socket.AF_UNIX:
        return sock is not None
    here, there = sock.getsockname()[0], sock.getpeername()[0]
    return bool(here == there or is_inner(there))


# -- the judging ------------------------------------------------------------------------------------


def relay(seen: Seen) -> list[Finding]:
    """Whether mail would get out, and unread by others on its way."""
    if seen.relay is None:
        return [warning("relay slow")]
    return [judge_relay(seen.relay, seen.settings.receive.max_message_bytes)]


def judge_relay(found: RelaySeen, largest: int) -> Finding:
    """``largest``: the mail that we take ourselves, in octets."""
    facts = {"where": found.where, "said": found.said, "name": found.name}
    if found.step is not Step.DONE:
        return failed(f"relay {found.step}", **facts)
    if not found.where:
        return warning("relay maildir")
    if 0 < found.size < largest:
        sizes = {"size": size_of(found.size), "ours": size_of(largest), "octets": found.size}
        return warning("relay small", **sizes, **facts)
    if not found.near and not found.tls:
        return warning("relay in the clear with TLS" if found.offers_tls else "relay in the clear", **facts)
    return ok("relay ok", **facts)
