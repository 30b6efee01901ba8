# SPDX-License-Identifier: Apache-2.0
"""The line between the supervisor and each of its processes: the process's standard input, a pair of local sockets.

    process     TAKES               my store is open, I make events durable
    supervisor  a batch of events   one at a time
    process     KEPT                they are durable; until then the supervisor has them
    either      its end             the other is gone

Messages keep apart (unix(7), SOCK_SEQPACKET). What a process takes is what `monitoring/events_record` encodes.
"""

import asyncio
import contextlib
import os
import socket
from typing import Final

import msgspec

from gatepost.errors import StoreError
from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_record import EventEntry, decode_entries
from gatepost.telemetry.events import EventsRefused
from gatepost.telemetry.log import emit, emit_unexpected

TAKES: Final = b"takes"
KEPT: Final = b"kept"
AT_ONCE: Final = 16
"""Events of one batch: with their largest fields they fit into a socket's buffer."""
MESSAGE_BYTES: Final = 262_144
AGAIN_S: Final = 1.0
_LAST_S: Final = 2.0
_STDIN: Final = 0


class SupervisorEnd:
    """The supervisor's end; it never waits for the process."""

    def __init__(self) -> None:
        """Make both ends; `theirs` becomes the process's standard input."""
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self.takes = False
        """Whether the process has said that it makes events durable."""
        self.gone = False
        """Whether it has ended."""

    def fileno(self) -> int:
        """Give the descriptor that becomes readable when the process says something, or ends."""
        return self._ours.fileno()

    def give(self, batch: bytes) -> bool:
        """Hand over; tells whether it could be."""
        try:
            return self._ours.send(batch) == len(batch)
        except OSError:  # it has ended, or does not read
            return False

    def hear(self) -> list[bytes]:
        """Give what the process has said since."""
        said = []
        with contextlib.suppress(BlockingIOError):
            while message := self._receive():
                said.append(message)
            self.gone = True
        self.takes = not self.gone and (self.takes or TAKES in said)
        return said

    def close(self) -> None:
        """Hang up."""
        self.gone, self.takes = True, False
        self._ours.close()

    def _receive(self) -> bytes:
        try:
            return self._ours.recv(64)
        except ConnectionError:
            return b""


class ProcessEnd:
    """The process's end, on its event loop."""

    def __init__(self, gone: asyncio.Event) -> None:
        """Listen; `gone` is set when the supervisor is: nobody would restart us in order."""
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._buffer: EventBuffer | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._loop.add_reader(_STDIN, self._hear)

    def take(self, buffer: EventBuffer) -> None:
        """Say that events are taken from now on, and have them shipped by this buffer, whose shipments are durable."""
        self._buffer = buffer
        _say(TAKES)

    async def close(self) -> None:
        """Hear nothing any more; what is being made durable may get there. To be called before the store is closed."""
        self._loop.remove_reader(_STDIN)
        if self._keeping is not None:
            await asyncio.wait([self._keeping], timeout=_LAST_S)
            self._keeping.cancel()

    def _hear(self) -> None:
        try:
            message = os.read(_STDIN, MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            self._loop.remove_reader(_STDIN)
            self._gone.set()
        elif self._buffer is not None:
            self._keeping = self._loop.create_task(_keep(message, self._buffer))


async def _keep(batch: bytes, buffer: EventBuffer) -> None:
    """Make a batch durable and say so; what can never be is given up, or it would come again for ever."""
    entries = _read(batch)
    while True:
        try:
            await buffer.ship(entries)
        except StoreError:  # its room has told
            await asyncio.sleep(AGAIN_S)
            continue
        except Exception as defect:
            emit_unexpected("keeping the supervisor's events", defect)
        break
    _say(KEPT)


def _read(batch: bytes) -> tuple[EventEntry, ...]:
    try:
        return decode_entries(batch)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:  # a supervisor of another version
        emit(EventsRefused(batches=1, reason=str(error)))
        return ()


def _say(word: bytes) -> None:
    with contextlib.suppress(OSError):  # the supervisor is gone, or of a version that hears nothing
        os.write(_STDIN, word)
