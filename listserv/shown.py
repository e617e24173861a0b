"""What commands show: JSON for programs, tables and progress bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from listserv.core.patterns import regex

Rows = Sequence[Mapping[str, Any]]
# Others' words must not steer a terminal.
_STEERING = regex("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_STEERING_JSON = regex("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # json escapes C0
_STEPS = 10  # lines of progress where there is no terminal


def say(words: str) -> None:
    """One line for a person, on standard output."""
    click.echo(words)


def warn(words: str) -> None:
    """One line for a person, beside the output."""
    click.echo(words, err=True)


def give_json(value: Any) -> None:
    """A JSON document; times as ISO 8601 in UTC, and what could steer a terminal as ``\\uXXXX``."""
    told = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    click.echo(_STEERING_JSON.sub(lambda one: f"\\u{ord(one[0]):04x}", told))


def give_table(rows: Rows, columns: Sequence[str]) -> None:
    """Rows under their columns' names."""
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    if sys.stdout.isatty():
        _rich_table(cells, columns)
    else:
        _plain_table(cells, columns)


def cell(value: Any) -> str:
    """A value in one line."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
        case _:
            return _STEERING.sub(" ", str(value))


def moment(value: datetime) -> str:
    """ISO 8601, UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _plain(value: Any) -> Any:
    return moment(value) if isinstance(value, datetime) else str(value)


def _rich_table(cells: list[list[str]], columns: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(one) for one in row))
    Console().print(table)


def _plain_table(cells: list[list[str]], columns: Sequence[str]) -> None:
    lines = [list(columns), *cells]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        click.echo("  ".join(one.ljust(width) for one, width in zip(line, widths, strict=True)).rstrip())


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Long work: the function that it gives is told how much more is done."""
    if sys.stderr.isatty():
        with _rich_progress(label, total) as advance:
            yield advance
    else:
        yield _lines(label, total)


@contextmanager
def percent(label: str) -> Iterator[Callable[[int, int], None]]:
    """The same for who knows how much there is only later: it is told how many of how many are done."""
    at = 0
    with progress(label, 100) as advance:

        def told(done: int, total: int) -> None:
            nonlocal at
            here = 100 * done // max(1, total)
            advance(here - at)
            at = here

        yield told


@contextmanager
def _rich_progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total or None)
        yield lambda more: bar.advance(task, more)


def _lines(label: str, total: int) -> Callable[[int], None]:
    done, told = 0, 0

    def advance(more: int) -> None:
        nonlocal done, told
        done += more
        step = done * _STEPS // total if total else 0
        quick = not told and done >= total
        if step > told and not quick:
            told = step
            click.echo(f"{label}: {min(100, done * 100 // total)} %", err=True)

    return advance
