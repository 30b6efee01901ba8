# SPDX-License-Identifier: Apache-2.0
"""The HTTP server inside a process that has other work too: on sockets that it is given, without signals of its own."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import uvicorn
from starlette.types import ASGIApp

_BACKLOG: Final = 128
_CONNECTIONS: Final = 200
_KEEP_ALIVE_S: Final = 15
_DRAIN_S: Final = 5


class Identity(NamedTuple):
    """PEM files of a certificate with its chain, and of its key."""

    certificate: Path
    key: Path


class WebServer:
    """Serves one application on one listening socket."""

    def __init__(self, application: ASGIApp, sockets: Sequence[socket.socket], identity: Identity | None = None) -> None:
        config = uvicorn.Config(
            application,
            http="httptools",
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_DRAIN_S,
            ssl_certfile=str(identity.certificate) if identity else None,
            ssl_keyfile=str(identity.key) if identity else None,
        )
        self._server = _Server(config)
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


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield
