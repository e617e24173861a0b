"""A figure, and how it is told: one JSON line, the conditions beside the value."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from listserv.core.records import dataclass

Value = str | int | float | list[float]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is measured, where, and who hears of it."""

    tell: Tell
    members: int = 10_000
    posts: int = 500
    rounds: int = 3
    seconds: float = 1.0  # how long each limit of the machine is measured
    long: bool = False
    database: str = ""  # PostgreSQL's URL; "": SQLite
    folder: Path | None = None  # where sites are made; None: where temporary files go

    def figure(self, what: str, **values: Value) -> None:
        """Tell one figure."""
        told = {"what": what, "database": "postgresql" if self.database else "sqlite", **values}
        self.tell(json.dumps({key: _short(value) for key, value in told.items()}))


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def part(values: Sequence[float], share: float) -> float:
    """The value below which such a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _short(value: Value) -> Value:
    """Five digits that count: more would pretend."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case list():
            return [float(f"{one:.5g}") for one in value]
        case _:
            return value
