"""Hands copies to the relay by SMTP or LMTP, over connections that are kept from one call to the next.

Reading order: a parcel and its bytes (parcel.py), the relay (relay.py), what it says (replies.py) and offers
(offer.py), one connection (relay_line.py), what is said over it (relay_talk.py), one call of ``carry``
(relay_round.py), and here the courier that keeps the connections.

It does not: retry later, sign, convert 8-bit mail, look up MX records, or blame members (deliver.py decides).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from listserv.flow.parcel import Parcel, Report
from listserv.flow.relay import Setup
from listserv.flow.relay_line import Line
from listserv.flow.relay_round import Round, Stopped

_LEAVE_SECONDS = 1.0


class SmtpCourier:
    """Keeps up to ``connections`` connections to one relay; one ``carry`` at a time."""

    def __init__(self, setup: Setup, connections: int) -> None:
        self._setup, self._connections = setup, connections
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def carry(self, parcels: Iterable[Parcel | None], report: Report) -> None:
        """Send each parcel; ``report(key, recipient, outcome)`` exactly once for each of its recipients.

        Parcels are drawn when there is a connection for them, two per connection at most being under way.
        None among them: nothing more just now; while others are under way they are asked for again.
        What the network does is an outcome; what ``parcels`` or ``report`` raise is raised, the former
        after all under way is settled.
        """
        with self._lock:
            self._stop_timer()
            try:
                Round(self._setup, self._lines, iter(parcels), report).run(self._connections)
            except Stopped as stopped:
                self._hang_up()
                raise stopped.__cause__ or stopped from None
            except BaseException:
                self._hang_up()
                raise
            if self._lines:
                self._timer = threading.Timer(self._setup.patience.idle, self.close)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Take leave of the relay, unless a ``carry`` is under way. Another ``carry`` connects again."""
        if not self._lock.acquire(timeout=_LEAVE_SECONDS):
            return  # a relay that hangs must not keep us from ending; its connections end with the process
        try:
            self._stop_timer()
            while self._lines:
                self._lines.pop().quit()
        finally:
            self._lock.release()

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        while self._lines:
            self._lines.pop().drop()
