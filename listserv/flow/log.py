"""Structured logs: a JSON line an event on stderr, control characters escaped (standards.md S36).

What each event says is in docs/watching.md. Nobody's address is in a line, whatever a relay or an error says:
only its domain, which is what an operator needs to see who is in trouble.
"""

from __future__ import annotations

import json
import re
from typing import Any

import structlog
from structlog.typing import EventDict

from listserv.flow.door import Log
from listserv.flow.spout import open_spout

_LOCAL_PART = re.compile(r"[^\s<>()\[\],;:=\"'\\]+@(?=[\w\[])")
_encode = json.JSONEncoder(default=repr).encode


def open_log() -> Log:
    """The process's log. Every event has a time, a level and ids; never anybody's words or address."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(open_spout()),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger().bind()  # bound once, not again at every line
    return log


def _line(_logger: object, level: str, said: EventDict) -> str:
    """One event as its line: when, how grave, what; then its fields in the order in which they were given."""
    head = {"timestamp": said.pop("timestamp"), "level": level, "event": said.pop("event")}
    return _encode(head | {key: _discreet(value) for key, value in said.items()})


def _discreet(value: Any) -> Any:
    return _LOCAL_PART.sub("*@", value) if isinstance(value, str) and "@" in value else value
