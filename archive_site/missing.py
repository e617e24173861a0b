"""The one 404 on its own: for a door behind which there is no archive."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from archive_site.answers import Cards
from archive_site.look import environment


def make_missing(templates: Path) -> ASGIApp:
    """Answers every path as the gate answers one that is not there. ``templates``: above ``site/``."""
    answer = Cards(environment(templates))("sign-in", 404)

    async def missing(scope: Scope, _receive: Receive, send: Send) -> None:
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.fields()})
        await send({"type": "http.response.body", "body": body})

    return missing
