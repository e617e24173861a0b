"""The way out: which courier a relay address asks for, and what every courier promises.

``deliver.relay`` in listserv.toml is one line of text; this file reads it, once, at the start.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from listserv.core.patterns import regex
from listserv.flow.maildir import MaildirCourier
from listserv.flow.parcel import Parcel, Report
from listserv.flow.relay import Patience, Relay, Setup
from listserv.flow.smtp_client import SmtpCourier

_ALLOWED = (
    "allowed are smtp://host:25, smtp+starttls://user:pass@host:587, smtps://user:pass@host:465, "
    "lmtp://host:24, lmtp+unix:/path and maildir:PATH; behind the two with TLS ?ca=PATH or ?verify=no"
)
_ESCAPES = "in a user or password @ is written %40, : %3A, / %2F, ? %3F and # %23"
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465, "lmtp": 24}
_HOST = regex(r"[a-z0-9._:%-]+", re.IGNORECASE)


class BadRelay(ValueError):
    """The relay can't be used; the message says why and what is allowed, and never holds a password."""


class Courier(Protocol):
    """Takes copies to the next server, or to a folder."""

    def carry(self, parcels: Iterable[Parcel | None], report: Report) -> None:
        """Send every parcel; blocks until each of its recipients has an outcome.

        ``report(key, recipient, outcome)`` is called exactly once for each, as soon as it is known and in
        no certain order. ``parcels`` may be a generator: it is drawn from only as fast as copies leave.
        A None among them says that there are no more just now: a courier that still has others under way
        may ask again, so that one copy that hangs holds up no other; one that has none is done.
        Whatever the network or the disk does is an outcome; only what ``parcels`` or ``report`` raise is
        raised.
        """

    def close(self) -> None:
        """Take leave of the relay. A later ``carry`` connects again."""


def open_courier(relay: str, *, connections: int, hostname: str, folder: Path) -> Courier:
    """The courier for ``relay``; connects to nothing yet.

    ``hostname``: what we call ourselves in EHLO. ``folder``: what relative paths are relative to.
    Raises BadRelay with a sentence that names what is allowed.
    """
    if connections < 1:
        raise BadRelay(f"connections is {connections}: it must be at least 1")
    if relay.startswith("maildir:"):
        path = relay.removeprefix("maildir:")
        if not path or "\0" in path:
            raise BadRelay(f"maildir: needs a folder behind it: {_ALLOWED}")
        return MaildirCourier(folder / path)
    where = read_relay(relay)
    return SmtpCourier(Setup(where, hostname, Patience(), trust_of(relay, where, folder)), connections)


def read_relay(text: str) -> Relay:
    """Read all but ``maildir:``. Raises BadRelay."""
    if (path := _socket_path(text)) is not None:
        return Relay(path=path, lmtp=True)
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:  # its text may hold a piece of the password
        raise BadRelay(f"the relay's host or port can't be read ({_ESCAPES}): {_ALLOWED}") from None
    if url.scheme not in _PORTS:
        raise BadRelay(f"the relay is of a kind we don't know, {url.scheme!r}: {_ALLOWED}")
    if not _HOST.fullmatch(host) or url.path not in ("", "/") or url.fragment or port == 0:
        raise BadRelay(f"the relay needs a host, and behind it only a port ({_ESCAPES}): {_ALLOWED}")
    tls = {"smtp+starttls": "starttls", "smtps": "smtps"}.get(url.scheme, "")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    relay = Relay(host, port or _PORTS[url.scheme], "", url.scheme == "lmtp", tls, user, password)
    _check_login(relay)
    return relay


def _socket_path(text: str) -> str | None:
    for front in ("lmtp+unix://", "lmtp+unix:", "lmtp://unix:"):
        if text.startswith(front):
            path = text.removeprefix(front)
            if not path.startswith("/") or "\0" in path:
                raise BadRelay(f"lmtp+unix: needs a path that begins with /: {_ALLOWED}")
            return path
    return None


def _check_login(relay: Relay) -> None:
    """A password leaves this machine only inside TLS."""
    if bool(relay.user) != bool(relay.password):
        raise BadRelay(f"the relay's login needs both a user and a password: {_ALLOWED}")
    if not relay.user.isprintable() or not relay.password.isprintable():
        raise BadRelay("the relay's login holds a control character")
    if relay.user and relay.lmtp:
        raise BadRelay(f"lmtp:// takes no login: {_ALLOWED}")
    if relay.user and not relay.tls and not _loopback(relay.host):
        raise BadRelay(f"a login over smtp:// would show the password: use smtp+starttls://; {_ALLOWED}")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def trust_of(text: str, relay: Relay, folder: Path) -> ssl.SSLContext | None:
    """Whose certificates count: the system's authorities, those in ``?ca=``, or (``?verify=no``) anybody.

    Raises BadRelay.
    """
    query = urlsplit(text).query if not relay.path else ""
    wishes = dict(parse_qsl(query, keep_blank_values=True))
    if not relay.tls:
        if query:
            raise BadRelay(f"?{query.partition('=')[0]} says nothing to a relay without TLS: {_ALLOWED}")
        return None
    ca, verify = wishes.pop("ca", None), wishes.pop("verify", "yes")
    if wishes or verify not in ("yes", "no") or ca == "":
        raise BadRelay(f"behind the ? of a relay stands something we don't know: {_ALLOWED}")
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(folder / ca))
    except OSError as error:
        raise BadRelay(f"?ca={ca} can't be read as certificates (PEM): {error.strerror or error}") from None
    if verify == "no":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
