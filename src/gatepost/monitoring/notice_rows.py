# SPDX-License-Identifier: Apache-2.0
"""Notices in the intranet's store: made with the change they tell of, kept until they are told or given up.

Failures are repeated after `RETRY_S`, then every 6 h, for three days. A mail gathers what is due for one address of one tenant;
before it is handed over its notices get a common *batch*, the id under which it is handed over. Until it is known that nobody
has it they stay together, so that a repetition is known as one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.monitoring.record import Addressees, Channel, Incident, Notice, NoticeView, Told
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

GATHER_S = 5.0
"""How long a mail waits for what happens together with its cause."""
ADDRESS_PAUSE_S = 300.0
"""Between two mails to one address."""
RETRY_S = (60.0, 300.0, 1800.0, 7200.0)
LATER_S = 21_600.0
MOST_TRIES = 16
"""The first, those of `RETRY_S`, and every 6 h until three days are over."""
AT_ONCE = 200
"""Notices of one mail."""
_LONGEST_TROUBLE = 500

_COLUMNS = "id, tenant_id, incident_id, channel, target, content, made_at, due_at, tries, told_at, batch, trouble"
_INSERT = """INSERT INTO incident_notice (tenant_id, incident_id, channel, target, content, made_at, due_at, tries, batch, trouble)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', '')"""
_TOLD_OF = "SELECT DISTINCT target FROM incident_notice WHERE tenant_id = ? AND incident_id = ? AND channel = 'mail'"
_WEBHOOKS = "SELECT id FROM webhook WHERE tenant_id = ? AND enabled = 1 ORDER BY id"
_HURRY = "UPDATE incident_notice SET due_at = ? WHERE told_at IS NULL AND channel = 'mail' AND tries > 0 AND tries < ? AND due_at > ?"
_OF_TARGET = f"tenant_id = ? AND channel = ? AND target = ? AND told_at IS NULL AND tries < {MOST_TRIES}"
_WAITING = f"SELECT {_COLUMNS} FROM incident_notice WHERE {_OF_TARGET} ORDER BY id LIMIT ?"  # noqa: S608
_DUE_BATCH = f"SELECT batch FROM incident_notice WHERE {_OF_TARGET} AND due_at <= ? AND batch <> '' ORDER BY due_at, id LIMIT 1"  # noqa: S608
_RETRY = " ".join(f"WHEN {tries} THEN {pause}" for tries, pause in enumerate(RETRY_S))
_MISS = f"""UPDATE incident_notice SET tries = tries + 1, due_at = ? + CASE tries {_RETRY} ELSE {LATER_S} END, trouble = ?
    WHERE {_OF_TARGET} AND due_at <= ? RETURNING tries"""  # noqa: S608
_NEXT = "SELECT channel, tenant_id, target, min(due_at) FROM incident_notice WHERE told_at IS NULL AND tries < ? GROUP BY 1, 2, 3"
_LAST_MAIL = "SELECT max(told_at) FROM incident_notice WHERE tenant_id = ? AND channel = 'mail' AND target = ? AND told_at IS NOT NULL"
_OF_BATCH = f"SELECT {_COLUMNS} FROM incident_notice WHERE tenant_id = ? AND batch = ? AND told_at IS NULL ORDER BY id"  # noqa: S608
_FREE = f"""SELECT {_COLUMNS} FROM incident_notice
    WHERE tenant_id = ? AND channel = 'mail' AND target = ? AND told_at IS NULL AND tries < {MOST_TRIES} AND batch = ''
    ORDER BY id LIMIT ?"""  # noqa: S608
_SEAL = "UPDATE incident_notice SET batch = ? WHERE id = ?"
_TELL = "UPDATE incident_notice SET told_at = ?, tries = tries + 1, trouble = '' WHERE id = ? AND told_at IS NULL"
_FAIL = "UPDATE incident_notice SET tries = tries + 1, due_at = ?, trouble = ?, batch = ? WHERE id = ? AND told_at IS NULL"
_OF_INCIDENT = f"SELECT {_COLUMNS} FROM incident_notice WHERE tenant_id = ? AND incident_id = ? ORDER BY id"  # noqa: S608


class Line(NamedTuple):
    """Notices that wait for one target, and when the first is due."""

    channel: Channel
    tenant_id: int
    target: str
    due_at: float

    @property
    def key(self) -> tuple[int, Channel, str]:
        """What its rows are found by."""
        return self.tenant_id, self.channel, self.target


class Attempt(NamedTuple):
    """What became of one attempt to tell some notices; `trouble` '' is: told. In doubt they stay together."""

    notices: Sequence[Notice]
    at: float
    trouble: str = ""
    doubt: bool = False


