"""Where the figures of a run lie, and how one is found among them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Figure = dict[str, Any]
NONE = "–"


@dataclass(frozen=True, slots=True)
class Ours:
    """Figures of `listserv bench`, to be asked for by what they are and what they were measured with."""

    figures: list[Figure]

    def all(self, what: str, **conditions: Any) -> list[Figure]:
        """Those that fit."""
        return [
            one
            for one in self.figures
            if one["what"] == what and all(one.get(key) == value for key, value in conditions.items())
        ]

    def one(self, what: str, **conditions: Any) -> Figure:
        """The last that fits; empty if none does."""
        return (self.all(what, **conditions) or [{}])[-1]


@dataclass(frozen=True, slots=True)
class Peers:
    """Figures of bench/peers.sh, of the last run of each."""

    figures: list[Figure]

    def find(self, peer: str, measure: str, variants: Iterable[str]) -> Figure:
        """The first of these variants that was measured; empty if none was."""
        for variant in variants:
            for one in reversed(self.figures):
                if (one["peer"], one["measure"], one["variant"]) == (peer, measure, variant):
                    return one
        return {}

    def value(self, peer: str, measure: str, *variants: str) -> str:
        """Its median, as a cell."""
        return cell(self.find(peer, measure, variants).get("median"))


def cell(value: object, unit: str = "") -> str:
    """A figure with as many digits as a reader wants."""
    match value:
        case int():
            return f"{value:,}{unit}"
        case float():
            digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
            return f"{value:,.{digits}f}{unit}"
        case _:
            return NONE


def read_lines(files: Iterable[Path]) -> list[Figure]:
    """Every JSON line of these files."""
    lines = (line for file in files for line in file.read_text().splitlines())
    return [json.loads(line) for line in lines if line.startswith("{")]


def read_peers(folders: Iterable[str]) -> Peers:
    """What lies in these folders."""
    return Peers(read_lines(path for folder in folders for path in sorted(Path(folder).glob("*.jsonl"))))
