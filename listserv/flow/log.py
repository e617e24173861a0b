"""Structured logs: a JSON line an event on stderr, control characters escaped (standards.md S36).

What each event says is in docs/watching.md. Nobody's address is in a line, whatever a relay or an error says:
only its domain, which is what an operator needs to see who is in trouble.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib import import_module
from itertools import repeat
from typing import TYPE_CHECKING, Any

from listserv.core.patterns import regex
from listserv.flow.door import Each, Log
from listserv.flow.spout import open_spout

# structlog looks for rich, to colour a terminal; with it each start would take 80 ms more.
_modules: dict[str, Any] = sys.modules
_rich = _modules.get("rich")
_modules["rich"] = None
structlog = import_module("structlog")
if _rich is None:
    del _modules["rich"]
else:
    _modules["rich"] = _rich
if TYPE_CHECKING:
    import structlog
    from structlog.typing import EventDict

_LOCAL_PART = regex(r"[^\s<>()\[\],;:=\"'\\]+@(?=[\w\[])")
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
    """One event as its line: when, how grave, what; then its fields in the order in which they were given.

    A line for each where a field is an Each: then they are one text, and one write.
    """
    words = {"timestamp": said.pop("timestamp"), "level": level, "event": said.pop("event"), **said}
    if any(type(value) is Each for value in said.values()):
        columns = [_column(key, value) for key, value in words.items()]
        return "\n".join(["{" + ", ".join(line) + "}" for line in zip(*columns, strict=False)])
    return _encode({key: _discreet(value) for key, value in words.items()})


def _column(key: str, value: Any) -> Iterable[str]:
    """What stands of a field in each line."""
    name = f"{_encode(key)}: "
    if type(value) is not Each:
        return repeat(name + _encode(_discreet(value)))
    return [name + (str(one) if type(one) is int else _encode(_discreet(one))) for one in value]


def _discreet(value: Any) -> Any:
    return _LOCAL_PART.sub("*@", value) if isinstance(value, str) and "@" in value else value
