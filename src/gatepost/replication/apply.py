# SPDX-License-Identifier: Apache-2.0
"""Apply what other stores tell: each artefact once, a batch in one transaction with how far its store has been applied.

Promises:

* A batch that was applied before, whole or in part, changes nothing where it was; so a lost answer costs nothing.
* A kind or a version that nobody here knows refuses the whole batch by name, before anything is written.
* After a COMMIT, and also when all of the batch was known already, those who asked to be told are told.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

from gatepost.errors import GatepostError
from gatepost.replication.artefact import Artefact, Batch
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

ArtefactHandler = Callable[[Any, list[Artefact]], None]
"""connection, artefacts of one kind in ascending order; runs in the batch's transaction."""
Told = Callable[[], Awaitable[None]]


class ArtefactUnknown(GatepostError):
    """Another role is newer than this one: nobody here knows what it tells."""


class _Kind(NamedTuple):
    versions: frozenset[int]
    handler: ArtefactHandler
    told: Told | None


class Applier:
    """Applies batches to one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kinds: dict[str, _Kind] = {}

    def register(self, kind: str, versions: Sequence[int], handler: ArtefactHandler, told: Told | None = None) -> None:
        """Have artefacts of a kind applied by `handler`; `told` is awaited after each batch that had one, applied now or before."""
        if kind in self._kinds:
            raise ValueError(f"{kind} has a handler already")
        self._kinds[kind] = _Kind(frozenset(versions), handler, told)

    async def apply(self, batch: Batch) -> int:
        """Apply what is new in a batch; gives the number up to which its store has been applied.

        Raises: ArtefactUnknown, and then nothing was written; StoreFull, StoreAway; what a handler raises.
        """
        self._refuse_unknown(batch)
        applied_to = cast(int, await self._store.perform(self._apply, batch))
        for kind in {artefact.kind for artefact in batch.artefacts}:
            if (told := self._kinds[kind].told) is not None:
                await told()
        return applied_to

    async def applied_to(self, store: str) -> int:
        """Tell the number up to which another store has been applied. Raises: StoreAway."""
        text = spoken("SELECT applied_to FROM replication_applied WHERE store = ?", self._store.engine)
        row = await self._store.ask(lambda connection: connection.execute(text, (store,)).fetchone())
        return int(row[0]) if row else 0

    def _refuse_unknown(self, batch: Batch) -> None:
        for artefact in batch.artefacts:
            kind = self._kinds.get(artefact.kind)
            if kind is None or artefact.version not in kind.versions:
                known = f"the versions {', '.join(map(str, sorted(kind.versions)))}" if kind else f"no {artefact.kind!r} at all"
                raise ArtefactUnknown(
                    f"artefact {artefact.sequence} of store {batch.store} is {artefact.kind!r} in version {artefact.version}, "
                    f"this role knows {known}; upgrade it, nothing is lost until then"
                )

    def _apply(self, connection: Any, batches: Sequence[Batch]) -> list[int]:
        return [self._apply_one(connection, batch) for batch in batches]

    def _apply_one(self, connection: Any, batch: Batch) -> int:
        engine = self._store.engine
        connection.execute(spoken(_ENTER, engine), (batch.store,))
        lock = " FOR UPDATE" if engine == "postgresql" else ""
        applied_to = connection.execute(spoken(_APPLIED_TO, engine) + lock, (batch.store,)).fetchone()[0]
        fresh = [artefact for artefact in batch.artefacts if artefact.sequence > applied_to]
        if fresh:
            for kind, artefacts in groupby(fresh, lambda artefact: artefact.kind):
                self._kinds[kind].handler(connection, list(artefacts))
            applied_to = fresh[-1].sequence
            connection.execute(spoken(_ADVANCE, engine), (applied_to, batch.store))
        return int(applied_to)


_ENTER = "INSERT INTO replication_applied (store, applied_to) VALUES (?, 0) ON CONFLICT (store) DO NOTHING"
_APPLIED_TO = "SELECT applied_to FROM replication_applied WHERE store = ?"
_ADVANCE = "UPDATE replication_applied SET applied_to = ? WHERE store = ?"
