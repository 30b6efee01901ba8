# SPDX-License-Identifier: Apache-2.0
"""What the connections of one listener share: terms, TLS identity, the house they serve, limits and a clock."""

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Protocol

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.service import Service
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import AskTls

_TAR_PIT_S = {"off": 0.0, "low": 2.0, "medium": 5.0, "high": 10.0}


class OpenConnection(Protocol):
    """A connection, as far as its listener is concerned."""

    def check_deadline(self, now: float) -> None:
        """End the session when what it owes has not come in time."""

    def drain(self) -> None:
        """End the session unless it is in the middle of a mail."""

    def abort(self) -> None:
        """Hang up at once."""


class Premises:
    """What the connections of one listener share."""

    def __init__(
        self,
        *,
        name: str,
        terms: Terms,
        service: Service,
        gate: Gate,
        tls: AskTls | None = None,
        implicit_tls: bool = False,
        proxy_from: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.gate = gate
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.connections: set[OpenConnection] = set()
        self._proxies = tuple(ipaddress.ip_network(network) for network in proxy_from)
        self.renew(terms, service)

    def renew(self, terms: Terms, service: Service) -> None:
        """Offer these terms to connections from now on, and ask this service from each next MAIL on."""
        self.terms = terms
        self.service = service
        self.limits: ReceiveLimits = terms.limits
        self.tar_pit_s = _TAR_PIT_S[self.limits.tar_pit]

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop whose clock counts."""
        self.now: Callable[[], float] = loop.time
        self.call_later: Callable[[float, Callable[[], None]], asyncio.TimerHandle] = loop.call_later

    def is_proxy(self, address: str) -> bool:
        """Tell whether connections from this address begin with a PROXY header."""
        if not self._proxies:
            return False
        client = ipaddress.ip_address(address)
        return any(client in network for network in self._proxies)
