"""The program with a clock that is wrong by as many seconds as stand in a file, in processes of its own.

    python -m tests.kit.wrong_clock FILE serve

The file is looked at each time somebody asks the time. All of the program asks one function.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from listserv.cli import main
from listserv.clock import SystemClock
from tests.kit import forked
from tests.kit.server import HANG, until

if TYPE_CHECKING:  # the process itself needs no pytest
    from tests.kit.house import House

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class WrongClock:
    """As wrong as ``file`` says."""

    file: Path

    def set(self, by: timedelta) -> None:
        """From now on it is wrong by so much; whoever looks sees the old or the new."""
        beside = self.file.with_suffix(".new")
        beside.write_text(str(by.total_seconds()))
        beside.replace(self.file)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + float(self.file.read_text()), UTC)

    @contextmanager
    def serving(self, house: House, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """``listserv serve`` by this clock, from its ready line to its end."""
        path = house.server.folder / f"{'-'.join(('serve', *words))}.log"
        command = [sys.executable, "-m", "tests.kit.wrong_clock", str(self.file), "serve", *words]
        settings = {
            "LISTSERV_CONFIG": str(house.server.folder / "listserv.toml"),
            "LISTSERV_RECEIVE_LMTP": "",
            "LISTSERV_WEB_LISTEN": "",
        }
        environment = {**os.environ, **settings, **house.server.settings}
        with path.open("ab") as log:
            process = forked.start(command, environment, log, log, cwd=_ROOT)
        try:
            until(lambda: b"ready smtp=" in path.read_bytes() or process.poll() is not None, path)
            assert process.poll() is None, path.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(HANG)

    def rule(self) -> None:
        """From now on it is the clock of this process."""
        setattr(SystemClock, "now", lambda _: self.now())  # noqa: B010  (mypy would have it be a method)


if __name__ == "__main__":
    WrongClock(Path(sys.argv[1])).rule()
    sys.exit(main(tuple(sys.argv[2:])))
