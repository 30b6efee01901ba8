# SPDX-License-Identifier: Apache-2.0
"""The steps of the schema, as they are written down."""

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gatepost.storage.schema import FOLDER, SCHEMA_COMPAT, SCHEMA_VERSION, migrations
from gatepost.storage.step import statements
from unit.storage.stores_of_old import OldStore

RECORD = {
    "schema_migration",
    "schema_version",
    "alembic_version",
    "id_block",
    "holder",
    "sqlite_sequence",
    "message_tracking_legacy_progress",
}
LINKS = {f"replication_{name}" for name in ("store", "reader", "applied", "command", "peer", "invitation", "link")}
DAYS = {"message_track_day", "traffic_uncounted"}
"""Which days have tables: for all tenants alike."""
WITHOUT_TENANT = RECORD | LINKS | DAYS
"""Tables that hold nothing of any tenant: what a store says of itself, and the links between roles."""
OWN_KEYS = {"id", "mail_id", "sequence", "key", "number"}
"""Columns of unique keys that are the store's own numbers."""

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
_COLUMNS = """SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relname = '{}' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"""
_INDEXES = """SELECT i.indexrelid::regclass::text, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = i.indexrelid WHERE i.indisunique AND c.relname = '{}' AND c.relnamespace = 'public'::regnamespace"""


@pytest.mark.parametrize("database", SCHEMA_VERSION)
def test_steps_are_numbered_without_gap_up_to_the_schema_version(database: str) -> None:
    """Each has a text for each engine and names itself `NNNN_verb_noun`; nothing else lies beside them."""
    sqlite, postgresql = migrations(database, "sqlite"), migrations(database, "postgresql")
    assert [step.version for step in sqlite] == list(range(1, SCHEMA_VERSION[database] + 1))
    assert [step[:2] for step in sqlite] == [step[:2] for step in postgresql]
    assert all(re.fullmatch(r"\d{4}_[a-z]+_[a-z_]+", step.name) for step in sqlite)
    files = {path.name for path in (FOLDER / database).iterdir() if path.is_file()}
    assert files == {f"{step.name}{end}" for step in sqlite for end in (".py", ".sqlite.sql", ".postgresql.sql")}
    assert 1 <= SCHEMA_COMPAT[database] <= SCHEMA_VERSION[database]


@pytest.mark.parametrize("database", SCHEMA_VERSION)
def test_each_step_is_a_revision_after_the_one_before(database: str) -> None:
    """Alembic knows them in the same order."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("version_locations", str(FOLDER / database))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    revisions = list(reversed(list(script.walk_revisions())))
    assert [revision.revision for revision in revisions] == [f"{database}_{number:04}" for number in range(1, len(revisions) + 1)]
    assert [Path(str(revision.path)).stem for revision in revisions] == [step.name for step in migrations(database, "sqlite")]


@pytest.mark.parametrize("database", SCHEMA_VERSION)
def test_every_table_knows_its_tenant(database: str, tmp_path: Path) -> None:
    """Tables of mail or settings have `tenant_id`, and so has each unique key that is not made of our own numbers, on both engines."""
    for engine in ("sqlite", "postgresql"):
        old = OldStore(engine, tmp_path).make(database=database)  # type: ignore[arg-type]
        for table, (columns, indexes) in tables(old).items():
            assert "tenant_id" in columns, (engine, table)
            for name, keys in indexes.items():
                assert "tenant_id" in keys or keys <= OWN_KEYS, (engine, table, name)


def tables(old: OldStore) -> dict[str, tuple[set[str], dict[str, set[str]]]]:
    """Give each table's columns, and the columns of its unique indexes."""
    found: dict[str, tuple[set[str], dict[str, set[str]]]] = {}
    sqlite = old.engine == "sqlite"
    names = {row[0] for row in old.run("SELECT name FROM sqlite_schema WHERE type = 'table'" if sqlite else _TABLES)} - WITHOUT_TENANT
    for table in names:
        if sqlite:
            columns = {row[1] for row in old.run(f"PRAGMA table_info({table})")}
            indexes = {
                row[1]: {one[2] for one in old.run(f"PRAGMA index_info('{row[1]}')")}
                for row in old.run(f"PRAGMA index_list({table})")
                if row[2]
            }
        else:
            columns, indexes = {row[0] for row in old.run(_COLUMNS.format(table))}, {}
            for name, column in old.run(_INDEXES.format(table)):
                indexes.setdefault(name, set()).add(column)
        found[table] = (columns, indexes)
    assert names
    return found


def test_a_text_is_taken_apart_at_its_statements() -> None:
    """A semicolon in a string, a comment or a trigger ends nothing."""
    text = "-- a; comment\nCREATE TABLE a (b TEXT DEFAULT ';');\n\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM a;\nEND;\n"
    assert [one.strip().splitlines()[-1] for one in statements(text)] == ["CREATE TABLE a (b TEXT DEFAULT ';');", "END;"]
