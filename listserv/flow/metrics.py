"""What `/metrics` tells, in the text format that Prometheus reads. The names are a promise: docs/watching.md.

Two halves. What the kept counters and the queue say is the site's, the same whichever process is asked;
doors, work, disk and children are the asked process's own, and so are the ``process_`` metrics that
prometheus-client adds. No label ever holds a list's name or an address.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from listserv.core.records import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric; a counter's name ends in ``_total``."""

    name: str
    says: str
    labels: tuple[str, ...] = ()


SITE = (
    Row("listserv_mails_accepted_total", "Mails answered with 250, one for each recipient."),
    Row("listserv_mails", "What became of them so far; all states add up to the accepted.", ("state",)),
    Row("listserv_oldest_waiting_mail_seconds", "Age of the mail that waits longest to be processed."),
    Row("listserv_posts_in_outbox", "Held mails that only wait for their outbox time to pass."),
    Row("listserv_copies", "Copies on their way out, and those that have ended.", ("state",)),
    Row("listserv_copies_in_doubt_resent_total", "Copies taken over from a lease that ran out."),
    Row("listserv_longest_due_copy_seconds", "How long the copy is due that waits longest for its turn."),
    Row("listserv_relay_resting", "1 while the relay is left alone because it is in trouble, else 0."),
    Row("listserv_relay_failures", "Failures of the relay in a row."),
    Row("listserv_paused_since_restore", "1 while nothing leaves until the operator has decided, else 0."),
    Row("listserv_last_backup_timestamp_seconds", "When the last backup was made, if ever."),
)
PROCESS = (
    Row("listserv_build_info", "Always 1; what runs here.", ("version", "python", "database")),
    Row("listserv_database_up", "1 where the database answered it in time, else 0."),
    Row("listserv_database_answer_seconds", "How long the database took to tell it the site's figures."),
    Row("listserv_connections", "Clients inside each mail door.", ("door",)),
    Row("listserv_octets_in_flight", "Octets of mails between the wire and the disk."),
    Row("listserv_work_steps_total", "Steps taken by each kind of work.", ("work",)),
    Row("listserv_work_failures_total", "Steps that ended in trouble and are taken again.", ("work",)),
    Row("listserv_work_seconds_total", "Time spent in those steps, waiting included.", ("work",)),
    Row("listserv_disk_free_bytes", "What may still be written in data_dir."),
    Row("listserv_children", "Child processes: readers, signers, renderers."),
    Row("listserv_children_resident_memory_bytes", "Their memory."),
    Row("listserv_children_cpu_seconds_total", "Their processor time, with that of those that have ended."),
)
ROWS = {row.name: row for row in (*SITE, *PROCESS)}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value. ``labels``: in the order of its row's."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


def page(samples: Iterable[Sample]) -> bytes:
    """All samples, and this process's own figures, as one page of text."""
    return generate_latest(_Page(samples))


class _Page(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self._families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        for sample in samples:
            self._family(sample.name).add_metric(sample.labels, sample.value)

    def collect(self) -> Iterable[Metric]:
        return [*self._families.values(), *ProcessCollector(registry=None).collect()]

    def _family(self, name: str) -> GaugeMetricFamily | CounterMetricFamily:
        if name not in self._families:
            row = ROWS[name]
            whose = "Of the whole site" if row in SITE else "Of this process"
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            self._families[name] = kind(name, f"{whose}: {row.says}", labels=row.labels)
        return self._families[name]
