"""`listserv doctor`: is everything right, and if not, what helps?"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from listserv.core.patterns import regex
from listserv.desk import Desk, shows
from listserv.doctor.finding import Result, Told, failed, tell
from listserv.errors import EXIT_DONE, EXIT_FAILED, BadSettings
from listserv.settings import find_file
from listserv.shown import cell, give_json, say

_WIDTH = 80
_WHOLE = regex(r'`[^`]+`|\S+\. IN (?:MX 10 \S+|TXT "[^"]*")|"[^"]*"')
_TIE = "\0"  # in place of a blank that stays
_MARKS = {Result.OK: "ok", Result.WARNING: "warning", Result.FAILED: "FAILED"}


@click.command()
@shows
@click.pass_obj
def doctor(desk: Desk) -> int:
    """Is everything right, and if not, what helps?

    Settings, keys, disk, clock, database, queues, relay, DNS, backup, and what large providers want. It
    changes nothing, sends nothing, and ends within about fifteen seconds. Exit code 1 if a check failed.
    """
    lines = _examined(desk)
    if desk.json:
        give_json([asdict(line) for line in lines])
    else:
        _print(lines)
    return EXIT_FAILED if any(line.result == Result.FAILED for line in lines) else EXIT_DONE


def _examined(desk: Desk) -> list[Told]:
    from listserv.doctor.examining import examine

    try:
        settings, file = desk.settings(), find_file(desk.config, desk.environ, Path.cwd())
    except BadSettings as error:  # without them there is nothing else to look at
        says, _, remedy = str(error).partition("; ")
        return [tell("settings", failed("settings bad", why=says, remedy=remedy))]
    return examine(settings, file, desk.clock.now())


def _print(lines: Sequence[Told]) -> None:
    name = max(len(line.check) for line in lines) + 2
    mark = max(map(len, _MARKS.values())) + 2
    for line in lines:
        front = line.check.ljust(name) + _MARKS[Result(line.result)].ljust(mark)
        _say_in_columns(front, line.says)
        if line.remedy:
            _say_in_columns(" " * (name + mark), f"→ {line.remedy}")
    many = Counter(line.result for line in lines)
    told = ", ".join(f"{many[one]} {word}" for one, word in _MARKS.items())
    say(f"\n{told}")


def _say_in_columns(front: str, words: str) -> None:
    """Words that stand beside a column. What is to be copied, a record or a command, is never broken."""
    wrapped = textwrap.wrap(
        _WHOLE.sub(lambda found: found[0].replace(" ", _TIE), cell(words)),
        _WIDTH,
        initial_indent=front,
        subsequent_indent=" " * len(front),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in wrapped or [front.rstrip()]:
        say(line.replace(_TIE, " "))
