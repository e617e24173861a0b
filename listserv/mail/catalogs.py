"""Our words in other languages: gettext catalogs, ``templates/locale/de/LC_MESSAGES/mail.po``.

The ``.po`` is what people edit and what is read; nothing is compiled. ``make words`` brings it up to date
with the templates.
"""

from __future__ import annotations

from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path


def catalog_of(folder: Path, language: str) -> Path | None:
    """Where the words of a language are, under ``folder``; None for a language that we have no words in."""
    path = folder / language / "LC_MESSAGES" / "mail.po"
    return path if language.isalpha() and path.exists() else None


def read_catalog(path: Path) -> GNUTranslations:
    """A catalog, ready to translate with. What is fuzzy or missing stays English."""
    from babel.messages.mofile import write_mo  # English needs none of it
    from babel.messages.pofile import read_po

    with path.open("rb") as file:
        catalog = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
