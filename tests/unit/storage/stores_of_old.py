# SPDX-License-Identifier: Apache-2.0
"""Stores of every age on both engines, and what can be seen of them."""

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.storage import schema
from gatepost.storage.contract import Engine
from gatepost.storage.opening import open_store
from gatepost.storage.postgres import PostgresDriver
from gatepost.storage.postgres_url import PostgresUrl, parse_url
from gatepost.storage.schema_postgres import create_schema as create_on_postgres
from gatepost.storage.schema_sqlite import create_schema as create_on_sqlite
from gatepost.storage.sqlite import connect
from gatepost.testing.postgres import USER, program
from postgres_server import postgres_server

PASSING = re.compile(r"^\\(un)?restrict |^--|^$")


class OldStore:
    """A store in one database of an engine, not open."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.url = "sqlite" if engine == "sqlite" else postgres_server().create_database()

    @property
    def target(self) -> Path | PostgresUrl:
        """Give what a migration is told."""
        return self.folder / "gateway.sqlite" if self.engine == "sqlite" else parse_url(self.url, "stores.gateway")

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """Give a connection of the engine."""
        target = self.target
        connection: Any = connect(target, owned=True) if isinstance(target, Path) else PostgresDriver(target).connect()
        with contextlib.closing(connection):
            yield connection

    def make(self, version: int = 1000, database: str = "gateway") -> "OldStore":
        """Make it as a program of an earlier schema did."""
        every = schema.migrations
        with pytest.MonkeyPatch.context() as patch, self.connection() as connection:
            patch.setattr(schema, "migrations", lambda *asked: [step for step in every(*asked) if step.version <= version])
            (create_on_sqlite if self.engine == "sqlite" else create_on_postgres)(connection, database, "here")
        return self

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement, committed at once; gives its rows, if it has any."""
        with self.connection() as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    async def open(self) -> None:
        """Open it as a gateway does, and close it."""
        await open_store(self.url, "gateway", self.folder).close()

    def record(self) -> tuple[Any, ...]:
        """Give version, compat and marker."""
        return self.run("SELECT version, compat, migrating FROM schema_version")[0]

    def shape(self) -> list[str]:
        """Give every table, index and key, and what the store says of itself but for the moments."""
        said = [str(row) for row in self.run("SELECT * FROM schema_version")]
        said += [str(row) for row in self.run("SELECT * FROM alembic_version")]
        said += [str(row) for row in self.run("SELECT version, name, checksum FROM schema_migration ORDER BY version")]
        if self.engine == "sqlite":
            return said + [str(row) for row in self.run("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")]
        server = postgres_server()
        place = ["-h", str(server.folder), "-p", str(server.port), "-U", USER]
        dump = subprocess.run([program("pg_dump"), *place, "-s", self.url.rpartition("/")[2]], capture_output=True, text=True, check=True)
        return said + [line for line in dump.stdout.splitlines() if not PASSING.match(line)]
