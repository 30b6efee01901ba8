# SPDX-License-Identifier: Apache-2.0
"""Open a connection to a next hop, as far as that a mail or a question can be begun on it."""

import asyncio
import ssl
from collections.abc import Mapping

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.route import NextHop, Route
from gatepost.delivery.send.pool import Link
from gatepost.smtp.client.connection import Connection
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.terms import Phase, Security, Verdict, local_failure
from gatepost.smtp.tls import TlsLayer, client_context

_ENDING_S = 5.0
"""Wait for the reply to QUIT on a connection that is no longer needed."""


class Opener:
    """Opens connections for one process. All times are in seconds."""

    def __init__(
        self,
        limits: DeliveryLimits,
        hostname: str,
        *,
        opportunistic: ssl.SSLContext | None = None,
        required: ssl.SSLContext | None = None,
    ) -> None:
        self._hostname = hostname
        self._connect_s = limits.connect_timeout_s
        self._opportunistic = opportunistic or client_context(verified=False)
        self._required = required or client_context(verified=True)
        self._timeouts_s: Mapping[Phase, float] = {
            "greeting": limits.greeting_timeout_s,
            "command": limits.command_timeout_s,
            "data_start": limits.data_start_timeout_s,
            "data_block": limits.data_block_timeout_s,
            "data_end": limits.data_end_timeout_s,
            "idle": limits.connection_idle_s or _ENDING_S,
            "ending": _ENDING_S,
        }

    async def open(self, hop: NextHop, route: Route) -> Link | Verdict:
        """Open a connection that is ready for a mail; in the clear at last where TLS fails and need not be (RFC 7435 §3)."""
        connection, failure = await self._dial(hop, route, route.security)
        if failure is not None and connection.handshake_failed and route.security == "opportunistic" and not route.user:
            connection, failure = await self._dial(hop, route, "none")
        return failure or Link(connection, hop)

    async def _dial(self, hop: NextHop, route: Route, security: Security) -> tuple[Connection, Verdict | None]:
        loop = asyncio.get_running_loop()
        context = self._required if security == "required" else self._opportunistic
        connection = Connection(
            ClientMachine(self._hostname, security, route.user, route.password),
            self._timeouts_s,
            lambda: TlsLayer(context, server_side=False, server_hostname=hop.host or None),
            loop,
        )
        try:
            async with asyncio.timeout(self._connect_s):
                await loop.create_connection(lambda: connection, hop.address, hop.port)
            failure = await connection.opened
        except TimeoutError:
            connection.abort()
            return connection, local_failure("4.4.1", f"Connecting to {hop.address} port {hop.port} timed out")
        except OSError as error:
            reason = error.strerror or str(error)
            return connection, local_failure("4.4.1", f"Connecting to {hop.address} port {hop.port} failed: {reason}")
        except BaseException:
            connection.abort()
            raise
        return connection, failure
