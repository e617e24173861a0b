"""Structured logs: a JSON line an event on stderr, control characters escaped (standards.md S36)."""

from __future__ import annotations

import sys

import structlog

from listserv.flow.door import Log


def open_log() -> Log:
    """The process's log. Every event has a time, a level and ids; never anybody's words."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger()
    return log
