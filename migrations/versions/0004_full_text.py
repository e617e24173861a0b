"""Full text of posts. Those that are there come into it later, some at a time: they are not indexed yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
oldest_program = "0001"  # what an older program posts is found to be not indexed, and is then

_SEARCH = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search USING fts5 (place, subject, author, files, text,"
        " tokenize = \"unicode61 remove_diacritics 0 categories 'L* N* M* C*'\")",
    ),
    "postgresql": (
        "CREATE TABLE search (post_id bigint CONSTRAINT pk_search PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX ix_search_words ON search USING gin (words)",
    ),
}


def upgrade() -> None:
    op.add_column(
        "posts", sa.Column("indexed", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    waits = sa.text("state = 'posted' AND NOT indexed")
    op.create_index("ix_posts_unindexed", "posts", ["id"], sqlite_where=waits, postgresql_where=waits)
    for statement in _SEARCH[op.get_bind().dialect.name]:
        op.execute(statement)
