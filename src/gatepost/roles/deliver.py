# SPDX-License-Identifier: Apache-2.0
"""The `deliver` process: the store and SMTP out.

DESCRIPTION
    Owns the gateway's store. Commits what `receive` hands over, delivers it from memory at once, claims
    what is due from the queue, settles each attempt. Asks next hops for recipients that `receive` does not
    know. Serves the control socket of this role.
STANDARDS
    RFC 5321, 1870, 2920, 3207, 3461, 3464, 6152, 6531, 7505.
SECURITY
    Reads SMTP replies and DNS answers from outside, and mail only to send it on unchanged. Holds no
    private key but passwords for smart hosts.
DIAGNOSTICS
    delivery.done an attempt, delivery.report a report, recipient.asked a question, store.trouble while the store cannot commit.
BUGS
    None known.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.delivery.dispatch import Dispatcher
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.queue import SqliteQueue, close_queue, open_queue
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Routing
from gatepost.delivery.send.sender import Sender
from gatepost.delivery.verification.question import Asker
from gatepost.delivery.verification.store_sqlite import SqliteAnswers
from gatepost.delivery.verification.verification import Verification
from gatepost.dns.exchangers import Ourselves
from gatepost.errors import StoreError
from gatepost.mailflow.delivering import Delivering
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.journey import deliver
from gatepost.mailflow.reporting import Reporting
from gatepost.roles.control import ControlServer
from gatepost.roles.processes import Paths, hostname, own_addresses
from gatepost.roles.resolution import make_resolver
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit

_DRAIN_S = 25.0
_PIECE_BYTES, _PAUSE_S = 65_536, 0.002
"""A large mail is read in such pieces, with such a wait in between: about 30 MB/s at most, the rest is for others."""
_SWEEP_EVERY_S = 3600.0


class Parts(NamedTuple):
    """What the process is made of, ready to take mail."""

    queue: Queue
    dispatcher: Dispatcher
    verification: Verification
    close: Callable[[], Awaitable[None]]


async def start(bootstrap: Bootstrap, configuration: Configuration) -> Callable[[], Awaitable[None]]:
    """Put the process together and serve `receive`; gives what drains it."""
    paths = Paths(bootstrap)
    parts = await make_parts(bootstrap, configuration)
    control = ControlServer(Path(paths.control), queue_commands(parts.queue))
    await control.start()
    handover = HandoverServer(paths.handover, parts.queue, parts.dispatcher.offer, parts.verification.judge)
    await handover.start()

    async def drain() -> None:
        await handover.close()
        await parts.close()
        await control.close()

    return drain


async def make_parts(bootstrap: Bootstrap, configuration: Configuration) -> Parts:
    """Open the store and put queue, dispatcher, sender and the delivering house together."""
    name = hostname(bootstrap)
    queue = await open_queue(Paths(bootstrap).data, lease_s=configuration.delivery.lease_s)
    identities = Identities(configuration)

    async def pieces(blob: str) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        with queue.blobs.open(blob) as reader:
            pieces = reader.pieces(_PIECE_BYTES)
            while piece := await loop.run_in_executor(None, next, pieces, b""):
                yield piece
                await asyncio.sleep(_PAUSE_S)

    sender = Sender(configuration.delivery, name, pieces)

    house = Delivering(sender, Reporting(configuration.delivery, identities, name, queue.blobs.beginning))

    async def carry(claim: ClaimedMail, route: Route) -> None:
        await deliver(claim, route, house)

    routing = Routing(
        configuration.send_connectors,
        make_resolver(configuration),
        is_owned=identities.is_owned,
        ourselves=Ourselves(frozenset({name.lower()}), own_addresses(bootstrap, resolve=not configuration.dns.zone_file)),
    )
    house.dispatcher = dispatcher = Dispatcher(carry, house.refuse, routing, queue, configuration.delivery, wake=queue.wake)
    dispatcher.start()
    answers = SqliteAnswers(queue.store)
    verification = Verification(routing, Asker(configuration.delivery, name), answers, identities.tenant_of_domain)
    sweeper = asyncio.get_running_loop().create_task(_sweep(queue, verification))

    async def close() -> None:
        sweeper.cancel()
        await verification.close()
        await dispatcher.drain(_DRAIN_S)
        await sender.close()
        await close_queue(queue)

    return Parts(queue, dispatcher, verification, close)


async def _sweep(queue: SqliteQueue, verification: Verification) -> None:
    """Remove, once an hour, blobs that no mail refers to (a crash or a client that hung up left them) and answers out of date."""
    while True:
        await asyncio.sleep(_SWEEP_EVERY_S)
        try:
            await queue.sweep_blobs()
            await verification.expire()
        except StoreError as error:
            emit(StoreTrouble(what="sweeping the store", reason=str(error)))


def queue_commands(queue: Queue) -> dict[str, Callable[..., Awaitable[Any]]]:
    """Give what `gatepost queue` may ask of this process."""

    async def lines(tenant_id: int | None = None) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(line) for line in await queue.lines(tenant_id)]

    async def show(wanted: str = "", limit: int = 1000, tenant_id: int | None = None) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(one) for one in await queue.show(wanted, limit, tenant_id)]

    async def retry(wanted: str = "", tenant_id: int | None = None) -> int:
        return await queue.retry(wanted, tenant_id)

    async def drop(wanted: str, tenant_id: int | None = None) -> int:
        return await queue.drop(wanted, tenant_id)

    return {"queue.list": lines, "queue.show": show, "queue.retry": retry, "queue.drop": drop}
