"""What tests of the archive may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.site import Rows, fresh_rows


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[Rows]:
    """A fresh site's rows."""
    made = fresh_rows(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its pages are to lie."""
    return tmp_path / "archive"
