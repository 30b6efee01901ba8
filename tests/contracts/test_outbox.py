# SPDX-License-Identifier: Apache-2.0
"""The outbox on both engines: what is shown, in which order, until when, and what is never lost."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine, make_engine, store  # noqa: F401
from gatepost.replication.artefact import BATCH, GATHER_S, Batch
from gatepost.replication.outbox import BATCH_BYTES, Outbox, statements
from gatepost.replication.outbox_sqlite import Entry
from gatepost.storage.contract import Store
from waiting import PATIENCE_S

NOW = 1_800_000_000.0


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands."""
    return Clock()


@pytest.fixture
def outbox(store: Store, clock: Clock) -> Outbox:  # noqa: F811
    """Give the outbox of an open store."""
    return Outbox(store, clock=clock)


def entry(payload: bytes, kind: str = "configuration", at: float = NOW) -> Entry:
    return (kind, 1, 7, at, payload)


def payloads(batch: Batch) -> list[bytes]:
    return [artefact.payload for artefact in batch.artefacts]


def numbers(batch: Batch) -> list[int]:
    return [artefact.sequence for artefact in batch.artefacts]


async def rewrite(store: Store, sequence: int, payload: bytes, not_before: float) -> bool:  # noqa: F811
    """Rewrite an artefact in a transaction of its own."""
    sql = statements(store.engine)
    handler: Callable[[Any, list[Any]], list[Any]] = lambda connection, arguments: [  # noqa: E731
        sql.rewrite(connection, sequence, payload, not_before) for _ in arguments
    ]
    return bool(await store.perform(handler, None))


async def test_what_was_appended_is_shown_in_that_order(outbox: Outbox) -> None:
    """Every field comes back as it was given, under the numbers that were told."""
    told = await outbox.append(*(entry(b"%d" % number) for number in range(70)))
    batch = await outbox.fetch()
    assert numbers(batch) == told == sorted(set(told))
    assert payloads(batch) == [b"%d" % number for number in range(70)]
    first = batch.artefacts[0]
    assert (first.kind, first.version, first.tenant_id, first.created_at) == ("configuration", 1, 7, NOW)


async def test_nothing_is_shown_of_a_transaction_that_failed(outbox: Outbox, store: Store) -> None:  # noqa: F811
    """An artefact is as durable as the change it tells of."""
    sql = statements(store.engine)

    def fail(connection: Any, arguments: list[Any]) -> list[Any]:
        sql.append(connection, [entry(b"lost")])
        raise ValueError("the change is refused")

    with pytest.raises(ValueError):
        await store.perform(fail, None)
    await outbox.append(entry(b"kept"))
    assert payloads(await outbox.fetch()) == [b"kept"]


async def test_several_appends_of_one_transaction_keep_their_order(outbox: Outbox, store: Store) -> None:  # noqa: F811
    """Each append of a transaction gets higher numbers than the one before."""
    sql = statements(store.engine)

    def append(connection: Any, arguments: list[bytes]) -> list[list[list[int]]]:
        return [[sql.append(connection, [entry(one), entry(one + b"'")])] for one in arguments]

    pending = [store.submit(append, b"%d" % number) for number in range(30)]
    told = [number for one in pending for numbers in await one.future for number in numbers]
    assert told == sorted(set(told))
    assert payloads(await outbox.fetch()) == [payload for number in range(30) for payload in (b"%d" % number, b"%d'" % number)]


async def test_what_is_not_acknowledged_is_shown_again_unchanged(outbox: Outbox) -> None:
    """A batch that was lost on the way comes again; an acknowledged one never."""
    await outbox.append(*(entry(b"%d" % number) for number in range(5)))
    first = await outbox.fetch(3)
    assert await outbox.fetch(3) == first
    assert payloads(await outbox.fetch(acknowledged_to=numbers(first)[-1])) == [b"3", b"4"]
    assert await outbox.acknowledge(numbers(first)[-1]) == 0
    assert payloads(await outbox.fetch()) == [b"3", b"4"]


async def test_a_number_is_never_given_twice(engine: StoreEngine, clock: Clock) -> None:  # noqa: F811
    """Not when all rows are gone, and not by the next process."""
    store = engine.open()  # noqa: F811
    outbox = Outbox(store, clock=clock)
    before = await outbox.append(entry(b"a"), entry(b"b"))
    await outbox.acknowledge(before[-1])
    await store.close()
    store = engine.open()
    outbox = Outbox(store, clock=clock)
    assert (await outbox.append(entry(b"c")))[0] > before[-1]
    assert payloads(await outbox.fetch(acknowledged_to=before[-1])) == [b"c"]


