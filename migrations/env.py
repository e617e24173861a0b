"""Alembic's way in: whoever runs migrations hands over a connection (listserv/upgrading.py)."""

from typing import Any

from alembic import context

from listserv.store.schema import Moment, metadata


def plain(kind: str, item: Any, _: Any) -> Any:
    """How a new migration writes our types: as the database's, since it imports nothing of ours."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=plain,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
