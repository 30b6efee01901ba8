# SPDX-License-Identifier: Apache-2.0
"""How much mail flowed, and what spoke against what was refused: read from the counters, never from the tracks.

A period is widened to whole hours. Numbers move while mail is on its way: what is pending now is delivered later, in the
hour in which it came. A mail counts once for each filter that gave it points, so refusals by filter may add up to more.
"""

from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import Any, Final

import msgspec

from gatepost.config.retention import STATISTICS_DAYS
from gatepost.errors import UsageError
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store
from gatepost.tracking.store_rows import DIRECTIONS
from gatepost.tracking.traffic_count import hour_of
from gatepost.tracking.traffic_store import TrafficStatements

MOST_STEPS: Final = 2000
MOST_HOURS: Final = STATISTICS_DAYS * 24 + 48
_HOUR_S: Final = 3600


class Flow(msgspec.Struct, frozen=True):
    """The mails of one direction within one step, by what became of them in the order of `record.Status`, and their bytes."""

    undecided: int = 0
    delivered: int = 0
    failed: int = 0
    refused_temporarily: int = 0
    refused_permanently: int = 0
    pending: int = 0
    partly_delivered: int = 0
    suppressed: int = 0
    duplicate: int = 0
    held: int = 0
    bytes: int = 0


class Step(msgspec.Struct, frozen=True):
    """One step of a series, from `at` (Unix time) on."""

    at: int
    inbound: Flow
    outbound: Flow


class Series(msgspec.Struct, frozen=True):
    """Each step of a period, also those without mail."""

    step_hours: int
    steps: tuple[Step, ...]
    days_uncounted: int
    """Days of tracks that are older than the counters and not counted yet: 0 unless the program was upgraded lately."""


class Refusals(msgspec.Struct, frozen=True):
    """Refused mails by a filter that gave them points; '' where none did."""

    filter: str
    mails: int


class Traffic:
    """The counters of one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sql = TrafficStatements(store.engine)

    async def series(self, after: float, before: float, step_hours: int = 1, tenant_id: int = 0) -> Series:
        """Give what flowed from `after` until `before` (Unix time), a step each `step_hours`. Raises: UsageError, StoreAway."""
        hours = _hours(after, before, step_hours)
        rows, marks = await self._store.ask(
            lambda connection: (self._sql.series(connection, tenant_id, hours), self._sql.marks(connection)),
        )
        return Series(step_hours, _steps(rows, hours), len(marks))

    async def refusals(self, after: float, before: float, tenant_id: int = 0) -> list[Refusals]:
        """Give refused mails by filter, most first. Raises: UsageError, StoreAway."""
        rows = await self._store.ask(partial(self._refusals, tenant_id, _hours(after, before, 1, MOST_HOURS)))
        return [Refusals(*row) for row in rows]

    async def drop_before(self, at: float) -> int:
        """Drop the counters of the hours before `at` (Unix time), a month at a time; gives the rows. Raises: StoreFull, StoreAway."""
        dropped = 0
        for tenant_id in await self._store.ask(self._sql.tenants):
            while some := await self._store.perform(self._drop, (tenant_id, hour_of(at))):
                dropped += some
        return dropped

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what may be asked on the control socket."""
        return {"traffic.series": self.series, "traffic.refusals": self.refusals}

    def _refusals(self, tenant_id: int, hours: range, connection: Any) -> list[tuple[str, int]]:
        return self._sql.refusals(connection, tenant_id, hours)

    def _drop(self, connection: Any, drops: Sequence[tuple[int, int]]) -> list[int]:
        return [self._sql.drop_before(connection, *drop) for drop in drops]


def _hours(after: float, before: float, step_hours: int, most: int = MOST_STEPS) -> range:
    """Give the hours of a period, in steps."""
    if not (isinstance(after, int | float) and isinstance(before, int | float) and isinstance(step_hours, int)):
        raise UsageError("after and before are Unix times, step_hours is a whole number")
    if not (isfinite(after) and isfinite(before) and after < before):
        raise UsageError("a period is two Unix times, the earlier one first")
    if not 1 <= step_hours <= MOST_HOURS:
        raise UsageError(f"step_hours: is 1 to {MOST_HOURS}")
    hours = range(hour_of(after), hour_of(before - 1e-6) + 1, step_hours)
    if len(hours) > most:
        raise UsageError(f"this period has more than {most} steps; take a shorter one, or longer steps")
    if hours.stop - hours.start > MOST_HOURS:
        raise UsageError(f"the counters reach back {STATISTICS_DAYS} days; take a shorter period")
    return hours


def _steps(rows: Sequence[tuple[int, ...]], hours: range) -> tuple[Step, ...]:
    flows = {row[:2]: Flow(*(max(number, 0) for number in row[2:])) for row in rows}
    empty = Flow()
    inbound, outbound = range(len(DIRECTIONS))
    return tuple(
        Step(hour * _HOUR_S, flows.get((step, inbound), empty), flows.get((step, outbound), empty)) for step, hour in enumerate(hours)
    )
