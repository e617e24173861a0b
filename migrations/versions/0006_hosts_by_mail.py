"""Hosts by mail: cards, a rota, sections, bans, cooled threads, settings on their way.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
oldest_program = "0001"  # new tables, and columns with defaults: whoever does not know them works as before

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts by itself only on INTEGER


def upgrade() -> None:
    _reference("acts", "arrival_id", "arrivals")
    _reference("asks", "hold_id", "holds")
    _reference("holds", "thread_id", "threads")
    _reference("threads", "parted_from", "threads")
    op.create_index("ix_acts_list_id_at", "acts", ["list_id", "at"])
    op.add_column("holds", sa.Column("seen", sa.Text(), nullable=False, server_default=""))
    op.add_column("holds", sa.Column("later_until", sa.BigInteger(), nullable=True))
    op.add_column("holds", sa.Column("waited_told", sa.BigInteger(), nullable=True))
    unsent = sa.text("state = 'waiting' AND why = 'guard' AND waited_told IS NULL")
    op.create_index("ix_holds_unsent", "holds", ["since"], sqlite_where=unsent, postgresql_where=unsent)
    op.add_column("subscriptions", sa.Column("off_duty_until", sa.BigInteger(), nullable=True))
    op.add_column("threads", sa.Column("rests_until", sa.BigInteger(), nullable=True))
    op.add_column("threads", sa.Column("slow", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "threads", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("threads", sa.Column("closed_words", sa.Text(), nullable=False, server_default=""))
    kept = sa.text("state = 'waiting' AND thread_id IS NOT NULL")
    op.create_index("ix_holds_thread", "holds", ["arrival_id"], sqlite_where=kept, postgresql_where=kept)
    _tables()


def _tables() -> None:
    op.create_table(
        "card_items",
        sa.Column("ask_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hold_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["ask_id"], ["asks.id"], name="fk_card_items_ask_id"),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name="fk_card_items_hold_id"),
        sa.PrimaryKeyConstraint("ask_id", "number", name="pk_card_items"),
    )
    op.create_index("ix_card_items_hold_id", "card_items", ["hold_id"])
    op.create_table(
        "sections",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name="fk_sections_subscription_id"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "tag", name="pk_sections"),
    )
    op.create_table(
        "duties",
        sa.Column("list_id", ID, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_duties_list_id"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_duties_subscription_id"),
        sa.PrimaryKeyConstraint("list_id", "weekday", "subscription_id", name="pk_duties"),
    )
    op.create_table(
        "bans",
        sa.Column("list_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_bans_list_id"),
        sa.PrimaryKeyConstraint("list_id", "key", name="pk_bans"),
    )
    op.create_table(
        "loosenings",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False, server_default=""),
        sa.Column("who", sa.Text(), nullable=False, server_default=""),
        sa.Column("told", ID, nullable=False, server_default="0"),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("takes_effect", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_loosenings_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_loosenings"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_loosenings_list_id", "loosenings", ["list_id"])
    _partial_index("ix_loosenings_planned", "loosenings", "takes_effect", "state = 'planned'")
    _partial_index("ix_holds_waiting", "holds", "list_id", "state = 'waiting'")


def _reference(table: str, column: str, target: str) -> None:
    """In one piece, as SQLite can add it: a table of years is not written anew."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    name = f"fk_{table}_{column}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {target} (id)")


def _partial_index(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], sqlite_where=condition, postgresql_where=condition)
