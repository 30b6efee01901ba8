# SPDX-License-Identifier: Apache-2.0
"""The HTTP server inside a process that has other work too: on sockets that it is given, without signals of its own.

TLS is 1.2 and newer, with forward secrecy and authenticated encryption only (RFC 9325), and speaks no other protocol than HTTP/1.1.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn
from starlette.types import ASGIApp

from gatepost.errors import GatepostError
from gatepost.telemetry.log import emit_unexpected
from gatepost.web.frame.gate import LIMITS, Connection, Gate, Limits

_ANSWERED: Final = 160
"""Connections from which on a request is told that there are too many; the gate's own limit is larger."""
_KEEP_ALIVE_S: Final = 15
_DRAIN_S: Final = 5
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all of this kind."""


class Identity(NamedTuple):
    """PEM files of a certificate with its chain, and of its key."""

    certificate: Path
    key: Path


class WebServer:
    """Serves one application on listening sockets, by TLS where there is an identity. Raises: GatepostError for one that is no good."""

    def __init__(
        self, application: ASGIApp, sockets: Sequence[socket.socket], identity: Identity | None = None, limits: Limits = LIMITS
    ) -> None:
        config = uvicorn.Config(
            application,
            http=Connection,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            limit_concurrency=min(_ANSWERED, limits.connections),
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        _hear(logging.getLogger("uvicorn.error"))
        self._server = _Server(config, tls_context(identity) if identity else None, limits)
        self._sockets = list(sockets)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        self._task = asyncio.create_task(self._server.serve(self._sockets))

    async def close(self) -> None:
        """Let requests in hand end, and serve no more."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def tls_context(identity: Identity) -> ssl.SSLContext:
    """Make the context of a listener. Raises: GatepostError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(identity.certificate, identity.key)
    except OSError as error:  # ssl.SSLError is one
        said = f"{identity.certificate} and {identity.key} are no certificate and its key ({error.strerror or error})"
        raise GatepostError(f"{said}; set `tls` to PEM files that belong together") from None
    return context


class _Server(uvicorn.Server):
    """Uvicorn behind our gate, and without signal handlers: the process has its own."""

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None, limits: Limits) -> None:
        super().__init__(config)
        self._tls, self._limits = tls, limits

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open a gate on each socket."""
        await self.lifespan.startup()
        gates = [Gate(one, self._connection, self._tls, self._limits) for one in sockets or ()]
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
