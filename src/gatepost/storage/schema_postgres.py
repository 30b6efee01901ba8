# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL store's schema: read what it says of itself, and make it where it is empty."""

import psycopg

from gatepost.storage.postgres import Connection, run, run_script
from gatepost.storage.postgres_errors import postgres_error
from gatepost.storage.schema import Found, creation

MAKING_LOCK = 0x67617465706F7374 >> 1
"""The advisory lock ("gatepost") under which a schema is made or migrated: two gateways may start at once."""

_HAS_TABLE = "SELECT to_regclass('schema_version') IS NOT NULL"


def read_schema(connection: Connection, where: str) -> Found | None:
    """Give what the store says of itself; None when it is empty. Raises: StoreAway, StoreError."""
    try:
        if not _value(connection, _HAS_TABLE):
            return None
        row = connection.execute("SELECT database, version, compat, migrating FROM schema_version").fetchone()
        assert row is not None
        steps = connection.execute("SELECT version, checksum FROM schema_migration").fetchall()
        return Found(row[0], row[1], row[2], row[3], {step[0]: step[1] for step in steps})
    except psycopg.Error as error:
        raise postgres_error(error, where) from error


def create_schema(connection: Connection, database: str, where: str) -> None:
    """Make an empty store, in one transaction; does nothing where another gateway was quicker. Raises: StoreFull, StoreAway."""
    try:
        run(connection, b"BEGIN")
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING_LOCK,))
            if not _value(connection, _HAS_TABLE):
                run_script(connection, "\n".join(creation(database, "postgresql")))
            run(connection, b"COMMIT")
        except BaseException:
            if not connection.closed:
                run(connection, b"ROLLBACK")
            raise
    except psycopg.Error as error:
        raise postgres_error(error, where) from error


def _value(connection: Connection, question: str) -> object:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]
