# SPDX-License-Identifier: Apache-2.0
"""Migrations on both engines: what is migrated, what is refused, and what an interruption leaves."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.errors import StoreError
from gatepost.storage.migration import Step, migrate
from gatepost.storage.schema import SCHEMA_COMPAT, SCHEMA_VERSION, migrations
from gatepost.storage.schema_postgres import MAKING_LOCK, create_schema
from gatepost.testing.postgres import PASSWORD
from postgres_server import postgres_server
from unit.storage.stores_of_old import OldStore
from waiting import until

VERSION = SCHEMA_VERSION["gateway"]
COMPAT = SCHEMA_COMPAT["gateway"]


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> OldStore:
    return OldStore(request.param, tmp_path)


@pytest.mark.parametrize("database", ["gateway", "intranet"])
def test_a_migrated_store_is_what_a_fresh_one_is(old: OldStore, tmp_path: Path, database: str) -> None:
    """All steps but the first, run by Alembic, leave the same tables and records as making an empty store at once."""
    (tmp_path / "fresh").mkdir()
    fresh = OldStore(old.engine, tmp_path / "fresh").make(database=database)
    old.make(1, database)
    made: list[Step] = []
    done = migrate(old.target, database, progress=made.append)
    steps = tuple(Step(step.version, step.name) for step in migrations(database, old.engine)[1:])
    assert (done.found, done.steps, done.version) == (1, steps, SCHEMA_VERSION[database])
    assert tuple(made) == steps
    assert old.shape() == fresh.shape()


def test_mail_of_an_older_store_is_kept(old: OldStore) -> None:
    """A queued mail has the same bytes after the step that gives mails a head, and no head."""
    old.make(3)
    blob = "x'0D0A00FF'" if old.engine == "sqlite" else "'\\x0d0a00ff'"
    values = f"5, 1, 'T', 'inbound', 1.5, 2.5, '192.0.2.1', 'h', {blob}, {blob}, 4, 1, '', {blob}, {blob}"
    old.run(f"INSERT INTO mail VALUES ({values})")
    migrate(old.target, "gateway")
    rows = old.run("SELECT id, tenant_id, track, expires_at, eight_bit, trace, body, head, head_shipped FROM mail")
    assert rows == [(5, 1, "T", 2.5, True, b"\r\n\0\xff", b"\r\n\0\xff", b"", False)]


def test_a_plan_changes_nothing(old: OldStore) -> None:
    """It names the steps that are missing."""
    old.make(1)
    before = old.shape()
    done = migrate(old.target, "gateway", only_plan=True)
    assert (done.found, done.version) == (1, 1)
    assert [step.version for step in done.steps] == list(range(2, VERSION + 1))
    assert old.shape() == before


def test_an_empty_store_is_made(old: OldStore, tmp_path: Path) -> None:
    """A migration of nothing gives a store with this program's schema; a second one finds nothing to do."""
    assert migrate(old.target, "gateway").version == VERSION
    assert old.record() == (VERSION, COMPAT, 0)
    assert migrate(old.target, "gateway").steps == ()


async def test_sqlite_is_migrated_at_start(tmp_path: Path) -> None:
    """The rows of the older store are still there."""
    old = OldStore("sqlite", tmp_path).make(1)
    old.run("INSERT INTO holder VALUES (17, 0)")
    await old.open()
    assert old.record() == (VERSION, COMPAT, 0)
    assert old.run("SELECT id FROM holder") == [(17,)]


async def test_a_store_from_before_there_was_a_record_is_adopted(tmp_path: Path) -> None:
    """The first programs kept only their steps; such a store is migrated and has the same shape as any other."""
    old = OldStore("sqlite", tmp_path).make(2)
    for table in ("schema_version", "alembic_version"):
        old.run(f"DROP TABLE {table}")
    await old.open()
    (tmp_path / "fresh").mkdir()
    fresh = OldStore("sqlite", tmp_path / "fresh").make()
    assert sorted(old.shape()) == sorted(fresh.shape())


async def test_postgresql_is_migrated_by_people(tmp_path: Path) -> None:
    """An older store is refused with the command, and nothing is written: other gateways may still use it."""
    old = OldStore("postgresql", tmp_path).make(1)
    before = old.shape()
    with pytest.raises(StoreError, match=r"older schema; run `gatepost db migrate --database gateway`"):
        await old.open()
    assert old.shape() == before


async def test_a_newer_store_is_refused(old: OldStore) -> None:
    """One that our schema can no longer use: the sentence names both schemas and the mend, and nothing is written."""
    old.make()
    old.run(f"UPDATE schema_version SET version = {VERSION + 9}, compat = {VERSION + 1}")
    before = old.shape()
    for attempt in (old.open(), asyncio.to_thread(migrate, old.target, "gateway")):
        with pytest.raises(StoreError, match=rf"the store has schema {VERSION + 9}, this program knows {VERSION}; start the program that"):
            await attempt
    assert old.shape() == before


async def test_a_newer_store_that_was_only_expanded_is_opened(old: OldStore) -> None:
    """So that gateways can be upgraded one after the other; migrating it down is not tried."""
    old.make()
    old.run(f"UPDATE schema_version SET version = {VERSION + 9}, compat = {VERSION}")
    before = old.shape()
    await old.open()
    assert migrate(old.target, "gateway").version == VERSION + 9
    assert old.shape() == before


