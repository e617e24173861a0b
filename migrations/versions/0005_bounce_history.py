"""Bounce history. Imports nothing of ours: the code moves on, this file stays as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
oldest_program = "0001"  # new tables: whoever does not know them counts reports as before


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "bounce_days",
        sa.Column("subscription_id", number, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("many", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_bounce_days_subscription_id")
        ),
        sa.PrimaryKeyConstraint("subscription_id", "day", "what", name=op.f("pk_bounce_days")),
    )
    op.create_index("ix_bounce_days_what_last", "bounce_days", ["what", "last"])
    op.create_table(
        "bounce_watch",
        sa.Column("subscription_id", number, autoincrement=False, nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=False),
        sa.Column("probe_id", number, nullable=True),
        sa.Column("returned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_bounce_watch_subscription_id")
        ),
        sa.ForeignKeyConstraint(["probe_id"], ["deliveries.id"], name=op.f("fk_bounce_watch_probe_id")),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_bounce_watch")),
    )
    op.create_index("ix_bounce_watch_look_at", "bounce_watch", ["look_at"])
    op.create_index("ix_bounce_watch_probe_id", "bounce_watch", ["probe_id"])
