"""The tiers of one tree of a list on the disk: ``search/NAME/`` each, and which of them count.

A tier is written beside, looked through, and renamed once it has reached the disk; ``tiers.json`` is what
browsers ask for, and ``.search.json`` remembers which posts each tier holds, for ourselves.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import Any

from archive_site.soundness import faults
from archive_site.tiers import Tier
from listserv.core.records import dataclass

TIERS = "tiers.json"
_NEW = ".new"
_STATE = ".search.json"

Alone = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Old:
    """A tier that is no longer named, and until when it stays for those who look at it."""

    name: str
    until: datetime
    posts: dict[int, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """What lies there, oldest first."""

    tiers: tuple[Tier, ...] = ()
    old: tuple[Old, ...] = ()


class TierFolder:
    """``place`` is the tree's folder. ``alone`` is entered around each change that readers see."""

    def __init__(self, place: Path, alone: Alone) -> None:
        self._place, self._alone = place, alone
        self._search = place / "search"

    def known(self) -> Known:
        """What is there; nothing where that can't be read."""
        try:
            told = json.loads((self._place / _STATE).read_bytes())
            tiers = [Tier(one["name"], one["frozen"], one["engine"], _marks(one)) for one in told["tiers"]]
            old = [Old(one["name"], datetime.fromisoformat(one["until"]), _marks(one)) for one in told["old"]]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return Known()
        return Known(tuple(tiers), tuple(old))

    def has(self, tier: Tier) -> bool:
        return (self._search / tier.name).is_dir()

    def put(self, tier: Tier, files: Mapping[str, bytes], posts: int) -> list[str]:
        """Have a tier's files there; what is wrong with them, and then they are not."""
        fresh = self._search / _NEW / tier.name
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            for name, data in files.items():
                file = fresh / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(data)
            wrong = faults(fresh, posts, engine=tier.engine)
            if not wrong:
                os.sync()  # thousands of files: one by one they would take a minute
                with self._alone():
                    fresh.rename(self._search / tier.name)
            return wrong
        finally:
            shutil.rmtree(self._search / _NEW, ignore_errors=True)

    def tell(self, known: Known) -> None:
        """From now on these tiers count, and no folder of any other stays."""
        newest = [
            {"at": tier.name, "posts": len(tier.posts), "current": tier.engine}
            for tier in reversed(known.tiers)
        ]
        state = {
            "tiers": [
                {"name": one.name, "frozen": one.frozen, "engine": one.engine, "posts": one.posts}
                for one in known.tiers
            ],
            "old": [
                {"name": one.name, "until": one.until.isoformat(), "posts": one.posts} for one in known.old
            ],
        }
        with self._alone():
            if known.tiers or self._search.is_dir():
                _write(self._search / TIERS, {"tiers": newest})
                _write(self._place / _STATE, state)
        self._tidy({one.name for one in known.tiers} | {one.name for one in known.old})

    def _tidy(self, kept: set[str]) -> None:
        with suppress(FileNotFoundError):
            for own in self._search.iterdir():
                if own.is_dir() and own.name not in kept:
                    shutil.rmtree(own)


def read_tiers(folders: Iterable[Path]) -> bytes:
    """``tiers.json`` for who may read all of these trees: what is current in any comes first."""
    found: list[dict[str, Any]] = []
    for folder in folders:
        with suppress(OSError, ValueError, LookupError):
            found += json.loads((folder / TIERS).read_bytes())["tiers"]
    return _bytes({"tiers": sorted(found, key=lambda one: not one["current"])})


def _marks(told: Mapping[str, Any]) -> dict[int, str]:
    return {int(post): str(mark) for post, mark in told["posts"].items()}


def _write(file: Path, value: Mapping[str, object]) -> None:
    data = _bytes(value)
    with suppress(FileNotFoundError):
        if file.read_bytes() == data:
            return
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    with beside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


def _bytes(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode() + b"\n"
