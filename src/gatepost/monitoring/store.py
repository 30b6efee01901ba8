# SPDX-License-Identifier: Apache-2.0
"""The incidents in the intranet's store, on both engines.

Promises: of a tenant, a kind and a subject one row is open at a time; a change of state and the notices that tell of it are one
transaction; every question is one tenant's, but that of the engine, which looks after all.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.monitoring.judging import Changed, Healed, Opened, Refreshed, Transition
from gatepost.monitoring.notice_rows import NoticeRows
from gatepost.monitoring.record import LEVELS, Addressees, Counts, Incident, Told, rank
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

_COLUMNS = "id, tenant_id, kind, subject, level, details, opened_at, changed_at, healed_at"
_STANDING = f"SELECT {_COLUMNS} FROM incident WHERE kind = ? AND healed_at IS NULL ORDER BY id"  # noqa: S608
_OPEN = f"SELECT {_COLUMNS} FROM incident WHERE tenant_id = ? AND healed_at IS NULL ORDER BY level DESC, opened_at DESC, id DESC"  # noqa: S608
_HISTORY = f"SELECT {_COLUMNS} FROM incident WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM incident WHERE tenant_id = ? AND id = ?"  # noqa: S608
_UNTOLD = f"""SELECT {_COLUMNS} FROM incident WHERE healed_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM incident_notice n WHERE n.tenant_id = incident.tenant_id AND n.incident_id = incident.id AND n.channel = 'mail')
    ORDER BY id"""  # noqa: S608
_COUNTS = "SELECT level, count(*) FROM incident WHERE tenant_id = ? AND healed_at IS NULL GROUP BY level"
_KINDS = "SELECT DISTINCT kind FROM incident WHERE healed_at IS NULL"
_INSERT = """INSERT INTO incident (tenant_id, kind, subject, level, details, opened_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, kind, subject) WHERE healed_at IS NULL DO NOTHING RETURNING id"""
_CHANGE = "UPDATE incident SET level = ?, details = ?, changed_at = ? WHERE id = ? AND healed_at IS NULL"
_REFRESH = "UPDATE incident SET details = ? WHERE id = ? AND healed_at IS NULL"
_HEAL = "UPDATE incident SET healed_at = ?, changed_at = ? WHERE id = ? AND healed_at IS NULL"
_NEXT_TENANT = "SELECT min(tenant_id) FROM incident WHERE tenant_id > ?"
_HEALED = "SELECT id FROM incident WHERE tenant_id = ? AND opened_at < ? AND healed_at < ? ORDER BY opened_at LIMIT ?"
_DROP_NOTICES = "DELETE FROM incident_notice WHERE tenant_id = ? AND incident_id = ?"
_DROP = "DELETE FROM incident WHERE tenant_id = ? AND id = ?"
_DROPPED_AT_ONCE = 500
NEWEST = 1 << 62
"""A cursor above every row."""


class Turn(NamedTuple):
    """What one look changes, and who is to be told."""

    transitions: Sequence[Transition]
    addressees: Addressees
    now: float
    hurry: bool = False
    """Mails that wait for another try are due at once."""
    tell_untold: bool = False
    """Open incidents that no mail tells of get one: there is an address now."""


class Done(NamedTuple):
    """What a turn really changed: the incident as it is now, and what is told of it."""

    incident: Incident
    told: Told


class IncidentRows:
    """The incidents of one store."""

    def __init__(self, store: Store, notices: NoticeRows) -> None:
        self._store = store
        self._notices = notices

    async def standing(self, kind: str) -> list[Incident]:
        """Give the open incidents of one kind, all tenants'. Raises: StoreAway."""
        return await self._ask(_STANDING, kind)

    async def kinds(self) -> set[str]:
        """Tell which kinds have open incidents. Raises: StoreAway."""
        return {row[0] for row in await self._store.ask(lambda connection: self._rows(connection, _KINDS))}

    async def open(self, tenant_id: int) -> list[Incident]:
        """Give a tenant's open incidents, the gravest and newest first. Raises: StoreAway."""
        return await self._ask(_OPEN, tenant_id)

    async def history(self, tenant_id: int, before: int | None, limit: int) -> list[Incident]:
        """Give a tenant's incidents with a number below `before`, newest first. Raises: StoreAway."""
        return await self._ask(_HISTORY, tenant_id, NEWEST if before is None else before, limit)

    async def get(self, tenant_id: int, number: int) -> Incident | None:
        """Give one incident of a tenant. Raises: StoreAway."""
        return next(iter(await self._ask(_ONE, tenant_id, number)), None)

    async def counts(self, tenant_id: int) -> Counts:
        """Count a tenant's open incidents by level. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _COUNTS, tenant_id))
        return Counts(**{LEVELS[row[0] - 1]: row[1] for row in rows})

    async def apply(self, turn: Turn) -> list[Done]:
        """Make the changes and their notices; gives what was changed. Raises: StoreFull, StoreAway."""
        done: list[Done] = await self._store.perform(self._apply, turn)
        return done

    async def drop_healed_before(self, at: float) -> int:
        """Drop the incidents that healed before `at` (Unix time) with their notices; gives their number. Raises: StoreFull, StoreAway."""
        dropped = 0
        for tenant_id in await self._store.ask(self._tenants):
            while True:
                some: int = await self._store.perform(self._drop, (tenant_id, at))
                dropped += some
                if some < _DROPPED_AT_ONCE:
                    break
        return dropped

    async def _ask(self, question: str, *values: Any) -> list[Incident]:
        return [_incident(row) for row in await self._store.ask(lambda connection: self._rows(connection, question, *values))]

    def _tenants(self, connection: Any) -> list[int]:
        found: list[int] = []
        while (row := self._rows(connection, _NEXT_TENANT, found[-1] if found else -1)[0])[0] is not None:
            found.append(int(row[0]))
        return found

    # On the writer's thread

    def _apply(self, connection: Any, turns: Sequence[Turn]) -> list[list[Done]]:
        return [self._apply_one(connection, turn) for turn in turns]

    def _drop(self, connection: Any, drops: Sequence[tuple[int, float]]) -> list[int]:
        return [self._drop_some(connection, tenant_id, at) for tenant_id, at in drops]

    def _drop_some(self, connection: Any, tenant_id: int, at: float) -> int:
        numbers = [row[0] for row in self._rows(connection, _HEALED, tenant_id, at, at, _DROPPED_AT_ONCE)]
        for number in numbers:
            self._do(connection, _DROP_NOTICES, tenant_id, number)
            self._do(connection, _DROP, tenant_id, number)
        return len(numbers)

    def _apply_one(self, connection: Any, turn: Turn) -> list[Done]:
        made = [self._make(connection, transition, turn.now) for transition in turn.transitions]
        done = [one for one in made if one is not None]
        for one in done:
            self._notices.make(connection, one.incident, one.told, turn.addressees)
        if turn.tell_untold:
            for row in self._rows(connection, _UNTOLD):
                incident = _incident(row)
                self._notices.make(connection, incident, _told("opened", incident, turn.now), turn.addressees, only_mail=True)
        if turn.hurry:
            self._notices.hurry(connection, turn.now)
        return done

    def _make(self, connection: Any, transition: Transition, now: float) -> Done | None:
        match transition:
            case Opened(finding):
                details = _json(finding.details)
                key = (finding.tenant_id, finding.kind, finding.subject)
                rows = self._rows(connection, _INSERT, *key, rank(finding.level), details, now, now)
                if not rows:
                    return None
                made = Incident(rows[0][0], finding.tenant_id, finding.kind, finding.subject, finding.level, finding.details, now, now)
                return Done(made, _told("opened", made, now, finding.domain))
            case Changed(incident, finding):
                if not self._do(connection, _CHANGE, rank(finding.level), _json(finding.details), now, incident.id):
                    return None
                made = msgspec.structs.replace(incident, level=finding.level, details=finding.details, changed_at=now)
                return Done(made, _told("changed", made, now, finding.domain))
            case Refreshed(incident, finding):
                self._do(connection, _REFRESH, _json(finding.details), incident.id)
                return None
            case Healed(incident):
                if not self._do(connection, _HEAL, now, now, incident.id):
                    return None
                made = msgspec.structs.replace(incident, changed_at=now, healed_at=now)
                return Done(made, _told("healed", made, now))

    def _rows(self, connection: Any, text: str, *values: Any) -> list[Any]:
        rows: list[Any] = connection.execute(spoken(text, self._store.engine), values).fetchall()
        return rows

    def _do(self, connection: Any, text: str, *values: Any) -> bool:
        return bool(connection.execute(spoken(text, self._store.engine), values).rowcount)


def _told(event: Any, incident: Incident, now: float, domain: str = "") -> Told:
    return Told(event, incident.kind, incident.subject, incident.level, incident.details, incident.opened_at, now, domain)


def _json(details: dict[str, Any]) -> str:
    return msgspec.json.encode(details).decode()


def _incident(row: Sequence[Any]) -> Incident:
    number, tenant_id, kind, subject, level, details, opened_at, changed_at, healed_at = row
    return Incident(number, tenant_id, kind, subject, LEVELS[level - 1], msgspec.json.decode(details), opened_at, changed_at, healed_at)
