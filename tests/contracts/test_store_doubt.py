# SPDX-License-Identifier: Apache-2.0
"""A COMMIT whose answer did not come is in doubt: StoreAway, not repeated; and the store comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.store_doubt import SLOW_COMMIT, is_committing, terminate_committing, wire
from contracts.store_engines import HeldUp, Notes, StoreEngine, engine, failing_commit, make_engine, store
from gatepost.errors import StoreAway
from gatepost.storage.contract import Store
from gatepost.storage.store import SqliteStore
from gatepost.storage.writer import COLLISIONS
from gatepost.testing.postgres import PostgresServer
from postgres_server import postgres_server
from waiting import PATIENCE_S, until

__all__ = ["engine", "store"]


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[StoreEngine]:
    engine = make_engine("postgresql", tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[tuple[PostgresServer, StoreEngine]]:
    """Give a server that a test may kill."""
    with PostgresServer() as server:
        engine = StoreEngine("postgresql", tmp_path, server.create_database())
        yield server, engine
        await engine.close()


async def group_of(store: Store, notes: Notes, numbers: list[int]) -> asyncio.Future[list[object]]:
    """Put operations into one group, which has begun when this returns; gives their outcomes."""
    held = HeldUp(store)
    operations = [store.submit(notes.add, number) for number in numbers]
    held.go_on()
    await held.operation.future
    return asyncio.gather(*(operation.future for operation in operations), return_exceptions=True)


def assert_in_doubt(outcomes: list[object]) -> None:
    assert [type(outcome) for outcome in outcomes] == [StoreAway] * len(outcomes)
    assert "in doubt" in str(outcomes[0])


async def test_a_disk_that_fails_at_commit_leaves_the_group_in_doubt(tmp_path: Path) -> None:
    """On SQLite all operations of the group raise StoreAway, none is repeated, and the next group is committed."""
    engine = make_engine("sqlite", tmp_path)
    store = engine.open()
    assert isinstance(store, SqliteStore)
    notes = await Notes(engine).make(store)
    with failing_commit(store):
        results = await asyncio.gather(*(store.perform(notes.add, number) for number in (1, 2)), return_exceptions=True)
    assert_in_doubt(results)
    assert await store.perform(notes.add, 3) == 30
    assert await notes.stored(store) == [3]
    await engine.close()


async def test_a_backend_that_ends_during_commit_leaves_the_group_in_doubt(postgres: StoreEngine) -> None:
    """The server's process is ended while it commits: StoreAway for all, nothing repeated, the next group on a new connection."""
    server, store = postgres_server(), postgres.open()
    notes = await Notes(postgres).make(store)
    server.psql(SLOW_COMMIT, postgres.url.rpartition("/")[2])
    outcomes = await group_of(store, notes, [1000, 1001])
    await until(lambda: is_committing(server), "the COMMIT is on its way")
    terminate_committing(server)
    assert_in_doubt(await outcomes)
    assert await store.perform(notes.add, 1) == 10
    assert notes.calls == [[1000, 1001], [1]]
    assert await notes.stored(store) == [1]


async def test_a_server_that_is_killed_during_commit_leaves_the_group_in_doubt(mortal: tuple[PostgresServer, StoreEngine]) -> None:
    """Every process of the server gets SIGKILL; once it is back, the store goes on without being restarted."""
    server, engine = mortal
    store = engine.open()
    notes = await Notes(engine).make(store)
    await store.perform(notes.add, 1)
    server.psql(SLOW_COMMIT, engine.url.rpartition("/")[2])
    outcomes = await group_of(store, notes, [1000, 1001])
    await until(lambda: is_committing(server), "the COMMIT is on its way")
    await asyncio.to_thread(server.kill)
    assert_in_doubt(await outcomes)
    with pytest.raises(StoreAway, match="start the server"):
        await store.perform(notes.add, 2)
    with pytest.raises(StoreAway, match="start the server"):
        await notes.stored(store)
    await asyncio.to_thread(server.start)
    assert await store.perform(notes.add, 3) == 30
    assert await notes.stored(store) == [1, 3]


async def test_what_was_answered_survives_a_kill_of_the_server(mortal: tuple[PostgresServer, StoreEngine]) -> None:
    """Each operation that had its result is there after SIGKILL; each without one is in doubt and may be or not."""
    server, engine = mortal
    store = engine.open()
    notes = await Notes(engine).make(store)
    done: list[int] = []

    async def write(number: int) -> None:
        await store.perform(notes.add, number)
        done.append(number)

    writing = [asyncio.create_task(write(number)) for number in range(200)]
    await until(lambda: len(done) >= 1, "the first COMMIT")
    await asyncio.to_thread(server.kill)
    outcomes = await asyncio.gather(*writing, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), StoreAway}
    await asyncio.to_thread(server.start)
    assert set(done) <= set(await notes.stored(store))


async def test_an_answer_that_is_lost_is_in_doubt_though_the_work_is_done(tmp_path: Path) -> None:
    """The server commits, the wire swallows its answer: StoreAway, the rows are there once, and nothing is written twice."""
    server = postgres_server()
    with wire(server.port) as proxy:
        url = server.create_database().replace(f":{server.port}/", f":{proxy.port}/") + "?sslmode=disable"
        engine = StoreEngine("postgresql", tmp_path, url)
        store = engine.open()
        notes = await Notes(engine).make(store)
        outcomes = await group_of(store, notes, [])
        proxy.cut_next = True
        results = await asyncio.gather(store.perform(notes.add, 1), *await outcomes, return_exceptions=True)
        assert_in_doubt(list(results))
        assert await store.perform(notes.add, 2) == 20
        assert notes.calls == [[1], [2]]
        assert await notes.stored(store) == [1, 2]
        await engine.close()


