"""What a check finds, and how it is said: every word is in templates/cli/doctor.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import cache

from listserv.core.records import dataclass
from listserv.resources import resource


class Result(StrEnum):
    """How serious it is. Warning: mail flows, and something could be better or was not to be known."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """``key``: of its words. ``facts``: what stands in them, in others' words at times."""

    result: Result
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)


def ok(key: str, **facts: object) -> Finding:
    """All is well; the words may have a hint all the same."""
    return Finding(Result.OK, key, facts)


def warning(key: str, **facts: object) -> Finding:
    """Worth a look."""
    return Finding(Result.WARNING, key, facts)


def failed(key: str, **facts: object) -> Finding:
    """Wrong: people will notice."""
    return Finding(Result.FAILED, key, facts)


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the answer, as ``--json`` has it (interface.md §3)."""

    check: str
    result: str
    says: str
    remedy: str


def tell(check: str, finding: Finding) -> Told:
    """A finding in words. Facts are never read as words again."""
    words = table()[finding.key]
    says, remedy = (_line(words.get(key, "").format(**finding.facts)) for key in ("says", "remedy"))
    return Told(check, str(finding.result), says, remedy[:1].upper() + remedy[1:])


@cache
def table() -> dict[str, dict[str, str]]:
    """Every key with its words."""
    file = resource("templates") / "cli" / "doctor.toml"
    words: dict[str, dict[str, str]] = tomllib.loads(file.read_text("utf-8"))
    return words


def _line(words: str) -> str:
    return " ".join(words.split())
