# SPDX-License-Identifier: Apache-2.0
"""The console's web server: which services its pages and its API get, and on which listeners they are served.

The libraries of the web are loaded here and nowhere else, once the process's own work has begun.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.roles.processes import bind
from gatepost.telemetry.events import ConsoleServed
from gatepost.telemetry.log import emit

if TYPE_CHECKING:
    from gatepost.web.frame.serving import WebServer
    from gatepost.web.house import House


class Web:
    """The listeners of one console."""

    def __init__(self, bootstrap: Bootstrap, inherited: Mapping[int, socket.socket]) -> None:
        """Take over the sockets that a supervisor bound; others are bound here."""
        self._bootstrap = bootstrap
        self._inherited = inherited
        self._servers: list[WebServer] = []
        self._house: House | None = None

    async def start(self, house: "Callable[[], House]") -> None:
        """Serve on every listener of the console; `house` gives the services. Raises: GatepostError."""
        listeners = self._bootstrap.console_listeners
        if not listeners:
            return
        from gatepost.web.site import site

        self._house = house()
        application = await asyncio.to_thread(site, self._house)
        for place, listener in listeners.items():
            self._servers.append(self._serve(application, self._inherited.get(place) or bind(listener), listener))
            emit(ConsoleServed(address=address_of(listener)))

    async def close(self) -> None:
        """Let requests in hand end, and serve no more."""
        await asyncio.gather(*(server.close() for server in self._servers))
        if self._house is not None:
            await self._house.watch.close()

    def _serve(self, application: object, listening: socket.socket, listener: Listener) -> "WebServer":
        from gatepost.web.frame.serving import Identity, WebServer

        tls = self._bootstrap.tls
        identity = Identity(Path(tls.certificate), Path(tls.key)) if listener.tls == "implicit" else None
        server = WebServer(application, [listening], identity)  # type: ignore[arg-type]  # ASGI callables have no nominal type
        server.start()
        return server


def address_of(listener: Listener) -> str:
    """Give the address that a browser is pointed to."""
    scheme = "https" if listener.tls == "implicit" else "http"
    host = f"[{listener.address}]" if ":" in listener.address else listener.address
    return f"{scheme}://{host}:{listener.port}/"
