"""While modules load, nothing that they make is garbage: looking for it took a tenth of every start."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import modules inside. What there is at the end is never looked at again by the collector."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
