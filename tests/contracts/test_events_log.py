# SPDX-License-Identifier: Apache-2.0
"""The event log on both engines: what gateways tell is there once, is found, and goes when its time is over."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from gatepost.errors import UsageError
from gatepost.monitoring import events_buffer, events_store
from gatepost.monitoring.events_log import EventLog, EventPage
from gatepost.monitoring.events_record import FORM, KIND, EventEntry, encode_entries
from gatepost.monitoring.events_service import EventService
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import Artefact, Batch
from gatepost.storage.contract import Store
from gatepost.telemetry import log as telemetry_log
from gatepost.telemetry.events import StoreTrouble

NOON = 1_795_608_000.0
DAY = 86_400.0


def entry(at: float = NOON, name: str = "store.trouble", level: int = 3, fields: str = '{"what":"commit"}', **changes: str) -> EventEntry:
    return msgspec.structs.replace(EventEntry(at, "east.example", "deliver", name, level, fields), **changes)


class Told:
    """The event log of one open store, fed as links feed it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.log = EventLog(store)
        self.applier = Applier(store)
        self.log.register(self.applier)
        self._number = 0

    async def tell(self, *entries: EventEntry, tenant_id: int = 0, payload: bytes | None = None) -> Batch:
        """Apply one artefact; gives the batch."""
        self._number += 1
        told = encode_entries(entries) if payload is None else payload
        batch = Batch("a" * 32, (Artefact(self._number, KIND, FORM, tenant_id, NOON, told),))
        await self.applier.apply(batch)
        return batch

    async def found(self, **asked: Any) -> list[str]:
        """Give the names of what a search finds."""
        return [one.name for one in (await self.log.search(**asked)).events]


@pytest.fixture
async def told(engine: StoreEngine) -> Told:  # noqa: F811
    """Give an empty event log on each engine in turn."""
    return Told(engine.open("intranet"))


async def test_an_event_is_there_once_and_whole(told: Told) -> None:
    """However often its batch comes."""
    batch = await told.tell(entry(fields='{"what":"commit","reason":"für Ümläute"}'), entry(NOON - 1, "link.restored", 1))
    await told.applier.apply(batch)
    page = await told.log.search()
    first, second = page.events
    assert (first.at, first.gateway, first.process, first.name, first.level) == (NOON, "east.example", "deliver", "store.trouble", "error")
    assert first.fields == {"what": "commit", "reason": "für Ümläute"}
    assert first.sentence.endswith("writing mails. Reason: für Ümläute")
    assert (second.name, second.level, page.below) == ("link.restored", "info", None)


async def test_a_tenant_sees_nothing_of_another(told: Told) -> None:
    """Neither by search nor by a page below another's event."""
    await told.tell(entry(name="a.one"))
    await told.tell(entry(name="b.two"), entry(NOON - 5, name="b.three"), tenant_id=1)
    assert await told.found() == ["a.one"]
    page = await told.log.search(tenant_id=1, limit=1)
    assert [one.name for one in page.events] == ["b.two"] and page.below is not None
    assert await told.found(below=page.below) == []
    assert await told.found(below=page.below, tenant_id=1) == ["b.three"]
    for asked in ({"name": "b"}, {"text": "commit"}, {"gateway": "east.example"}, {"level": "error"}, {"after": NOON - 9}):
        assert await told.found(**asked) == [name for name in ("a.one",) if asked != {"name": "b"}]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["d.late", "c.warns", "b.tells", "a.fails"]),
        ({"level": "info"}, ["d.late", "c.warns", "b.tells", "a.fails"]),
        ({"level": "warning"}, ["d.late", "c.warns", "a.fails"]),
        ({"level": "error"}, ["d.late", "a.fails"]),
        ({"name": "c."}, ["c.warns"]),
        ({"name": "c.w%"}, []),
        ({"name": "C."}, []),
        ({"gateway": "west.example"}, ["d.late"]),
        ({"process": "receive"}, ["c.warns"]),
        ({"after": NOON + 1, "before": NOON + 2}, ["b.tells"]),
        ({"before": NOON + 1}, ["a.fails"]),
        ({"text": "192.0.2.7"}, ["c.warns"]),
        ({"text": "REFUSED BY"}, ["c.warns"]),
        ({"text": 'say "no"'}, ["b.tells"]),
        ({"text": "nothing of this"}, []),
        ({"level": "warning", "process": "receive", "text": "peer", "after": NOON}, ["c.warns"]),
    ],
)
async def test_each_term_narrows(told: Told, asked: dict[str, Any], names: list[str]) -> None:
    """The newest first by their own time, whatever came when."""
    await told.tell(entry(NOON + 2, "c.warns", 2, '{"peer":"192.0.2.7","reason":"Refused by us"}', process="receive"))
    await told.tell(entry(NOON + 3, "d.late", 3, gateway="west.example"), entry(NOON, "a.fails"))
    await told.tell(entry(NOON + 1, "b.tells", 1, '{"reason":"they say \\"no\\""}'))
    assert await told.found(**asked) == names


