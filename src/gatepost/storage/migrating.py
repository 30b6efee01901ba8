# SPDX-License-Identifier: Apache-2.0
"""The two engines as a migration sees them: be alone, read and mark the record, lend Alembic a connection."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import psycopg

from gatepost.errors import StoreError
from gatepost.storage import schema_postgres, schema_sqlite, sqlite
from gatepost.storage.contract import Engine
from gatepost.storage.driver import Driver
from gatepost.storage.postgres import PostgresDriver
from gatepost.storage.postgres_url import PostgresUrl
from gatepost.storage.schema import Found, adoption, marking
from gatepost.storage.sqlite import SqliteDriver, store_error


class Target(Protocol):
    """A store that is to be migrated. Only `lend` and what is in `driver` may be used outside of `alone`."""

    engine: Engine
    dialect: str
    """SQLAlchemy's name for engine and driver."""
    module: ModuleType
    begin: str
    driver: Driver

    def alone(self) -> AbstractContextManager[None]:
        """Keep every other migration away while inside. Raises: StoreError."""

    def read(self) -> Found | None:
        """Give what the store says of itself; None when it is empty."""

    def create(self, database: str) -> None:
        """Make an empty store."""

    def mark(self, found: Found, compat: int, version: int) -> None:
        """Say, durably, that a migration to `version` has begun; 0: that it has ended."""

    def lend(self) -> Any:
        """Open a plain connection for SQLAlchemy, which closes it."""


class SqliteTarget:
    """A file; whoever starts a migration owns its store."""

    engine: Engine = "sqlite"
    dialect = "sqlite"
    module: ModuleType = sqlite.engine
    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        self.driver: Driver = SqliteDriver(path)
        self.lend: Callable[[], Any] = self.driver.connect
        self._connection: Any = None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Open the connection that reads and marks."""
        self._connection = self.driver.connect()
        try:
            yield
        finally:
            self._connection.close()

    def read(self) -> Found | None:
        """Give what the store says of itself; None when it is empty."""
        return schema_sqlite.read_schema(self._connection, self.driver.where)

    def create(self, database: str) -> None:
        """Make an empty store."""
        schema_sqlite.create_schema(self._connection, database, self.driver.where)

    def mark(self, found: Found, compat: int, version: int) -> None:
        """Set the marker; a store from before there was one gets its record first."""
        adopted = [] if found.compat else adoption(found, self.engine)
        try:
            self._connection.executescript("\n".join(["BEGIN IMMEDIATE;", *adopted, marking(compat, version), "COMMIT;"]))
        except self.driver.error as error:
            raise store_error(error, self.driver.where) from error


class PostgresTarget:
    """A database on a server; an advisory lock lets one migration in at a time."""

    engine: Engine = "postgresql"
    dialect = "postgresql+psycopg"
    module: ModuleType = psycopg
    begin = "BEGIN"

    def __init__(self, url: PostgresUrl) -> None:
        self._keywords: dict[str, Any] = dict(url.keywords)
        self._driver = PostgresDriver(url)
        self.driver: Driver = self._driver
        self._connection: Any = None

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Take the lock, which ends with its connection. Raises: StoreError while somebody else migrates."""
        with contextlib.closing(self._driver.connect()) as self._connection:
            row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (schema_postgres.MAKING_LOCK,)).fetchone()
            if not row[0]:
                raise StoreError(f"{self.driver.where}: somebody else is migrating this store; wait until that has ended")
            yield

    def read(self) -> Found | None:
        """Give what the store says of itself; None when it is empty."""
        return schema_postgres.read_schema(self._connection, self.driver.where)

    def create(self, database: str) -> None:
        """Make an empty store."""
        schema_postgres.create_schema(self._connection, database, self.driver.where)

    def mark(self, found: Found, compat: int, version: int) -> None:
        """Set the marker."""
        self._connection.execute(marking(compat, version).removesuffix(";").encode())

    def lend(self) -> Any:
        """Open a plain connection for SQLAlchemy."""
        return psycopg.connect(**self._keywords, client_encoding="utf8", fallback_application_name="gatepost db migrate")
