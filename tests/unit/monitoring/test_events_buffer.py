# SPDX-License-Identifier: Apache-2.0
"""Events wait for their way into the event log: bounded, in order, without ever feeding themselves."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from gatepost.errors import StoreAway
from gatepost.monitoring import events_buffer, events_gathered
from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_gathered import MOST_WAITING, OF_ALL, OF_ONE_NAME
from gatepost.monitoring.events_record import EventEntry, read_fields
from gatepost.telemetry import log
from gatepost.telemetry.events import LinkTrouble, PeerRefused, StoreTrouble
from waiting import PATIENCE_S


class Way:
    """Takes entries, unless it is told to fail; the clock is the test's."""

    def __init__(self) -> None:
        self.taken: list[EventEntry] = []
        self.shipments = 0
        self.failure: Exception | None = None
        self.now = 1000.0
        self.buffer = EventBuffer(self.ship, "gateway.example", "deliver", lambda: self.now)

    async def ship(self, entries: Sequence[EventEntry]) -> None:
        self.shipments += 1
        if self.failure is not None:
            raise self.failure
        self.taken += entries

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.taken]

    def lost(self) -> list[int]:
        """Give what each `events.lost` says."""
        return [read_fields(one.fields)["events"] for one in self.taken if one.name == "events.lost"]


@pytest.fixture
def way() -> Iterator[Way]:
    log.forward(None)
    made = Way()
    made.buffer.open()
    yield made
    log.forward(None)


def trouble(number: int) -> StoreTrouble:
    return StoreTrouble(what=str(number), reason="full")


async def test_events_leave_in_their_order_with_where_they_come_from(way: Way) -> None:
    """Machine, process, level, fields."""
    log.emit(trouble(1))
    log.emit(PeerRefused(client="192.0.2.1", reason="no certificate"))
    await way.buffer.flush()
    first, second = way.taken
    assert (first.gateway, first.process, first.name, first.level) == ("gateway.example", "deliver", "store.trouble", 3)
    assert read_fields(second.fields) == {"client": "192.0.2.1", "reason": "no certificate"} and second.level == 2
    assert way.shipments == 1


async def test_a_storm_of_one_name_leaves_room_for_the_others(way: Way) -> None:
    """Ten a minute of it, and one event says how many there were more, a minute after the first was left out."""
    for number in range(500):
        log.emit(trouble(number))
    log.emit(LinkTrouble(link="east", reason="away"))
    await way.buffer.flush()
    assert way.names == ["store.trouble"] * OF_ONE_NAME + ["link.trouble"]
    way.now += 61
    log.emit(trouble(1000))
    await way.buffer.flush()
    await way.buffer.flush()
    assert way.lost() == [490]
    assert way.names.count("store.trouble") == OF_ONE_NAME + 1
    way.now += 61
    await way.buffer.flush()
    assert way.lost() == [490], "nothing was left out since"


async def test_all_names_together_have_a_bound_too(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred a minute; that some were left out is told beyond it."""
    monkeypatch.setattr(events_gathered, "OF_ONE_NAME", 10_000)
    for number in range(OF_ALL + 5):
        log.emit(trouble(number))
    await way.buffer.close()
    assert len(way.taken) == OF_ALL + 1 and way.lost() == [5]


async def test_a_store_that_is_away_loses_nothing_but_the_oldest(way: Way, capfd: pytest.CaptureFixture[str]) -> None:
    """What is shipped later keeps its order; while it is away nothing is told from here."""
    way.failure = StoreAway("away")
    for minute in range(130):
        way.now += 60.5
        for number in range(10):
            log.emit(trouble(minute * 10 + number))
        await way.buffer.flush()
    told = capfd.readouterr().err
    assert "events.lost" not in told and "process.unexpected" not in told
    way.failure = None
    await way.buffer.flush()
    kept = [int(read_fields(one.fields)["what"]) for one in way.taken if one.name == "store.trouble"]
    assert kept == list(range(1300 - MOST_WAITING, 1300))
    await way.buffer.flush()
    assert way.lost() == [300]


async def test_a_defect_in_shipping_does_not_feed_itself(way: Way, capfd: pytest.CaptureFixture[str]) -> None:
    """It is told once a minute at most, what it hit is given up, and in the end there is quiet."""
    way.failure = RuntimeError("a defect")
    log.emit(trouble(1))
    for _ in range(50):
        way.now += 1
        await way.buffer.flush()
    assert capfd.readouterr().err.count("process.unexpected") == 1
    assert way.shipments == 2, "the event, then that of the defect"
    way.failure = None
    way.now += 60
    await way.buffer.flush()
    await way.buffer.flush()
    assert way.lost() == [2] and way.shipments == 3


async def test_what_another_process_has_gathered_goes_with_ours(way: Way) -> None:
    """As it came, in the same shipment."""
    other = EventEntry(5.0, "gateway.example", "receive", "process.started", 1, '{"pid":7}')
    log.emit(trouble(1))
    way.buffer.take([other])
    await way.buffer.flush()
    assert way.taken[1] == other and way.shipments == 1


async def test_the_end_ships_the_rest_and_lets_go(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when nobody waited a second; what is told after goes to the process's own log only."""
    monkeypatch.setattr(events_buffer, "FLUSH_S", 0.01)
    way.buffer.start()
    log.emit(trouble(1))
    async with asyncio.timeout(PATIENCE_S):
        while not way.taken:  # noqa: ASYNC110 -- its own task ships
            await asyncio.sleep(0.005)
    log.emit(trouble(2))
    await way.buffer.close()
    log.emit(trouble(3))
    await way.buffer.flush()
    assert [read_fields(one.fields)["what"] for one in way.taken] == ["1", "2"]


async def test_the_end_waits_for_the_shipment_that_is_under_way(way: Way) -> None:
    """A store commits what it was given, whoever waits for it; shipped again, events would stand in the log twice."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    ship = way.buffer._ship

    async def slow(entries: Sequence[EventEntry]) -> None:
        begun.set()
        await go_on.wait()
        await ship(entries)

    way.buffer._ship = slow
    way.buffer.start()
    log.emit(trouble(1))
    await begun.wait()
    ended = asyncio.create_task(way.buffer.close())
    await asyncio.sleep(0)
    log.emit(trouble(2))
    go_on.set()
    await ended
    assert [read_fields(one.fields)["what"] for one in way.taken] == ["1", "2"]
    assert way.shipments == 2
