"""The first tables. Imports nothing of ours: the code moves on, this file stays as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts by itself only on INTEGER


def upgrade() -> None:
    op.create_table(
        "answered",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", "list_id", name="pk_answered"),
    )

    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name="pk_counters"),
    )

    op.create_table(
        "epochs",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("top", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_epochs"),
        sa.UniqueConstraint("epoch", name="uq_epochs_epoch"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "letters",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("returns", sa.Boolean(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "lists",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_lists"),
        sa.UniqueConstraint("list_id", name="uq_lists_list_id"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )

    op.create_table(
        "people",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "raws",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_raws"),
    )

    op.create_table(
        "acts",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_acts_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_acts"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "addresses",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_addresses_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_addresses"),
        sa.UniqueConstraint("key", name="uq_addresses_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_addresses_person_id", "addresses", ["person_id"])

    op.create_table(
        "arrivals",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("envelope_from", sa.Text(), nullable=False),
        sa.Column("raw_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("approved", sa.Text(), server_default="", nullable=False),
        sa.Column("lane", sa.Text(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("list_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_arrivals_list_id"),
        sa.ForeignKeyConstraint(["raw_hash"], ["raws.hash"], name="fk_arrivals_raw_hash"),
        sa.PrimaryKeyConstraint("id", name="pk_arrivals"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_arrivals_aside",
        "arrivals",
        ["id"],
        sqlite_where=sa.text("state = 'aside'"),
        postgresql_where=sa.text("state = 'aside'"),
    )
    op.create_index("ix_arrivals_list_id_done", "arrivals", ["list_id", "done"])
    op.create_index("ix_arrivals_raw_hash", "arrivals", ["raw_hash"])
    op.create_index(
        "ix_arrivals_waiting",
        "arrivals",
        ["id"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )

    op.create_table(
        "links",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("browser", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_links_person_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_links"),
    )

    op.create_table(
        "list_names",
        sa.Column("local", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_list_names_list_id"),
        sa.PrimaryKeyConstraint("domain", "local", name="pk_list_names"),
    )

    op.create_table(
        "relays",
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("written", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_relays_list_id"),
        sa.PrimaryKeyConstraint("seal", name="pk_relays"),
    )

    op.create_table(
        "sessions",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sessions_person_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])

    op.create_table(
        "threads",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_threads_list_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["threads.id"], name="fk_threads_merged_into"),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
        sa.UniqueConstraint("list_id", "key", name="uq_threads_list_id_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_threads_list_id_last", "threads", ["list_id", "last"])

    op.create_table(
        "holds",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("arrival_id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("tell", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_holds_arrival_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_holds_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sa.UniqueConstraint("arrival_id", name="uq_holds_arrival_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holds_list_id_state", "holds", ["list_id", "state"])

    op.create_table(
        "seen",
        sa.Column("list_id", ID, nullable=False),
        sa.Column("message_hash", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("arrival_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_seen_arrival_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_seen_list_id"),
        sa.PrimaryKeyConstraint("list_id", "message_hash", "body_hash", name="pk_seen"),
    )

    op.create_table(
        "stale",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=True),
        sa.Column("month", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_stale_list_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_stale_thread_id"),
        sa.PrimaryKeyConstraint("id", name="pk_stale"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "subscriptions",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("rhythm", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("copies", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("probation_left", sa.Integer(), server_default="0", nullable=False),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("bounces", sa.Integer(), server_default="0", nullable=False),
        sa.Column("score", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name="fk_subscriptions_address_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_subscriptions_list_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_subscriptions_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("list_id", "person_id", name="uq_subscriptions_list_id_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriptions_address_id", "subscriptions", ["address_id"])
    op.create_index("ix_subscriptions_list_id_state_rhythm", "subscriptions", ["list_id", "state", "rhythm"])
    op.create_index("ix_subscriptions_person_id", "subscriptions", ["person_id"])

    op.create_table(
        "posts",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("parent_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("arrival_id", ID, nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_key", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("subscription_id", ID, nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("date", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("raw_hash", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("release_at", sa.BigInteger(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("from_", sa.Text(), nullable=False),
        sa.Column("public_id", sa.Text(), server_default="", nullable=False),
        sa.Column("proved", sa.Boolean(), nullable=False),
        sa.Column("flagged", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrivals.id"], name="fk_posts_arrival_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_posts_list_id"),
        sa.ForeignKeyConstraint(["raw_hash"], ["raws.hash"], name="fk_posts_raw_hash"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], name="fk_posts_subscription_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_posts_thread_id"),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.UniqueConstraint("arrival_id", name="uq_posts_arrival_id"),
        sa.UniqueConstraint("list_id", "hash", name="uq_posts_list_id_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posts_author_key_list_id_at", "posts", ["author_key", "list_id", "at"])
    op.create_index("ix_posts_list_id_at", "posts", ["list_id", "at"])
    op.create_index(
        "ix_posts_outbox",
        "posts",
        ["release_at"],
        sqlite_where=sa.text("state = 'outbox'"),
        postgresql_where=sa.text("state = 'outbox'"),
    )
    op.create_index("ix_posts_raw_hash", "posts", ["raw_hash"])
    op.create_index("ix_posts_thread_id_at", "posts", ["thread_id", "at"])

    op.create_table(
        "attachments",
        sa.Column("post_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_attachments_post_id"),
        sa.PrimaryKeyConstraint("post_id", "position", name="pk_attachments"),
    )

    op.create_table(
        "deliveries",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("list_id", ID, nullable=True),
        sa.Column("post_id", ID, nullable=True),
        sa.Column("letter_id", ID, nullable=True),
        sa.Column("subscription_id", ID, nullable=True),
        sa.Column("to", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_by", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name="fk_deliveries_letter_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_deliveries_list_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_deliveries_post_id"),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name="fk_deliveries_subscription_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "post_id", "subscription_id", "kind", name="uq_deliveries_post_id_subscription_id_kind"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["next_at", "id"],
        sqlite_where=sa.text("state IN ('due', 'deferred', 'sending')"),
        postgresql_where=sa.text("state IN ('due', 'deferred', 'sending')"),
    )
    op.create_index("ix_deliveries_subscription_id", "deliveries", ["subscription_id"])

    op.create_table(
        "thread_ids",
        sa.Column("list_id", ID, nullable=False),
        sa.Column("message_hash", sa.Text(), nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("post_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_thread_ids_list_id"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_thread_ids_post_id"),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name="fk_thread_ids_thread_id"),
        sa.PrimaryKeyConstraint("list_id", "message_hash", name="pk_thread_ids"),
    )
    op.create_index("ix_thread_ids_thread_id", "thread_ids", ["thread_id"])
