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
    Reads hostile bytes: commands, headers and MIME framing, nothing deeper. Holds the TLS key, no other; a renewed
    one is taken while it works.
    Opens no store; writes large bodies into the blob folder, or into the bucket whose key it then holds.
DIAGNOSTICS
    One event a mail (mail.received or mail.refused), one for a session that we ended; configuration.taken, configuration.kept;
    tls.certificate_taken, tls.certificate_kept.
BUGS
    A client's block is known to the process that saw it, not to its siblings.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.client import Committing, Handover
from gatepost.delivery.handover.frames import State
from gatepost.monitoring.events_buffer import EventBuffer, Ship
from gatepost.monitoring.events_record import EventEntry, encode_entries
from gatepost.roles.processes import Paths, bind, hostname
from gatepost.roles.snapshot import Snapshot, Workshop
from gatepost.smtp.certificate import Certificate, Identity
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import server_context
from gatepost.storage.blobs_opening import open_blobs
from gatepost.versioning.following import Following

PROCESS = "receive"
Contexts = Mapping[int, ssl.SSLContext]
"""By the listener's place; each has its own, so a ticket of one is none at another."""


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
    standing: _Standing | None = None
    if handover is None:
        # The two are made for each other: what is announced is only heard once there is somebody to hear it.
        handover = link = Handover(paths.handover, announced=lambda number: following.announced(number) if following else None)
    tell_refused = link.note_refused if link is not None else None
    blobs = open_blobs(bootstrap.stores.blobs, paths.data, login=bootstrap.stores.blobs_login)
    workshop = Workshop(hostname(bootstrap), handover, blobs, tell_refused)
    front = Front(bootstrap, workshop, configuration, version)
    if link is not None:
        standing = _Standing(link, front.certificate, version)
        following = Following(PROCESS, paths.data, version, front.take, standing.follows)
        standing.report()
        events = EventBuffer(_telling(link), hostname(bootstrap), PROCESS)
        events.start()
        await link.start()
    await front.open(inherited)
    if front.certificate is not None:
        front.certificate.start(standing.report if standing is not None else lambda: None)

    async def drain() -> None:
        if following is not None:
            await following.close()
        if front.certificate is not None:
            await front.certificate.close()
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
        self.certificate = _certificate(bootstrap)
        self._receptions = {index: self._reception(index, listener) for index, listener in bootstrap.mail_listeners.items()}

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

    def _reception(self, index: int, listener: Listener) -> Reception:
        certificate = self.certificate if listener.tls != "none" else None
        return Reception(
            name=f"{listener.address}:{listener.port}",
            terms=self._terms(listener),
            service=self.snapshot.desk,
            gate=self._gate,
            tls=(lambda: certificate.shown[index]) if certificate is not None else None,
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


class _Standing:
    """What the store's process is told of this one."""

    def __init__(self, link: Handover, certificate: Certificate[Contexts] | None, version: int) -> None:
        self._link, self._certificate = link, certificate
        self._version, self._error = version, ""

    def follows(self, version: int, error: str) -> None:
        """Tell which version of the configuration holds, and what keeps it from a newer one."""
        self._version, self._error = version, error
        self.report()

    def report(self) -> None:
        """Tell how it is now."""
        certificate = self._certificate.state if self._certificate is not None else None
        self._link.report_state(State(PROCESS, os.getpid(), self._version, self._error, certificate))


def _telling(link: Handover) -> Ship:
    async def tell(entries: Sequence[EventEntry]) -> None:
        link.tell_events(encode_entries(entries))

    return tell


def _certificate(bootstrap: Bootstrap) -> Certificate[Contexts] | None:
    """Give what this machine's listeners of mail show; None where none has TLS. Raises: GatepostError."""
    tls, secured = bootstrap.tls, {index: one for index, one in bootstrap.mail_listeners.items() if one.tls != "none"}
    if not secured or not tls.certificate:
        return None

    def contexts(identity: Identity) -> Contexts:
        return {index: server_context(*identity, client_ca=one.client_ca) for index, one in secured.items()}

    authorities = dict.fromkeys(Path(one.client_ca) for one in secured.values() if one.client_ca)
    return Certificate(PROCESS, Identity(Path(tls.certificate), Path(tls.key)), contexts, *authorities)