async def test_a_half_migrated_store_is_refused(old: OldStore) -> None:
    """The marker is named with its mend, nothing is written, and the command ends what was begun."""
    old.make(1)
    old.run(f"UPDATE schema_version SET migrating = {VERSION}")
    before = old.shape()
    with pytest.raises(StoreError, match=rf"migration to schema {VERSION} began and did not end; run `gatepost db migrate"):
        await old.open()
    assert old.shape() == before
    migrate(old.target, "gateway")
    assert old.record() == (VERSION, COMPAT, 0)
    await old.open()


async def test_a_migration_that_a_newer_program_began_is_left_to_it(old: OldStore) -> None:
    """This program does not know its steps."""
    old.make()
    old.run(f"UPDATE schema_version SET migrating = {VERSION + 1}")
    before = old.shape()
    with pytest.raises(StoreError, match="start the program that wrote it"):
        migrate(old.target, "gateway")
    assert old.shape() == before


async def test_a_migration_killed_after_its_last_step_is_ended(old: OldStore) -> None:
    """Only the marker is left over."""
    old.make()
    old.run(f"UPDATE schema_version SET migrating = {VERSION}")
    assert migrate(old.target, "gateway").steps == ()
    await old.open()


async def test_a_step_that_fails_leaves_nothing_of_itself(old: OldStore) -> None:
    """Step and record are one transaction; the store is half migrated then, and the command goes on once the cause is gone."""
    old.make(1)
    old.run("CREATE TABLE recipient_answer (stranger INTEGER)")
    with pytest.raises(StoreError, match=r"recipient_answer.* already exists"):
        migrate(old.target, "gateway")
    assert old.record() == (1, COMPAT, VERSION)
    with pytest.raises(StoreError, match="did not end"):
        await old.open()
    old.run("DROP TABLE recipient_answer")
    migrate(old.target, "gateway")
    await old.open()


async def test_a_changed_step_is_refused(old: OldStore) -> None:
    """A step whose text differs from the one applied is no history of ours."""
    old.make()
    old.run("UPDATE schema_migration SET checksum = 'other' WHERE version = 2")
    with pytest.raises(StoreError, match="schema step 2 was applied with another text"):
        await old.open()


async def test_another_databases_store_is_refused(old: OldStore) -> None:
    """A URL given twice by mistake is named, and nothing is written."""
    old.make(database="intranet")
    before = old.shape()
    with pytest.raises(StoreError, match=r"this is the store of `intranet`, not of `gateway`; give each a database of its own"):
        await old.open()
    assert old.shape() == before


def test_two_migrations_do_not_meet(tmp_path: Path) -> None:
    """On PostgreSQL the second is told that somebody is at it; on SQLite the owner's lock keeps it out."""
    old = OldStore("postgresql", tmp_path).make(1)
    with old.connection() as somebody:
        somebody.execute("SELECT pg_advisory_lock(%s)", (MAKING_LOCK,))
        with pytest.raises(StoreError, match="somebody else is migrating this store"):
            migrate(old.target, "gateway")
    assert old.record()[0::2] == (1, 0)


async def test_two_gateways_may_make_one_store(tmp_path: Path) -> None:
    """Both start on an empty PostgreSQL database at once; one makes it, both open it."""
    old = OldStore("postgresql", tmp_path)
    with old.connection() as first, old.connection() as second:
        await asyncio.gather(*(asyncio.to_thread(create_schema, one, "gateway", "here") for one in (first, second)))
    await old.open()
    assert old.record() == (VERSION, COMPAT, 0)


async def test_the_password_is_seen_by_nobody(tmp_path: Path) -> None:
    """While a migration runs, its command line and its environment do not hold it."""
    old = OldStore("postgresql", tmp_path).make(1)

    def children() -> list[bytes]:
        ours = [path for path in Path("/proc").glob("[0-9]*") if f"\nPPid:\t{os.getpid()}\n".encode() in _read(path / "status")]
        pids = [path for path in ours if b"gatepost.storage.migrate" in _read(path / "cmdline")]
        return [_read(path / "cmdline") + _read(path / "environ") for path in pids]

    with old.connection() as somebody:
        somebody.execute("BEGIN")
        somebody.execute("LOCK TABLE schema_version")
        migrating = asyncio.create_task(asyncio.to_thread(migrate, old.target, "gateway"))
        await until(children, "the migration runs")
        seen = children()
        somebody.execute("COMMIT")
    await migrating
    assert seen
    assert not [one for one in seen if PASSWORD.encode() in one]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_what_serves_mail_loads_no_alembic() -> None:
    """Opening a store loads neither Alembic nor SQLAlchemy, and on SQLite no PostgreSQL driver."""
    program = (
        "import asyncio, sys, tempfile, pathlib; from gatepost.storage.opening import open_store\n"
        "async def main(url): await open_store(url, 'gateway', pathlib.Path(tempfile.mkdtemp())).close()\n"
        "asyncio.run(main(sys.argv[1]))\n"
        "print(sorted({'alembic', 'sqlalchemy', 'psycopg'} & set(sys.modules)))"
    )
    for url, loaded in (("sqlite", []), (postgres_server().create_database(), ["psycopg"])):
        done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(loaded)
