# SPDX-License-Identifier: Apache-2.0
"""The size of a PostgreSQL store, as the server tells it."""

from typing import Any

from gatepost.storage.contract import Store
from gatepost.storage.usage_record import Size, TableUsage

_TABLES = """SELECT coalesce(pg_partition_root(c.oid), c.oid)::regclass::text, sum(pg_total_relation_size(c.oid))::bigint,
        sum(greatest(c.reltuples, 0))::bigint
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname = current_schema() GROUP BY 1"""


def read_size(connection: Any) -> Size:
    """Question: measure the database."""
    return Size(connection.execute("SELECT pg_database_size(current_database())").fetchone()[0], 0, 0, None)


async def read_tables(store: Store) -> list[TableUsage]:
    """Measure the tables; rows are those of the server's last ANALYZE. Raises: StoreAway."""
    rows = await store.ask(lambda connection: connection.execute(_TABLES).fetchall())
    return [TableUsage(name, size, count, False) for name, size, count in rows]
