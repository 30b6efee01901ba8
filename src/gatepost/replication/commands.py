# SPDX-License-Identifier: Apache-2.0
"""Commands that were given: each is carried out once, and for 24 hours answered again as it was then.

A command is recorded before it is carried out. When the role ended in between, nobody knows how far it came: it is not
carried out again, and whoever asks is told so.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.replication.sql import spoken
from gatepost.replication.wire import Reply, refusal
from gatepost.storage.contract import Store

REMEMBERED_S = 86_400.0
ANSWER_BYTES = 65_536
"""A longer answer is not kept: a repetition is told that it was done."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode


class _Command(NamedTuple):
    id: str
    peer: str
    operation: str
    now: float


class Commands:
    """The commands of the last 24 hours, in an open store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._running: dict[tuple[str, str, str], asyncio.Future[Reply]] = {}

    async def once(self, identity: str, peer: str, operation: str, carry_out: Callable[[], Awaitable[Reply]]) -> tuple[Reply, bool]:
        """Carry a command out unless it was; gives the reply, and whether it is a repeated one. Raises: StoreFull, StoreAway."""
        key = (identity, peer, operation)
        if (running := self._running.get(key)) is not None:
            return await asyncio.shield(running), True
        future = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            before = await self._store.perform(self._begin, _Command(identity, peer, operation, self._clock()))
            reply = before or await carry_out()
            if before is None:
                await self._store.perform(self._finish, (identity, reply))
            future.set_result(reply)
            return reply, before is not None
        finally:
            del self._running[key]
            if not future.done():
                future.set_result(refusal("the command could not be carried out, or recorded; look what became of it, then ask anew"))

    # On the writer's thread

    def _begin(self, connection: Any, commands: Sequence[_Command]) -> list[Reply | None]:
        return [self._begin_one(connection, command) for command in commands]

    def _begin_one(self, connection: Any, command: _Command) -> Reply | None:
        engine = self._store.engine
        connection.execute(spoken("DELETE FROM replication_command WHERE begun_at < ?", engine), (command.now - REMEMBERED_S,))
        values = (command.id, command.peer, command.operation, command.now)
        if connection.execute(spoken(_RECORD, engine), values).rowcount == 1:
            return None
        row = connection.execute(spoken(_RECORDED, engine), (command.id,)).fetchone()
        if (row[0], row[1]) != (command.peer, command.operation):
            return refusal("another command had this id; give each an id of its own")
        if row[2] is None:
            return refusal(f"{command.operation} was begun before, then this role ended; look what became of it, then ask anew")
        return _decode(row[2])

    def _finish(self, connection: Any, finished: Sequence[tuple[str, Reply]]) -> list[None]:
        for identity, reply in finished:
            answer = _encode(reply)
            if len(answer) > ANSWER_BYTES:
                answer = _encode(refusal("this was done before; its answer was too long to be kept"))
            connection.execute(spoken(_ANSWER, self._store.engine), (answer, identity))
        return [None] * len(finished)


_RECORD = "INSERT INTO replication_command (id, peer, operation, begun_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
_RECORDED = "SELECT peer, operation, answer FROM replication_command WHERE id = ?"
_ANSWER = "UPDATE replication_command SET answer = ? WHERE id = ?"
