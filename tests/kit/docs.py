"""`make docs`: the pages that are told from the code, so that they can't say anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from listserv.cli import cli
from listserv.core.commands import GROUPS, Weight, verb
from listserv.core.settings_table import OUTSIDE, PRESETS, TABLE, dump, preset_settings
from listserv.core.verb_words import WORDS
from listserv.mail.notices import Words
from listserv.resources import resource
from listserv.settings import PREFIX, SCHEMA

_NOTE = "<!-- Written by `make docs` from the code: change it there. -->\n"


def settings_page() -> str:
    """The keys of the settings file with their twins, and every setting of a list."""
    words = [
        "# Settings\n",
        _NOTE,
        "## Of the site: `listserv.toml`\n",
        "`listserv init` writes the file, with a word on each key. A key that is left out has the value",
        "shown here; its environment twin wins over the file. Relative paths begin at the file's folder.\n",
        *_table(("key", "default", "environment twin"), _site_rows()),
        "\n## Of a list: `listserv list set`\n",
        *_table(("key", "allowed", *(f"`{preset}`" for preset in PRESETS), "what it means"), _list_rows()),
        "\nSet by the same command, and no preset's business:\n",
        *_table(("key", "what it means"), ((f"`{key}`", meaning) for key, meaning in OUTSIDE.items())),
    ]
    return "\n".join(words) + "\n"


def _site_rows() -> Iterator[tuple[str, ...]]:
    for section, keys in SCHEMA.items():
        for key, row in keys.items():
            default = "(must be given)" if row.default is None else _shown(row.default)
            yield f"`{section}.{key}`", default, f"`{PREFIX}{section.upper()}_{key.upper()}`"


def _list_rows() -> Iterator[tuple[str, ...]]:
    columns = [dump(preset_settings(preset)) for preset in PRESETS]
    for row in TABLE:
        yield f"`{row.key}`", row.allowed, *(_shown(column[row.key]) for column in columns), row.meaning


def _shown(value: object) -> str:
    return f"`{value}`" if value not in ("", []) else "empty"


def commands_page() -> str:
    """Every command of the command line, as its own --help has it."""
    words = ["# The command line\n", _NOTE]
    for context in _contexts(cli, "listserv", None):
        words += [f"## `{context.command_path}`\n", "```text", context.get_help().strip(), "```\n"]
    return "\n".join(words)


def _contexts(command: click.Command, name: str, above: click.Context | None) -> Iterator[click.Context]:
    context = command.make_context(name, [], parent=above, resilient_parsing=True, terminal_width=100)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _contexts(found, inner, context)


def verbs_page() -> str:
    """Every verb that can be said by mail, as help shows it."""
    said = Words((resource("templates") / "mail",)).verbs()
    known = {name: columns for name, *columns in WORDS}
    words = [
        "# What can be said by mail\n",
        _NOTE,
        "One verb on the first line of a reply to any mail of ours but a post, or of a mail to",
        "`book+ask@`; two verbs are two lines, ten at most. Quoted text is never read; what stands below is",
        "read by `invite`, `add`, `welcome` and settings of several lines.",
        'Case, a final full stop and a polite "please" don\'t matter; `everywhere` as last word means',
        "all of one's lists.\n",
        "*without a token*: in a mail to `book+ask@` that answers none of ours. *asked* means that the known",
        'address is asked "was this you?" first; *asked unless proven* means that it is asked even in an',
        "answer, where nothing shows that the mail is its owner's.\n",
    ]
    for group, names in GROUPS:
        rows = ((_said(name, known), said[name], _WEIGHTS[verb(name).weight]) for name in names.split(", "))
        words += [f"## {group}\n", *_table(("say", "does", "without a token"), rows), ""]
    return "\n".join(words)


_WEIGHTS = {Weight.HARMLESS: "done", Weight.ORDINARY: "asked", Weight.WEIGHTY: "asked unless proven"}


def _said(name: str, known: dict[str, list[str]]) -> str:
    row, others = verb(name), ", ".join(known.get(name, ()))
    return f"`{row.shape}`" + (f" ({others})" if others else "")


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/commands-cli.md": commands_page,
    "docs/commands.md": verbs_page,
}

if __name__ == "__main__":
    for page, tell in PAGES.items():
        Path(page).parent.mkdir(exist_ok=True)
        Path(page).write_text(tell())
