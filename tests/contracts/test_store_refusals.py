# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL servers that are refused, with one sentence: what, where, how to mend; and nothing is written."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from contracts.store_engines import StoreEngine, make_engine
from gatepost.errors import ConfigError, StoreAway, StoreError, StoreOwned
from gatepost.storage.opening import open_store
from gatepost.testing.postgres import PASSWORD, PostgresServer
from postgres_server import postgres_server
from waiting import until


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[StoreEngine]:
    engine = make_engine("postgresql", tmp_path)
    yield engine
    await engine.close()


@pytest.fixture(scope="module")
def careless() -> Iterator[PostgresServer]:
    """Give a server whose settings a test may spoil."""
    with PostgresServer() as server:
        yield server


def tables(server: PostgresServer, url: str) -> str:
    return server.psql("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", url.rpartition("/")[2])


def refused(engine: StoreEngine) -> str:
    with pytest.raises(StoreError) as caught:
        engine.open()
    sentence = str(caught.value)
    assert "\n" not in sentence and PASSWORD not in sentence
    return sentence


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_could_lose_a_commit_is_refused(careless: PostgresServer, setting: str, tmp_path: Path) -> None:
    """Each of the three settings, off for the whole server, is named with its mend; switched on again, the store opens."""
    engine = StoreEngine("postgresql", tmp_path, careless.create_database())
    for value in ("off", "on"):
        careless.psql(f"ALTER SYSTEM SET {setting} = {value}")
        careless.psql("SELECT pg_reload_conf()")
        await until(lambda value=value: careless.psql(f"SHOW {setting}") == value, f"{setting} is {value}")  # type: ignore[misc]
        if value == "off":
            sentence = refused(engine)
            assert f"{setting} is off, so a mail that was taken could be lost" in sentence
            assert f"set {setting} = on in the server's postgresql.conf and reload it" in sentence
            assert tables(careless, engine.url) == "0"
    engine.open()
    await engine.close()


async def test_a_server_that_turned_careless_is_refused_when_we_come_back(careless: PostgresServer, tmp_path: Path) -> None:
    """The check is made at each connection: an open store answers StoreAway, not 250, after a restart with fsync off."""
    engine = StoreEngine("postgresql", tmp_path, careless.create_database())
    store = engine.open()
    careless.psql("ALTER SYSTEM SET fsync = off")
    careless.psql("SELECT pg_reload_conf()")
    await until(lambda: careless.psql("SHOW fsync") == "off", "fsync is off")
    careless.psql("SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname LIKE 'store_%'")
    with pytest.raises(StoreAway, match="fsync is off"):
        await store.perform(lambda connection, arguments: arguments, None)
    careless.psql("ALTER SYSTEM SET fsync = on")
    careless.psql("SELECT pg_reload_conf()")
    await until(lambda: careless.psql("SHOW fsync") == "on", "fsync is on")
    assert await store.perform(lambda connection, arguments: arguments, 7) == 7
    await engine.close()


@pytest.mark.parametrize("place", ["DATABASE", "ROLE", "ROLE IN DATABASE"])
async def test_a_session_that_could_lose_a_commit_is_refused(postgres: StoreEngine, place: str) -> None:
    """`synchronous_commit` switched off for our database or role is named with the statement that mends it."""
    server, name = postgres_server(), postgres.url.rpartition("/")[2]
    role = f"careless_{name}"
    server.psql(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
    postgres.url = server.url(name, user=role)
    whom = {"DATABASE": f'DATABASE "{name}"', "ROLE": f'ROLE "{role}"', "ROLE IN DATABASE": f'ROLE "{role}" IN DATABASE "{name}"'}[place]
    server.psql(f"ALTER {whom} SET synchronous_commit = off")
    sentence = refused(postgres)
    assert f"run ALTER {whom} RESET synchronous_commit" in sentence
    assert tables(server, postgres.url) == "0"
    server.psql(f"ALTER {whom} RESET synchronous_commit")
    postgres.open()


@pytest.mark.parametrize("value", ["local", "remote_write", "remote_apply"])
async def test_other_ways_of_synchronous_commit_are_durable_too(postgres: StoreEngine, value: str) -> None:
    """All but `off` flush our server's log before the answer."""
    postgres_server().psql(f'ALTER DATABASE "{postgres.url.rpartition("/")[2]}" SET synchronous_commit = {value}')
    assert postgres.open().engine == "postgresql"


async def test_a_server_that_only_reads_is_refused(postgres: StoreEngine) -> None:
    """As a standby would be."""
    name = postgres.url.rpartition("/")[2]
    postgres_server().psql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert "only reads" in refused(postgres)


async def test_a_database_that_cannot_hold_every_letter_is_refused(postgres: StoreEngine) -> None:
    """An encoding other than UTF-8 would refuse the first mail with a letter that it lacks."""
    server = postgres_server()
    server.psql("DROP DATABASE IF EXISTS latin")
    server.psql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    postgres.url = server.url("latin")
    assert "encoding is LATIN1; create it with ENCODING 'UTF8'" in refused(postgres)


async def test_a_wrong_password_is_one_sentence(postgres: StoreEngine) -> None:
    """It says whose it is and where, and not what it was."""
    postgres.url = postgres.url.replace(PASSWORD, "a-wrong-one")
    sentence = refused(postgres)
    assert "a-wrong-one" not in sentence
    assert 'password authentication failed for user "gatepost"; mend the user or the password' in sentence


async def test_an_unknown_database_is_one_sentence(postgres: StoreEngine) -> None:
    """It is named, with the mend."""
    postgres.url = postgres_server().url("nowhere")
    assert refused(postgres).endswith('database "nowhere" does not exist; create it, or mend the store\'s URL')


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("127.0.0.1:1/db", "Connection refused; start the server"),
        ("no-such-host.invalid/db", "mend the host"),
        ("/db?host=/nowhere", "start the server"),
    ],
)
async def test_a_server_that_is_away_is_one_sentence(tmp_path: Path, place: str, said: str) -> None:
    """Nobody listens, no such host, no such socket: StoreAway with the mend."""
    sentence = refused(StoreEngine("postgresql", tmp_path, f"postgresql://gatepost:{PASSWORD}@{place}"))
    assert said in sentence


async def test_a_right_that_is_missing_is_one_sentence(postgres: StoreEngine) -> None:
    """A role that may not create tables is told so by the server's own words."""
    server, name = postgres_server(), postgres.url.rpartition("/")[2]
    server.psql(f"CREATE ROLE guest_{name} LOGIN PASSWORD '{PASSWORD}'")
    postgres.url = server.url(name, user=f"guest_{name}")
    assert "permission denied for schema public" in refused(postgres)


async def test_a_folder_has_one_owner_on_postgresql_too(postgres: StoreEngine) -> None:
    """Two processes with one data folder would share sockets and blobs; two folders are two gateways."""
    postgres.open(folder="one")
    with pytest.raises(StoreOwned):
        postgres.open(folder="one")
    postgres.open(folder="other")


async def test_the_url_may_be_a_secret_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`env:` and `file:` name where the whole URL is; one that is not there names the setting."""
    monkeypatch.setenv("STORE", f"postgresql://gatepost:{PASSWORD}@127.0.0.1:1/db")
    with pytest.raises(StoreAway, match="Connection refused"):
        open_store("env:STORE", "gateway", tmp_path)
    with pytest.raises(ConfigError, match=r"stores\.gateway: .*none"):
        open_store(f"file:{tmp_path}/none", "gateway", tmp_path)
