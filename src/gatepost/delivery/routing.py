# SPDX-License-Identifier: Apache-2.0
"""Find the way of a mail: recipient domain, then send connector, then smart hosts or the domain's MX.

An owned domain is served by inbound connectors, any other by outbound ones, whoever has sent the mail.

A partner may demand more TLS than the connector: of what the two say the stricter holds, and it is part of the route's key.

What was found is kept for as long as the DNS allows, so the next mail to the same domain asks nobody:
`known` is one look into a dictionary. Smart hosts given by address are kept until the configuration changes,
which makes a new `Routing`. Passwords are fetched from where they are when this is made, once.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from os import environ
from typing import Literal, NamedTuple

from gatepost.config import secrets
from gatepost.config.configuration import SendConnector
from gatepost.config.names import address_fault
from gatepost.delivery.connectors import choose
from gatepost.delivery.queue.record import ClaimedMail, ClaimedRecipient, Direction
from gatepost.delivery.route import NextHop, Route, Security
from gatepost.dns.answers import MxRecord
from gatepost.dns.exchangers import FAILED_TTL_S, NoExchanger, Ourselves, exchangers, literal_address
from gatepost.dns.resolver import Resolver

KEPT = 20_000
"""Domains whose route is kept; beyond that the oldest is looked up again."""
FOREVER = float("inf")
NOBODY = Ourselves()

Demand = Literal["default", "opportunistic", "required"]
Demands = Callable[[int, str], Demand]
"""Tells how mail of a tenant to a partner's domain must be sent; `default` leaves it to the send connector."""
_STRICTNESS: tuple[Security, ...] = ("none", "opportunistic", "required")


def owns_nothing(domain: str) -> bool:
    """Own no domain: everything is outbound, as on a relay for the world."""
    return False


def demand_nothing(tenant_id: int, domain: str) -> Demand:
    """Leave it to the connectors."""
    return "default"


class Unroutable(NamedTuple):
    """Why there is no way; `reply` is an SMTP reply that the sender may read."""

    temporary: bool
    reply: str


class SmartHost(NamedTuple):
    """One smart host as the configuration names it."""

    host: str
    port: int
    is_address: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def smart_host(text: str, port: int) -> SmartHost:
    """Read `host`, `host:port`, `[address]`, `[address]:port` or a bare address; `port` is taken where none stands."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return SmartHost(host, int(rest[1:]) if rest else port, True)
    if text.count(":") > 1:
        return SmartHost(text, port, True)
    host, colon, own_port = text.partition(":")
    return SmartHost(host.lower(), int(own_port) if colon else port, not address_fault(host))


def parted(claim: ClaimedMail, ways: Mapping[str, Route | Unroutable]) -> list[tuple[ClaimedMail, str, Route | Unroutable]]:
    """Part a claim by the ways of its recipients' domains; what shares a way stays one claim, named by its first domain."""
    groups: dict[str, tuple[str, Route | Unroutable, list[ClaimedRecipient]]] = {}
    for claimed in claim.recipients:
        domain = claimed.recipient.address.domain
        way = ways[domain]
        key = way.key if isinstance(way, Route) else f"\0{way.reply}"
        groups.setdefault(key, (domain, way, []))[2].append(claimed)
    if len(groups) == 1:
        return [(claim, domain, way) for domain, way, _ in groups.values()]
    return [
        (ClaimedMail(claim.mail_id, claim.variant_id, claim.mail, tuple(together)), domain, way)
        for domain, way, together in groups.values()
    ]


