# SPDX-License-Identifier: Apache-2.0
"""One SQLite store, open: its owner's lock, its schema, its writer and a way to ask questions.

The writer's connection is the only one that writes and checkpoints. Questions that may take long run on a
second connection in a thread of its own, so that they never hold up a commit; it sees the last COMMIT.
"""

from pathlib import Path

from gatepost.storage.committed import CommittedStore
from gatepost.storage.contract import Engine, Numbering
from gatepost.storage.migration import migrate
from gatepost.storage.numbers import Numbers
from gatepost.storage.owner import OwnerLock
from gatepost.storage.schema import judge
from gatepost.storage.schema_sqlite import create_schema, read_schema
from gatepost.storage.space import FLOOR_BYTES, Floor
from gatepost.storage.sqlite import SqliteDriver, store_error


class SqliteStore(CommittedStore):
    """A store that this process owns until `close`; keeps `contract.Store`."""

    engine: Engine = "sqlite"

    def __init__(self, folder: Path, database: str = "gateway", floor_bytes: int = FLOOR_BYTES) -> None:
        """Lock, open and migrate `folder`'s database; must be called inside the event loop that will use it.

        Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, str(folder)) from error
        self.path = folder / f"{database}.sqlite"
        lock = OwnerLock(folder, database)
        driver = SqliteDriver(self.path)
        try:
            _prepare(driver, database)
            super().__init__(driver, lock)
        except BaseException:
            lock.release()
            raise
        self.floor = Floor(folder, floor_bytes)
        self.numbers: Numbering = Numbers("queue")

    def check_room(self) -> None:
        """Refuse new mail while less than the floor is free below the folder. Raises: StoreFull, StoreAway."""
        self.floor.check()


def _prepare(driver: SqliteDriver, database: str) -> None:
    """Make an empty store, or bring an older one to our schema; its owner is alone with it."""
    connection = driver.connect()
    try:
        state = judge(read_schema(connection, driver.where), database, "sqlite", driver.where)
        if state == "empty":
            create_schema(connection, database, driver.where)
    finally:
        connection.close()
    if state == "older":
        migrate(driver.path, database)
