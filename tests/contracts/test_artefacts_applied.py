# SPDX-License-Identifier: Apache-2.0
"""Artefacts are applied once on both engines, whole batches or nothing; commands are carried out once."""

import asyncio
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine, store  # noqa: F401
from gatepost.errors import ControlError, StoreError
from gatepost.replication.apply import Applier, ArtefactUnknown
from gatepost.replication.artefact import Artefact, Batch
from gatepost.replication.commands import REMEMBERED_S, Commands
from gatepost.replication.service import Operation, Peer, Service
from gatepost.replication.wire import Reply, Request, answered
from gatepost.storage.contract import Store

ROOT = Peer("uid 0", ("*",))


def batch(*sequences: int, kind: str = "note", version: int = 1, store: str = "a" * 32) -> Batch:  # noqa: F811
    return Batch(store, tuple(Artefact(number, kind, version, 0, 0.0, b"%d" % number) for number in sequences))


class Notes:
    """A room that keeps artefacts as rows; fails at a payload of its choice."""

    def __init__(self, store: Store, engine: StoreEngine) -> None:  # noqa: F811
        self.store, self.told, self.bad = store, 0, b""
        self._insert = engine.sql("INSERT INTO note VALUES (?)")

    async def make(self) -> "Notes":
        await self.store.perform(lambda connection, _: [connection.execute("CREATE TABLE note (text TEXT)")], None)
        return self

    def apply(self, connection: Any, artefacts: list[Artefact]) -> None:
        for artefact in artefacts:
            if artefact.payload == self.bad:
                raise StoreError("this one is damaged")
            connection.execute(self._insert, (artefact.payload.decode(),))

    async def tell(self) -> None:
        self.told += 1

    async def all(self) -> list[int]:
        return await self.store.ask(lambda connection: [int(row[0]) for row in connection.execute("SELECT text FROM note").fetchall()])


@pytest.fixture
async def notes(store: Store, engine: StoreEngine) -> Notes:  # noqa: F811
    """Give a room with an empty table."""
    return await Notes(store, engine).make()


@pytest.fixture
def applier(store: Store, notes: Notes) -> Applier:  # noqa: F811
    """Give who applies artefacts of kind note, in versions 1 and 2."""
    made = Applier(store)
    made.register("note", (1, 2), notes.apply, notes.tell)
    return made


async def test_a_batch_applied_twice_is_applied_once(applier: Applier, notes: Notes) -> None:
    """A lost answer costs nothing; of a batch that overlaps only the new ones are applied."""
    assert await applier.apply(batch(1, 2, 3)) == 3
    assert await applier.apply(batch(1, 2, 3)) == 3
    assert await applier.apply(batch(2, 3, 7)) == 7
    assert await applier.apply(batch()) == 7
    assert await notes.all() == [1, 2, 3, 7]
    assert (await applier.applied_to("a" * 32), await applier.applied_to("b" * 32)) == (7, 0)


async def test_two_links_that_bring_the_same_at_once_apply_it_once(applier: Applier, notes: Notes) -> None:
    """As two gateways of one site do."""
    await asyncio.gather(*(applier.apply(batch(*range(1, 20))) for _ in range(5)))
    assert await notes.all() == list(range(1, 20))


async def test_each_store_has_its_own_mark(applier: Applier, notes: Notes) -> None:
    """Numbers of two stores say nothing of each other."""
    await applier.apply(batch(5))
    await applier.apply(batch(4, 5, store="b" * 32))
    assert sorted(await notes.all()) == [4, 5, 5]


async def test_who_asked_is_told_after_the_commit_and_also_of_what_was_known(applier: Applier, notes: Notes) -> None:
    """A process that died between COMMIT and telling is made good by the repetition."""
    await applier.apply(batch(1))
    await applier.apply(batch(1))
    assert notes.told == 2


@pytest.mark.parametrize(
    ("unknown", "sentence"),
    [
        (batch(1, 2, kind="soul"), r"artefact 1 of store a{32} is 'soul' in version 1, this role knows no 'soul' at all"),
        (batch(1, 2, version=3), r"'note' in version 3, this role knows the versions 1, 2; upgrade it, nothing is lost"),
        (Batch("a" * 32, (*batch(1).artefacts, *batch(2, kind="soul").artefacts)), "artefact 2 of store"),
    ],
)
async def test_what_nobody_knows_refuses_the_batch_by_name(applier: Applier, notes: Notes, unknown: Batch, sentence: str) -> None:
    """Nothing of it is written, and it may come again once somebody knows it."""
    with pytest.raises(ArtefactUnknown, match=sentence):
        await applier.apply(unknown)
    assert await notes.all() == [] and await applier.applied_to("a" * 32) == 0


