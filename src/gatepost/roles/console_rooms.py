# SPDX-License-Identifier: Apache-2.0
"""The rooms of the console on one intranet store: each is made here, given what it needs of the others, and served by name."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gatepost.access.access import Access
from gatepost.access.service import commands as access_commands
from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError
from gatepost.mailflow.identify import Identities
from gatepost.monitoring.events_service import EventService
from gatepost.monitoring.webhook_url import veiled
from gatepost.people.commands import commands as people_commands
from gatepost.people.service import People
from gatepost.replication.service import Handler, Operation
from gatepost.roles.incident_checks import Rooms as Looked
from gatepost.roles.incident_checks import incidents_of
from gatepost.roles.link_intranet import IntranetLinks
from gatepost.roles.processes import Paths, hostname
from gatepost.roles.replaying import Replaying
from gatepost.roles.replaying import commands as replay_commands
from gatepost.roles.retention import Kept, RetentionClock
from gatepost.roles.web import address_of
from gatepost.rules.default import DEFAULT_RULES
from gatepost.smtp.certificate import CertificateState
from gatepost.storage.contract import Store
from gatepost.tracking.service import TrackService
from gatepost.versioning import draft_service
from gatepost.versioning import service as versioning_service
from gatepost.versioning.change import Versioning
from gatepost.versioning.change import read as read_version
from gatepost.versioning.draft import Drafts
from gatepost.versioning.record import ProcessState, Version
from gatepost.versioning.store import Versions

if TYPE_CHECKING:
    from gatepost.web.house import House


class ConsoleRooms:
    """All rooms, over one open store and its links."""

    def __init__(
        self,
        bootstrap: Bootstrap,
        store: Store,
        links: IntranetLinks,
        made: Callable[[], object] = lambda: None,
        certificate: Callable[[], CertificateState | None] = lambda: None,
    ) -> None:
        """Put them together; `made` is called after each new version of the configuration, `certificate` tells how the listeners' does."""

        def tell() -> None:
            links.stir()
            made()

        name = self._name = hostname(bootstrap)
        self._links = links
        self._read: tuple[int, Configuration, Identities] | None = None
        self.access = Access(store, Paths(bootstrap).data / "keys" / "console.key")
        audit = self.access.audit.append
        self._versions = Versions(store, lambda: links.names)
        self.versioning = Versioning(self._versions, _refusals, tell, audit=audit, default_rules=DEFAULT_RULES)
        self.drafts = Drafts(store, self.versioning, DEFAULT_RULES)
        self.tracks = TrackService(store)
        self.people = People(store, lambda: links.names, self._tenant_of, audit, links.stir)
        self.events = EventService(store, name)
        looked = Looked(self.configuration, self._legacy_refused, certificate)
        self.incidents = incidents_of(store, links, looked, hostname=name, base_url=web_address(bootstrap), audit=audit, mark=self._mark)
        self.access.audit.veil("monitoring.webhook.", lambda value: veiled(value, self._mark))
        self.replaying = Replaying(store, self.versioning, self.drafts, self.people.users.listed)
        self.retention = RetentionClock(Kept(self.tracks, self.events.log, self.access.audit, self.incidents), self.configuration)

    async def begin(self, seed: str) -> None:
        """Take the configuration file as version 1 at the first start, and have links apply and hand over what there is."""
        await self.versioning.begin(seed)
        self._links.links.greet(self._versions.ship)
        self._links.links.greet(self.people.greet)
        self.tracks.register(self._links.applier)
        self.events.register(self._links.applier)

    async def start(self) -> None:
        """Let those work that work by themselves."""
        await self.tracks.start()
        self.events.start()
        self.incidents.start()
        self.retention.start()

    async def close(self) -> None:
        """End them; the store is to be closed after."""
        await self.retention.close()
        await self.incidents.close()
        await self.tracks.close()
        await self.events.close()
        self.access.close()

    def operations(self) -> dict[str, Handler | Operation]:
        """Give what may be asked on the control socket."""
        return {
            **self._links.operations(),
            **versioning_service.commands(self.versioning, self.process_states),
            **draft_service.commands(self.drafts),
            **replay_commands(self.replaying),
            **self.tracks.commands(),
            **self.events.commands(),
            **self.incidents.commands(),
            **access_commands(self.access),
            **people_commands(self.people),
        }

    def house(self) -> "House":
        """Give the services as pages and the API know them."""
        from gatepost.roles.trials import Tries
        from gatepost.web.house import House
        from gatepost.web.watch import Watch

        return House(
            access=self.access,
            tracks=self.tracks,
            incidents=self.incidents,
            events=self.events.log,
            people=self.people,
            versioning=self.versioning,
            drafts=self.drafts,
            replaying=self.replaying,
            trials=Tries(self._name, self.people.users).trials(),
            gateways=self._links,
            watch=Watch(self._links),
            configuration=self.configuration,
            process_states=self.process_states,
        )

    async def configuration(self) -> Configuration:
        """Give the newest version, read once. Raises: StoreAway."""
        return (await self._newest())[0]

    async def process_states(self) -> list[ProcessState]:
        """Ask every gateway which version each of its processes works with."""
        told = []
        for name, health in sorted((await self._links.health()).items()):
            processes: list[dict[str, Any]] = health.get("processes", [])
            told += [ProcessState(name, one["process"], one["pid"], one["version"], one["error"]) for one in processes]
            if trouble := health.get("trouble", ""):
                told.append(ProcessState(name, "", 0, 0, trouble))
        return told

    async def _newest(self) -> tuple[Configuration, Identities]:
        newest: Version = await self.versioning.newest()
        if self._read is None or self._read[0] != newest.number:
            configuration = await asyncio.to_thread(read_version, newest)
            self._read = (newest.number, configuration, Identities(configuration))
        return self._read[1:]

    def _mark(self, content: bytes) -> bytes:
        return self.access.key.mark(content, "webhook")

    async def _tenant_of(self) -> Callable[[str], int | None]:
        return (await self._newest())[1].tenant_of_domain

    async def _legacy_refused(self) -> int:
        return (await self.tracks.legacy.progress()).refused


def web_address(bootstrap: Bootstrap) -> str:
    """Give the address of the console for links in mails; '' where it has none that others can reach."""
    return next((address_of(one) for one in bootstrap.console_listeners.values()), "")


def _refusals(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """Yield what a gateway would refuse; the filters are loaded only where somebody changes the configuration."""
    from gatepost.roles.judgement import configuration_refusals

    yield from configuration_refusals(configuration, source)
