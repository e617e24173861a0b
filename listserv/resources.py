"""Where templates/, migrations/ and the archive's assets are, in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def resource(name: str) -> Path:
    """The folder ``templates`` or ``migrations``, from a wheel or from a checkout."""
    packaged = _HERE / "_data" / name
    return packaged if packaged.is_dir() else _HERE.parent / name
