# SPDX-License-Identifier: Apache-2.0
"""The audit: what somebody changed, how it was before and after. Rows are only added, and go when their time is over."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from gatepost.access.record import AuditLine
from gatepost.access.statements import Statements
from gatepost.contracts.actor import Entry
from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact

PAGE: Final = 100
MOST: Final = 1000
VALUE_BYTES: Final = 65_536
"""Of a longer value before or after only the length is kept."""
_DAY_S = 86_400.0
_AT_ONCE = 10_000
"""Rows that one transaction drops, so that it holds up nobody."""
_SUBJECT_CHARACTERS = 1000
_INSERT = (
    "INSERT INTO audit_entry (tenant_id, at, author, via, client, operation, subject, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SEARCH = "SELECT id, at, author, via, client, operation, subject, before, after FROM audit_entry WHERE tenant_id = ?"
_NEXT_TENANT = "SELECT min(tenant_id) FROM audit_entry WHERE tenant_id > ?"
_DROP = (
    "DELETE FROM audit_entry WHERE tenant_id = ? AND id IN (SELECT id FROM audit_entry WHERE tenant_id = ? AND at < ? ORDER BY id LIMIT ?)"
)

Veil = Callable[[Any], Any]
"""What an entry tells of before or after -> the same, without what nobody may read."""


class AuditSearch(msgspec.Struct, frozen=True, kw_only=True):
    """What narrows a search; all of it must be so."""

    since: float | None = None
    until: float | None = None
    """Not itself."""
    author: str = ""
    operation: str = ""
    """How it begins: `people.` finds all of people."""
    subject: str = ""
    before_id: int | None = None
    """Go on below this one, as the page before said in `next`."""
    limit: int = PAGE


class AuditPage(msgspec.Struct, frozen=True):
    """Entries, the newest first."""

    entries: tuple[AuditLine, ...]
    next: int | None
    """`before_id` of the next page; None on the last."""


class AuditLog:
    """The audit of one store."""

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._sql = Statements(store.engine)
        self._veils: dict[str, Veil] = {}

    def veil(self, operation: str, veil: Veil) -> None:
        """Show what operations that begin so wrote, before and after, as `veil` gives it: for what older entries tell too much of."""
        self._veils[operation] = veil

    def append(self, connection: Any, entry: Entry) -> None:
        """Write an entry in the transaction of its change: an `Audit` of `contracts/actor`."""
        actor = entry.actor
        who = (actor.tenant_id, self._clock(), _kept(actor.name), actor.via, _kept(actor.client))
        what = (entry.operation, _kept(entry.subject), _encoded(entry.before), _encoded(entry.after))
        self._sql.run(connection, _INSERT, *who, *what)

    async def note(self, entry: Entry) -> None:
        """Write an entry for what was done elsewhere, as at a gateway, once it is done. Raises: StoreFull, StoreAway."""
        await transact(self._store, lambda connection: self.append(connection, entry))

    async def search(self, search: AuditSearch, tenant_id: int = 0) -> AuditPage:
        """Give one page. Raises: StoreAway."""
        limit = max(1, min(search.limit, MOST))
        text, values = _where(search)
        question = f"{_SEARCH}{text} ORDER BY id DESC LIMIT ?"
        rows = await self._store.ask(lambda connection: self._sql.all(connection, question, tenant_id, *values, limit + 1))
        lines = tuple(self._line(row) for row in rows[:limit])
        return AuditPage(lines, lines[-1].id if len(rows) > limit else None)

    async def tenants(self) -> list[int]:
        """Give the tenants that have entries. Raises: StoreAway."""
        return await self._store.ask(self._tenants)

    async def drop_before(self, days: int, tenant_id: int = 0, *, now: float | None = None) -> int:
        """Drop what is older than so many days, from now unless it is given; gives how many. Raises: StoreFull, StoreAway."""
        before, dropped = (self._clock() if now is None else now) - days * _DAY_S, 0
        while True:
            some = await transact(self._store, lambda c: self._sql.run(c, _DROP, tenant_id, tenant_id, before, _AT_ONCE))
            dropped += some
            if some < _AT_ONCE:
                return dropped

    def _line(self, row: Any) -> AuditLine:
        identity, at, author, via, client, operation, subject, *written = row
        values = [msgspec.json.decode(one) for one in written]
        for beginning, veil in self._veils.items():
            if operation.startswith(beginning):
                values = [veil(one) for one in values]
        return AuditLine(identity, at, author, via, client, operation, subject, *values)

    def _tenants(self, connection: Any) -> list[int]:
        found: list[int] = []
        while (row := self._sql.one(connection, _NEXT_TENANT, found[-1] if found else -1))[0] is not None:
            found.append(int(row[0]))
        return found


def _where(search: AuditSearch) -> tuple[str, tuple[Any, ...]]:
    operation = _kept(search.operation)
    terms: list[tuple[str, tuple[Any, ...]]] = [
        (" AND at >= ?", (search.since,) if search.since is not None else ()),
        (" AND at < ?", (search.until,) if search.until is not None else ()),
        (" AND author = ?", (_kept(search.author),) if search.author else ()),
        (" AND substr(operation, 1, CAST(? AS INTEGER)) = ?", (len(operation), operation) if operation else ()),
        (" AND subject = ?", (_kept(search.subject),) if search.subject else ()),
        (" AND id < ?", (search.before_id,) if search.before_id is not None else ()),
    ]
    used = [(text, values) for text, values in terms if values]
    return "".join(text for text, _ in used), tuple(value for _, values in used for value in values)


def _encoded(value: Any) -> str:
    text = msgspec.json.encode(value)
    if len(text) > VALUE_BYTES:
        text = msgspec.json.encode({"bytes": len(text)})
    # PostgreSQL keeps no NUL in a text; in JSON it can only be an escape.
    return text.decode()


def _kept(text: str) -> str:
    """Give a text as both engines can keep it."""
    return text[:_SUBJECT_CHARACTERS].replace("\0", "\ufffd").encode(errors="replace").decode()
