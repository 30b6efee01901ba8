# SPDX-License-Identifier: Apache-2.0
"""The console's web server: which services its pages and its API get, and on which listeners they are served.

The libraries of the web are loaded here and nowhere else, once the process's own work has begun.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.roles.processes import bind
from gatepost.roles.trusted_proxies import TrustedProxies
from gatepost.smtp.certificate import Certificate, CertificateState, Identity
from gatepost.telemetry.events import ConsoleServed
from gatepost.telemetry.log import emit

if TYPE_CHECKING:
    from gatepost.web.frame.forwarded import Proxies
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
        self._trusted: TrustedProxies | None = None
        self._certificate: Certificate[ssl.SSLContext] | None = None

    @property
    def certificate(self) -> CertificateState | None:
        """How the certificate of its listeners does; None where none is shown."""
        return self._certificate.state if self._certificate is not None else None

    async def start(self, house: "Callable[[], House]") -> None:
        """Serve on every listener of the console; `house` gives the services. Raises: GatepostError."""
        listeners = self._bootstrap.console_listeners
        if not listeners:
            return
        from gatepost.web.frame.forwarded import Proxies
        from gatepost.web.site import site

        self._house, proxies = house(), Proxies()
        self._trusted = TrustedProxies(proxies, self._house.configuration)
        await self._trusted.start()
        application = await asyncio.to_thread(site, self._house)
        for secured in (True, False):
            places = {place: one for place, one in listeners.items() if (one.tls == "implicit") == secured}
            if places:
                self._servers.append(self._serve(application, places, secured, proxies))

    def renew(self) -> None:
        """Say that there is a new version of the configuration."""
        if self._trusted is not None:
            self._trusted.stir()

    async def close(self) -> None:
        """Let requests in hand end, and serve no more."""
        await asyncio.gather(*(server.close() for server in self._servers))
        if self._trusted is not None:
            await self._trusted.close()
        if self._house is not None:
            await self._house.watch.close()

    def _serve(self, application: object, listeners: Mapping[int, Listener], secured: bool, proxies: "Proxies") -> "WebServer":
        from gatepost.web.frame.certificate import tls_context
        from gatepost.web.frame.serving import WebServer

        tls = self._bootstrap.tls
        if secured:
            self._certificate = Certificate("console", Identity(Path(tls.certificate), Path(tls.key)), tls_context)
        sockets = [self._inherited.get(place) or bind(listener) for place, listener in listeners.items()]
        server = WebServer(application, sockets, self._certificate if secured else None, proxies=proxies)  # type: ignore[arg-type]  # ASGI callables have no nominal type
        server.start()
        for listener in listeners.values():
            emit(ConsoleServed(address=address_of(listener)))
        return server


def address_of(listener: Listener) -> str:
    """Give the address that a browser is pointed to."""
    scheme = "https" if listener.tls == "implicit" else "http"
    host = f"[{listener.address}]" if ":" in listener.address else listener.address
    return f"{scheme}://{host}:{listener.port}/"
