# SPDX-License-Identifier: Apache-2.0
"""Incidents in the intranet's store: they open, change, heal and survive a restart, on SQLite and on PostgreSQL."""

import asyncio
from typing import Any

import pytest

from contracts.incidents_house import START, IncidentHouse, stuck
from contracts.store_engines import StoreEngine, engine
from gatepost.errors import ControlError, StoreAway, UsageError
from gatepost.monitoring.filling import FillLevels
from gatepost.monitoring.incidents import Incidents
from gatepost.monitoring.notice_mail import House
from gatepost.monitoring.record import Address, Addressees, Counts, Look
from gatepost.monitoring.sending import Submitted
from gatepost.storage.contract import Store

__all__ = ["engine"]


@pytest.fixture
async def store(engine: StoreEngine) -> Store:
    """Give an open intranet store on each engine in turn."""
    return engine.open("intranet")


@pytest.fixture
async def house(store: Store) -> IncidentHouse:
    """Give incidents whose checks see what the test says."""
    return IncidentHouse(store)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give what the engine tells."""
    told: list[Any] = []
    monkeypatch.setattr("gatepost.monitoring.engine.emit", told.append)
    return told


async def rows(house: IncidentHouse, tenant_id: int = 0) -> list[tuple[int, str, str, float | None]]:
    """Give number, subject, level and end of each incident, the oldest first."""
    return [(one.id, one.subject, one.level, one.healed_at) for one in reversed(await house.rows.history(tenant_id, None, 100))]


async def test_an_incident_opens_changes_heals_and_opens_anew(house: IncidentHouse, events: list[Any]) -> None:
    """Each change is one event; what comes back is another row."""
    await house.look("queue.stuck", stuck(waiting=2))
    await house.look("queue.stuck", stuck(waiting=3), after=60)
    await house.look("queue.stuck", stuck(level="error", waiting=4), after=60)
    assert [(one.level, one.details, one.changed_at) for one in await house.rows.open(0)] == [("error", {"waiting": 4}, START + 120)]
    await house.look("queue.stuck", after=60)
    assert len(await house.rows.open(0)) == 1
    await house.look("queue.stuck", after=60)
    assert await house.rows.open(0) == []
    await house.look("queue.stuck", stuck())
    found = await rows(house)
    assert [one[1:] for one in found] == [("berlin/a.example", "error", START + 240), ("berlin/a.example", "warning", None)]
    assert found[0][0] < found[1][0]
    assert [(one.name, one.severity) for one in events] == [
        ("incident.opened", "warning"),
        ("incident.changed", "error"),
        ("incident.healed", "error"),
        ("incident.opened", "warning"),
    ]


async def test_a_restart_goes_on_with_what_is_open(store: Store, house: IncidentHouse) -> None:
    """What is still found stays the same row; what is not found any more heals."""
    await house.look("queue.stuck", stuck("a.example"), stuck("b.example"))
    before = await rows(house)
    again = IncidentHouse(store)
    await again.look("queue.stuck", stuck("a.example"), after=100)
    await again.look("queue.stuck", stuck("a.example"), after=11)
    after = await rows(again)
    assert [one[0] for one in after] == [one[0] for one in before]
    assert [one[3] is None for one in after] == [True, False]


async def test_a_kind_that_nobody_checks_any_more_heals_at_the_start(store: Store, house: IncidentHouse) -> None:
    """Nothing stays open for ever that nothing can close."""
    await house.look("queue.stuck", stuck())
    newer = IncidentHouse(store, kinds=("link.away",))
    newer.engine.start()
    async with asyncio.timeout(10):
        await newer.told.wait()
    assert await newer.rows.open(0) == []
    await newer.engine.close()


async def test_a_start_while_the_store_is_away_heals_it_later(store: Store, house: IncidentHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not left open until the next start."""
    await house.look("queue.stuck", stuck())
    newer = IncidentHouse(store, kinds=())
    kinds, away = newer.rows.kinds, [StoreAway("away")] * 2

    async def failing() -> set[str]:
        if away:
            raise away.pop()
        return await kinds()

    monkeypatch.setattr(newer.rows, "kinds", failing)
    monkeypatch.setattr("gatepost.monitoring.engine._RETIRE_AGAIN_S", 0.0)
    newer.engine.start()
    async with asyncio.timeout(10):
        await newer.told.wait()
    assert await newer.rows.open(0) == []
    await newer.engine.close()


async def test_a_look_that_fails_says_nothing(house: IncidentHouse, events: list[Any]) -> None:
    """Nothing heals by it, it is told once, and the next one that works does its work."""
    await house.look("queue.stuck", stuck())
    house.seen["queue.stuck"] = ControlError("nobody answers")
    for _ in range(3):
        house.now += 60
        assert await house.engine.look("queue.stuck") is False
    assert len(await house.rows.open(0)) == 1
    assert [(one.name, one.reason) for one in events if one.name == "incident.check_trouble"] == [
        ("incident.check_trouble", "nobody answers")
    ]
    await house.heal("queue.stuck")
    assert await house.rows.open(0) == []


