# SPDX-License-Identifier: Apache-2.0
"""What of `deliver` a configuration decides, in one place, and how a newer version takes the place of an older one.

    stays   queue, lanes with their mails, circuit breakers, remembered recipients, kept connections where nothing changed for them
    anew    who is ours, routes and passwords, sender, reports, limits

A mail that has its route goes on it, and is settled by the house that sent it; mail that is routed from then on goes by the new one.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from gatepost.config.configuration import Configuration
from gatepost.delivery.dispatch import Dispatcher
from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Routing, Unroutable, demand_nothing
from gatepost.delivery.send.sender import OpenBlob, Sender
from gatepost.delivery.verification.answers import Answers
from gatepost.delivery.verification.question import Asker
from gatepost.delivery.verification.verification import Verification
from gatepost.dns.exchangers import Ourselves
from gatepost.dns.resolver import Resolver
from gatepost.mailflow.delivering import Delivering
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.journey import deliver
from gatepost.mailflow.reporting import ReadBeginning, Reporting
from gatepost.people.roster import Roster
from gatepost.roles.resolution import make_resolver


class Site(NamedTuple):
    """What every version finds: this machine, and the store's mail."""

    hostname: str
    ourselves: Callable[[Configuration], Ourselves]
    open_blob: OpenBlob
    read_beginning: ReadBeginning


class _House(NamedTuple):
    """One version, ready."""

    version: int
    configuration: Configuration
    identities: Identities
    resolver: Resolver
    routing: Routing
    sender: Sender
    delivering: Delivering


class DeliverHouse:
    """The delivering process's houses, of which one is in force; `dispatcher` and `verification` outlive each."""

    def __init__(
        self,
        site: Site,
        queue: Queue,
        answers: Answers,
        configuration: Configuration,
        version: int,
        *,
        wake: asyncio.Event | None = None,
        roster: Roster | None = None,
    ) -> None:
        """Make all ready; `wake` is the queue's own event, where it has one, `roster` knows users and partners.

        Raises ConfigError for what cannot work, such as a password that is not to be had.
        """
        self._site, self._roster = site, roster
        self._house = house = self._make(configuration, version, None)
        self.dispatcher = Dispatcher(self._carry, self._refuse, house.routing, queue, configuration.delivery, wake=wake)
        house.delivering.dispatcher = self.dispatcher
        asker = Asker(configuration.delivery, site.hostname)
        self.verification = Verification(house.routing, asker, answers, house.identities.tenant_of_domain, listing=roster)

    @property
    def version(self) -> int:
        """The version in force."""
        return self._house.version

    @property
    def configuration(self) -> Configuration:
        """The configuration in force."""
        return self._house.configuration

    async def take(self, configuration: Configuration, version: int) -> None:
        """Work by another version from now on. Raises ConfigError, and nothing has changed then."""
        before = self._house
        house = await asyncio.to_thread(self._make, configuration, version, before)
        house.delivering.dispatcher = self.dispatcher
        self._house = house
        self.dispatcher.renew(house.routing, configuration.delivery)
        self.dispatcher.wake()
        asker = Asker(configuration.delivery, self._site.hostname)
        await self.verification.renew(house.routing, asker, house.identities.tenant_of_domain)
        if house.sender is not before.sender:
            await before.sender.close()

    def renew_partners(self) -> None:
        """Route by what partners demand now, from the next mail on."""
        self._house.routing.forget()

    async def close(self, drain_s: float) -> None:
        """End what is under way within `drain_s`; the queue is to be closed after."""
        await self.verification.close()
        await self.dispatcher.drain(drain_s)
        await self._house.sender.close()

    def _make(self, configuration: Configuration, version: int, before: _House | None) -> _House:
        site, limits = self._site, configuration.delivery
        old = before.configuration if before is not None else None
        resolver = before.resolver if before is not None and before.configuration.dns == configuration.dns else make_resolver(configuration)
        identities = Identities(configuration)
        routing = Routing(
            configuration.send_connectors,
            resolver,
            is_owned=identities.is_owned,
            ourselves=site.ourselves(configuration),
            demands=self._roster.security if self._roster is not None else demand_nothing,
        )
        if before is not None and old is not None and old.delivery == limits and old.send_connectors == configuration.send_connectors:
            sender = before.sender
        else:  # a kept connection may have been opened with another password or other limits
            sender = Sender(limits, site.hostname, site.open_blob)
        reporting = Reporting(limits, identities, site.hostname, site.read_beginning, configuration_version=version)
        return _House(version, configuration, identities, resolver, routing, sender, Delivering(sender, reporting))

    async def _carry(self, claim: ClaimedMail, route: Route) -> None:
        await deliver(claim, route, self._house.delivering)

    async def _refuse(self, claim: ClaimedMail, why: Unroutable) -> None:
        await self._house.delivering.refuse(claim, why)


def check_passwords(configuration: Configuration) -> None:
    """Raise ConfigError when a password of a send connector is not to be had on this machine; what `deliver` cannot start without."""
    Routing(configuration.send_connectors, make_resolver(configuration))
