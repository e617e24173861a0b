"""Who wrote this, and will it arrive: relay addresses, loops, pace, asking without a name.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
oldest_program = "0001"  # new tables, and columns with defaults: whoever does not know them works as before


ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts by itself only on INTEGER


def upgrade() -> None:
    _quietly()


def _quietly() -> None:
    op.create_table(
        "quiet",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("whose", sa.Text(), nullable=False),
        sa.Column("arrival_id", ID, nullable=True),
        sa.Column("writer", sa.Text(), nullable=False, server_default=""),
        sa.Column("host_id", ID, nullable=True),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_quiet_list_id"),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_quiet_arrival_id"),
        sa.ForeignKeyConstraint(["host_id"], ["subscriptions.id"], name="fk_quiet_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quiet"),
        sqlite_autoincrement=True,
    )
    for column in ("seal", "whose", "arrival_id", "expires"):
        op.create_index(f"ix_quiet_{column}", "quiet", [column])
    op.add_column("letters", sa.Column("quiet", sa.Text(), nullable=False, server_default=""))
    sealed = sa.text("quiet <> ''")
    op.create_index("ix_letters_quiet", "letters", ["quiet"], sqlite_where=sealed, postgresql_where=sealed)