@pytest.mark.parametrize("limit", [1, 3, 7, 40])
async def test_pages_follow_each_other_without_gap_or_repeat(told: Told, limit: int) -> None:
    """Though many events are of one moment, and others come meanwhile."""
    entries = [entry(NOON - number // 5, f"e.n{number}") for number in range(23)]
    await told.tell(*entries)
    seen: list[int] = []
    below: int | None = None
    while True:
        page: EventPage = await told.log.search(limit=limit, below=below)
        seen += [one.id for one in page.events]
        await told.tell(entry(NOON + 60))
        if (below := page.below) is None:
            break
    assert len(seen) == len(set(seen)) == 23


async def test_what_cannot_be_read_is_counted_and_holds_up_nothing(told: Told, capfd: pytest.CaptureFixture[str]) -> None:
    """The next artefact is applied, and one event tells."""
    await told.tell(payload=b"\xff")
    await told.tell(entry(fields="no json"))
    await told.tell(entry(name="fine.one"))
    assert await told.found() == ["fine.one"]
    said = [line for line in capfd.readouterr().err.splitlines() if '"events.refused"' in line]
    assert len(said) == 2 and '"batches":1' in said[0]


async def test_old_events_go_in_slices(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every tenant, and none that is younger."""
    monkeypatch.setattr(events_store, "DROPPED_AT_ONCE", 10)
    monkeypatch.setattr("gatepost.monitoring.events_log.DROPPED_AT_ONCE", 10)
    for tenant_id in (0, 3):
        await told.tell(*(entry(NOON - DAY - number) for number in range(25)), entry(name="young.one"), tenant_id=tenant_id)
    assert await told.log.drop_before(NOON - DAY / 2) == 50
    assert await told.found() == await told.found(tenant_id=3) == ["young.one"]
    assert await told.log.drop_before(NOON - DAY / 2) == 0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ship often, and leave no sink behind."""
    telemetry_log.forward(None)
    monkeypatch.setattr(events_buffer, "FLUSH_S", 0.01)
    yield
    telemetry_log.forward(None)


async def test_the_console_writes_its_own(engine: StoreEngine, quick: None) -> None:  # noqa: F811
    """Also what happened before its store was open, and at its end."""
    telemetry_log.emit(StoreTrouble(what="before", reason=""))
    store = engine.open("intranet")
    service = EventService(store, "intranet.example")
    service.start()
    telemetry_log.emit(StoreTrouble(what="at the end", reason=""))
    await service.close()
    page = await service.log.search()
    assert [one.fields["what"] for one in page.events] == ["at the end", "before"]
    assert {(one.gateway, one.process) for one in page.events} == {("intranet.example", "console")}


@pytest.mark.parametrize(
    "asked",
    [
        {"level": "grave"},
        {"limit": 0},
        {"limit": 5000},
        {"after": "noon"},
        {"before": float("nan")},
        {"text": "a\0b"},
        {"name": 7},
        {"below": "x"},
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(told: Told, asked: dict[str, Any]) -> None:
    """With a sentence that names what is wrong."""
    with pytest.raises(UsageError, match=next(iter(asked))):
        await told.log.commands()["event.search"](**asked)  # type: ignore[operator]
