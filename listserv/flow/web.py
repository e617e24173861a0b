"""The web on its sockets: uvicorn in this process's loop, without an access log or a server banner.

A link's secret stands in a query, so nothing of a request is ever logged (standards.md S28).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import field
from typing import Any

import uvicorn

from listserv.core.records import dataclass
from listserv.flow.door import unopened

_GRACE = 5


class _Server(uvicorn.Server):
    """Signals belong to daemon.py."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class WebDoor:
    """One HTTP listener for one ASGI application."""

    setting: str  # that asks for it: "web.listen"
    listen: str  # HOST:PORT
    application: Any
    _server: _Server | None = None
    _task: asyncio.Task[None] | None = field(default=None)

    async def open(self) -> str:
        """Listen; "HOST:PORT" as it really is. Raises CannotDo where it can't."""
        listener = _listen(self.setting, self.listen)
        config = uvicorn.Config(
            self.application,
            log_config=None,
            access_log=False,
            server_header=False,
            # Limits count by reader, not by the nginx or Caddy on this machine through which all come.
            proxy_headers=True,
            forwarded_allow_ips="127.0.0.1,::1",
            lifespan="off",
            timeout_graceful_shutdown=_GRACE,
            limit_concurrency=1000,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([listener]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        host, port = listener.getsockname()[:2]
        return f"{host}:{port}"

    async def close(self) -> None:
        """Answer what is under way, then close."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task


@dataclass(frozen=True, slots=True)
class WebDoors:
    """All listeners of a process: the archive's, the one for metrics, both or either."""

    archive: WebDoor | None
    metrics: WebDoor | None

    async def open(self) -> str:
        """Listen; "HOST:PORT" of the archive, then " metrics=HOST:PORT" where that is on. Raises CannotDo."""
        place = await self.archive.open() if self.archive else ""
        return place + (f" metrics={await self.metrics.open()}" if self.metrics else "")

    async def close(self) -> None:
        """Answer what is under way, then close."""
        await asyncio.gather(*(door.close() for door in (self.archive, self.metrics) if door))


def _listen(setting: str, place: str) -> socket.socket:
    host, _, port = place.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, so that asyncio knows it for TCP and sets TCP_NODELAY: else each answer waits 40 ms for Nagle.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise unopened(setting, place, error) from None
    listener.set_inheritable(True)
    return listener