async def test_a_connection_that_broke_while_idle_costs_nobody_anything(postgres: StoreEngine) -> None:
    """Nothing had been done on it: the next group and the next question take a new one, and nobody is told to come again."""
    server, store = postgres_server(), postgres.open()
    notes = await Notes(postgres).make(store)
    assert await notes.stored(store) == []
    name = postgres.url.rpartition("/")[2]
    whose = f"FROM pg_stat_activity WHERE datname = '{name}' AND backend_type = 'client backend'"
    assert server.psql(f"SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 20000)) {whose}") == "2"
    assert await store.perform(notes.add, 1) == 10
    assert await notes.stored(store) == [1]


async def test_a_connection_that_breaks_inside_a_transaction_is_redone(postgres: StoreEngine) -> None:
    """Before COMMIT nothing is in doubt: the group is done once more on a new connection."""
    server, store = postgres_server(), postgres.open()
    notes = await Notes(postgres).make(store)
    pids = []

    def add_and_be_cut(connection, numbers):  # type: ignore[no-untyped-def]
        results = notes.add(connection, numbers)
        pids.append(connection.info.backend_pid)
        if len(pids) == 1:
            server.psql(f"SELECT pg_terminate_backend({pids[0]}, 20000)")
        connection.execute("SELECT 1")
        return results

    assert await store.perform(add_and_be_cut, 1) == 10
    assert len(set(pids)) == 2
    assert await notes.stored(store) == [1]


async def test_a_table_that_is_migrated_below_us_costs_one_group(postgres: StoreEngine) -> None:
    """Statements that were prepared before are prepared anew on a new connection; nothing has to be restarted."""
    server, store = postgres_server(), postgres.open()
    notes = await Notes(postgres).make(store)

    def add_and_give(connection, numbers):  # type: ignore[no-untyped-def]
        return [connection.execute("INSERT INTO note VALUES (%s) RETURNING *", (number,)).fetchone()[0] for number in numbers]

    assert [await store.perform(add_and_give, number) for number in range(3)] == [0, 1, 2]
    server.psql("ALTER TABLE note ADD COLUMN more TEXT", postgres.url.rpartition("/")[2])
    with pytest.raises(StoreAway, match="cached plan"):
        await store.perform(add_and_give, 3)
    assert await store.perform(add_and_give, 4) == 4
    assert await notes.stored(store) == [0, 1, 2, 4]


async def test_a_commit_that_the_server_turned_into_a_rollback_is_no_commit(postgres: StoreEngine) -> None:
    """A handler that swallows a failed statement leaves a transaction that COMMIT silently undoes: that is never a success."""
    store = postgres.open()
    notes = await Notes(postgres).make(store)

    def swallow(connection, numbers):  # type: ignore[no-untyped-def]
        results = notes.add(connection, numbers)
        try:
            connection.execute("SELECT 1 / 0")
        except Exception:
            return results

    with pytest.raises(StoreAway, match="ROLLBACK"):
        await store.perform(swallow, 1)
    assert await store.perform(notes.add, 2) == 20
    assert await notes.stored(store) == [2]


@pytest.mark.parametrize(("collisions", "tried"), [(1, 2), (COLLISIONS, COLLISIONS + 1), (COLLISIONS + 1, COLLISIONS + 1)])
async def test_a_group_that_collides_again_is_done_again(postgres: StoreEngine, collisions: int, tried: int) -> None:
    """Whoever is undone by a deadlock may meet the other one once more: nothing is in doubt, so it is tried again, but not for ever."""
    store, turns = postgres.open(), []

    def collide(connection, arguments):  # type: ignore[no-untyped-def]
        turns.append(arguments)
        if len(turns) <= collisions:
            connection.execute("DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '40P01'; END $$")
        return arguments

    if collisions > COLLISIONS:
        with pytest.raises(StoreAway, match="in the way"):
            await store.perform(collide, "a")
    else:
        assert await store.perform(collide, "a") == "a"
    assert turns == [["a"]] * tried


async def test_two_gateways_in_each_others_way_both_succeed(postgres: StoreEngine) -> None:
    """A deadlock undoes one of two groups before its COMMIT, which is done once more: nobody's operation fails."""
    one, other = postgres.open(folder="one"), postgres.open(folder="other")
    notes = await Notes(postgres).make(one)
    await asyncio.gather(*(one.perform(notes.add, number) for number in (1, 2)))
    meet = asyncio.Event()
    loop = asyncio.get_running_loop()
    arrived: list[str] = []

    def touch(first: int, second: int, name: str):  # type: ignore[no-untyped-def]
        def handler(connection, arguments):  # type: ignore[no-untyped-def]
            connection.execute("UPDATE note SET text = text || %s WHERE id = %s", (name, first))
            if name not in arrived:
                arrived.append(name)
                if len(arrived) == 2:
                    loop.call_soon_threadsafe(meet.set)
                asyncio.run_coroutine_threadsafe(meet.wait(), loop).result(PATIENCE_S)
            connection.execute("UPDATE note SET text = text || %s WHERE id = %s", (name, second))
            return arguments

        return handler

    assert await asyncio.gather(one.perform(touch(1, 2, "a"), "a"), other.perform(touch(2, 1, "b"), "b")) == ["a", "b"]
    texts = await one.ask(lambda connection: [row[0] for row in connection.execute("SELECT text FROM note").fetchall()])
    assert [sorted(text.strip("x")) for text in texts] == [["a", "b"], ["a", "b"]]
