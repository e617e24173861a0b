"""How the database goes about each statement that the program really makes, asked while it is made.

Whatever is executed while a ``Planner`` looks on is first explained, on the same connection, in the same
transaction, with the same values; so no statement can escape by being new. One that is made again and again
on an errand is explained the first ``_ENOUGH`` times.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event

_ENOUGH = 100
_EXPLAIN = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF, FORMAT JSON) "
# SQLite shows how it would look for rows that wait for a parent just inserted; where none waits, it does not.
_PARENT_ONLY = re.compile(r"\s*INSERT\b(?!.*\bSELECT\b)", re.I | re.S)
_FTS_ASKED = re.compile(r"SCAN \w+ VIRTUAL TABLE INDEX \d+:.")  # for words, or a row; without: all of it
_ASKED = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.I)


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement, made on some errand, that reads more than it should."""

    errand: str
    trouble: str
    statement: str

    def __str__(self) -> str:
        return f"{self.errand}: {self.trouble}\n    {' '.join(self.statement.split())[:1500]}"


@dataclass(slots=True)
class Planner:
    """``big``: tables that nothing may read as a whole. ``most``: rows that one statement may touch.

    ``seldom``: how statements begin that may, since they are made once an hour or less.
    """

    big: frozenset[str]
    most: int
    seldom: tuple[str, ...] = ()
    found: dict[tuple[str, str], Finding] = field(default_factory=dict)
    asked: dict[str, Counter[str]] = field(default_factory=dict)  # errand -> its statements
    errand: str = ""
    _busy: threading.local = field(default_factory=threading.local)

    @contextmanager
    def on(self, errand: str) -> Iterator[None]:
        """Look on while something is done."""
        self.errand = errand
        event.listen(Engine, "before_cursor_execute", self._look)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self._look)
            self.errand = ""

    def _look(  # noqa: PLR0913  (as SQLAlchemy calls it)
        self, connection: Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool
    ) -> None:
        if not _ASKED.match(statement) or statement.startswith(self.seldom):
            return
        asked = self.asked.setdefault(self.errand, Counter())
        asked[statement] += 1
        if asked[statement] > _ENOUGH:
            return
        one = values[0] if many else values
        driver: Any = connection.connection.driver_connection
        ask = _of_sqlite if connection.dialect.name == "sqlite" else _of_postgres
        for trouble in ask(self, driver, statement, one):
            self.found.setdefault((statement, trouble), Finding(self.errand, trouble, statement))

    def report(self) -> str:
        return "\n".join(map(str, self.found.values()))


# -- PostgreSQL: it is done once for the answer, taken back, and then done by the program --------------


def _of_postgres(planner: Planner, driver: Any, statement: str, values: Any) -> Iterator[str]:
    with driver.cursor() as cursor:
        cursor.execute("SAVEPOINT plan")
        cursor.execute(_EXPLAIN + statement, values)
        told = cursor.fetchone()[0]
        cursor.execute("ROLLBACK TO SAVEPOINT plan")
    plan = json.loads(told) if isinstance(told, str) else told
    for node in _nodes(plan[0]["Plan"]):
        yield from _troubles(planner, node)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _troubles(planner: Planner, node: dict[str, Any]) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name", "")
    loops = node.get("Actual Loops", 1)
    passed_over = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    touched = round((node.get("Actual Rows", 0) + passed_over) * loops)
    if kind == "Seq Scan" and table in planner.big and loops:
        yield f"reads all of {table}"
    elif "Scan" in kind and touched > planner.most:
        yield f"touches {touched} rows of {table or node.get('Index Name', '?')}"
    elif "Sort" in kind and touched > planner.most:
        yield f"sorts {touched} rows"


# -- SQLite: it tells the way, not how long that is -----------------------------------------------------


def _of_sqlite(planner: Planner, driver: Any, statement: str, values: Any) -> Iterator[str]:
    if _PARENT_ONLY.match(statement):
        return
    steps = [row[3] for row in driver.execute("EXPLAIN QUERY PLAN " + statement, values).fetchall()]
    for step in steps:
        scanned = not _FTS_ASKED.match(step) and re.match(
            r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step
        )
        if scanned and _tables(planner, scanned[1], statement) and scanned[2] not in PARTIAL:
            yield f"{step}, of {' | '.join(steps)}"
        if "AUTOMATIC" in step:
            yield step


# Of these an index holds what is open alone, a small part; to go through it is what they are there for.
PARTIAL = frozenset(
    {
        "ix_arrivals_waiting",
        "ix_arrivals_aside",
        "ix_posts_outbox",
        "ix_posts_unindexed",
        "ix_deliveries_open",
        "ix_passed_returned",
    }
)


def _tables(planner: Planner, name: str, statement: str) -> bool:
    """Whether a plan's name, which may be an alias, is a big table."""
    of = re.search(rf'\b(\w+) AS "?{name}"?\b', statement)
    return (of[1] if of else name) in planner.big
