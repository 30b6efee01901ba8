# SPDX-License-Identifier: Apache-2.0
"""The `console` process: the intranet's store, and the links to its gateways.

DESCRIPTION
    Owns the intranet's store: versions of the configuration, message tracks. Dials each gateway, its own
    machine's over the unix socket, others over mutual TLS; fetches what they tell and applies it, hands over
    what they must know. Serves the console's control socket. While it is away gateways go on: what they have
    to tell waits in their stores.
STANDARDS
    RFC 8446 (TLS 1.3), as a client only.
SECURITY
    Takes no connection but on its unix socket. Applies artefacts of gateways that were paired; the certificate
    of each is pinned. Holds the key of its own certificate, no other.
DIAGNOSTICS
    link.trouble, link.restored, command.done, store.trouble; `gatepost role list`.
BUGS
    None known.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError
from gatepost.replication.commands import Commands
from gatepost.replication.service import Handler, Operation
from gatepost.roles.control import ControlServer
from gatepost.roles.link_intranet import IntranetLinks
from gatepost.roles.processes import Paths
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.tracking.service import TrackService
from gatepost.versioning import service as versioning_service
from gatepost.versioning.change import Versioning
from gatepost.versioning.record import ProcessState
from gatepost.versioning.store import Versions


async def start(bootstrap: Bootstrap) -> Callable[[], Awaitable[None]]:
    """Open the store, follow the links and serve the control socket; gives what ends it all."""
    paths = Paths(bootstrap)
    store = open_store(bootstrap.stores.intranet, "intranet", paths.data)
    try:
        links = IntranetLinks(bootstrap, store)
        await links.prepare()
        versioning = await _versioning(bootstrap, store, links)
        tracks = TrackService(store)
        tracks.register(links.applier)
        operations: dict[str, Handler | Operation] = {
            **links.operations(),
            **versioning_service.commands(versioning, lambda: _states(links)),
            **tracks.commands(),
        }
        control = ControlServer(paths.console_path, operations, Commands(store))
        await control.start()
        await tracks.start()
    except BaseException:
        await store.close()
        raise
    links.start()

    async def drain() -> None:
        await control.close()
        await links.close()
        await tracks.close()
        await store.close()

    return drain


async def _versioning(bootstrap: Bootstrap, store: Store, links: IntranetLinks) -> Versioning:
    """Make ready who keeps the configuration; the first start takes the file that the bootstrap file names as version 1."""
    versions = Versions(store, lambda: links.names)
    versioning = Versioning(versions, _refusals, links.stir)
    await versioning.begin(bootstrap.configuration)
    links.links.greet(versions.ship)
    return versioning


def _refusals(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """Yield what a gateway would refuse; the filters are loaded only where somebody changes the configuration."""
    from gatepost.roles.judgement import configuration_refusals

    yield from configuration_refusals(configuration, source)


async def _states(links: IntranetLinks) -> list[ProcessState]:
    """Ask every gateway which version each of its processes works with."""
    told = []
    for name, health in sorted((await links.health()).items()):
        processes: list[dict[str, Any]] = health.get("processes", [])
        told += [ProcessState(name, one["process"], one["pid"], one["version"], one["error"]) for one in processes]
        if trouble := health.get("trouble", ""):
            told.append(ProcessState(name, "", 0, 0, trouble))
    return told
