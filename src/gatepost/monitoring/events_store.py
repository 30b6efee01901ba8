# SPDX-License-Identifier: Apache-2.0
"""The event log's SQL: rows that are only added, found by time, and go when theirs is over."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from gatepost.monitoring.events_record import EventEntry
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine

DROPPED_AT_ONCE: Final = 2000
"""Rows of one transaction; some 10 ms."""


class EventRow(NamedTuple):
    """One row, in the order in which it is read."""

    id: int
    at: float
    gateway: str
    process: str
    name: str
    level: int
    fields: str


class Wanted(NamedTuple):
    """What a search asks for; '' and None ask for nothing."""

    tenant_id: int
    after: float | None
    before: float | None
    level: int
    name: str
    gateway: str
    process: str
    text: str
    below: int | None
    limit: int


class EventStatements:
    """The statements on one engine; those named as questions also run on the reading connection."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def insert(self, connection: Any, tenant_id: int, entries: Sequence[EventEntry]) -> None:
        """Add events."""
        rows = [(tenant_id, one.at, one.gateway, one.process, one.name, one.level, one.fields) for one in entries]
        connection.cursor().executemany(spoken(_INSERT, self.engine), rows)

    def find(self, connection: Any, wanted: Wanted) -> list[EventRow]:
        """Question: give events, the newest first, those of one moment by falling number."""
        conditions, values = ["tenant_id = ?"], [wanted.tenant_id]
        for condition, given in self._conditions(wanted):
            conditions.append(condition)
            values += given
        if wanted.below is not None:
            row = connection.execute(spoken(_AT, self.engine), (wanted.tenant_id, wanted.below)).fetchone()
            if row is None:
                return []  # the oldest go first: there is nothing below it any more
            conditions.append("at <= ? AND (at, id) < (?, ?)")
            values += [row[0], row[0], wanted.below]
        text = _FIND.format(conditions=" AND ".join(conditions))
        # Planned for these values: how much of the log a period is decides which index leads.
        options = {"prepare": False} if self.engine == "postgresql" else {}
        rows = connection.execute(spoken(text, self.engine), [*values, wanted.limit], **options).fetchall()
        return [EventRow(*row) for row in rows]

    def tenants(self, connection: Any) -> list[int]:
        """Question: give the tenants that have events, one look into the index for each."""
        found: list[int] = []
        while (row := connection.execute(spoken(_NEXT_TENANT, self.engine), (found[-1] if found else -1,)).fetchone())[0] is not None:
            found.append(int(row[0]))
        return found

    def drop_before(self, connection: Any, tenant_id: int, at: float) -> int:
        """Drop a tenant's oldest events from before this time, up to `DROPPED_AT_ONCE`; gives their number."""
        return int(connection.execute(spoken(_DROP, self.engine), (tenant_id, tenant_id, at, DROPPED_AT_ONCE)).rowcount)

    def _conditions(self, wanted: Wanted) -> list[tuple[str, list[Any]]]:
        found: list[tuple[str, list[Any]]] = []
        place = "instr" if self.engine == "sqlite" else "strpos"
        if wanted.after is not None:
            found.append(("at >= ?", [wanted.after]))
        if wanted.before is not None:
            found.append(("at < ?", [wanted.before]))
        if wanted.level:
            found.append(("level >= ?", [wanted.level]))
        if wanted.name:
            found.append((f"{place}(name, ?) = 1", [wanted.name]))
        if wanted.gateway:
            found.append(("gateway = ?", [wanted.gateway]))
        if wanted.process:
            found.append(("process = ?", [wanted.process]))
        if wanted.text:
            fields = "fields" if self.engine == "sqlite" else 'fields COLLATE "C"'
            found.append((f"{place}(lower({fields}), ?) > 0", [wanted.text]))
        return found


_INSERT: Final = "INSERT INTO event_entry (tenant_id, at, gateway, process, name, level, fields) VALUES (?, ?, ?, ?, ?, ?, ?)"
_FIND: Final = """SELECT id, at, gateway, process, name, level, fields FROM event_entry
    WHERE {conditions} ORDER BY at DESC, id DESC LIMIT ?"""
_AT: Final = "SELECT at FROM event_entry WHERE tenant_id = ? AND id = ?"
_NEXT_TENANT: Final = "SELECT min(tenant_id) FROM event_entry WHERE tenant_id > ?"
_DROP: Final = """DELETE FROM event_entry WHERE tenant_id = ? AND id IN
    (SELECT id FROM event_entry WHERE tenant_id = ? AND at < ? ORDER BY at LIMIT ?)"""
