# SPDX-License-Identifier: Apache-2.0
"""The clock that drops what the intranet has kept for as long as the configuration says (`[retention]`).

Promises: once an hour, and within `FIRST_S` of a start; each time by the version that holds then. What one room cannot drop keeps
none of the others from theirs. A time that was lengthened brings nothing back.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from gatepost.access.audit import AuditLog
from gatepost.config.configuration import Configuration
from gatepost.errors import GatepostError
from gatepost.monitoring.events_log import EventLog
from gatepost.monitoring.incidents import Incidents
from gatepost.telemetry.log import emit_unexpected
from gatepost.tracking.service import TrackService

ROUND_S: Final = 3600.0
FIRST_S: Final = 60.0
DAY_S: Final = 86_400


class Kept(NamedTuple):
    """The rooms that keep something."""

    tracks: TrackService
    events: EventLog
    audit: AuditLog
    incidents: Incidents


class Dropped(NamedTuple):
    """How much one round dropped."""

    summaries: int
    """Days."""
    details: int
    """Days."""
    statistics: int
    """Rows, as are those below."""
    events: int
    audit: int
    incidents: int


class RetentionClock:
    """Drops what is old, from `start` to `close`."""

    def __init__(self, kept: Kept, configuration: Callable[[], Awaitable[Configuration]], clock: Callable[[], float] = time.time) -> None:
        self._kept = kept
        self._configuration = configuration
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Drop from now on."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Drop no more; what is in its transaction is committed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def drop(self) -> Dropped:
        """Drop what is older than it is to be kept, once."""
        settings, now, rooms = (await self._configuration()).retention, self._clock(), self._kept
        today = int(now) // DAY_S
        return Dropped(
            summaries=await _told("summaries", rooms.tracks.upkeep.drop_before(today - settings.summaries_days)),
            details=await _told("details", rooms.tracks.upkeep.drop_before(today - settings.details_days, only_details=True)),
            statistics=await _told("statistics", rooms.tracks.traffic.drop_before(now - settings.statistics_days * DAY_S)),
            events=await _told("events", rooms.events.drop_before(now - settings.events_days * DAY_S)),
            audit=await _told("audit", self._drop_audit(settings.audit_days, now)),
            incidents=await _told("incidents", rooms.incidents.drop_healed_before(now - settings.incidents_days * DAY_S)),
        )

    async def _drop_audit(self, days: int, now: float) -> int:
        audit = self._kept.audit
        return sum([await audit.drop_before(days, tenant_id, now=now) for tenant_id in await audit.tenants()])

    async def _work(self) -> None:
        pause = FIRST_S
        while True:
            await asyncio.sleep(pause)
            pause = ROUND_S
            try:
                await self.drop()
            except GatepostError:  # the store's own room has told
                pass
            except Exception as defect:
                emit_unexpected("retention", defect)


async def _told(what: str, dropping: Awaitable[int]) -> int:
    """Wait until a room has dropped what is old; a surprise is told, and is none of the other rooms' affair."""
    try:
        return await dropping
    except GatepostError:
        return 0
    except Exception as defect:
        emit_unexpected(f"retention of {what}", defect)
        return 0
