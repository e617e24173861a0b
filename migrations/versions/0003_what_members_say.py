"""What members say by mail: mails that can be answered, wishes about threads, an author for each mail.

Imports nothing of ours: the code moves on, this file stays as it was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
oldest_program = "0001"  # new tables, and columns with defaults: whoever does not know them works as before

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts by itself only on INTEGER


def upgrade() -> None:
    op.add_column("subscriptions", _text("digest_at"))
    op.add_column("subscriptions", _text("form"))
    op.add_column("arrivals", _text("author_key"))
    op.add_column("arrivals", _text("subject"))
    _partial_index("ix_acts_farewell", "acts", ["at"], "act = 'farewell'")
    _partial_index("ix_subscriptions_paused", "subscriptions", ["paused_until"], "state = 'paused'")
    _partial_index("ix_arrivals_author", "arrivals", ["author_key", "id"], "author_key <> ''")
    op.create_table(
        "asks",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        _text("act"),
        _text("undo"),
        sa.Column("thread_id", ID, nullable=True),
        sa.Column("arrival_id", ID, nullable=True),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("undone", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_asks_list_id_lists"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_asks_person_id_people"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_asks_thread_id_threads"),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_asks_arrival_id_arrivals"),
        sa.PrimaryKeyConstraint("id", name="pk_asks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asks_person_id_list_id_made", "asks", ["person_id", "list_id", "made"])
    op.create_index("ix_asks_address_made", "asks", ["address", "made"])
    op.create_table(
        "thread_wishes",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("wish", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name="fk_thread_wishes_subscription_id_subscriptions"
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_thread_wishes_thread_id_threads"),
        sa.PrimaryKeyConstraint("thread_id", "subscription_id", name="pk_thread_wishes"),
    )
    op.create_index("ix_thread_wishes_subscription_id", "thread_wishes", ["subscription_id"])
    _partial_index("ix_thread_wishes_later", "thread_wishes", ["until"], "wish = 'later'")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)