async def test_a_batch_that_cannot_be_applied_leaves_nothing(applier: Applier, notes: Notes) -> None:
    """Neither its first half nor the mark."""
    notes.bad = b"3"
    with pytest.raises(StoreError, match="damaged"):
        await applier.apply(batch(1, 2, 3, 4))
    assert await notes.all() == [] and await applier.applied_to("a" * 32) == 0
    notes.bad = b""
    await applier.apply(batch(1, 2, 3, 4))
    assert await notes.all() == [1, 2, 3, 4]


async def test_a_kind_has_one_handler(applier: Applier, notes: Notes) -> None:
    """A second registration is a defect, told at once."""
    with pytest.raises(ValueError, match="note has a handler"):
        applier.register("note", (1,), notes.apply)


# Commands


class Doing:
    """An operation that counts how often it was carried out, and can be held up."""

    def __init__(self) -> None:
        self.count = 0
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.refuses = ""

    async def do(self, what: str) -> dict[str, Any]:
        self.count += 1
        self.begun.set()
        await self.go_on.wait()
        if self.refuses:
            raise ControlError(self.refuses)
        return {"did": what, "count": self.count}


async def test_a_command_with_the_same_id_is_answered_as_before(store: Store, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """It is carried out once, also by the next process, and each time leaves an event."""
    doing = Doing()
    first, second = (Service({"do": Operation(doing.do, command=True)}, Commands(store)) for _ in range(2))
    request = Request("abc1", "do", {"what": "this"})
    replies = [await service.carry_out(ROOT, request) for service in (first, first, second)]
    assert replies == [answered({"did": "this", "count": 1})] * 3
    assert doing.count == 1
    outcomes = [line.split('"outcome":"')[1].split('"')[0] for line in capfd.readouterr().err.splitlines() if "command.done" in line]
    assert outcomes == ["done", "repeated", "repeated"]


async def test_a_refused_command_stays_refused(store: Store) -> None:  # noqa: F811
    """Its answer is remembered as any other."""
    doing = Doing()
    doing.refuses = "the queue is disabled"
    service = Service({"do": Operation(doing.do, command=True)}, Commands(store))
    replies = [await service.carry_out(ROOT, Request("abc1", "do", {"what": "this"})) for _ in range(2)]
    assert [reply.refused for reply in replies] == ["the queue is disabled"] * 2
    assert doing.count == 1


async def test_a_repetition_waits_for_the_command_that_is_under_way(store: Store) -> None:  # noqa: F811
    """Both get the one answer."""
    doing = Doing()
    doing.go_on.clear()
    service = Service({"do": Operation(doing.do, command=True)}, Commands(store))
    asked = [asyncio.ensure_future(service.carry_out(ROOT, Request("abc1", "do", {"what": "this"}))) for _ in range(3)]
    await asyncio.wait_for(doing.begun.wait(), 10.0)
    doing.go_on.set()
    assert await asyncio.gather(*asked) == [answered({"did": "this", "count": 1})] * 3
    assert doing.count == 1


async def test_a_command_whose_process_died_is_not_carried_out_again(store: Store) -> None:  # noqa: F811
    """Nobody knows how far it came, and who asks is told so."""
    commands = Commands(store)

    async def die() -> Reply:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await commands.once("abc1", "uid 0", "do", die)
    doing = Doing()
    reply = await Service({"do": Operation(doing.do, command=True)}, Commands(store)).carry_out(ROOT, Request("abc1", "do", {"what": "x"}))
    assert "was begun before, then this role ended" in reply.refused and doing.count == 0


async def test_an_id_belongs_to_who_used_it_first(store: Store) -> None:  # noqa: F811
    """Another peer, or another command, learns nothing of its answer."""
    doing = Doing()
    service = Service({"do": Operation(doing.do, command=True), "other": Operation(doing.do, command=True)}, Commands(store))
    await service.carry_out(ROOT, Request("abc1", "do", {"what": "this"}))
    for peer, do in ((Peer("eve", ("*",)), "do"), (ROOT, "other")):
        assert "another command had this id" in (await service.carry_out(peer, Request("abc1", do, {"what": "this"}))).refused
    assert doing.count == 1


async def test_commands_are_remembered_for_a_day(store: Store) -> None:  # noqa: F811
    """Then the same id is a new command."""
    now = [1_800_000_000.0]
    doing = Doing()
    service = Service({"do": Operation(doing.do, command=True)}, Commands(store, clock=lambda: now[0]))
    for later in (0.0, REMEMBERED_S - 1, 2.0):
        now[0] += later
        await service.carry_out(ROOT, Request("abc1", "do", {"what": "this"}))
    assert doing.count == 2
