# SPDX-License-Identifier: Apache-2.0
"""A SQLite store's schema: read what it says of itself, and make it where it is empty."""

from gatepost.storage.schema import Found, creation
from gatepost.storage.sqlite import Connection, EngineError, store_error

_HAS_TABLE = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?"


def read_schema(connection: Connection, where: str) -> Found | None:
    """Give what the store says of itself; None when it is empty. Raises: StoreAway, StoreError."""
    try:
        if connection.execute(_HAS_TABLE, ("schema_version",)).fetchone()[0]:
            row = connection.execute("SELECT database, version, compat, migrating FROM schema_version").fetchone()
            return Found(row[0], row[1], row[2], row[3], _steps(connection))
        if connection.execute(_HAS_TABLE, ("schema_migration",)).fetchone()[0]:
            # Programs before the first release kept no more than their steps, and only of the gateway.
            steps = _steps(connection)
            return Found("gateway", max(steps, default=0), 0, 0, steps)
    except EngineError as error:
        raise store_error(error, where) from error
    return None


def create_schema(connection: Connection, database: str, where: str) -> None:
    """Make an empty store, in one transaction. Raises: StoreFull, StoreAway."""
    try:
        connection.executescript("\n".join(["BEGIN IMMEDIATE;", *creation(database, "sqlite"), "COMMIT;"]))
    except EngineError as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise store_error(error, where) from error


def _steps(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, checksum FROM schema_migration").fetchall())
