# SPDX-License-Identifier: Apache-2.0
"""What the intranet has kept for long enough goes, each kind by its own setting, for every tenant, on both engines."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
import pytest

from contracts.incidents_house import IncidentHouse
from contracts.store_engines import StoreEngine, engine  # noqa: F401
from contracts.track_mails import DAY, NOON, Console, change, console, head, open_days  # noqa: F401
from gatepost.access.audit import AuditLog, AuditSearch
from gatepost.config.configuration import Configuration
from gatepost.config.retention import Retention
from gatepost.contracts.actor import Actor, Entry
from gatepost.monitoring.events_log import EventLog
from gatepost.monitoring.events_record import EventEntry
from gatepost.monitoring.record import Finding
from gatepost.roles.retention import Dropped, Kept, RetentionClock

TENANTS = (0, 3)


class House(NamedTuple):
    """The rooms, each with something old and something young of two tenants; `now` is NOON."""

    console: Console
    events: EventLog
    audit: AuditLog
    incidents: IncidentHouse
    moment: list[float]

    def clock(self, **settings: int) -> RetentionClock:
        """Give the clock with these settings."""

        async def configuration() -> Configuration:
            return msgspec.structs.replace(Configuration(), retention=Retention(**settings))

        kept = Kept(self.console.service, self.events, self.audit, self.incidents.rows)
        return RetentionClock(kept, configuration, lambda: NOON)

    async def left(self, tenant_id: int) -> dict[str, int]:
        """Count what is there of a tenant."""
        hours = (await self.console.service.traffic.series(NOON - 10 * DAY, NOON + DAY, 24, tenant_id)).steps
        tracks = await self.console.found(tenant_id=tenant_id, after=0.0)
        shown = [await self.console.service.show(track, tenant_id) for track in tracks]
        return {
            "summaries": len(tracks),
            "details": sum(not one["details_were_deleted"] for one in shown),
            "statistics": sum(step.inbound.pending for step in hours),
            "events": len((await self.events.search(tenant_id=tenant_id)).events),
            "audit": len((await self.audit.search(AuditSearch(), tenant_id)).entries),
            "incidents": len(await self.incidents.rows.history(tenant_id, None, 100)),
        }


@pytest.fixture
async def house(console: Console) -> AsyncIterator[House]:  # noqa: F811
    """Fill the rooms: a mail, an event, a change and an incident of each of six days, and an incident that is still open."""
    moment = [NOON]
    made = House(console, EventLog(console.store), AuditLog(console.store, clock=lambda: moment[0]), IncidentHouse(console.store), moment)
    for tenant_id in TENANTS:
        for days in range(6):
            at = moment[0] = made.incidents.now = NOON - days * DAY
            await console.tell(change(head(at, tenant_id=tenant_id)))
            await made.events.add([EventEntry(at, "berlin", "deliver", "link.trouble", 30, "{}")], tenant_id)
            await made.audit.note(Entry(Actor("anna", "console", tenant_id=tenant_id), "config.apply", "version 2"))
            await made.incidents.look("queue.stuck", Finding("queue.stuck", f"{tenant_id}-{days}", "warning", tenant_id=tenant_id))
            await made.incidents.heal("queue.stuck")
    made.incidents.now = NOON - 400 * DAY
    await made.incidents.look("queue.stuck", *(Finding("queue.stuck", "berlin", "warning", tenant_id=one) for one in TENANTS))
    yield made


KINDS = {
    "summaries_days": ("summaries", "details"),
    "details_days": ("details",),
    "statistics_days": ("statistics",),
    "events_days": ("events",),
    "audit_days": ("audit",),
    "incidents_days": ("incidents",),
}


@pytest.mark.parametrize("setting", KINDS)
async def test_each_setting_drops_its_own_kind_and_no_other(house: House, setting: str) -> None:
    """Kept for three days: of six days' things the two that are older go, for every tenant, and nothing of another kind."""
    before = await house.left(0)
    assert before == {"summaries": 6, "details": 6, "statistics": 6, "events": 6, "audit": 6, "incidents": 7} == await house.left(3)
    await house.clock(**{setting: 3}).drop()
    for tenant_id in TENANTS:
        after = await house.left(tenant_id)
        assert {kind: before[kind] - after[kind] for kind in before} == {kind: 2 if kind in KINDS[setting] else 0 for kind in before}


async def test_nothing_goes_by_the_settings_that_hold_without_any(house: House) -> None:
    """Sixty days of summaries, fourteen of details, thirty of events, a year of the audit; what is open never goes by its age."""
    assert await house.clock().drop() == Dropped(0, 0, 0, 0, 0, 0)
    await house.clock(incidents_days=1).drop()
    open_ones = [one.kind for one in await house.incidents.rows.history(0, None, 100) if one.healed_at is None]
    assert open_ones == ["queue.stuck"]


async def test_one_room_that_fails_keeps_no_other_from_dropping(house: House, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """The log says which, once; the next round tries again."""

    async def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(house.events, "drop_before", broken)
    dropped = await house.clock(events_days=3, audit_days=3).drop()
    assert (dropped.events, dropped.audit) == (0, 4)
    assert '"retention of events"' in capfd.readouterr().err
