# SPDX-License-Identifier: Apache-2.0
"""The PostgreSQL engine: how a connection is opened and used, and which servers are refused.

A server is refused, at each connection, unless a COMMIT that it answers survives a power cut: `fsync`, `full_page_writes` and
`synchronous_commit` are on, for the server and for our session. Nothing is switched on behind its administrator's back.

Handlers write `%s`. Integers go as BIGINT and results come in binary, so that a statement is prepared once whatever its values.
"""

from typing import Any

import psycopg
from psycopg import pq
from psycopg.types.numeric import Int8BinaryDumper

from gatepost.errors import StoreAway, StoreError
from gatepost.storage.postgres_errors import connection_error, postgres_error
from gatepost.storage.postgres_url import PostgresUrl

Connection = psycopg.Connection[tuple[Any, ...]]

_KEYWORDS: dict[str, Any] = {
    "connect_timeout": 5,
    "client_encoding": "utf8",
    "fallback_application_name": "gatepost",
    # A server whose machine is gone says nothing: about 15 s after that the connection is given up.
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
_PREPARED_MOST = 512
_BY_KEY = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
"""What a writer does it finds by key. Plans made while a queue is empty would read whole tables when it no longer is."""
_SESSION = f"SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '15s'; SET jit = off; {_BY_KEY}"
_READER = "SET default_transaction_read_only = on; SET jit = off"
_CHECK = """SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
    (SELECT source FROM pg_settings WHERE name = 'synchronous_commit'),
    current_setting('server_encoding'), pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    current_user, current_database()"""
_OPEN = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR, pq.TransactionStatus.ACTIVE)


class BinaryCursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor whose results come in binary unless a statement says otherwise."""

    def __init__(self, connection: Connection, **arguments: Any) -> None:
        super().__init__(connection, **arguments)
        self.format = pq.Format.BINARY


def connect(url: PostgresUrl) -> Connection:
    """Open a connection; transactions are begun and ended by hand.

    Raises: StoreAway, with the server's words.
    """
    try:
        connection = psycopg.connect(**{**url.keywords, **_KEYWORDS}, autocommit=True, prepare_threshold=1, cursor_factory=BinaryCursor)
    except psycopg.Error as error:
        raise connection_error(error, url.shown) from None  # The cause's representation would show the password.
    connection.prepared_max = _PREPARED_MOST
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    return connection


def refuse_unsafe(connection: Connection, where: str) -> None:
    """Refuse a server that could lose what it committed, or could not take what we write.

    Raises: StoreAway, which names the setting and how to mend it.
    """
    row = connection.execute(_CHECK).fetchone()
    assert row is not None
    fsync, full_page_writes, synchronous_commit, source, encoding, read_only, user, database = row
    for setting, value in (("fsync", fsync), ("full_page_writes", full_page_writes)):
        if value != "on":
            raise _unsafe(where, setting, value, f"set {setting} = on in the server's postgresql.conf and reload it")
    if synchronous_commit == "off":
        mends = {
            "user": f'ALTER ROLE "{user}" RESET synchronous_commit',
            "database": f'ALTER DATABASE "{database}" RESET synchronous_commit',
            "database user": f'ALTER ROLE "{user}" IN DATABASE "{database}" RESET synchronous_commit',
        }
        mend = f"run {mends[source]}" if source in mends else "set synchronous_commit = on in the server's postgresql.conf and reload it"
        raise _unsafe(where, "synchronous_commit", synchronous_commit, mend)
    if encoding != "UTF8":
        raise StoreAway(f"{where}: the database's encoding is {encoding}; create it with ENCODING 'UTF8'")
    if read_only:
        raise StoreAway(f"{where}: the server only reads (a standby?); name the primary, or add target_session_attrs=read-write to the URL")


def _unsafe(where: str, setting: str, value: str, mend: str) -> StoreAway:
    return StoreAway(f"{where}: {setting} is {value}, so a mail that was taken could be lost in a power cut; {mend}")


def run(connection: Connection, statement: bytes) -> None:
    """Run what ends or begins a transaction, past cursors and prepared statements. Raises: psycopg.Error."""
    result = connection.pgconn.exec_(statement)
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result)
    if result.command_status != statement:
        # A transaction in which a statement has failed is rolled back by COMMIT, without an error.
        raise psycopg.errors.InFailedSqlTransaction(f"{statement.decode()} was answered with {(result.command_status or b'').decode()}")


def run_script(connection: Connection, script: str) -> None:
    """Run several statements, which take no values and give no rows. Raises: psycopg.Error."""
    result = connection.pgconn.exec_(script.encode())
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        raise psycopg.errors.error_from_result(result)


class PostgresDriver:
    """PostgreSQL for the writer and the questions of one process; several processes may use one store."""

    error: type[Exception] = psycopg.Error

    def __init__(self, url: PostgresUrl) -> None:
        self.url = url
        self.where = url.shown

    def connect(self) -> Connection:
        """Open a writing connection to a server that is not refused. Raises: StoreAway."""
        return self._connect(_SESSION)

    def connect_reader(self) -> Connection:
        """Open a connection that only reads. Raises: StoreAway."""
        return self._connect(_READER)

    def begin(self, connection: Connection) -> None:
        """Begin a transaction."""
        run(connection, b"BEGIN")

    def commit(self, connection: Connection) -> None:
        """Commit, and make sure that it was not a rollback."""
        run(connection, b"COMMIT")

    def rollback(self, connection: Connection) -> None:
        """Undo the transaction."""
        run(connection, b"ROLLBACK")

    def in_transaction(self, connection: Connection) -> bool:
        """Tell whether a transaction is open, a failed one included."""
        return connection.pgconn.transaction_status in _OPEN

    def is_broken(self, connection: Connection) -> bool:
        """Tell whether the connection is known to be gone."""
        return connection.closed

    def is_collision(self, error: Exception) -> bool:
        """Tell whether it is a deadlock, or what could not be serialized."""
        return isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)

    def named(self, error: Exception) -> StoreError:
        """Name a failure of PostgreSQL or of the file system."""
        return postgres_error(error, self.where)

    def _connect(self, session: str) -> Connection:
        connection = connect(self.url)
        try:
            refuse_unsafe(connection, self.where)
            run_script(connection, session)
        except psycopg.Error as error:
            connection.close()
            raise self.named(error) from error
        except BaseException:
            connection.close()
            raise
        return connection
