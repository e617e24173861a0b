"""What there is to measure, by name, in the order in which it is done."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from listserv.benching.archived import measure_archive
from listserv.benching.fan_out import measure_fan_out, measure_shared
from listserv.benching.figures import Wanted
from listserv.benching.growth import measure_bodies, measure_members, measure_site
from listserv.benching.intake import measure_intake, measure_large, measure_latency
from listserv.benching.load import Refused
from listserv.benching.machine import measure_machine
from listserv.benching.moving import measure_import, measure_start
from listserv.errors import BadData, CannotDo

MEASURES: Mapping[str, Callable[[Wanted], None]] = {
    "machine": measure_machine,
    "start": measure_start,
    "latency": measure_latency,
    "intake": measure_intake,
    "large": measure_large,
    "fan-out": measure_fan_out,
    "shared": measure_shared,
    "import": measure_import,
    "archive": measure_archive,
    "members": measure_members,
    "bodies": measure_bodies,
    "site": measure_site,
}


def measure(names: Sequence[str], wanted: Wanted) -> None:
    """Measure what is named, or everything. Raises CannotDo, BadData."""
    if unknown := [name for name in names if name not in MEASURES]:
        raise BadData(f"nothing is called {unknown[0]!r}; there are: {', '.join(MEASURES)}")
    if not sys.platform.startswith("linux"):
        raise CannotDo("`listserv bench` reads /proc: it runs on Linux only")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # no server stays behind
    for name in names or MEASURES:
        try:
            MEASURES[name](wanted)
        except Refused as error:
            raise CannotDo(f"the server refused a mail while {name} was measured: {error}") from None
