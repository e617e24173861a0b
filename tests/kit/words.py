"""Our words for who translates them: what the templates say today, into each catalog. ``make words``

New words come in empty, gone ones go; nothing is guessed. A test wants each catalog up to date and whole.
"""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po

TEMPLATES = Path(__file__).parents[2] / "templates"
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true"}


def said_today() -> Catalog:
    """What the templates of mails say, in the order in which they say it."""
    found = Catalog(project="listserv", charset="utf-8")
    for path in sorted((TEMPLATES / "mail").glob("*.*")):
        with path.open("rb") as file:
            for _, message, comments, context in extract(
                "jinja2.ext:babel_extract", file, keywords=DEFAULT_KEYWORDS, comment_tags=(), options=OPTIONS
            ):
                place = f"templates/mail/{path.name}"
                found.add(message, None, [(place, 1)], auto_comments=comments, context=context)
    return found


def catalogs() -> list[Path]:
    """One a language."""
    return sorted((TEMPLATES / "locale").glob("*/LC_MESSAGES/mail.po"))


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def update(path: Path) -> None:
    """Bring a catalog up to date."""
    catalog, today = read(path), said_today()
    today.creation_date = catalog.creation_date  # what did not change is left alone
    catalog.update(today, no_fuzzy_matching=True, update_creation_date=False)
    with path.open("wb") as file:
        write_po(file, catalog, width=100, ignore_obsolete=True, include_lineno=False)


if __name__ == "__main__":
    for each in catalogs():
        update(each)
