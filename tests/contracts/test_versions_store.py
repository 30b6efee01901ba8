# SPDX-License-Identifier: Apache-2.0
"""Versions of the configuration in the intranet's store, the same on SQLite and on PostgreSQL."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.store_engines import killed_work_is_over
from gatepost.config.configuration import Configuration
from gatepost.errors import GatepostError, StoreError
from gatepost.replication.artefact import Artefact
from gatepost.replication.outbox import Outbox
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.telemetry import log
from gatepost.versioning import apply, current
from gatepost.versioning.change import Applied, Faulty, Outdated, Versioning, read
from gatepost.versioning.record import Shipped, Version, checksum, entry
from gatepost.versioning.service import commands
from gatepost.versioning.store import Versions
from postgres_server import postgres_server

GATEWAYS = ("east", "west")
SEED = '# ours\ncorporate_users = ["jo@a.example"]\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Give where a store is to be opened."""
    return "sqlite" if request.param == "sqlite" else postgres_server().create_database()


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an open intranet store."""
    opened = open_store(url, "intranet", tmp_path / "intranet")
    yield opened
    await opened.close()


@pytest.fixture
async def versioning(store: Store, tmp_path: Path) -> Versioning:
    """Give a house of two gateways whose seed is imported."""
    (tmp_path / "seed.toml").write_text(SEED)
    house = Versioning(Versions(store, lambda: GATEWAYS), lambda configuration, source: [], clock=itertools.count(1000).__next__)
    await house.begin(str(tmp_path / "seed.toml"))
    return house


async def changed(house: Versioning, text: str, based_on: int, author: str = "ann") -> Applied | Outdated | Faulty:
    """Apply a text."""
    return await house.apply(text, "new.toml", author=author, reason=f"{author} has\n  reasons", based_on=based_on)


async def test_the_seed_becomes_version_1_once(versioning: Versioning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is imported when there is no version; later it is not read again, and a change of it is told."""
    told: list[object] = []
    monkeypatch.setattr("gatepost.versioning.change.emit", told.append)
    first = await versioning.get(1)
    assert (first.author, first.reason) == ("gatepost", f"imported from {tmp_path / 'seed.toml'}")
    assert read(first) == Configuration(corporate_users=("jo@a.example",))
    (tmp_path / "seed.toml").write_text("# another comment\n" + SEED)
    assert (await versioning.begin(str(tmp_path / "seed.toml"))).number == 1
    assert told == []
    (tmp_path / "seed.toml").write_text('different_rules = "strictest"\n')
    assert await versioning.begin(str(tmp_path / "seed.toml")) == first
    assert [(event.name, event.mend) for event in told] == [("configuration.seed_ignored", "use gatepost config apply")]


async def test_a_change_is_a_new_version_with_who_when_and_why(versioning: Versioning) -> None:
    """The one before stays as it was, and the history has both, newest first."""
    first = await versioning.get(1)
    answer = await changed(versioning, 'different_rules = "strictest"\n', 1)
    assert isinstance(answer, Applied) and answer.made
    assert (answer.version.number, answer.version.author, answer.version.reason) == (2, "ann", "ann has reasons")
    assert {one.field for one in answer.changes} == {"different_rules", "corporate_users"}
    assert [line.number for line in await versioning.versions.history(10)] == [2, 1]
    assert [line.number for line in await versioning.versions.history(1)] == [2]
    assert await versioning.get(1) == first
    assert (await versioning.versions.current()) == await versioning.get(2)


async def test_of_two_who_change_at_once_the_second_learns_what_the_first_did(versioning: Versioning) -> None:
    """Exactly one version is made, and the other hears who changed what."""
    answers = await asyncio.gather(
        changed(versioning, 'corporate_users = ["ann@a.example"]\n', 1, "ann"),
        changed(versioning, 'corporate_users = ["bob@a.example"]\n', 1, "bob"),
    )
    made = [one for one in answers if isinstance(one, Applied)]
    refused = [one for one in answers if isinstance(one, Outdated)]
    assert (len(made), len(refused)) == (1, 1)
    assert refused[0].newest == made[0].version
    assert refused[0].meanwhile == (made[0].version,)
    assert refused[0].changes == made[0].changes
    assert [line.number for line in await versioning.versions.history(10)] == [2, 1]