async def test_a_look_that_takes_too_long_says_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, events: list[Any]) -> None:
    """It is cut at its kind's limit."""
    from gatepost.monitoring import engine as engine_room
    from gatepost.monitoring.kinds import KINDS

    monkeypatch.setattr(engine_room, "kind_of", lambda kind: KINDS[kind]._replace(limit_s=0.05))
    house = IncidentHouse(store, kinds=())

    async def never(standing: Any) -> Look:
        await asyncio.Event().wait()
        return Look()

    slow = engine_room.Engine(house.rows, {"queue.stuck": never}, house._addressees)
    assert await slow.look("queue.stuck") is False
    assert [one.reason for one in events] == ["it took longer than 0.05 s"]


async def test_looks_of_one_kind_never_open_one_thing_twice(store: Store) -> None:
    """Two engines that look at the same moment, as at a restart, make one row."""
    houses = [IncidentHouse(store) for _ in range(4)]
    await asyncio.gather(*(house.look("queue.stuck", stuck()) for house in houses))
    assert len(await rows(houses[0])) == 1


async def test_the_clock_looks_at_once_and_after_a_stir(house: IncidentHouse) -> None:
    """Nobody has to wait for the interval when something is known to have changed."""
    house.seen["queue.stuck"] = Look((stuck(),))
    house.engine.start()
    async with asyncio.timeout(10):
        await house.told.wait()
        house.told.clear()
        house.seen["queue.stuck"] = Look((stuck(), stuck("b.example")))
        house.engine.stir("queue.stuck", "unknown.kind")
        await house.told.wait()
    assert len(await house.rows.open(0)) == 2
    await house.engine.close()


async def test_one_tenant_never_sees_anothers_incidents(house: IncidentHouse) -> None:
    """Two tenants with the same kind and subject have a row each, and no question gives both."""
    await house.look("queue.stuck", stuck(tenant_id=1), stuck(tenant_id=2, level="error"))
    numbers = {}
    for tenant_id, level in ((1, "warning"), (2, "error")):
        found = await house.rows.open(tenant_id)
        assert [(one.tenant_id, one.level) for one in found] == [(tenant_id, level)]
        assert await house.rows.history(tenant_id, None, 10) == found
        assert await house.rows.counts(tenant_id) == Counts(**{level: 1})
        numbers[tenant_id] = found[0].id
    assert await house.rows.get(1, numbers[2]) is None
    assert await house.rows.get(2, numbers[1]) is None
    assert (await house.rows.open(0), await house.rows.history(0, None, 10), await house.rows.counts(0)) == ([], [], Counts())
    assert await house.notices.of_incident(1, numbers[2]) == []
    assert len(await house.notices.of_incident(2, numbers[2])) == 1
    await house.look("queue.stuck", stuck(tenant_id=2, level="error"))
    await house.look("queue.stuck", stuck(tenant_id=2, level="error"), after=11)
    assert await house.rows.open(1) == []
    assert len(await house.rows.open(2)) == 1


async def serve(store: Store, seen: dict[str, Look]) -> Incidents:
    """Give the service as the console has it, with a check that sees what the test says."""

    async def nobody(letter: Any, identity: str) -> Submitted:
        return Submitted("no gateway")

    async def addressees() -> Addressees:
        return Addressees(Address("a@b.example", ""))

    async def house() -> House:
        return House("h.example")

    async def usages() -> dict[str, Any]:
        return {}

    async def check(standing: Any) -> Look:
        return seen["queue.stuck"]

    return Incidents(store, {"queue.stuck": check}, submit=nobody, addressees=addressees, house=house, filling=FillLevels(usages))


async def test_check_again_now_is_believed_at_once(store: Store) -> None:
    """A person need not wait for a second clean look; what is unknown is an error that says so."""
    seen = {"queue.stuck": Look((stuck(),))}
    served = await serve(store, seen)
    opened = await served.recheck("queue.stuck", "berlin/a.example")
    assert opened is not None and opened.title == "Mail waits for more than an hour"
    seen["queue.stuck"] = Look()
    assert await served.recheck("queue.stuck", "berlin/a.example") is None
    assert await served.open() == []
    with pytest.raises(UsageError, match="nobody checks"):
        await served.recheck("no.kind", "x")


async def test_history_is_read_in_pages(store: Store) -> None:
    """Newest first, each once, until there is no cursor."""
    served = await serve(store, {"queue.stuck": Look(tuple(stuck(f"{number}.example") for number in range(7)))})
    await served.engine.look("queue.stuck")
    found, cursor, pages = [], None, 0
    while True:
        page = await served.history(cursor, 3)
        found += [one.id for one in page.incidents]
        cursor, pages = page.cursor, pages + 1
        if cursor is None:
            break
    assert found == sorted(found, reverse=True) and len(set(found)) == 7 and pages == 3
    shown = await served.show(found[0])
    assert shown.incident.id == found[0] and [one.target for one in shown.notices] == ["a@b.example"]
    with pytest.raises(ControlError, match="there is no incident"):
        await served.show(found[0], tenant_id=5)
