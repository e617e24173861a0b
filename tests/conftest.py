"""What every test may ask for."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.kit.laid import RUN, emptied, sqlite_copy
from tests.kit.postgres import Postgres

# Deadlines measure the machine, not the code. In CI the same examples are drawn each time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write the stories' mails anew; read the diff")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What people say by mail is the same code on both databases: of those tests every third runs on
    PostgreSQL, too, always the same ones; `make soak` (LISTSERV_LONG) and a test that is named run all.

    Files that take long begin first, so that at the end no worker is alone with one of them."""
    items.sort(key=lambda item: _LONGEST.get(item.path.name, len(_LONGEST)))
    if os.environ.get("LISTSERV_LONG") == "1" or config.getoption("keyword"):
        return
    left = [item for item in items if item.path.name in _SAID and _is_left_out(item.nodeid)]
    if len(items) > len(left):
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def pytest_collection_finish() -> None:
    """What is there before the first test stays to the end: nobody need look whether it is garbage."""
    gc.collect()
    gc.freeze()


_LONG = """poison disk clock database_trouble said bounce_round renderer relay_trouble side_by_side crash
    pulse demo returns import_export kill host_roster threads_by_hosts upgrade plans mail_site postfix browser
    promise_doubt bench backup watch"""
_LONGEST = {f"test_{name}.py": number for number, name in enumerate(_LONG.split())}
_SAID = frozenset(
    f"test_{name}.py"
    for name in ("said", "cards", "guard", "host_roster", "host_settings", "pulse", "threads_by_hosts")
)


def _is_left_out(nodeid: str) -> bool:
    return "[postgresql" in nodeid and zlib.crc32(nodeid.encode()) % 3 != 0


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = tempfile.mkdtemp(prefix="listserv-tests-")
        signal.signal(signal.SIGTERM, _stop)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(RUN))
        Postgres(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def _stop(*_: object) -> None:
    """SIGTERM ends a run like Ctrl-C, so that what was started is stopped. ``timeout`` sends it twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


@pytest.fixture(scope="session", autouse=True)
def _no_setting() -> None:
    """LISTSERV_LONG is read when tests are imported; the program would refuse it as no setting of its."""
    os.environ.pop("LISTSERV_LONG", None)


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The real PostgreSQL of this test run."""
    server = Postgres(Path(os.environ[RUN]))
    server.start()
    return server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database."""
    with postgres.fresh_database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite database: a file that isn't there yet."""
    return f"sqlite:///{tmp_path / 'listserv.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database; the test runs once on each kind that we support."""
    url: str = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param])
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def laid_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database of each kind that has our tables already, and no rows."""
    if request.param == "sqlite":
        return sqlite_copy(tmp_path / "listserv.db")
    return emptied(request.getfixturevalue("postgres"))
