"""The archive's pages: the zone an author writes in, which posts share something, threads of any length.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
oldest_program = "0008"  # columns with defaults, and indexes: whoever does not know them works as before


def upgrade() -> None:
    op.add_column("posts", sa.Column("zone", sa.Integer(), nullable=True))
    op.add_column("posts", sa.Column("shares", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    # Roughly: what is quoted counts too. Who makes a page of them looks again.
    op.execute(
        "UPDATE posts SET shares = true WHERE state <> 'redacted' AND (text LIKE '%http://%' OR"
        " text LIKE '%https://%' OR id IN (SELECT post_id FROM attachments))"
    )
    shares = sa.text("shares")
    op.create_index(
        "ix_posts_shares", "posts", ["list_id", "at"], sqlite_where=shares, postgresql_where=shares
    )
    op.create_index("ix_posts_thread", "posts", ["thread_id", "at", "id", "state", "audience"])
    op.create_index("ix_posts_answers", "posts", ["thread_id", "parent_hash", "at"])
    op.create_index("ix_posts_list", "posts", ["list_id", "at", "state", "audience", "thread_id"])
    op.drop_index("ix_posts_thread_id_at", "posts")
    op.drop_index("ix_posts_list_id_at", "posts")
