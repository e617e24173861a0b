"""A queue for each lane. Imports nothing of ours: the code moves on, this file stays as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
oldest_program = "0001"  # an index: whoever does not know it works as before


def upgrade() -> None:
    waits = sa.text("state = 'waiting'")
    op.drop_index("ix_arrivals_waiting", "arrivals")
    op.create_index(
        "ix_arrivals_waiting", "arrivals", ["lane", "id"], sqlite_where=waits, postgresql_where=waits
    )
