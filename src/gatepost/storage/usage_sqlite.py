# SPDX-License-Identifier: Apache-2.0
"""The size of a SQLite store: its pages in use, its disk, and its tables, from `dbstat` where the library has it, else estimated.

An estimate counts a table's rows up to a bound, beyond it by the span of its row numbers, and samples their length; what all tables
together then seem to take is scaled to the pages in use. Tables are looked at a few at a time: other questions wait meanwhile.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gatepost.storage.contract import Store
from gatepost.storage.files import file_error
from gatepost.storage.sqlite import EngineError
from gatepost.storage.usage_record import Size, TableUsage

EXACT_BYTES = 67_108_864
"""`dbstat` reads every page; a larger store is estimated."""
COUNTED, COUNTED_WITHOUT_NUMBERS = 20_000, 200_000
"""Rows that are counted, some milliseconds; a table without row numbers that has more is told too small."""
AT_ONCE = 10
"""Tables of one question."""
_SAMPLE = 100
_DAY = re.compile(r"_\d{8}\Z")
_ROW_BYTES = 8
"""What a row takes beside its values, about; each index takes half of the row again."""
_HAS_DBSTAT = "SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'"
_DBSTAT = "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name GROUP BY 1"
_TABLES = "SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_INDEXES = "SELECT tbl_name, count(*) FROM sqlite_schema WHERE type = 'index' GROUP BY 1"


class _Table(NamedTuple):
    name: str
    without_row_numbers: bool
    indexes: int


class _Looked(NamedTuple):
    rows: int
    weight: float
    """What it seems to take, in bytes."""


def read_size(connection: Any, where: str) -> Size:
    """Question: measure the file and its disk. Raises: StoreAway."""
    page_bytes, pages, unused = (connection.execute(f"PRAGMA {one}").fetchone()[0] for one in ("page_size", "page_count", "freelist_count"))
    try:
        disk = os.statvfs(Path(where).parent)
    except OSError as error:
        raise file_error(error, where) from error
    used = (pages - unused) * page_bytes
    return Size(used, unused * page_bytes, (disk.f_blocks - disk.f_bfree) * disk.f_frsize, disk.f_bavail * disk.f_frsize)


async def read_tables(store: Store, used_bytes: int) -> list[TableUsage]:
    """Measure the tables of a store that takes so much, those of one table's days as one. Raises: StoreAway."""
    tables = await store.ask(_list)
    exact = await store.ask(_exact) if used_bytes <= EXACT_BYTES else None
    looked: dict[str, _Looked] = {}
    for start in range(0, len(tables), AT_ONCE):
        part = tables[start : start + AT_ONCE]
        looked |= await store.ask(lambda connection, part=part: _look(connection, part))  # type: ignore[misc]  # bound at once
    whole = sum(one.weight for one in looked.values())
    found: dict[str, TableUsage] = {}
    for name, one in looked.items():
        root = _DAY.sub("", name)
        size = int(one.weight * used_bytes / whole) if exact is None else exact.get(name, 0)
        before = found.get(root, TableUsage(root, 0, 0, exact is None))
        found[root] = TableUsage(root, before.bytes + size, before.rows + one.rows, exact is None)
    return list(found.values())


def _list(connection: Any) -> list[_Table]:
    indexes = dict(connection.execute(_INDEXES).fetchall())
    return [_Table(name, bool(without), indexes.get(name, 0)) for name, without in connection.execute(_TABLES).fetchall()]


def _exact(connection: Any) -> dict[str, int] | None:
    """Ask the library for the pages of each table; None when it was built without that."""
    if not connection.execute(_HAS_DBSTAT).fetchone()[0]:
        return None
    try:
        return dict(connection.execute(_DBSTAT).fetchall())
    except EngineError:
        return None


def _look(connection: Any, tables: Sequence[_Table]) -> dict[str, _Looked]:
    found = {}
    for table in tables:
        try:
            found[table.name] = _looked_at(connection, table)
        except EngineError:  # its day was dropped meanwhile
            continue
    return found


def _looked_at(connection: Any, table: _Table) -> _Looked:
    quoted = '"' + table.name.replace('"', '""') + '"'
    most = COUNTED_WITHOUT_NUMBERS if table.without_row_numbers else COUNTED
    rows = connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {most + 1})").fetchone()[0]  # noqa: S608
    if rows > most and not table.without_row_numbers:
        first, last = (connection.execute(f"SELECT {which}(rowid) FROM {quoted}").fetchone()[0] for which in ("min", "max"))  # noqa: S608
        rows = max(rows, last - first + 1)
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({quoted})").fetchall()]
    length = " + ".join('coalesce(length(CAST("' + one.replace('"', '""') + '" AS BLOB)), 0)' for one in columns) or "0"
    order = "" if table.without_row_numbers else " ORDER BY rowid DESC"  # the newest rows are those that the next ones will resemble
    sample = f"SELECT avg({length}) FROM (SELECT * FROM {quoted}{order} LIMIT {_SAMPLE})"  # noqa: S608
    average = connection.execute(sample).fetchone()[0] or 0.0
    return _Looked(rows, rows * (average + _ROW_BYTES) * (1 + 0.5 * table.indexes))