async def test_a_batch_has_its_bounds(outbox: Outbox) -> None:
    """At most 500 artefacts and 4 MiB, but always one."""
    await outbox.append(*(entry(b"") for _ in range(BATCH + 1)))
    batch = await outbox.fetch(10_000)
    assert len(batch.artefacts) == BATCH
    await outbox.append(
        entry(b"x" * (BATCH_BYTES // 2 + 1)), entry(b"y" * (BATCH_BYTES // 2 + 1)), entry(b"z" * (BATCH_BYTES + 1)), entry(b"")
    )
    batch = await outbox.fetch(acknowledged_to=numbers(batch)[-1])
    sizes = []
    while batch.artefacts:
        sizes.append([len(artefact.payload) for artefact in batch.artefacts])
        batch = await outbox.fetch(acknowledged_to=numbers(batch)[-1])
    assert sizes == [[0, BATCH_BYTES // 2 + 1], [BATCH_BYTES // 2 + 1], [BATCH_BYTES + 1], [0]]


async def test_a_young_track_is_not_shown_and_holds_back_what_comes_after(outbox: Outbox, clock: Clock) -> None:
    """It may still be rewritten; showing a later one would have it skipped."""
    await outbox.append(entry(b"old", "track", NOW - GATHER_S), entry(b"young", "track", NOW - 0.5), entry(b"at once"))
    assert payloads(await outbox.fetch()) == [b"old"]
    clock.now += GATHER_S - 0.5
    assert payloads(await outbox.fetch()) == [b"old", b"young", b"at once"]


async def test_a_clock_that_was_set_back_stops_no_link(outbox: Outbox, clock: Clock) -> None:
    """An artefact from the future is shown."""
    await outbox.append(entry(b"tomorrow", "track", NOW + 86_400))
    assert await outbox.is_due()
    assert payloads(await outbox.fetch()) == [b"tomorrow"]


async def test_a_young_artefact_may_be_rewritten_until_it_was_shown(outbox: Outbox, store: Store, clock: Clock) -> None:  # noqa: F811
    """The rewritten text is shown, and stays as it is from then on, even if the clock is set back."""
    (number,) = await outbox.append(entry(b"head", "track"))
    assert await rewrite(store, number, b"head and outcome", NOW - GATHER_S)
    assert not await rewrite(store, number, b"too late", NOW + 0.001)
    clock.now += GATHER_S
    assert payloads(await outbox.fetch()) == [b"head and outcome"]
    assert not await rewrite(store, number, b"was shown", 0.0)
    assert not await rewrite(store, number + 1, b"is none", 0.0)
    assert payloads(await outbox.fetch()) == [b"head and outcome"]


async def test_peers_have_queues_of_their_own(store: Store, clock: Clock) -> None:  # noqa: F811
    """What one has applied still waits for the other."""
    east, west = Outbox(store, "east", clock), Outbox(store, "west", clock)
    await east.append(entry(b"for east"))
    await west.append(entry(b"for west"), entry(b"again"))
    batch = await east.fetch()
    assert payloads(batch) == [b"for east"]
    assert await east.fetch(acknowledged_to=numbers(batch)[-1]) == Batch(batch.store, ())
    assert payloads(await west.fetch()) == [b"for west", b"again"]
    assert [(await one.health()).waiting for one in (east, west)] == [0, 2]


async def test_health_tells_how_many_wait_and_how_long(outbox: Outbox, clock: Clock) -> None:
    """Nothing waits with age 0; otherwise the oldest tells."""
    assert (await outbox.health()).waiting == (await outbox.health()).oldest_age_s == 0
    told = await outbox.append(*(entry(b"", at=NOW + number) for number in range(12)))
    clock.now += 60
    assert ((await outbox.health()).waiting, (await outbox.health()).oldest_age_s) == (12, 60)
    await outbox.acknowledge(told[3])
    assert ((await outbox.health()).waiting, (await outbox.health()).oldest_age_s) == (8, 56)


async def test_a_store_has_one_identity_for_life(engine: StoreEngine, tmp_path: Path) -> None:  # noqa: F811
    """It is made with the store and the same for every process; another store has another."""
    store = engine.open()  # noqa: F811
    identity = await Outbox(store).identity()
    assert len(identity) == 32 and (await Outbox(store).fetch()).store == identity
    await store.close()
    assert await Outbox(engine.open()).identity() == identity
    other = make_engine(engine.name, tmp_path / "other")
    assert await Outbox(other.open()).identity() != identity
    await other.close()


async def test_an_older_copy_of_a_store_gets_a_new_identity(outbox: Outbox) -> None:
    """Whoever knows a number that was not given yet has seen a later life of the store: what comes now is not taken for known."""
    (number,) = await outbox.append(entry(b"a"))
    identity = await outbox.identity()
    assert (await outbox.fetch(acknowledged_to=number - 1)).store == identity
    batch = await outbox.fetch(acknowledged_to=number + (1 << 40), store=identity)
    assert batch.store != identity
    batch = await outbox.fetch()
    assert payloads(batch) == [b"a"]
    assert payloads(await outbox.fetch(acknowledged_to=numbers(batch)[-1], store=batch.store)) == []


async def test_numbers_of_another_store_acknowledge_nothing_here(outbox: Outbox) -> None:
    """A caller who means another store is told whose this is, and loses nothing."""
    (number,) = await outbox.append(entry(b"a"))
    batch = await outbox.fetch(acknowledged_to=number, store="f" * 32)
    assert payloads(batch) == [b"a"] and batch.store == await outbox.identity()


async def test_whoever_waits_in_this_process_is_stirred(outbox: Outbox) -> None:
    """An append ends the wait; without one it ends with its patience."""
    waiting = asyncio.ensure_future(outbox.stirred(PATIENCE_S))
    await outbox.append(entry(b"a"))
    assert await waiting
    assert not await outbox.stirred(0.01)


async def test_the_append_of_one_mail_is_one_statement(store: Store) -> None:  # noqa: F811
    """Tracks are written on every mail's way, so they cost one INSERT."""
    sql = statements(store.engine)
    seen: list[str] = []

    class Watched:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def execute(self, text: str, values: Any) -> Any:
            seen.append(text)
            return self._connection.execute(text, values)

    await store.perform(lambda connection, arguments: [sql.append(Watched(connection), [entry(b"a")] * 32) for _ in arguments], None)
    assert [text.split()[0] for text in seen] == ["INSERT"]
