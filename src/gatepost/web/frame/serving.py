# SPDX-License-Identifier: Apache-2.0
"""The HTTP server inside a process that has other work too: on sockets that it is given, without signals of its own.

Where there is a certificate, each handshake asks for what is shown then: it is renewed without a restart (`smtp/certificate`).
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gatepost.smtp.certificate import Certificate
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.frame.forwarded import Forwarded, Proxies
from gatepost.web.frame.gate import LIMITS, Connection, Gate, Limits

_ANSWERED: Final = 160
"""Connections from which on a request is told that there are too many; the gate's own limit is larger."""
_KEEP_ALIVE_S: Final = 15
_DRAIN_S: Final = 5


class WebServer:
    """Serves one application on listening sockets, by TLS where there is a certificate."""

    def __init__(
        self,
        application: ASGIApp,
        sockets: Sequence[socket.socket],
        certificate: Certificate[ssl.SSLContext] | None = None,
        limits: Limits = LIMITS,
        proxies: Proxies | None = None,
    ) -> None:
        """Use these; `proxies` says who is believed when he tells who comes through him, at each moment; nobody where there are none."""
        proxies = proxies or Proxies()
        config = uvicorn.Config(
            Forwarded(application, proxies, limits.of_one_client),
            http=Connection,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,  # They are `Forwarded`'s.
            limit_concurrency=min(_ANSWERED, limits.connections),
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        _hear(logging.getLogger("uvicorn.error"))
        self._certificate = certificate
        self._server = _Server(config, certificate, limits, proxies)
        self._sockets = list(sockets)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        if self._certificate is not None:
            self._certificate.start()
        self._task = asyncio.create_task(self._server.serve(self._sockets))

    async def close(self) -> None:
        """Let requests in hand end, and serve no more."""
        self._server.should_exit = True
        if self._certificate is not None:
            await self._certificate.close()
        if self._task is not None:
            await self._task


class _Server(uvicorn.Server):
    """Uvicorn behind our gate, and without signal handlers: the process has its own."""

    def __init__(self, config: uvicorn.Config, certificate: Certificate[ssl.SSLContext] | None, limits: Limits, proxies: Proxies) -> None:
        super().__init__(config)
        self._certificate, self._limits, self._proxies = certificate, limits, proxies

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open a gate on each socket."""
        await self.lifespan.startup()
        certificate = self._certificate
        tls = (lambda: certificate.shown) if certificate is not None else None
        gates = [Gate(one, self._connection, tls, self._limits, self._proxies) for one in sockets or ()]
        for gate in gates:
            gate.start()
        self.servers = gates  # type: ignore[assignment]  # uvicorn closes them, and waits until they are
        self.started = True

    def _connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)


class _Defects(logging.Handler):
    """Makes an event of what uvicorn calls an error. What it warns of is what strangers sent, and that is no news."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one."""
        error = record.exc_info[1] if record.exc_info else None
        emit_unexpected("the web server", error or RuntimeError(record.getMessage().strip()))


def _hear(logger: logging.Logger) -> None:
    """Have what uvicorn says come out as ours does, once."""
    if not any(isinstance(one, _Defects) for one in logger.handlers):
        logger.addHandler(_Defects(logging.ERROR))
        logger.propagate = False
