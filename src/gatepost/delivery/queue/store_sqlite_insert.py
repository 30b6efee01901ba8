# SPDX-License-Identifier: Apache-2.0
"""SQL of the commit on SQLite: a group's mails, variants and recipients, one statement for each table.

Several rows go into one INSERT, because each statement that SQLite runs gives the interpreter's lock away and has to
win it back from the event loop.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from gatepost.delivery.queue.statements import Queue, Row, Rows
from gatepost.storage.sqlite import Connection

ROWS_AT_ONCE = 32
MAIL_COLUMNS = 17
RECIPIENT_COLUMNS = 17


def disabled_queues(connection: Connection) -> frozenset[Queue]:
    """Give the queues that an administrator disabled."""
    return frozenset(connection.execute("SELECT tenant_id, domain FROM queue_setting WHERE enabled = 0"))


def write(connection: Connection, rows: Rows) -> None:
    """Insert rows."""
    _insert(connection, "mail", MAIL_COLUMNS, rows.mails)
    _insert(connection, "variant", 3, rows.variants)
    _insert(connection, "recipient", RECIPIENT_COLUMNS, rows.recipients)


def _insert(connection: Connection, table: str, columns: int, rows: Sequence[Row]) -> None:
    count, offset = len(rows), 0
    while offset < count:
        # Powers of two keep the number of distinct statements small, so that all stay prepared.
        size = min(ROWS_AT_ONCE, 1 << ((count - offset).bit_length() - 1))
        chunk = rows[offset] if size == 1 else tuple(chain.from_iterable(rows[offset : offset + size]))
        connection.execute(_insert_text(table, columns, size), chunk)
        offset += size


@lru_cache(maxsize=64)
def _insert_text(table: str, columns: int, rows: int) -> str:
    row = "(" + ",".join("?" * columns) + ")"
    return f"INSERT INTO {table} VALUES {','.join([row] * rows)}"  # noqa: S608 - both names are constants of this file
