"""Migrations lead to exactly the tables that the program expects, on both databases."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text

from listserv.database import State, head, refuse_newer, state
from listserv.errors import CannotDo
from listserv.resources import resource
from listserv.store.engine import open_store
from listserv.store.schema import DERIVED, metadata
from listserv.upgrading import upgrade

MIGRATIONS = resource("migrations")
LATER = """
from alembic import op
import sqlalchemy as sa

revision = "{0:04}"
down_revision = "{1:04}"


def upgrade():
    with op.batch_alter_table("lists") as lists:
        lists.add_column(sa.Column("colour", sa.Text(), nullable=False, server_default="plain"))
    {2}
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    store = open_store(database_url)
    yield store.engine
    store.close()


def test_all_migrations_in_turn_make_the_tables_of_the_schema(engine: Engine) -> None:
    upgrade(engine, MIGRATIONS)
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_name": lambda name, *_: name not in DERIVED}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []


def test_migrations_and_schema_agree_on_what_alembic_does_not_compare(engine: Engine) -> None:
    """Counting without reuse, the conditions of partial indexes, identity columns, defaults."""
    upgrade(engine, MIGRATIONS)
    with engine.begin() as connection:
        migrated = fine_print(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert fine_print(connection) == migrated
        assert len(migrated) > 50


def test_each_step_of_an_upgrade_is_known_by_its_state(engine: Engine, tmp_path: Path) -> None:
    assert state(engine, MIGRATIONS) is State.EMPTY
    assert upgrade(engine, MIGRATIONS)
    assert state(engine, MIGRATIONS) is State.CURRENT
    assert not upgrade(engine, MIGRATIONS)
    newer = with_a_later_one(tmp_path)
    assert state(engine, newer) is State.BEHIND
    assert upgrade(engine, newer)
    assert state(engine, newer) is State.CURRENT
    assert state(engine, MIGRATIONS) is State.AHEAD


def test_a_database_of_a_newer_program_is_refused_in_one_sentence_and_left_alone(
    engine: Engine, tmp_path: Path
) -> None:
    newer = with_a_later_one(tmp_path)
    upgrade(engine, newer)
    for act in (upgrade, refuse_newer):
        with pytest.raises(CannotDo) as caught:
            act(engine, MIGRATIONS)
        assert head(newer) in str(caught.value)
        assert "newer than this program" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert state(engine, newer) is State.CURRENT


def test_what_lists_hold_outlives_a_table_that_is_built_anew(engine: Engine, tmp_path: Path) -> None:
    upgrade(engine, MIGRATIONS)
    put_a_list_with_a_name(engine)
    upgrade(engine, with_a_later_one(tmp_path))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT title, colour FROM lists")).all() == [("Book club", "plain")]
        assert connection.execute(text("SELECT local FROM list_names")).all() == [("book",)]


def test_an_upgrade_that_fails_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    upgrade(engine, MIGRATIONS)
    with pytest.raises(ZeroDivisionError):
        upgrade(engine, with_a_later_one(tmp_path, ends="1 / 0"))
    assert state(engine, MIGRATIONS) is State.CURRENT
    assert "colour" not in {column["name"] for column in inspect(engine).get_columns("lists")}


def test_an_sqlite_upgrade_that_would_break_a_reference_is_undone(sqlite_url: str, tmp_path: Path) -> None:
    store = open_store(sqlite_url)
    upgrade(store.engine, MIGRATIONS)
    put_a_list_with_a_name(store.engine)
    with pytest.raises(AssertionError, match="broke references"):
        upgrade(store.engine, with_a_later_one(tmp_path, ends="op.execute('DELETE FROM lists')"))
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM lists")).scalar() == 1
    store.close()


def test_an_sqlite_file_is_copied_before_it_is_upgraded_for_its_owners_eyes_only(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = open_store(sqlite_url)
    upgrade(store.engine, MIGRATIONS)
    put_a_list_with_a_name(store.engine)
    newer = with_a_later_one(tmp_path)
    copy = tmp_path / f"listserv.db.before-{head(newer)}"
    copy.write_text("of an upgrade that died")
    upgrade(store.engine, newer)
    store.close()
    assert copy.stat().st_mode & 0o777 == 0o600
    before = open_store(f"sqlite:///{copy}")
    assert state(before.engine, MIGRATIONS) is State.CURRENT
    with before.read() as tx:
        assert tx.execute(text("SELECT title FROM lists")).scalar() == "Book club"
    before.close()


def test_a_folder_with_a_percent_sign_and_a_space_can_hold_the_migrations(
    sqlite_url: str, tmp_path: Path
) -> None:
    odd = tmp_path / "100% ours"
    shutil.copytree(MIGRATIONS, odd)
    store = open_store(sqlite_url)
    assert upgrade(store.engine, odd)
    store.close()


def test_a_migration_imports_nothing_of_ours_and_is_numbered_without_gaps() -> None:
    files = sorted((MIGRATIONS / "versions").glob("*.py"))
    assert [file.name[:5] for file in files] == [f"{number:04}_" for number in range(1, len(files) + 1)]
    for file in files:
        tree = ast.parse(file.read_text())
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name.split(".")[0] for name in names} <= {"__future__", "alembic", "sqlalchemy"}, file


def fine_print(connection: Connection) -> set[tuple[str, ...]]:
    """What the database itself says of tables, columns and indexes, whatever the order of columns."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(
            "SELECT 'index', sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
            " UNION SELECT 'counts', name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
            " UNION SELECT m.name, c.name || ' ' || c.type || c.\"notnull\" || coalesce(c.dflt_value, '')"
            " FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.name <> 'alembic_version'"
        )
    else:
        rows = connection.exec_driver_sql(
            "SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename <> 'alembic_version'"
            " UNION SELECT table_name, concat_ws(' ', column_name, data_type, is_nullable, column_default,"
            " is_identity, identity_generation) FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
            " UNION SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'"
        )
    return {tuple(map(str, row)) for row in rows}


def with_a_later_one(folder: Path, ends: str = "pass") -> Path:
    """Our migrations and one more, as the next release might bring."""
    newer = folder / "newer"
    shutil.copytree(MIGRATIONS, newer)
    last = int(head(MIGRATIONS))
    (newer / "versions" / f"{last + 1:04}_colour.py").write_text(LATER.format(last + 1, last, ends))
    return newer


def put_a_list_with_a_name(engine: Engine) -> None:
    with engine.begin() as connection:
        number = connection.execute(
            text(
                "INSERT INTO lists (local, domain, list_id, title, settings, created)"
                " VALUES ('book', 'example.org', 'book.example.org', 'Book club', '{}', 0) RETURNING id"
            )
        ).scalar()
        connection.execute(
            text("INSERT INTO list_names VALUES ('book', 'example.org', :number, 'own')"), {"number": number}
        )
