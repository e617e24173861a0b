"""The looking: what takes time side by side, with an end, and then the table of checks.

What does not answer in time is not waited for: its thread ends with the process.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from listserv.doctor.checks import examined
from listserv.doctor.finding import Told
from listserv.doctor.machine import look_around
from listserv.doctor.providers import PATTERNS
from listserv.doctor.questions import Questions
from listserv.doctor.relay import look_at_relay
from listserv.doctor.seen import Seen
from listserv.doctor.web import look_at_web
from listserv.errors import ListservError
from listserv.opening import opened
from listserv.settings import Settings
from listserv.store import presence
from listserv.store.checkup import Checkup, look

_SECONDS = 6.0  # for all but DNS, which comes after and has eight (questions.py)
_NEWEST = "999999"  # a revision above all: whoever is at work knows an older one
T = TypeVar("T")


def examine(settings: Settings, settings_file: Path, now: datetime) -> list[Told]:
    """Every check's lines, in about fifteen seconds at most. Changes nothing, sends nothing."""
    ends = time.monotonic() + _SECONDS
    database, relay, web = (
        _errand(partial(_look_inside, settings, now)),
        _errand(partial(look_at_relay, settings)),
        _errand(partial(look_at_web, settings)),
    )
    machine, questions = look_around(settings, settings_file), Questions(settings.dns.servers)
    questions.answers(settings.site.domain)  # in the meantime: where nobody does, it takes longest
    inside, trouble, company = _answer(database, ends) or (None, "", False)
    seen = Seen(
        settings=settings,
        now=now,
        machine=machine,
        questions=questions,
        database=inside,
        database_trouble=trouble,
        relay=_answer(relay, ends),
        web=_answer(web, ends),
        runs=_runs(settings, company=company if inside is not None else None),
    )
    return list(examined(seen))


def _errand(work: Callable[[], T]) -> Future[T]:
    """Work in a thread that nobody has to wait for."""
    told: Future[T] = Future()

    def go() -> None:
        try:
            told.set_result(work())
        except Exception as error:
            told.set_exception(error)

    threading.Thread(target=go, daemon=True).start()
    return told


def _answer(errand: Future[T], ends: float) -> T | None:
    """None where it comes too late."""
    try:
        return errand.result(max(0.0, ends - time.monotonic()))
    except TooLate:
        return None


def _look_inside(settings: Settings, now: datetime) -> tuple[Checkup | None, str, bool]:
    """What the database has; else what is wrong with it. And whether a `serve` is connected (PostgreSQL)."""
    try:
        with opened(settings) as store, store.read() as tx:
            company = store.dialect == "postgresql" and presence.older_than(tx, _NEWEST) > 0
            return look(tx, PATTERNS, now), "", company
    except ListservError as error:
        return None, str(error), False
    except Exception as error:  # a driver's, of a file that is broken
        return None, str(getattr(error, "orig", None) or error)[:200], False


def _runs(settings: Settings, *, company: bool | None) -> bool | None:
    """A `serve` on SQLite holds a lock; on PostgreSQL it is there, on whatever machine. None: not known."""
    if not settings.database.url.startswith("sqlite"):
        return company
    try:
        with (settings.site.data_dir / "serve.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return False