async def test_what_was_applied_already_is_not_applied_twice(versioning: Versioning) -> None:
    """Whoever lost the answer and asks again hears of the version he made, whatever he based it on."""
    await changed(versioning, 'different_rules = "strictest"\n', 1)
    again = await changed(versioning, '# the same\ndifferent_rules="strictest"', 1)
    assert isinstance(again, Applied)
    assert (again.made, again.version.number, again.changes) == (False, 2, ())
    assert len(await versioning.versions.history(10)) == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rules = 3\n", "new.toml: rules"),
        ("owned = 3\n", "new.toml: owned"),
        ("[dns\n", "new.toml: line 1, column 5"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_its_place(versioning: Versioning, text: str, place: str) -> None:
    """Nothing is made of it, neither by an apply nor by a plan."""
    for answer in (await changed(versioning, text, 1), await versioning.plan(text, "new.toml", 1)):
        assert isinstance(answer, Faulty)
        assert answer.faults[0].path == place
    assert len(await versioning.versions.history(10)) == 1


async def test_a_plan_changes_nothing(versioning: Versioning) -> None:
    """It tells what an apply would do, also that it would be refused."""
    text = 'different_rules = "strictest"\n'
    planned = await versioning.plan(text, "new.toml", 1)
    assert isinstance(planned, Applied) and not planned.made
    applied = await changed(versioning, text, 1)
    assert isinstance(applied, Applied) and applied.changes == planned.changes
    assert isinstance(await versioning.plan("", "new.toml", 1), Outdated)
    assert isinstance(await versioning.plan("", "new.toml", None), Applied)
    assert len(await versioning.versions.history(10)) == 2


async def test_a_rollback_makes_a_new_version(versioning: Versioning) -> None:
    """The text is the old one's, the history keeps both, and a version that does not exist is named."""
    await changed(versioning, 'different_rules = "strictest"\n', 1)
    answer = await versioning.rollback(1, author="bob", reason="mail was lost")
    assert isinstance(answer, Applied) and answer.made
    assert (answer.version.number, answer.version.reason) == (3, "back to version 1: mail was lost")
    assert (await versioning.get(3)).document == (await versioning.get(1)).document
    with pytest.raises(GatepostError, match="there is no version 9 of the configuration; the newest is 3"):
        await versioning.rollback(9, author="bob", reason="x")
    for author, reason in (("", "x"), ("x", " \n")):
        with pytest.raises(GatepostError, match="a change needs a"):
            await versioning.rollback(1, author=author, reason=reason)


async def test_each_version_waits_for_each_gateway(versioning: Versioning, store: Store) -> None:
    """A version and its artefacts are one transaction; a refused change leaves none, a gateway that joins is sent the newest."""
    await changed(versioning, 'different_rules = "strictest"\n', 1)
    await changed(versioning, "", 1)
    assert await versioning.versions.ship("north") == 2
    waiting = {name: (await Outbox(store, name).fetch()).artefacts for name in (*GATEWAYS, "north")}
    numbers = {name: [msgspec.msgpack.decode(one.payload, type=Shipped).number for one in some] for name, some in waiting.items()}
    assert numbers == {"east": [1, 2], "west": [1, 2], "north": [2]}
    assert {(one.kind, one.version) for some in waiting.values() for one in some} == {("configuration", 1)}


async def test_a_damaged_version_is_not_used(versioning: Versioning, store: Store) -> None:
    """Whoever changes a row behind our back is found out."""
    await store.perform(lambda connection, _: [connection.execute("UPDATE configuration_version SET document = 'x'")], None)
    with pytest.raises(StoreError, match="version 1 of the configuration is not what was stored"):
        await versioning.versions.current()


async def test_the_commands_of_the_console(versioning: Versioning) -> None:
    """Each answers in plain values that can go over a wire."""

    async def states():
        return []

    do = {name: getattr(one, "handler", one) for name, one in commands(versioning, states).items()}
    answers = [
        await do["config.export"](),
        await do["config.plan"](document="rules = 3", source="a"),
        await do["config.apply"](document="", source="a", author="ann", reason="x", based_on=1),
        await do["config.apply"](document="rules = []\n[dns]\nzone_file='x'", source="a", author="bob", reason="x", based_on=1),
        await do["config.diff"](),
        await do["config.diff"](before=1, document='different_rules = "strictest"\n', source="mine"),
        await do["config.history"](),
        await do["config.rollback"](number=1, author="ann", reason="x"),
        await do["config.status"](),
    ]
    assert [one.get("outcome") for one in answers if isinstance(one, dict) and "outcome" in one] == ["faulty", "made", "outdated", "made"]
    assert answers[4]["changes"][0]["sentence"] == 'corporate_users now without "jo@a.example"'
    assert (answers[5]["before"], answers[5]["after"], len(answers[5]["changes"])) == (1, "mine", 2)
    assert msgspec.json.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(answers))) == msgspec.json.encode(answers)


# The gateway's end


