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
    _seals()


def _seals() -> None:
    """How a post's ARC sets stood when it came."""
    op.add_column("posts", sa.Column("chain", sa.Text(), nullable=False, server_default=""))
