"""Who wrote this, and will it arrive: relay addresses, loops, pace, asking without a name.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_program = "0001"  # new tables, and columns with defaults: whoever does not know them works as before


def upgrade() -> None:
    _pace()


def _pace() -> None:
    op.create_table(
        "buckets",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_buckets"),
    )
    op.create_index("ix_buckets_at", "buckets", ["at"])
