# SPDX-License-Identifier: Apache-2.0
"""What the connections of one listener share, and the clock that ends those that owe too long."""

import asyncio
import ipaddress
import socket
import ssl

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.connection import Connection
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.service import Service
from gatepost.smtp.session.terms import Terms

_TAR_PIT_S = {"off": 0.0, "low": 2.0, "medium": 5.0, "high": 10.0}
_BACKLOG = 1024


class Reception:
    """One listener: its terms, its TLS identity, the house it serves, its open connections."""

    def __init__(
        self,
        *,
        name: str,
        terms: Terms,
        service: Service,
        gate: Gate,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        proxy_from: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.terms = terms
        self.service = service
        self.gate = gate
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.limits: ReceiveLimits = terms.limits
        self.tar_pit_s = _TAR_PIT_S[self.limits.tar_pit]
        self.connections: set[Connection] = set()
        self._proxies = tuple(ipaddress.ip_network(network) for network in proxy_from)
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    def is_proxy(self, address: str) -> bool:
        """Tell whether connections from this address begin with a PROXY header."""
        if not self._proxies:
            return False
        client = ipaddress.ip_address(address)
        return any(client in network for network in self._proxies)

    def enter(self, address: str) -> Reply | None:
        """Count a session in, or give the refusal."""
        return self.gate.enter(address)

    def now(self) -> float:
        """Tell the loop's time in seconds."""
        return self._loop.time()

    async def open(self, listening: socket.socket) -> None:
        """Serve a bound socket."""
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(lambda: Connection(self), sock=listening, backlog=_BACKLOG)
        limits = self.limits
        shortest = min(limits.command_timeout_s, limits.data_timeout_s, limits.data_total_s, limits.tls_timeout_s)
        self._sweep_every_s = min(1.0, shortest / 4)
        self._sweep()

    def _sweep(self) -> None:
        now = self.now()
        for connection in list(self.connections):
            connection.check_deadline(now)
        self._sweeper = self._loop.call_later(self._sweep_every_s, self._sweep)

    async def drain(self) -> None:
        """Take no new connections; end idle sessions, let those in a mail finish it, for `drain_s` at most."""
        if self._server is not None:
            self._server.close()
        end = self.now() + self.limits.drain_s
        while self.connections and self.now() < end:
            for connection in list(self.connections):
                connection.drain()
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
