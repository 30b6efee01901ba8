# SPDX-License-Identifier: Apache-2.0
"""SQL of the commit on PostgreSQL: a group's mails, variants and recipients in one statement, whatever their number.

The columns go as arrays, so the statement is always the same text and stays prepared.
"""

from gatepost.delivery.queue.statements import Queue, Rows
from gatepost.storage.postgres import Connection

_MAIL = "bigint bigint text text float8 float8 text text bytea bytea bigint bigint text bytea bigint bytea bytea"
_RECIPIENT = "bigint bigint bigint bigint bigint bigint bigint bigint float8 float8 float8 text text text text text text"


def _arrays(types: str) -> str:
    return ", ".join(f"%b::{name}[]" for name in types.split())


_WRITE = f"""WITH fresh AS (INSERT INTO mail SELECT * FROM unnest({_arrays(_MAIL)})),
    untouched AS (INSERT INTO variant SELECT * FROM unnest({_arrays("bigint bigint bigint")}))
    INSERT INTO recipient SELECT * FROM unnest({_arrays(_RECIPIENT)})"""  # noqa: S608 - constants of this file


def disabled_queues(connection: Connection) -> frozenset[Queue]:
    """Give the queues that an administrator disabled; nobody sets one until this transaction ends."""
    return frozenset((row[0], row[1]) for row in connection.execute("SELECT tenant_id, domain FROM queue_setting WHERE NOT enabled"))


def write(connection: Connection, rows: Rows) -> None:
    """Insert rows."""
    columns = [list(column) for table in rows for column in zip(*table, strict=True)]
    connection.execute(_WRITE, columns)
