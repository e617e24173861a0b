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
    _relays()
    _seals()
    _pace()


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


def _relays() -> None:
    """A relay address is a person's, whatever their addresses become; what passes through it comes back."""
    _reference("relays", "person_id", "people")
    op.create_index("ix_relays_person_id", "relays", ["person_id"])
    op.create_index("ix_relays_key", "relays", ["key"])
    op.execute(
        "UPDATE relays SET person_id = (SELECT addresses.person_id FROM addresses"
        " WHERE addresses.key = relays.key AND addresses.confirmed IS NOT NULL)"
    )
    op.create_table(
        "passed",
        sa.Column("delivery_id", ID, autoincrement=False, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("arrival_id", ID, nullable=False),
        sa.Column("from_seal", sa.Text(), nullable=False),
        sa.Column("to_seal", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("tell", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_passed_delivery_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_passed_list_id"),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_passed_arrival_id"),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_passed"),
    )
    op.create_index("ix_passed_from_seal_at", "passed", ["from_seal", "at"])
    op.create_index("ix_passed_to_seal_at", "passed", ["to_seal", "at"])
    op.create_index("ix_passed_at", "passed", ["at"])
    back = sa.text("returned IS NOT NULL AND told IS NULL")
    op.create_index("ix_passed_returned", "passed", ["delivery_id"], sqlite_where=back, postgresql_where=back)
    op.create_table(
        "blocks",
        sa.Column("subscription_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_blocks_subscription_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_blocks_person_id"),
        sa.PrimaryKeyConstraint("subscription_id", "key", name="pk_blocks"),
    )


def _reference(table: str, column: str, target: str) -> None:
    """In one piece, as SQLite can add it: a table of years is not written anew."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    name = f"fk_{table}_{column}"
    op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {target} (id)")


def _seals() -> None:
    """How a post's ARC sets stood when it came."""
    op.add_column("posts", sa.Column("chain", sa.Text(), nullable=False, server_default=""))


def _pace() -> None:
    op.create_table(
        "buckets",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_buckets"),
    )
    op.create_index("ix_buckets_at", "buckets", ["at"])
    said = sa.text("why = 'complaint'")
    op.create_index("ix_arrivals_complaint", "arrivals", ["done"], sqlite_where=said, postgresql_where=said)
