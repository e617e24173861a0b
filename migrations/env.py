"""Alembic's way in: whoever runs migrations hands over a connection (listserv/upgrading.py)."""

from typing import Any

from alembic import context

from listserv.store.schema import DERIVED, Moment, metadata


def plain(kind: str, item: Any, _: Any) -> Any:
    """How a new migration writes our types: as the database's, since it imports nothing of ours."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


def is_described(name: str | None, kind: str, _: Any) -> bool:
    """The full text is made by statements of its own."""
    return kind != "table" or name not in DERIVED


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=plain,
    include_name=is_described,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
