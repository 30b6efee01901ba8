# SPDX-License-Identifier: Apache-2.0
"""The event log: what every process of every machine thought worth an administrator's look, newest first.

Gateways tell of theirs in artefacts of kind `event` (`apply`), the console adds its own. A page goes on below the number of the
last event of the page before; what arrives late has its place by its own time.
"""

from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import Any, Final

import msgspec

from gatepost.errors import UsageError
from gatepost.monitoring.events_record import FORM, HOUSE, KIND, LEVELS, EventEntry, decode_entries, read_fields
from gatepost.monitoring.events_store import DROPPED_AT_ONCE, EventRow, EventStatements, Wanted
from gatepost.monitoring.events_telling import sentence
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import Artefact
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store
from gatepost.telemetry.events import EventsRefused
from gatepost.telemetry.log import emit

MOST_LINES: Final = 500
_LEVEL_NAMES = {number: name for name, number in LEVELS.items()}
_FOLDED = str.maketrans({chr(letter): chr(letter + 32) for letter in range(ord("A"), ord("Z") + 1)})


class EventLine(msgspec.Struct, frozen=True):
    """One event as people read it."""

    id: int
    at: float
    gateway: str
    process: str
    name: str
    level: str
    """debug, info, warning, error."""
    fields: dict[str, Any]
    sentence: str
    """What happened, in English; '' when a newer program has told it."""


class EventPage(msgspec.Struct, frozen=True):
    """Some events, the newest first."""

    events: tuple[EventLine, ...]
    below: int | None
    """Ask for what is `below` this to go on; None: that was all."""


class EventLog:
    """The events in one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sql = EventStatements(store.engine)
        self._refused = 0
        self._reason = ""

    def register(self, applier: Applier) -> None:
        """Have what gateways tell applied here."""
        applier.register(KIND, (FORM,), self.apply, self._told)

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what may be asked on the control socket."""
        return {"event.search": self.search}

    async def search(
        self,
        *,
        after: float | None = None,
        before: float | None = None,
        level: str = "",
        name: str = "",
        gateway: str = "",
        process: str = "",
        text: str = "",
        below: int | None = None,
        limit: int = 50,
        tenant_id: int = 0,
    ) -> EventPage:
        """Give one page: events of a period (Unix time) of this level and graver ones, whose names begin so, with a text in their fields.

        Raises: UsageError, StoreAway.
        """
        wanted = _read(Wanted(tenant_id, after, before, 0, name, gateway, process, text, below, limit), level)
        # One more than asked for tells whether there is another page.
        rows = await self._store.ask(partial(self._find, wanted._replace(limit=wanted.limit + 1)))
        lines = tuple(_line(row) for row in rows[: wanted.limit])
        return EventPage(lines, lines[-1].id if len(rows) > wanted.limit else None)

    async def add(self, entries: Sequence[EventEntry], tenant_id: int = HOUSE) -> None:
        """Add events of this machine. Raises: StoreFull, StoreAway."""
        await self._store.perform(self._add, (tenant_id, entries))

    async def drop_before(self, at: float) -> int:
        """Drop the events from before `at` (Unix time), some in a transaction; gives their number. Raises: StoreFull, StoreAway."""
        dropped = 0
        for tenant_id in await self._store.ask(self._sql.tenants):
            while True:
                some: int = await self._store.perform(self._drop, (tenant_id, at))
                dropped += some
                if some < DROPPED_AT_ONCE:
                    break
        return dropped

    def apply(self, connection: Any, artefacts: Sequence[Artefact]) -> None:
        """Add what gateways tell, in the transaction that the connection is in; what cannot be read is counted and left."""
        for artefact in artefacts:
            try:
                entries = decode_entries(artefact.payload)
            except (ValueError, RecursionError, msgspec.MsgspecError) as error:
                self._refused += 1
                self._reason = str(error)
                continue
            if entries:
                self._sql.insert(connection, artefact.tenant_id, entries)

    async def _told(self) -> None:
        if self._refused:
            emit(EventsRefused(batches=self._refused, reason=self._reason))
            self._refused = 0

    def _find(self, wanted: Wanted, connection: Any) -> list[EventRow]:
        return self._sql.find(connection, wanted)

    # On the writer's thread

    def _add(self, connection: Any, adding: Sequence[tuple[int, Sequence[EventEntry]]]) -> list[None]:
        for tenant_id, entries in adding:
            self._sql.insert(connection, tenant_id, entries)
        return [None] * len(adding)

    def _drop(self, connection: Any, drops: Sequence[tuple[int, float]]) -> list[int]:
        return [self._sql.drop_before(connection, *drop) for drop in drops]


def _read(untrusted: Wanted, untrusted_level: str) -> Wanted:
    """Check what was asked for. Raises: UsageError."""
    for label, moment in (("after", untrusted.after), ("before", untrusted.before)):
        if moment is not None and not (isinstance(moment, int | float) and isfinite(moment)):
            raise UsageError(f"{label}: is a Unix time")
    for label in ("name", "gateway", "process", "text"):
        words = getattr(untrusted, label)
        if not isinstance(words, str) or len(words) > 1000 or "\0" in words:
            raise UsageError(f"{label}: is a text of at most 1000 characters")
    if untrusted_level and untrusted_level not in LEVELS:
        raise UsageError(f"level: is one of {', '.join(LEVELS)}")
    if not isinstance(untrusted.limit, int) or not 1 <= untrusted.limit <= MOST_LINES:
        raise UsageError(f"limit: is 1 to {MOST_LINES}")
    if untrusted.below is not None and not isinstance(untrusted.below, int):
        raise UsageError("below: is the number of an event")
    # As it stands in JSON; the engines fold the letters of ASCII only.
    folded = msgspec.json.encode(untrusted.text).decode()[1:-1].translate(_FOLDED)
    return untrusted._replace(level=LEVELS[untrusted_level] if untrusted_level else 0, text=folded)


def _line(row: EventRow) -> EventLine:
    try:
        fields = read_fields(row.fields)
    except msgspec.MsgspecError:
        fields = {"text": row.fields}
    level = _LEVEL_NAMES.get(row.level, "error")
    return EventLine(row.id, row.at, row.gateway, row.process, row.name, level, fields, sentence(row.name, fields))
