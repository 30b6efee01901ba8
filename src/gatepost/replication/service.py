# SPDX-License-Identifier: Apache-2.0
"""What a role does for who asks it: operations by name, each for those who may call it.

A question may be asked as often as one likes. A command is carried out once for its id (`commands`), and leaves an event.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from gatepost.errors import GatepostError
from gatepost.replication.commands import Commands
from gatepost.replication.wire import (
    READ_S,
    Reader,
    Reply,
    Request,
    WireError,
    Writer,
    answered,
    framed,
    read_payload,
    read_request,
    refusal,
)
from gatepost.telemetry.events import CommandDone
from gatepost.telemetry.log import emit, emit_unexpected

Handler = Callable[..., Awaitable[Any]]
IDLE_S = 120.0
"""How long a connection may wait for its next request."""


class Peer(NamedTuple):
    """Who is at the other end, and the operations he may call: names, or beginnings that end in a dot."""

    name: str
    may: tuple[str, ...]
    client: str = ""
    """Where he calls from."""

    def may_call(self, operation: str) -> bool:
        """Tell whether he may call an operation."""
        return any(operation == one or (one.endswith(".") and operation.startswith(one)) or one == "*" for one in self.may)


class Operation(NamedTuple):
    """One thing a role does when asked; the handler gets the arguments as keywords."""

    handler: Handler
    command: bool = False
    """It changes something."""
    remembered: bool = True
    """Off for a command whose answer must not be kept."""
    with_peer: bool = False
    """The handler gets the peer as its first argument."""


class Service:
    """The operations of one role."""

    def __init__(self, operations: Mapping[str, Handler | Operation], commands: Commands | None = None) -> None:
        """Serve these; a bare handler is a question. Without `commands` nothing is remembered, as where there is no store."""
        self._operations = {name: one if isinstance(one, Operation) else Operation(one) for name, one in operations.items()}
        self._commands = commands

    async def carry_out(self, peer: Peer, request: Request) -> Reply:
        """Do what is asked, or say in one sentence why not."""
        operation = self._operations.get(request.do)
        if operation is None or not peer.may_call(request.do):
            known = ", ".join(sorted(name for name in self._operations if peer.may_call(name)))
            if operation is None:
                return refusal(f"this role does not know {request.do!r}; it knows {known}")
            return refusal(f"{peer.name} may not call {request.do!r} here; it may call {known or 'nothing'}")
        before = (peer,) if operation.with_peer else ()
        try:
            inspect.signature(operation.handler).bind(*before, **request.args)
        except TypeError as fault:
            return refusal(f"{request.do}: {fault}")
        if not operation.command:
            return await self._call(operation, before, request)
        return await self._command(operation, before, peer, request)

    async def _command(self, operation: Operation, before: tuple[Any, ...], peer: Peer, request: Request) -> Reply:
        repeated = False
        try:
            if self._commands is None or not operation.remembered:
                reply = await self._call(operation, before, request)
            else:
                reply, repeated = await self._commands.once(
                    request.id, peer.name, request.do, lambda: self._call(operation, before, request)
                )
        except GatepostError as error:  # The store cannot record it.
            reply = refusal(str(error))
        emit(
            CommandDone(
                peer=peer.name,
                operation=request.do,
                id=request.id,
                outcome="repeated" if repeated else "refused" if reply.refused else "done",
                reason=reply.refused,
            )
        )
        return reply

    async def _call(self, operation: Operation, before: tuple[Any, ...], request: Request) -> Reply:
        try:
            return answered(await operation.handler(*before, **request.args))
        except GatepostError as fault:
            return refusal(str(fault))
        except Exception as defect:
            emit_unexpected(f"operation {request.do}", defect)
            return refusal("the role could not do it; its log says why")


async def converse(reader: Reader, writer: Writer, peer: Peer, service: Service, limit: int) -> None:
    """Answer one request after the other until the other end is done. Raises: OSError, TimeoutError."""
    while True:
        try:
            untrusted_payload = await read_payload(reader, first_s=IDLE_S, limit=limit)
            if not untrusted_payload:
                return
            request = read_request(untrusted_payload)
        except WireError as error:
            writer.write(framed(refusal(str(error))))
            async with asyncio.timeout(READ_S):
                await writer.drain()
            return
        reply = await service.carry_out(peer, request)
        try:
            frame = framed(reply)
        except WireError as error:
            frame = framed(refusal(str(error)))
        writer.write(frame)
        async with asyncio.timeout(READ_S):
            await writer.drain()