class Routing:
    """The ways of one configuration. Raises ConfigError when made with a password that is not to be had."""

    def __init__(
        self,
        connectors: Sequence[SendConnector],
        resolver: Resolver,
        *,
        is_owned: Callable[[str], bool] = owns_nothing,
        ourselves: Ourselves = NOBODY,
        demands: Demands = demand_nothing,
        clock: Callable[[], float] = time.monotonic,
        shuffle: Callable[[list[MxRecord]], None] = random.shuffle,
        environment: Mapping[str, str] = environ,
    ) -> None:
        self._connectors = tuple(connectors)
        self._resolver, self._ourselves, self._clock, self._shuffle = resolver, ourselves, clock, shuffle
        self._is_owned, self._demands = is_owned, demands
        self._known: dict[tuple[int, str], tuple[Route | Unroutable, float]] = {}
        self._smart: dict[tuple[Direction, str, Security], Route] = {}
        self._passwords = {
            (one.direction, one.name): secrets.resolve(one.password, f"send_connectors.{one.name}.password", environment)
            for one in connectors
            if one.enabled and one.password
        }

    def known(self, claim: ClaimedMail, domain: str) -> Route | Unroutable | None:
        """Give the way of a claim's mail to one of its recipient domains, when it was found before and still holds."""
        entry = self._known.get((claim.mail.tenant_id, domain))
        if entry is None or entry[1] <= self._clock():
            return None
        return entry[0]

    def forget(self) -> None:
        """Find each way anew: what partners demand has changed. Mail that has its way goes on it."""
        self._known = {}  # what is being looked up is put into the old one

    async def route(self, claim: ClaimedMail, domain: str) -> Route | Unroutable:
        """Find the way of a claim's mail to one of its recipient domains."""
        return await self.way(claim.mail.tenant_id, domain)

    async def way(self, tenant_id: int, domain: str) -> Route | Unroutable:
        """Find the way of a tenant's mail to a domain."""
        key, known = (tenant_id, domain), self._known
        entry = known.get(key)
        if entry is not None and entry[1] > self._clock():
            return entry[0]
        way, ttl_s = await self._find(*key)
        known.pop(key, None)
        known[key] = (way, self._clock() + ttl_s)
        if len(known) > KEPT:
            del known[next(iter(known))]
        return way

    async def _find(self, tenant: int, domain: str) -> tuple[Route | Unroutable, float]:
        direction: Direction = "inbound" if self._is_owned(domain) else "outbound"
        connector = choose(self._connectors, direction, domain, tenant).connector
        if connector is None:
            return Unroutable(True, f"451 4.3.5 No send connector serves {domain}"), FOREVER
        security = connector.security
        if direction == "outbound" and (demand := self._demands(tenant, domain)) != "default":
            security = max(security, demand, key=_STRICTNESS.index)
        if connector.smart_hosts:
            return await self._through_smart_hosts(connector, security)
        if not domain:
            return Unroutable(False, "550 5.1.2 The recipient address has no domain"), FOREVER
        literal = literal_address(domain)
        if literal is not None:
            return self._to_literal(connector, domain, literal, security), FOREVER
        return await self._through_exchangers(connector, domain, security)

    async def _through_smart_hosts(self, connector: SendConnector, security: Security) -> tuple[Route | Unroutable, float]:
        place = (connector.direction, connector.name, security)
        if place in self._smart:
            return self._smart[place], FOREVER
        named = [smart_host(text, connector.port) for text in connector.smart_hosts]
        hops: list[NextHop] = []
        ttl_s = FOREVER
        answers = await asyncio.gather(*(self._resolver.addresses(one.host) for one in named if not one.is_address))
        pending = iter(answers)
        for one in named:
            if one.is_address:
                hops.append(NextHop(one.host, one.host, one.port))
                continue
            answer = next(pending)
            hops += [NextHop(one.host, address, one.port) for address in answer.values]
            ttl_s = min(ttl_s, answer.ttl_s if answer.values else FAILED_TTL_S)
        if not hops:
            return Unroutable(True, f"451 4.4.3 The smart hosts of connector {connector.name} cannot be looked up"), FAILED_TTL_S
        route = self._made(connector, ",".join(map(str, named)), tuple(hops), security)
        if ttl_s == FOREVER:
            self._smart[place] = route
        return route, ttl_s

    async def _through_exchangers(self, connector: SendConnector, domain: str, security: Security) -> tuple[Route | Unroutable, float]:
        found = await exchangers(domain, self._resolver, self._ourselves, self._shuffle)
        if isinstance(found, NoExchanger):
            return Unroutable(found.temporary, found.reply), found.ttl_s
        hops = tuple(NextHop(one.host, one.address, connector.port) for one in found.hosts)
        return self._made(connector, f"mx:{found.key}:{connector.port}", hops, security), found.ttl_s

    def _to_literal(self, connector: SendConnector, domain: str, address: str, security: Security) -> Route | Unroutable:
        if self._ourselves.is_address(address):
            return Unroutable(False, f"554 5.4.6 Mail for {domain} would loop back to this gateway")
        return self._made(connector, f"{domain}:{connector.port}", (NextHop(domain, address, connector.port),), security)

    def _made(self, connector: SendConnector, hosts: str, hops: tuple[NextHop, ...], security: Security) -> Route:
        key = f"{connector.direction}/{connector.name}/{security}/{hosts}"
        password = self._passwords.get((connector.direction, connector.name), "")
        return Route(key, connector.name, hops, security, connector.user, password)
