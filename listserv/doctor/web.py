"""The web door, and the address that people use."""

from __future__ import annotations

import http.client
from contextlib import closing
from urllib.parse import urlsplit

from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.seen import Seen, WebSeen
from listserv.flow.health import OK
from listserv.settings import Settings

_SECONDS = 4.0
_LONGEST = 40
_KNOWN = ("database", "writer", "disk", "closing")  # what flow/health.py may say


def look_at_web(settings: Settings) -> WebSeen | None:
    """What the door answers to /healthz; None where there is none, or on whatever port is free."""
    host, _, port = settings.web.listen.rpartition(":")
    if not host or port == "0":
        return None
    host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(host, host.strip("[]"))
    try:
        with closing(http.client.HTTPConnection(host, int(port), timeout=_SECONDS)) as door:
            door.request("GET", "/healthz")
            return WebSeen(door.getresponse().read(_LONGEST).decode("ascii", "replace").strip())
    except (http.client.HTTPException, OSError) as error:
        return WebSeen("", getattr(error, "strerror", None) or str(error) or type(error).__name__)


def serving(seen: Seen) -> list[Finding]:
    """Whether `serve` runs, and says that it is well."""
    said = seen.web
    if said is not None and said.word == OK:
        return [ok("serve ok")]
    if seen.runs is False:
        return [failed("serve off")]
    if said is None:
        return [ok("serve runs") if seen.runs else warning("serve unknown")]
    listen = seen.settings.web.listen
    if said.word in _KNOWN:
        return [failed(f"serve {said.word}", listen=listen)]
    facts = {"listen": listen, "why": said.trouble or said.word}
    if said.trouble and not seen.settings.database.url.startswith("sqlite"):
        return [warning("serve elsewhere", **facts)]
    return [failed("serve silent", **facts)]


def base_url(seen: Seen) -> list[Finding]:
    """One-click unsubscribe wants https (RFC 8058 §3.1), and the name has to lead somewhere."""
    url = urlsplit(seen.settings.site.base_url)
    facts = {"url": seen.settings.site.base_url, "host": url.hostname or ""}
    if url.scheme != "https":
        return [failed("base_url plain", **facts)]
    found = seen.questions.addresses(facts["host"])
    if found is None:
        return [warning("base_url unknown", **facts)]
    return [ok("base_url ok", **facts) if found else failed("base_url nowhere", **facts)]
