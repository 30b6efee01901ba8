# SPDX-License-Identifier: Apache-2.0
"""Where a gateway under measurement keeps its stores: SQLite in its own folder, or a PostgreSQL on the same disk.

PostgreSQL runs as `testing.postgres` starts it: durable as in earnest, everything else its default.
"""

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gatepost.config.bootstrap import Stores
from gatepost.testing import postgres
from gatepost.testing.postgres import PostgresServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)


class Engine(NamedTuple):
    """An engine, ready; `server` is None where the gateway's own processes are the engine."""

    name: str
    stores: Stores
    server: PostgresServer | None = None

    @property
    def roots(self) -> tuple[int, ...]:
        """The processes above all of the engine's own."""
        return (self.server.pid,) if self.server is not None else ()


@contextmanager
def engine(name: str, folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """Have an engine ready; `folder` is for the server's files, `settings` hold over its defaults."""
    if name == SQLITE:
        yield Engine(name, Stores())
        return
    with PostgresServer(folder, settings=settings) as server, contextlib.ExitStack():
        stores = Stores(gateway=server.create_database("gateway"), intranet=server.create_database("intranet"))
        yield Engine(name, stores, server)


def add_argument(parser: argparse.ArgumentParser, *, both: bool = False) -> None:
    """Add `--store`."""
    choices = (*BOTH, "both") if both else BOTH
    parser.add_argument("--store", choices=choices, default=choices[-1] if both else SQLITE, help="engine of the stores")


def why_not(name: str) -> str:
    """Say why an engine cannot be had here; '' when it can."""
    return "" if name == SQLITE else postgres.why_not()
