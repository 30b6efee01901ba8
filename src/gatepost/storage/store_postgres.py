# SPDX-License-Identifier: Apache-2.0
"""One PostgreSQL store, open: its schema, this process's writer and a way to ask questions.

Several gateways may have the store open at once, each with one writing connection. One process of a machine opens it for
one data folder: its lock is the same as on SQLite.
"""

from pathlib import Path

from gatepost.errors import StoreError
from gatepost.storage.committed import CommittedStore
from gatepost.storage.contract import Engine, Numbering
from gatepost.storage.files import file_error
from gatepost.storage.numbers import SequenceNumbers
from gatepost.storage.owner import OwnerLock
from gatepost.storage.postgres import PostgresDriver
from gatepost.storage.postgres_url import PostgresUrl
from gatepost.storage.schema import judge
from gatepost.storage.schema_postgres import create_schema, read_schema


class PostgresStore(CommittedStore):
    """A store on a server; keeps `contract.Store`."""

    engine: Engine = "postgresql"

    def __init__(self, url: PostgresUrl, database: str, folder: Path) -> None:
        """Lock the folder and open the store, made where it is empty; must be called inside the event loop that will use it.

        Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, str(folder)) from error
        lock = OwnerLock(folder, database)
        driver = PostgresDriver(url)
        try:
            _prepare(driver, database)
            super().__init__(driver, lock)
        except BaseException:
            lock.release()
            raise
        self.numbers: Numbering = SequenceNumbers("queue")

    def check_room(self) -> None:
        """Find nothing to refuse: the disk is the server's, and it says itself when it is full."""


def _prepare(driver: PostgresDriver, database: str) -> None:
    """Make an empty store; an older one is migrated by whoever knows that all gateways can bear it."""
    connection = driver.connect()
    try:
        state = judge(read_schema(connection, driver.where), database, "postgresql", driver.where)
        if state == "empty":
            create_schema(connection, database, driver.where)
            judge(read_schema(connection, driver.where), database, "postgresql", driver.where)
    finally:
        connection.close()
    if state == "older":
        raise StoreError(f"{driver.where}: the store has an older schema; run `gatepost db migrate --database {database}`")
