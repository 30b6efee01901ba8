# SPDX-License-Identifier: Apache-2.0
"""Migrations: forward only, `NNNN_verb_noun.sql`, each applied once and recorded with its checksum."""

import hashlib
import time
from importlib.resources import files
from typing import NamedTuple

from gatepost.errors import StoreError
from gatepost.storage.sqlite import Connection, EngineError, store_error

SCHEMA_VERSION = {"gateway": 2}
"""The newest schema this program knows, for each logical database."""

_RECORD = """CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at REAL NOT NULL) STRICT"""


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the step's text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(database: str) -> list[Migration]:
    """Give the steps of one logical database, in order."""
    folder = files("gatepost.storage") / "migrations" / database
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, (folder / name).read_text("utf-8")) for name in names]


def migrate(connection: Connection, database: str, where: str) -> None:
    """Bring a store to `SCHEMA_VERSION`, each step in a transaction of its own.

    Raises: StoreError when the store is newer than this program, or its history is not ours.
    """
    try:
        connection.execute(_RECORD)
        applied = {row[0]: (row[1], row[2]) for row in connection.execute("SELECT version, name, checksum FROM schema_migration")}
        newest = max(applied, default=0)
        if newest > SCHEMA_VERSION[database]:
            raise StoreError(
                f"{where}: the store has schema {newest}, this program knows {SCHEMA_VERSION[database]}; "
                "start the program that wrote it, or restore a backup made before the upgrade"
            )
        for step in migrations(database):
            _apply(connection, step, applied.get(step.version), where)
    except EngineError as error:
        raise store_error(error, where) from error


def _apply(connection: Connection, step: Migration, recorded: tuple[str, str] | None, where: str) -> None:
    if recorded is not None:
        if recorded[1] != step.checksum:
            raise StoreError(
                f"{where}: schema step {recorded[0]} was applied with another text than this program has; "
                "start the program that wrote the store, or restore a backup"
            )
        return
    record = f"INSERT INTO schema_migration VALUES ({step.version}, '{step.name}', '{step.checksum}', {time.time()!r})"  # noqa: S608
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{step.sql}\n;{record};\nCOMMIT;")
    except EngineError:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
