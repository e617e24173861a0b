"""The Brief: each post its turn, what each member has had, Briefs with their numbers, one a period.

And who has a link for feed readers.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
# A program that does not know turns sends each post to everybody and gives it none, while one that does
# would put it into a Brief as well: the two may not work side by side.
oldest_program = "0008"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts by itself only on INTEGER


def upgrade() -> None:
    op.add_column("lists", sa.Column("released", ID, nullable=False, server_default="0"))
    op.add_column("subscriptions", sa.Column("brief_upto", ID, nullable=False, server_default="0"))
    op.add_column("subscriptions", sa.Column("brief_at", sa.BigInteger(), nullable=True))
    # Whoever asked for a digest had each post singly till now; whether one is due is looked at soon.
    op.execute("UPDATE subscriptions SET brief_at = 0 WHERE rhythm NOT IN ('now', 'none', 'mine')")
    _partial_index("ix_subscriptions_brief", "subscriptions", ["brief_at"], "brief_at IS NOT NULL")
    op.add_column("arrivals", sa.Column("answer_of", ID, nullable=True))
    op.add_column("posts", sa.Column("turn", ID, nullable=True))
    _partial_index("ix_posts_turn", "posts", ["list_id", "turn"], "turn IS NOT NULL")
    op.add_column("deliveries", sa.Column("ask_id", ID, nullable=True))
    op.add_column(
        "deliveries", sa.Column("counted", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.drop_index("ix_deliveries_subscription_id", "deliveries")
    op.create_index("ix_deliveries_subscription_id_created", "deliveries", ["subscription_id", "created"])
    _tables()
    _reference("asks", "brief_id", "briefs")


def _tables() -> None:
    op.create_table(
        "briefs",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("letter_id", ID, nullable=False),
        sa.Column("after", ID, nullable=False),
        sa.Column("upto", ID, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("message_hash", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_briefs_list_id"),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name="fk_briefs_letter_id"),
        sa.PrimaryKeyConstraint("id", name="pk_briefs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_briefs_letter_id", "briefs", ["letter_id"])
    op.create_index("ix_briefs_message_hash", "briefs", ["message_hash"])
    op.create_table(
        "brief_items",
        sa.Column("brief_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["brief_id"], ["briefs.id"], name="fk_brief_items_brief_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_brief_items_thread_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_brief_items_post_id"),
        sa.PrimaryKeyConstraint("brief_id", "number", name="pk_brief_items"),
    )
    op.create_index("ix_brief_items_thread_id", "brief_items", ["thread_id"])
    op.create_index("ix_brief_items_post_id", "brief_items", ["post_id"])
    op.create_table(
        "digests",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("brief_id", ID, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_digests_subscription_id"),
        sa.ForeignKeyConstraint(["brief_id"], ["briefs.id"], name="fk_digests_brief_id"),
        sa.PrimaryKeyConstraint("subscription_id", "period", name="pk_digests"),
    )
    op.create_index("ix_digests_brief_id", "digests", ["brief_id"])
    op.create_table(
        "named",
        sa.Column("post_id", ID, nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_named_post_id"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_named_subscription_id"),
        sa.PrimaryKeyConstraint("post_id", "subscription_id", name="pk_named"),
    )
    op.create_index("ix_named_subscription_id", "named", ["subscription_id"])
    op.create_table(
        "feeds",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_feeds_subscription_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feeds"),
        sa.UniqueConstraint("subscription_id", name="uq_feeds_subscription_id"),
        sqlite_autoincrement=True,
    )


def _reference(table: str, column: str, target: str) -> None:
    """In one piece, as SQLite can add it: a table of years is not written anew."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    name = f"fk_{table}_{column}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {target} (id)")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
