# SPDX-License-Identifier: Apache-2.0
"""Drafts in the intranet's store, on both engines: one for each administrator and tenant.

Promise: a draft is written or removed only at the revision that was seen; of two who saw the same the second is told.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from gatepost.contracts.actor import Audit, Entry
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store
from gatepost.versioning.draft_record import Draft

_COLUMNS = "tenant_id, author, based_on, document, revision, changed_at"
_GET = f"SELECT {_COLUMNS} FROM configuration_draft WHERE tenant_id = ? AND author = ?"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM configuration_draft WHERE tenant_id = ? ORDER BY changed_at DESC, author"  # noqa: S608
_BEGIN = f"INSERT INTO configuration_draft ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_CHANGE = """UPDATE configuration_draft SET based_on = ?, document = ?, revision = ?, changed_at = ?
    WHERE tenant_id = ? AND author = ? AND revision = ?"""
_REMOVE = "DELETE FROM configuration_draft WHERE tenant_id = ? AND author = ? AND revision = ?"


class _Writing(NamedTuple):
    draft: Draft
    seen: int


class Removal(NamedTuple):
    """A draft that is to go; `entry` is what the audit is told of it."""

    tenant_id: int
    author: str
    revision: int
    entry: Entry | None = None


class DraftRows:
    """The drafts of one store."""

    def __init__(self, store: Store, audit: Audit) -> None:
        self._store = store
        self._audit = audit

    async def get(self, tenant_id: int, author: str) -> Draft | None:
        """Give somebody's draft. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _GET, tenant_id, author))
        return Draft(*rows[0]) if rows else None

    async def all(self, tenant_id: int) -> list[Draft]:
        """Give the drafts of a tenant, the one changed last first. Raises: StoreAway."""
        return [Draft(*row) for row in await self._store.ask(lambda connection: self._rows(connection, _ALL, tenant_id))]

    async def write(self, draft: Draft, seen: int) -> bool:
        """Write a draft over the revision that was seen, 0 for none; tells whether it was written. Raises: StoreFull, StoreAway."""
        written: bool = await self._store.perform(self._write, _Writing(draft, seen))
        return written

    async def remove(self, removal: Removal) -> bool:
        """Remove a draft; tells whether it was there at this revision. Raises: StoreFull, StoreAway."""
        removed: bool = await self._store.perform(self._remove, removal)
        return removed

    def end(self, connection: Any, tenant_id: int, author: str, revision: int) -> bool:
        """Remove a draft within a transaction; tells whether it was there at this revision."""
        values = (tenant_id, author, revision)
        return bool(connection.execute(spoken(_REMOVE, self._store.engine), values).rowcount)

    def _write(self, connection: Any, writings: Sequence[_Writing]) -> list[bool]:
        return [self._write_one(connection, *writing) for writing in writings]

    def _write_one(self, connection: Any, draft: Draft, seen: int) -> bool:
        said, owner = (draft.based_on, draft.document, draft.revision, draft.changed_at), (draft.tenant_id, draft.author)
        text, values = (_CHANGE, (*said, *owner, seen)) if seen else (_BEGIN, (*owner, *said))
        return bool(connection.execute(spoken(text, self._store.engine), values).rowcount)

    def _remove(self, connection: Any, removals: Sequence[Removal]) -> list[bool]:
        return [self._remove_one(connection, removal) for removal in removals]

    def _remove_one(self, connection: Any, removal: Removal) -> bool:
        removed = self.end(connection, removal.tenant_id, removal.author, removal.revision)
        if removed and removal.entry is not None:
            self._audit(connection, removal.entry)
        return removed

    def _rows(self, connection: Any, question: str, *values: Any) -> list[Any]:
        rows: list[Any] = connection.execute(spoken(question, self._store.engine), values).fetchall()
        return rows
