# SPDX-License-Identifier: Apache-2.0
"""The SQLite engine: which library, how a connection is opened and used, what its failures mean.

SQLite 3.7.0 to 3.51.2 may corrupt a file in WAL mode when two connections write or checkpoint at the
same moment. So an older library is used only by a process that owns the store alone, and in each
process one connection writes. Never open one file with two SQLite libraries in one process: closing
one drops the file locks of the other.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.files import file_error

if TYPE_CHECKING:
    import sqlite3

    Connection = sqlite3.Connection
else:
    Connection = Any


def _engine() -> Any:
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3")


engine = _engine()
EngineError: type[Exception] = engine.Error
SAFE_VERSION = (3, 51, 3)

_FULL = 13  # SQLITE_FULL
_OURS = {1, 18, 19, 20, 21, 25}  # ERROR, TOOBIG, CONSTRAINT, MISMATCH, MISUSE, RANGE: the record or the program is wrong, not the store


def check_version(version: tuple[int, int, int], owned: bool) -> None:
    """Refuse a library with the WAL-reset defect where another process might write too.

    Raises: StoreError, permanent until the library is replaced.
    """
    if version < SAFE_VERSION and not owned:
        found = ".".join(map(str, version))
        raise StoreError(
            f"SQLite {found} may corrupt a store that several processes write; "
            "install pysqlite3 (SQLite 3.51.3 or newer) or let one process own the store"
        )


def connect(path: Path, *, owned: bool) -> Connection:
    """Open the writing connection: WAL, every commit synchronous, transactions begun and ended by hand.

    Raises: StoreAway when the file cannot be opened, StoreFull, StoreError for an unsafe library.
    """
    check_version(engine.sqlite_version_info, owned)
    try:
        connection: Connection = engine.connect(
            str(path), isolation_level=None, check_same_thread=False, cached_statements=256, timeout=5.0
        )
        connection.execute("PRAGMA page_size = 8192")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute("PRAGMA foreign_keys = OFF")
    except (EngineError, OSError) as error:
        raise store_error(error, str(path)) from error
    if mode != "wal":
        raise StoreAway(f"{path}: the file system does not allow SQLite's WAL mode; put the data folder on a local disk")
    return connection


def connect_reader(path: Path) -> Connection:
    """Open a connection that only reads and never checkpoints.

    Raises: StoreAway when the file cannot be opened.
    """
    try:
        connection: Connection = engine.connect(str(path), isolation_level=None, check_same_thread=False, timeout=5.0)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA query_only = ON")
    except (EngineError, OSError) as error:
        raise store_error(error, str(path)) from error
    return connection


def store_error(error: BaseException, where: str) -> StoreError:
    """Name a failure of SQLite or of the file system as the tree of errors knows it."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OSError):
        return file_error(error, where)
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return StoreError(f"{where}: the store refused the record: {error}")
    if code & 0xFF == _FULL:
        return StoreFull(f"{where}: no space is left: {error}")
    if code & 0xFF in _OURS:
        return StoreError(f"{where}: the store refused the record: {error}")
    return StoreAway(f"{where}: {error}")


class SqliteDriver:
    """SQLite for the writer and the questions of a process that owns the file."""

    error = EngineError

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)

    def connect(self) -> Connection:
        """Open the writing connection. Raises: StoreAway, StoreFull, StoreError."""
        return connect(self.path, owned=True)

    def connect_reader(self) -> Connection:
        """Open a reading connection. Raises: StoreAway."""
        return connect_reader(self.path)

    def begin(self, connection: Connection) -> None:
        """Begin as a writer: nothing that a handler does may find the file locked."""
        connection.execute("BEGIN IMMEDIATE")

    def commit(self, connection: Connection) -> None:
        """Commit, with an fsync."""
        connection.execute("COMMIT")

    def rollback(self, connection: Connection) -> None:
        """Undo the transaction."""
        connection.execute("ROLLBACK")

    def in_transaction(self, connection: Connection) -> bool:
        """Tell whether a transaction is open."""
        return connection.in_transaction

    def is_broken(self, connection: Connection) -> bool:
        """Tell nothing beforehand: a file does not hang up."""
        return False

    def is_collision(self, error: Exception) -> bool:
        """Tell that it is none: a file has one writer."""
        return False

    def named(self, error: Exception) -> StoreError:
        """Name a failure of SQLite or of the file system."""
        return store_error(error, self.where)
