"""Several processes on one PostgreSQL: a bell rung in one wakes all, and no program works on a schema that
does not bear it. On SQLite there is one process, and nothing to do.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from listserv.core.records import dataclass
from listserv.database import head, too_old
from listserv.errors import CannotDo
from listserv.flow.bells import Bells
from listserv.flow.door import Log
from listserv.resources import resource
from listserv.store.calls import Calls, Ears
from listserv.store.engine import PostgresStore, Store, trouble
from listserv.store.presence import attend


@dataclass(slots=True)
class Company:
    """What this process knows of the others. ``outdated``: why it had to stop, "" while it need not."""

    bells: Bells
    log: Log
    mine: str  # the newest revision that this program knows
    outdated: str = ""
    _here: object = None  # the connection on which we are present
    _inside: bool = False  # work may be under way

    def look(self, line: Connection) -> None:
        """Be seen by whoever upgrades, then see whether we may stay: in this order nobody is missed."""
        if self._here is not line:
            attend(line, self.mine)
            self._here = line
        self.outdated = self.outdated or too_old(line, self.mine)
        # Nobody hears a signal before the server is ready; the next look is in two seconds.
        heard = signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        if self.outdated and heard and self._inside:
            self._inside = False
            self.log.error("too old to go on", why=self.outdated)
            os.kill(os.getpid(), signal.SIGTERM)

    def begin(self) -> None:
        """From now on there is something to stop."""
        self._inside = True

    def lost(self, error: Exception) -> None:
        self.log.warning("not woken by other processes", why=" ".join(str(error).split()))


@contextmanager
def in_company(store: Store, bells: Bells, log: Log) -> Iterator[Company]:
    """Be woken by, and wake, the site's other processes. Raises CannotDo: too old; StoreBusy.

    Enter it when all children are started, since it has a thread, and before any work is begun.
    """
    company = Company(bells, log, head(resource("migrations")))
    if not isinstance(store, PostgresStore):
        yield company
        return
    calls = Calls(store.line(), Ears(bells.hear, bells.hear_all, company.look, company.lost))
    with trouble():
        calls.open()
    try:
        if company.outdated:
            raise CannotDo(company.outdated)
        company.begin()
        bells.pass_on(calls.call)
        yield company
    finally:
        calls.close()
    if company.outdated:
        raise CannotDo(company.outdated)
