# SPDX-License-Identifier: Apache-2.0
"""The `console` process: the intranet's store, and the links to its gateways.

DESCRIPTION
    Owns the intranet's store: versions of the configuration, message tracks, people, incidents, who may
    administer. Dials each gateway, its own machine's over the unix socket, others over mutual TLS; fetches
    what they tell and applies it, hands over what they must know. Serves the console's pages, the REST API and
    the control socket. Tells administrators of incidents. While it is away gateways go on: what they have to
    tell waits in their stores.
STANDARDS
    RFC 9112 (HTTP/1.1), RFC 6265 (cookies), RFC 6238 (TOTP); RFC 8446 (TLS).
SECURITY
    Every page and every call of the API needs a session or a token, and the right that it names. Applies
    artefacts of gateways that were paired; the certificate of each is pinned. Holds the keys of its own
    certificates and the one that seals authenticators' secrets, no other.
DIAGNOSTICS
    console.served, tls.certificate_taken, tls.certificate_kept, link.trouble, link.restored, command.done, store.trouble;
    `gatepost role list`.
BUGS
    None known.
"""

import socket
from collections.abc import Awaitable, Callable, Mapping

from gatepost.config.bootstrap import Bootstrap
from gatepost.replication.commands import Commands
from gatepost.roles.console_rooms import ConsoleRooms
from gatepost.roles.control import ControlServer
from gatepost.roles.link_intranet import IntranetLinks
from gatepost.roles.processes import Paths
from gatepost.roles.web import Web
from gatepost.storage.opening import open_store


async def start(bootstrap: Bootstrap, sockets: Mapping[int, socket.socket]) -> Callable[[], Awaitable[None]]:
    """Open the store, follow the links, serve the control socket and the pages; gives what ends it all."""
    paths = Paths(bootstrap)
    store = open_store(bootstrap.stores.intranet, "intranet", paths.data)
    web = Web(bootstrap, sockets)
    try:
        links = IntranetLinks(bootstrap, store)
        await links.prepare()
        rooms = ConsoleRooms(bootstrap, store, links, web.renew, lambda: web.certificate)
        await rooms.begin(bootstrap.configuration)
        control = ControlServer(paths.console_path, rooms.operations(), Commands(store))
        await control.start()
        await rooms.start()
        links.start()
        await web.start(rooms.house)
    except BaseException:
        await store.close()
        raise

    async def drain() -> None:
        await web.close()
        await control.close()
        await links.close()
        await rooms.close()
        await store.close()

    return drain
