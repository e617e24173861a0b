"""`/healthz` and `/metrics`, in front of whatever else is served at a door (interface.md §7).

Who may not see the metrics gets what stands behind: the same bytes as for any path that is not there. A
request that came through a proxy is nobody's who runs the site, whatever token it has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from hmac import compare_digest
from typing import Any

from listserv.core.records import dataclass
from listserv.flow.health import OK
from listserv.flow.lookout import Lookout
from listserv.flow.metrics import CONTENT_TYPE

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

_PROXIED = frozenset(
    (b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip")
    + (b"cf-connecting-ip", b"fastly-client-ip", b"x-envoy-external-address", b"x-original-host")
)
_PROXIED_BEGINNINGS = (b"x-forwarded", b"x-original-forwarded", b"forwarded-")


@dataclass(frozen=True, slots=True)
class Watched:
    """An application with the two paths in front. ``token``: whose bearer sees the metrics, None: anybody."""

    lookout: Lookout
    token: str | None
    behind: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        path = scope["path"] if asks else ""
        if path == "/healthz":
            word = await self.lookout.health.word()
            await _answer(scope, send, 200 if word == OK else 503, f"{word}\n".encode(), "text/plain")
        elif path == "/metrics" and may_see(scope["headers"], self.token):
            await _answer(scope, send, 200, await self.lookout.metrics(), CONTENT_TYPE)
        else:
            await self.behind(scope, receive, send)


def may_see(headers: Headers, token: str | None) -> bool:
    """Whether a request may see the metrics. ``token`` "" is nobody's."""
    told = [(name.lower(), value) for name, value in headers]
    if any(name in _PROXIED or name.startswith(_PROXIED_BEGINNINGS) for name, _ in told):
        return False
    if token is None:
        return True
    shown = [value for name, value in told if name == b"authorization"]
    scheme, _, bearer = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
    known = compare_digest(bearer.strip(), token.encode())
    return known and token != "" and scheme.lower() == b"bearer"


async def _answer(scope: Scope, send: Send, status: int, body: bytes, kind: str) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
