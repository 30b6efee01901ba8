# SPDX-License-Identifier: Apache-2.0
"""The `receive` process: SMTP in.

DESCRIPTION
    Accepts connections on every listener, carries each mail on the journey's first part (rules, filters,
    verdict) and hands it over to the process that owns the store. Answers 250 only after that process has committed.
STANDARDS
    RFC 5321, 1870, 2034, 2920, 3030, 3207, 3461, 3848, 4616, 4954, 6152, 6409, 6531; PROXY protocol 1 and 2.
SECURITY
    Reads hostile bytes: commands, headers and MIME framing, nothing deeper. Holds the TLS key, no other.
    Opens no store; writes large bodies into the blob folder.
DIAGNOSTICS
    One event a mail (mail.received or mail.refused), one for a session that we ended.
BUGS
    A client's block is known to the process that saw it, not to its siblings.
"""

import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.client import Committing, Handover
from gatepost.errors import GatepostError
from gatepost.mailflow.directory import Directory
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.roles.judgement import make_judging
from gatepost.roles.processes import Paths, bind, hostname
from gatepost.roles.resolution import make_resolver
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import server_context
from gatepost.storage.blobs import FileBlobStore


async def start(
    bootstrap: Bootstrap,
    configuration: Configuration,
    inherited: Mapping[int, socket.socket],
    handover: Committing | None = None,
) -> Callable[[], Awaitable[None]]:
    """Put the process together; gives what drains it. `handover` is where mail is committed, else the store's process."""
    paths = Paths(bootstrap)
    if handover is None:
        handover = Handover(paths.handover)
        await handover.start()
    name, blobs, identities = hostname(bootstrap), FileBlobStore(paths.blobs), Identities(configuration)
    house = Receiving(
        configuration,
        identities=identities,
        judging=make_judging(configuration, identities, make_resolver(configuration), name),
        reporting=Reporting(configuration.delivery, identities, name, blobs.beginning),
        hostname=name,
        handover=handover,
        blobs=blobs,
    )
    desk = ReceptionDesk(house, Logins(configuration), Directory(configuration, handover))
    gate = Gate(configuration.receive)
    receptions = []
    for index, listener in enumerate(bootstrap.listeners):
        reception = _reception(bootstrap, configuration, listener, desk, gate)
        await reception.open(inherited.get(index) or bind(listener))
        receptions.append(reception)

    async def drain() -> None:
        for reception in receptions:
            await reception.drain()
        await handover.close()

    return drain


def _reception(bootstrap: Bootstrap, configuration: Configuration, listener: Listener, desk: ReceptionDesk, gate: Gate) -> Reception:
    terms = Terms(
        hostname=hostname(bootstrap),
        limits=configuration.receive,
        starttls=listener.tls in ("offered", "required") and bool(bootstrap.tls.certificate),
        tls_required=listener.tls == "required",
        submission=listener.submission,
    )
    return Reception(
        name=f"{listener.address}:{listener.port}",
        terms=terms,
        service=desk,
        gate=gate,
        tls=_tls(bootstrap, listener),
        implicit_tls=listener.tls == "implicit",
        proxy_from=listener.proxy_from,
    )


def _tls(bootstrap: Bootstrap, listener: Listener) -> ssl.SSLContext | None:
    if listener.tls == "none" or not bootstrap.tls.certificate:
        return None
    try:
        return server_context(bootstrap.tls.certificate, bootstrap.tls.key, client_ca=listener.client_ca)
    except (OSError, ssl.SSLError) as error:
        raise GatepostError(f"tls: {error.strerror or error}; give a PEM certificate and its key") from None
