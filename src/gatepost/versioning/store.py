# SPDX-License-Identifier: Apache-2.0
"""The versions of the configuration in the intranet's store, on both engines.

Promises: numbers count from 1 without a gap; a version never changes; of two changes that rest on the same version the
second is not made. A version and the artefact that takes it to the gateways are one transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gatepost.errors import StoreError
from gatepost.replication.outbox import statements
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store
from gatepost.versioning.record import HOUSE, Version, VersionLine, checksum, entry

_LINE = "number, author, made_at, reason, checksum"
_NEWEST = f"SELECT {_LINE}, document FROM configuration_version WHERE tenant_id = ? ORDER BY number DESC LIMIT 1"  # noqa: S608
_ONE = f"SELECT {_LINE}, document FROM configuration_version WHERE tenant_id = ? AND number = ?"  # noqa: S608
_HISTORY = f"SELECT {_LINE} FROM configuration_version WHERE tenant_id = ? AND number < ? ORDER BY number DESC LIMIT ?"  # noqa: S608
_INSERT = f"INSERT INTO configuration_version (tenant_id, {_LINE}, document) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_ABOVE_ALL = 1 << 62
_LOCK = "LOCK TABLE configuration_version IN SHARE ROW EXCLUSIVE MODE"

Gateways = Callable[[], Iterable[str]]
"""Names every gateway as the outbox knows it, at this moment."""

Also = Callable[[Any, Version], None]
"""connection, version: is called once the version is made, in its transaction; what it raises undoes it."""


class Proposal(NamedTuple):
    """A version that somebody wants to make; `based_on` is the number of the one it was made from."""

    document: str
    author: str
    reason: str
    made_at: float
    based_on: int
    also: Also | None = None


class Kept(NamedTuple):
    """What became of a proposal: the version that is the newest now, and whether the proposal made it."""

    newest: Version
    made: bool


class Versions:
    """The versions of one store."""

    def __init__(self, store: Store, gateways: Gateways) -> None:
        self._store = store
        self._gateways = gateways
        self._append = statements(store.engine).append

    async def current(self) -> Version | None:
        """Give the newest version; None when there is none yet. Raises: StoreAway."""
        return await self._store.ask(lambda connection: _version(self._rows(connection, _NEWEST, HOUSE)))

    async def get(self, number: int) -> Version | None:
        """Give one version; None when there is none of this number. Raises: StoreAway."""
        return await self._store.ask(lambda connection: _version(self._rows(connection, _ONE, HOUSE, number)))

    async def history(self, limit: int, below: int = _ABOVE_ALL) -> list[VersionLine]:
        """Give the newest versions with a number below this one, newest first. Raises: StoreAway."""
        rows: list[Any] = await self._store.ask(lambda connection: self._rows(connection, _HISTORY, HOUSE, below, limit))
        return [VersionLine(*row) for row in rows]

    async def make(self, proposal: Proposal) -> Kept:
        """Make the next version, unless the newest is no longer the one it is based on. Raises: StoreFull, StoreAway."""
        kept: Kept = await self._store.perform(self._make, proposal)
        return kept

    async def ship(self, gateway: str) -> int:
        """Send a gateway the newest version, as one that has just joined needs it; gives its number, 0 when there is none."""
        number: int = await self._store.perform(self._ship, gateway)
        return number

    def _ship(self, connection: Any, gateways: list[str]) -> Sequence[int]:
        newest = _version(self._rows(connection, _NEWEST, HOUSE))
        if newest is None:
            return [0] * len(gateways)
        for gateway in gateways:
            self._append(connection, [entry(newest)], gateway)
        return [newest.number] * len(gateways)

    def _make(self, connection: Any, proposals: list[Proposal]) -> Sequence[Kept]:
        if self._store.engine == "postgresql":
            connection.execute(_LOCK)
        return [self._make_one(connection, proposal) for proposal in proposals]

    def _make_one(self, connection: Any, proposal: Proposal) -> Kept:
        newest = _version(self._rows(connection, _NEWEST, HOUSE))
        number = newest.number if newest is not None else 0
        if newest is not None and number != proposal.based_on:
            return Kept(newest, made=False)
        mark = checksum(proposal.document)
        made = Version(number + 1, proposal.author, proposal.made_at, proposal.reason, mark, proposal.document)
        values = (HOUSE, made.number, made.author, made.made_at, made.reason, mark, made.document)
        connection.execute(spoken(_INSERT, self._store.engine), values)
        for gateway in self._gateways():
            self._append(connection, [entry(made)], gateway)
        if proposal.also is not None:
            proposal.also(connection, made)
        return Kept(made, made=True)

    def _rows(self, connection: Any, question: str, *values: Any) -> list[Any]:
        rows: list[Any] = connection.execute(spoken(question, self._store.engine), values).fetchall()
        return rows


def _version(rows: list[Any]) -> Version | None:
    if not rows:
        return None
    version = Version(*rows[0])
    if checksum(version.document) != version.checksum:
        raise StoreError(
            f"version {version.number} of the configuration is not what was stored; restore the intranet's store from a backup"
        )
    return version
