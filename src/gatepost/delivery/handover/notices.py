# SPDX-License-Identifier: Apache-2.0
"""What `receive` tells beside its mail: mails that it refused, its events, and how the process does. Nobody waits for any of it.

Promises: notices are gathered for a moment and leave in one write; what waits is bounded, and what finds no room is
counted and told. A new connection gets the process's latest state first. What a killed process had gathered is lost.
"""

import asyncio

from gatepost.delivery.handover.frames import Events, Refused, State, events_frame, refused_frame, state_frame
from gatepost.telemetry.events import TracksLost
from gatepost.telemetry.log import emit

GATHER_S = 0.1
ROOM_BYTES = 1_048_576
"""Notices that wait here, and unwritten bytes of the connection above which they keep waiting."""


class Notices:
    """The notices of one process, over whatever connection there is."""

    __slots__ = ("_lost", "_size", "_state", "_timer", "_transport", "_waiting")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[bytes] = []
        self._size = self._lost = 0
        self._state: State | None = None

    def connected(self, transport: asyncio.Transport) -> None:
        """Go on over a new connection."""
        self._transport = transport
        if self._state is not None:
            transport.write(state_frame(self._state))
        self.flush()

    def disconnected(self) -> None:
        """Keep what comes until there is a connection again."""
        self._transport = None

    def report_state(self, state: State) -> None:
        """Tell how the process does, now and at the beginning of each later connection."""
        self._state = state
        if self._transport is not None:
            self._transport.write(state_frame(state))

    def tell_events(self, events: Events) -> bool:
        """Tell of events now; False where there is no connection, or one that does not keep up, and they stay with who asked."""
        if self._transport is None or self._transport.get_write_buffer_size() > ROOM_BYTES:
            return False
        self._transport.write(events_frame(events))
        return True

    def note_refused(self, refused: Refused) -> None:
        """Tell of a mail that was refused."""
        frame = refused_frame(refused)
        if self._size + len(frame) > ROOM_BYTES:
            self._lost += 1
            return
        self._waiting.append(frame)
        self._size += len(frame)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Write what waits, unless the other process is away or does not keep up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self._transport is None:
            return  # the next connection, or the next refusal, comes here again
        if self._transport.get_write_buffer_size() > ROOM_BYTES:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)
            return
        self._transport.write(b"".join(self._waiting))
        self._waiting.clear()
        self._size = 0
        if self._lost:
            emit(TracksLost(where="handover", tracks=self._lost))
            self._lost = 0

    def close(self) -> None:
        """Write what waits, and end."""
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
