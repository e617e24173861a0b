"""SQLAlchemy compiles a statement once for each engine. Tests have thousands of engines, all for the same two
kinds of database: here it is once for the whole process.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event

_dialects: dict[tuple[str, str], Dialect] = {}
_statements: dict[Any, Any] = {}


def share() -> None:
    """From now on, in this process."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    own = connection.dialect
    connection.dialect = _dialects.setdefault((own.name, own.driver), own)
    connection.execution_options(compiled_cache=_statements)
