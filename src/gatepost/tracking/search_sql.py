# SPDX-License-Identifier: Apache-2.0
"""A search within one day as SQL: which index leads, and what the rows that it gives must fulfil.

    leads                     when the search has
    the primary key           a track's name, or nothing of the following
    Message-ID                one
    addresses, or domains     one; of two, the one with fewer mails that day
    status                    some: each is asked alone, newest first, and `search` puts them together

Every statement names the tenant, on every table.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine
from gatepost.tracking.partitions import suffix
from gatepost.tracking.search_terms import Search, Term
from gatepost.tracking.store_rows import Summary

PROBE: Final = 2000
"""How many mails of two sides are counted before one of them leads."""
_COLUMNS: Final = ", ".join(f"s.{column}" for column in Summary._fields)


class Asked(NamedTuple):
    """One statement with its values."""

    text: str
    values: tuple[Any, ...]


class DaySql:
    """The SQL of one day's tables on one engine."""

    def __init__(self, engine: Engine, day: int, low: bytes, high: bytes, *, strayed: bool = False) -> None:
        """Ask for keys from `low` on and below `high`, within the day; `strayed`: some may lie outside the day's own tables.

        On PostgreSQL, too, a day's own tables are asked by name: to find them among all days' takes longer than the search.
        """
        self._engine: Engine = engine
        self._end = f"_{suffix(day)}" if engine == "sqlite" or not strayed else ""
        self._low, self._high = low, high

    def rows(self, connection: Any, asked: Asked) -> list[tuple[Any, ...]]:
        """Ask; on PostgreSQL planned for these values, so that of strays other days' partitions are left out at once."""
        options = {"prepare": False} if self._engine == "postgresql" else {}
        rows: list[tuple[Any, ...]] = connection.execute(asked.text, asked.values, **options).fetchall()
        return rows

    def probe(self, tenant_id: int, term: Term) -> Asked:
        """Count the mails of one side, up to `PROBE`."""
        table, column = self._side(term)
        few = f"SELECT 1 FROM {table} WHERE tenant_id = ? AND {column} = ? AND track >= ? AND track < ? LIMIT {PROBE}"  # noqa: S608
        text = f"SELECT count(*) FROM ({few}) AS few"  # noqa: S608
        return self._asked(text, [tenant_id, term.text, self._low, self._high])

    def searches(self, search: Search, lead: Term | None) -> Iterator[Asked]:
        """Give the statements whose rows together, newest first, are the answer; `lead` is the side that leads."""
        if lead is None and search.statuses and not (search.track or search.message_id):
            for status in search.statuses:
                yield self._search(search, None, (status,))
        else:
            yield self._search(search, lead, search.statuses)

    def _search(self, search: Search, lead: Term | None, statuses: tuple[int, ...]) -> Asked:
        values: list[Any] = []
        if lead is None:
            source = f"message_track{self._end} s{self._index(search, statuses)}"
        else:
            table, column = self._side(lead)
            distinct = "DISTINCT " if self._engine == "postgresql" and lead.kind == "domain" else ""
            inner = f"SELECT {distinct}track FROM {table} WHERE tenant_id = ? AND {column} = ? AND track >= ? AND track < ?"  # noqa: S608
            # SQLite keeps the order of a CROSS JOIN: the address leads.
            source = f"({inner}) a CROSS JOIN message_track{self._end} s"
            values += [search.tenant_id, lead.text, self._low, self._high]
        conditions = ["s.tenant_id = ?", "s.track >= ?", "s.track < ?"]
        values += [search.tenant_id, self._low, self._high]
        if lead is not None:
            conditions.append("s.track = a.track")
        for condition, given in self._conditions(search, lead, statuses):
            conditions.append(condition)
            values += given
        order = "a.track" if lead is not None else "s.track"
        text = f"SELECT {_COLUMNS} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT ?"  # noqa: S608
        return self._asked(text, [*values, search.limit])

    def _index(self, search: Search, statuses: tuple[int, ...]) -> str:
        """Name the index that leads, for SQLite, which without statistics takes the primary key; PostgreSQL knows by itself."""
        if self._engine == "postgresql" or search.track:
            return ""
        if search.message_id:
            return f" INDEXED BY message_track{self._end}_message_id"
        return f" INDEXED BY message_track{self._end}_status" if len(statuses) == 1 else ""

    def _conditions(self, search: Search, lead: Term | None, statuses: tuple[int, ...]) -> Iterator[tuple[str, list[Any]]]:
        exact = (
            ("s.track = ?", search.track or None),
            ("s.message_id = ? AND s.message_id <> ''", search.message_id or None),
            ("s.direction = ?", search.direction),
            ("s.rule = ?", search.rule or None),
            ("s.client = ?", search.client or None),
            ("s.scl >= ?", search.min_scl),
            ("s.scl <= ?", search.max_scl),
        )
        yield from ((condition, [value]) for condition, value in exact if value is not None)
        if statuses:
            yield "s.status = ?" if len(statuses) == 1 else f"s.status IN ({', '.join('?' * len(statuses))})", list(statuses)
        if search.subject:
            subject = self._lower("s.subject")
            yield self._holds(f"CASE WHEN s.words = '' THEN {subject} ELSE s.words END"), [search.subject]
        for term in search.terms:
            if term is not lead:
                yield self._other_side(search.tenant_id, term)

    def _other_side(self, tenant_id: int, term: Term) -> tuple[str, list[Any]]:
        if term.kind == "null":
            return "substr(s.people, 1, 1) = ?", ["\n"]
        if term.kind == "part":
            return self._holds(self._lower("s.people")), [term.text]
        table, column = self._side(term)
        # The range is said again, because PostgreSQL leaves out other days' partitions only where it is.
        text = f"SELECT 1 FROM {table} b WHERE b.tenant_id = ? AND b.{column} = ? AND b.track = s.track AND b.track >= ? AND b.track < ?"  # noqa: S608
        return f"EXISTS ({text})", [tenant_id, term.text, self._low, self._high]

    def _side(self, term: Term) -> tuple[str, str]:
        """Give the table and the column of a side that has an index."""
        if term.kind == "domain":
            return ("message_domain" if self._engine == "sqlite" else "message_address") + self._end, "domain"
        return "message_address" + self._end, "address"

    def _lower(self, column: str) -> str:
        return f"lower({column})" if self._engine == "sqlite" else f'lower({column} COLLATE "C")'

    def _holds(self, text: str) -> str:
        return f"instr({text}, ?) > 0" if self._engine == "sqlite" else f"strpos({text}, ?) > 0"

    def _asked(self, text: str, values: list[Any]) -> Asked:
        return Asked(spoken(text, self._engine), tuple(values))
