# SPDX-License-Identifier: Apache-2.0
"""One listener: it takes connections, ends those that owe too long, and lets mail in flight finish at the end."""

import asyncio
import socket

from gatepost.smtp.server.connection import Connection
from gatepost.smtp.server.premises import Premises

_BACKLOG = 1024
_DRAIN_STEP_S = 0.02


class Reception(Premises):
    """A listener at work; see `Premises` for what it is made of."""

    _server: asyncio.Server | None = None
    _sweeper: asyncio.TimerHandle | None = None

    async def open(self, listening: socket.socket) -> None:
        """Serve a bound socket."""
        loop = asyncio.get_running_loop()
        self.begin(loop)
        self._server = await loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
        self._sweep()

    def _sweep(self) -> None:
        now, limits = self.now(), self.limits
        for connection in list(self.connections):
            connection.check_deadline(now)
        shortest = min(limits.command_timeout_s, limits.data_timeout_s, limits.data_total_s, limits.tls_timeout_s)
        self._sweeper = self.call_later(min(1.0, shortest / 4), self._sweep)

    async def drain(self) -> None:
        """Take no new connections; end idle sessions, let those in a mail finish it, for `drain_s` at most."""
        if self._server is not None:
            self._server.close()
        end = self.now() + self.limits.drain_s
        while self.connections and self.now() < end:
            for connection in list(self.connections):
                connection.drain()
            await asyncio.sleep(_DRAIN_STEP_S)
        for connection in list(self.connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