@pytest.fixture
async def gateway(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an open gateway store."""
    opened = open_store(url, "gateway", tmp_path / "data")
    yield opened
    await opened.close()


def arriving(*numbers: int) -> list[Artefact]:
    """Give artefacts as they come from the intranet."""
    made = []
    for number in numbers:
        text = f'corporate_users = ["v{number}@a.example"]\n'
        made.append(Artefact(number, *entry(Version(number, "ann", 1.0, "x", checksum(text), text))))
    return made


async def taken(store: Store, artefacts: list[Artefact]) -> None:
    """Apply a batch as the gateway does."""

    def handle(connection, batches):
        return [apply.handler(connection, batch) for batch in batches]

    await store.perform(handle, artefacts)


async def test_a_gateway_keeps_the_newest_as_a_file(gateway: Store, tmp_path: Path) -> None:
    """What comes twice, or late, changes nothing; a file that was damaged or lost is written anew."""
    data = tmp_path / "data"
    assert await apply.publish(gateway, data) == 0
    assert not current.folder(data).exists()
    await taken(gateway, arriving(1, 2))
    assert await apply.publish(gateway, data) == 2
    await taken(gateway, arriving(1, 2, 1))
    assert await apply.publish(gateway, data) == 2
    assert current.read(data).configuration.corporate_users == ("v2@a.example",)
    (current.folder(data) / "current").write_text("# nonsense\n")
    assert await apply.publish(gateway, data) == 2
    assert current.read(data).number == 2


async def test_a_gateway_forgets_old_versions(gateway: Store, tmp_path: Path) -> None:
    """It keeps the last few alone; the intranet has them all."""
    await taken(gateway, arriving(*range(1, apply.KEPT + 6)))
    kept = await gateway.ask(lambda connection: connection.execute("SELECT min(number), max(number) FROM configuration").fetchone())
    assert tuple(kept) == (6, apply.KEPT + 5)


async def test_a_version_that_was_damaged_on_its_way_is_refused(gateway: Store, tmp_path: Path) -> None:
    """Nothing of its batch is stored."""
    good, bad = arriving(1, 2)
    broken = msgspec.msgpack.encode(Shipped(2, "rules = []", "0" * 64))
    for payload in (broken, b"\xc1"):
        with pytest.raises(StoreError):
            await taken(gateway, [good, msgspec.structs.replace(bad, payload=payload)])
    assert await apply.publish(gateway, tmp_path / "data") == 0


_KILLED = """
import asyncio, itertools, sys
from pathlib import Path
from gatepost.storage.opening import open_store
from gatepost.versioning import apply, current
from gatepost.versioning.change import Versioning
from gatepost.versioning.store import Versions

async def main():
    folder = Path(sys.argv[1])
    house = Versioning(Versions(open_store(sys.argv[2], "intranet", folder / "intranet"), lambda: ("east",)), lambda *_: [])
    await house.begin(str(folder / "seed.toml"))
    newest = (await house.versions.current()).number
    for number in itertools.count(newest):
        text = f'corporate_users = ["v{number + 1}@a.example"]\\n'
        answer = await house.apply(text, "it", author="ann", reason="again", based_on=number)
        current.write(folder / "data", answer.version.number, text)
        print(answer.version.number, flush=True)

asyncio.run(main())
"""


def told_until_killed(folder: Path, url: str, versions: int) -> int:
    """Run a process that applies one version after the other, kill it after some; gives the last that it told."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(folder), url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as answers:
        told = [int(answers.readline()) for _ in range(versions)]
        os.kill(process.pid, signal.SIGKILL)
        told += map(int, answers.read().split())
    process.wait()
    return told[-1]


def told_east(connection: Any) -> list[int]:
    """Read the numbers of all versions that wait for a gateway, however many, in their order."""
    rows = connection.execute("SELECT payload FROM replication_artefact WHERE peer = 'east' ORDER BY sequence").fetchall()
    return [msgspec.msgpack.decode(row[0], type=Shipped).number for row in rows]


async def test_a_process_killed_while_it_applies_leaves_whole_versions(url: str, tmp_path: Path) -> None:
    """After each SIGKILL the numbers have no gap, each version has its artefact, what was told is kept, and the file is whole."""
    (tmp_path / "seed.toml").write_text(SEED)
    for turn in range(5):
        told = await asyncio.to_thread(told_until_killed, tmp_path, url, 3 + turn)
        await killed_work_is_over(url)
        store = open_store(url, "intranet", tmp_path / "intranet")
        try:
            numbers = [line.number for line in await Versions(store, lambda: ()).history(100_000)]
            shipped = await store.ask(told_east)
        finally:
            await store.close()
        assert numbers == list(range(len(numbers), 0, -1))
        assert numbers[0] in (told, told + 1)
        assert shipped == numbers[::-1]
        held = current.read(tmp_path / "data")
        assert held.number in (told, told + 1)
        assert held.configuration.corporate_users == (f"v{held.number}@a.example",)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep events out of the tests' output."""
    monkeypatch.setattr(log, "_silent", True)