class NoticeRows:
    """The notices of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # In somebody's transaction

    def make(self, connection: Any, incident: Incident, told: Told, addressees: Addressees, *, only_mail: bool = False) -> None:
        """Note who must be told of a change: what heals is told to whom it was told before."""
        content = msgspec.json.encode(told).decode()
        for address in self._addresses(connection, incident, told, addressees):
            self._put(connection, (incident.tenant_id, incident.id, "mail", address, content, told.at, told.at + GATHER_S))
        if not only_mail:
            for row in self._rows(connection, _WEBHOOKS, incident.tenant_id):
                self._put(connection, (incident.tenant_id, incident.id, "webhook", row[0], content, told.at, told.at))

    def hurry(self, connection: Any, now: float) -> None:
        """Make mails due that wait for another try."""
        connection.execute(self._spoken(_HURRY), (now, MOST_TRIES, now))

    # The worker's

    async def lines(self) -> list[Line]:
        """Give what waits, by target. Raises: StoreAway."""
        return [Line(*row) for row in await self._store.ask(lambda connection: self._rows(connection, _NEXT, MOST_TRIES))]

    async def waiting(self, line: Line, limit: int) -> list[Notice]:
        """Give what waits for a target, due or not, in the order in which it was made. Raises: StoreAway."""
        return [Notice(*row) for row in await self._store.ask(lambda connection: self._rows(connection, _WAITING, *line.key, limit))]

    async def due_batch(self, line: Line, now: float) -> str:
        """Give the id of a mail to this address that may have been taken and is due again; '' when there is none. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _DUE_BATCH, *line.key, now))
        return str(rows[0][0]) if rows else ""

    async def last_mail_at(self, tenant_id: int, target: str) -> float:
        """Tell when an address was last told something; 0 when never. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _LAST_MAIL, tenant_id, target))
        return float(rows[0][0] or 0.0)

    async def seal(self, tenant_id: int, target: str, batch: str, proposed: str) -> list[Notice]:
        """Put together what one mail tells: the batch, or where that is '' all that is free, as batch `proposed`.

        Raises: StoreFull, StoreAway.
        """
        sealed: list[Notice] = await self._store.perform(self._seal, (tenant_id, target, batch, proposed))
        return sealed

    async def settle(self, attempt: Attempt) -> None:
        """Record an attempt. Raises: StoreFull, StoreAway."""
        await self._store.perform(self._settle, attempt)

    async def miss(self, line: Line, now: float, trouble: str) -> list[int]:
        """Record that a target could not be told what is due; gives how often each was tried by now. Raises: StoreFull, StoreAway."""
        missed: list[int] = await self._store.perform(self._miss, (line, now, trouble[:_LONGEST_TROUBLE]))
        return missed

    # People's

    async def of_incident(self, tenant_id: int, incident_id: int) -> list[NoticeView]:
        """Give who was told of an incident, or is to be. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _OF_INCIDENT, tenant_id, incident_id))
        return [_view(Notice(*row)) for row in rows]

    # On the writer's thread

    def _seal(self, connection: Any, wishes: Sequence[tuple[int, str, str, str]]) -> list[list[Notice]]:
        return [self._seal_one(connection, *wish) for wish in wishes]

    def _seal_one(self, connection: Any, tenant_id: int, target: str, batch: str, proposed: str) -> list[Notice]:
        if batch:
            return [Notice(*row) for row in self._rows(connection, _OF_BATCH, tenant_id, batch)]
        free = [Notice(*row) for row in self._rows(connection, _FREE, tenant_id, target, AT_ONCE)]
        for notice in free:
            connection.execute(self._spoken(_SEAL), (proposed, notice.id))
        return [msgspec.structs.replace(notice, batch=proposed) for notice in free]

    def _settle(self, connection: Any, attempts: Sequence[Attempt]) -> list[None]:
        for attempt in attempts:
            for notice in attempt.notices:
                if not attempt.trouble:
                    connection.execute(self._spoken(_TELL), (attempt.at, notice.id))
                    continue
                batch = notice.batch if attempt.doubt else ""
                values = (attempt.at + retry_in(notice.tries), attempt.trouble[:_LONGEST_TROUBLE], batch, notice.id)
                connection.execute(self._spoken(_FAIL), values)
        return [None] * len(attempts)

    def _miss(self, connection: Any, misses: Sequence[tuple[Line, float, str]]) -> list[list[int]]:
        return [[row[0] for row in self._rows(connection, _MISS, now, trouble, *line.key, now)] for line, now, trouble in misses]

    def _addresses(self, connection: Any, incident: Incident, told: Told, addressees: Addressees) -> list[str]:
        if told.event == "healed":
            return [row[0] for row in self._rows(connection, _TOLD_OF, incident.tenant_id, incident.id)]
        address = addressees.of(told.domain).recipient
        return [address] if address else []

    def _put(self, connection: Any, values: tuple[Any, ...]) -> None:
        connection.execute(self._spoken(_INSERT), values)

    def _rows(self, connection: Any, text: str, *values: Any) -> list[Any]:
        rows: list[Any] = connection.execute(self._spoken(text), values).fetchall()
        return rows

    def _spoken(self, text: str) -> str:
        return spoken(text, self._store.engine)


def retry_in(tries: int) -> float:
    """Tell how long to wait after so many earlier tries and one more that failed."""
    return RETRY_S[tries] if tries < len(RETRY_S) else LATER_S


def told_of(notice: Notice) -> Told:
    """Read what a notice tells."""
    return msgspec.json.decode(notice.content, type=Told)


def _view(notice: Notice) -> NoticeView:
    event = told_of(notice).event
    given_up = notice.told_at is None and notice.tries >= MOST_TRIES
    return NoticeView(
        notice.channel, notice.target, event, notice.made_at, notice.told_at, notice.due_at, notice.tries, given_up, notice.trouble
    )
