"""The shared corpora: some 1,500 real and broken mails, beside this project (../shared/corpora).

Nothing is copied here. A test that needs one mail by name keeps a copy of its own, with its licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
_NOT_MAIL = frozenset(("LICENSE", "README.md", "MANIFEST.tsv", ".gitattributes"))


def corpus(*folders: str) -> Iterator[tuple[str, bytes]]:
    """Each file of these folders by its path in the corpora. A missing corpus is an error, never a skip."""
    for folder in folders:
        place = CORPORA / folder
        if not place.is_dir():
            raise FileNotFoundError(f"the corpora are not beside the project: {place}")
        for path in sorted(place.rglob("*")):
            if path.is_file() and path.name not in _NOT_MAIL:
                yield str(path.relative_to(CORPORA)), path.read_bytes()
