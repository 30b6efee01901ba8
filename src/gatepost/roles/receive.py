# SPDX-License-Identifier: Apache-2.0
"""The `receive` process: SMTP in.

DESCRIPTION
    Accepts connections on every listener, carries each mail on the journey's first part (rules, filters,
    verdict) and hands it over to the process that owns the store. Answers 250 only after that process has committed.
    Takes over a new version of the configuration when one is announced: connections that begin then get its limits,
    mails whose MAIL FROM comes then its rules; what has begun before ends under the version it began with.
STANDARDS
    RFC 5321, 1870, 2034, 2920, 3030, 3207, 3461, 3848, 4616, 4954, 6152, 6409, 6531; PROXY protocol 1 and 2.
SECURITY
    Reads hostile bytes: commands, headers and MIME framing, nothing deeper. Holds the TLS key, no other.
    Opens no store; writes large bodies into the blob folder, or into the bucket whose key it then holds.
DIAGNOSTICS
    One event a mail (mail.received or mail.refused), one for a session that we ended; configuration.taken, configuration.kept.
BUGS
    A client's block is known to the process that saw it, not to its siblings.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.client import Committing, Handover
from gatepost.delivery.handover.frames import State
from gatepost.errors import GatepostError
from gatepost.monitoring.events_buffer import EventBuffer, Ship
from gatepost.monitoring.events_record import EventEntry, encode_entries
from gatepost.roles.processes import Paths, bind, hostname
from gatepost.roles.snapshot import Snapshot, Workshop
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import server_context
from gatepost.storage.blobs_opening import open_blobs
from gatepost.versioning.following import Following

PROCESS = "receive"


async def start(
    bootstrap: Bootstrap,
    configuration: Configuration,
    inherited: Mapping[int, socket.socket],
    handover: Committing | None = None,
    *,
    version: int = 0,
) -> Callable[[], Awaitable[None]]:
    """Put the process together; gives what drains it. `handover` is where mail is committed, else the store's process.

    `version` is the configuration's; newer ones are announced by the store's process.
    """
    paths = Paths(bootstrap)
    following: Following | None = None
    events: EventBuffer | None = None
    link: Handover | None = None
    if handover is None:
        # The two are made for each other: what is announced is only heard once there is somebody to hear it.
        handover = link = Handover(paths.handover, announced=lambda number: following.announced(number) if following else None)
    tell_refused = link.note_refused if link is not None else None
    blobs = open_blobs(bootstrap.stores.blobs, paths.data, login=bootstrap.stores.blobs_login)
    workshop = Workshop(hostname(bootstrap), handover, blobs, tell_refused)
    front = Front(bootstrap, workshop, configuration, version)
    if link is not None:
        following = Following(PROCESS, paths.data, version, front.take, _reporting(link))
        link.report_state(State(PROCESS, os.getpid(), version))
        events = EventBuffer(_telling(link), hostname(bootstrap), PROCESS)
        events.start()
        await link.start()
    await front.open(inherited)

    async def drain() -> None:
        if following is not None:
            await following.close()
        await front.drain()
        if events is not None:
            await events.close()
        await handover.close()

    return drain


class Front:
    """The listeners of this machine, and the snapshot of the configuration that they serve."""

    def __init__(self, bootstrap: Bootstrap, workshop: Workshop, configuration: Configuration, version: int) -> None:
        self._bootstrap = bootstrap
        self._workshop = workshop
        self.snapshot = workshop.make(configuration, version)
        self._gate = Gate(configuration.receive)
        self._receptions = {index: self._reception(listener) for index, listener in bootstrap.mail_listeners.items()}

    async def open(self, inherited: Mapping[int, socket.socket]) -> None:
        """Take connections."""
        for index, reception in self._receptions.items():
            await reception.open(inherited.get(index) or bind(self._bootstrap.listeners[index]))

    async def take(self, configuration: Configuration, version: int) -> None:
        """Serve another version from the next connection and the next MAIL FROM on. Raises ConfigError, and nothing has changed then."""
        snapshot: Snapshot = await asyncio.to_thread(self._workshop.make, configuration, version, self.snapshot)
        self.snapshot = snapshot
        self._gate.renew(configuration.receive)
        for index, reception in self._receptions.items():
            reception.renew(self._terms(self._bootstrap.listeners[index]), snapshot.desk)

    async def drain(self) -> None:
        """Take no more, and let mails that have begun to come finish."""
        for reception in self._receptions.values():
            await reception.drain()

    def _reception(self, listener: Listener) -> Reception:
        return Reception(
            name=f"{listener.address}:{listener.port}",
            terms=self._terms(listener),
            service=self.snapshot.desk,
            gate=self._gate,
            tls=_tls(self._bootstrap, listener),
            implicit_tls=listener.tls == "implicit",
            proxy_from=listener.proxy_from,
        )

    def _terms(self, listener: Listener) -> Terms:
        return Terms(
            hostname=hostname(self._bootstrap),
            limits=self.snapshot.configuration.receive,
            starttls=listener.tls in ("offered", "required") and bool(self._bootstrap.tls.certificate),
            tls_required=listener.tls == "required",
            submission=listener.serves == "submission",
        )


def _reporting(link: Handover) -> Callable[[int, str], None]:
    return lambda version, error: link.report_state(State(PROCESS, os.getpid(), version, error))


def _telling(link: Handover) -> Ship:
    async def tell(entries: Sequence[EventEntry]) -> None:
        link.tell_events(encode_entries(entries))

    return tell


def _tls(bootstrap: Bootstrap, listener: Listener) -> ssl.SSLContext | None:
    if listener.tls == "none" or not bootstrap.tls.certificate:
        return None
    try:
        return server_context(bootstrap.tls.certificate, bootstrap.tls.key, client_ca=listener.client_ca)
    except (OSError, ssl.SSLError) as error:
        raise GatepostError(f"tls: {error.strerror or error}; give a PEM certificate and its key") from None
