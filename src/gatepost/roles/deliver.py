# SPDX-License-Identifier: Apache-2.0
"""The `deliver` process: the store and SMTP out.

DESCRIPTION
    Owns the gateway's store. Commits what `receive` hands over, delivers it from memory at once, claims
    what is due from the queue, settles each attempt. Asks next hops for recipients that `receive` does not
    know, with all corporate users in memory. Keeps what the intranet must know in its outbox, and takes what
    the intranet hands over: new versions of the configuration, and changes of people, are announced to every
    process. Serves this role's private API.
STANDARDS
    RFC 5321, 1870, 2920, 3207, 3461, 3464, 6152, 6531, 7505; 8446 between roles.
SECURITY
    Reads SMTP replies and DNS answers from outside, and mail only to send it on unchanged. Roles on other machines
    are known by the certificate that was pinned when they were paired. Holds the key of its own, and passwords
    for smart hosts.
DIAGNOSTICS
    delivery.done an attempt, delivery.route_down a next hop that is away, delivery.report a report, recipient.asked
    a question, store.trouble while the store cannot commit, command.done a command, link.peer_refused who may not
    call, configuration.taken, configuration.kept. Events that administrators must see go into the event log.
BUGS
    None known.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.frames import State
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.queue import DurableQueue, close_queue, open_queue
from gatepost.delivery.verification.answers import Answers
from gatepost.delivery.verification.verification import Verification
from gatepost.dns.exchangers import Ourselves
from gatepost.errors import StoreError, StoreOwned
from gatepost.monitoring import events_record
from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_record import EventEntry
from gatepost.monitoring.events_routes import RouteWatch
from gatepost.people import apply as people
from gatepost.people.roster import Roster
from gatepost.replication.outbox import Outbox
from gatepost.replication.service import Handler, Operation
from gatepost.roles.deliver_house import DeliverHouse, Site
from gatepost.roles.gateway_watch import watch_operations
from gatepost.roles.link_gateway import GatewayLink
from gatepost.roles.notice import notice_operations
from gatepost.roles.processes import Paths, hostname, own_addresses
from gatepost.storage.blobs_opening import open_blobs
from gatepost.telemetry.events import EventsRefused, StoreTrouble
from gatepost.telemetry.log import emit
from gatepost.tracking.codec import KIND as TRACK
from gatepost.tracking.codec import compose
from gatepost.tracking.outcome import encoded_drop
from gatepost.tracking.record import FORM as TRACK_FORM
from gatepost.tracking.refused import RefusedBuffer, RefusedHead
from gatepost.versioning import apply, current
from gatepost.versioning.following import Following
from gatepost.versioning.record import FORM as CONFIGURATION_FORM
from gatepost.versioning.record import KIND as CONFIGURATION

PROCESS = "deliver"
_DRAIN_S = 25.0
_PIECE_BYTES, _PAUSE_S = 65_536, 0.002
"""A large mail is read in such pieces, with such a wait in between: about 30 MB/s at most, the rest is for others."""
_SWEEP_EVERY_S = 3600.0
_WATCH_EVERY_S = 2.0
_LOOK_EVERY_S = 5.0
"""How often a gateway whose store is shared looks for what another one took in: the configuration, people."""


async def start(bootstrap: Bootstrap, configuration: Configuration, *, version: int = 0) -> Callable[[], Awaitable[None]]:
    """Put the process together and serve `receive`; gives what drains it. `version` is the configuration's."""
    queue = await _open_queue(bootstrap, configuration)
    try:
        await _claim_blobs(queue)
        process = Deliver(bootstrap, queue, configuration, version)
    except BaseException:
        await close_queue(queue)
        raise
    try:
        await process.start()
    except BaseException:
        await process.drain()
        raise
    return process.drain


class Deliver:
    """The parts of the process, around its queue."""

    def __init__(self, bootstrap: Bootstrap, queue: DurableQueue, configuration: Configuration, version: int) -> None:
        self._bootstrap = bootstrap
        self._paths = Paths(bootstrap)
        self._queue = queue
        self._roster = Roster(queue.store)
        self._house = DeliverHouse(
            _site(bootstrap, queue), queue, Answers(queue.store), configuration, version, wake=queue.wake, roster=self._roster
        )
        self._link = GatewayLink(bootstrap, queue.store, self._states)
        self._refused = RefusedBuffer(self._ship)
        self._events = EventBuffer(self._ship_events, hostname(bootstrap), PROCESS)
        self._handover = HandoverServer(
            self._paths.handover,
            queue,
            self._house.dispatcher.offer,
            self._house.verification.judge,
            listed=self._house.verification.judge_listed,
            refused=lambda told: self._refused.add(told.head, told.key, told.tenant_id),
            events=self._hear_events,
        )
        self._following = Following(PROCESS, self._paths.data, version, self._take)
        self._upkeep: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver and serve. Raises: GatepostError."""
        self._events.start()
        await self._roster.load()
        self._handover.announce_people(self._roster.mark)
        self._house.dispatcher.start()
        self._refused.start()
        self._link.applier.register(CONFIGURATION, (CONFIGURATION_FORM,), apply.handler, self._publish)
        people.register(self._link.applier, self._renew_people)
        await asyncio.to_thread(current.note_applied, self._paths.data, self._following.version)
        await self._publish()
        await self._handover.start()
        await self._link.start(self._operations())
        self._upkeep = [asyncio.create_task(_sweep(self._queue, self._house.verification)), asyncio.create_task(_watch(self._house))]
        if self._queue.store.engine != "sqlite":
            self._upkeep.append(asyncio.create_task(self._look_for_others()))

    def _operations(self) -> dict[str, Handler | Operation]:
        house = self._house
        return {
            **queue_operations(self._queue),
            **watch_operations(self._queue.store, house.dispatcher.breakers),
            **notice_operations(
                self._queue, house.dispatcher.offer, lambda: (house.configuration, house.version), hostname(self._bootstrap)
            ),
        }

    async def drain(self) -> None:
        """Take no more mail, let what is under way end, close the store."""
        for task in self._upkeep:
            task.cancel()
        await self._handover.close()
        await self._following.close()
        await self._link.close()
        await self._house.close(_DRAIN_S)
        await self._refused.close()
        await self._events.close()
        await close_queue(self._queue)

    # Versions of the configuration

    async def _publish(self) -> None:
        """Write the newest version for the processes of this gateway to read, and announce it."""
        number = await apply.publish(self._queue.store, self._paths.data)
        if number:
            self._handover.announce(number)
            self._following.announced(number)

    async def _take(self, configuration: Configuration, version: int) -> None:
        await self._house.take(configuration, version)
        await asyncio.to_thread(current.note_applied, self._paths.data, version)

    async def _look_for_others(self) -> None:
        """Take what another gateway on this store was told."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self._publish()
                await self._renew_people()
            except StoreError as error:
                emit(StoreTrouble(what="looking for what other gateways were told", reason=str(error)))

    def _states(self) -> list[dict[str, Any]]:
        """Tell how each process of this gateway does."""
        ours = State(PROCESS, os.getpid(), self._following.version, self._following.error)
        return [
            {**msgspec.structs.asdict(one), "certificate": msgspec.to_builtins(one.certificate)} for one in (ours, *self._handover.states())
        ]

    # People

    async def _renew_people(self) -> None:
        """Know what was told of people, and have `receive` forget what it was told before."""
        renewed = await self._roster.refresh()
        if renewed.users:
            self._handover.announce_people(self._roster.mark)
        if renewed.partners:
            self._house.renew_partners()

    # Tracks of refused mail

    async def _ship(self, heads: list[RefusedHead]) -> None:
        now = time.time()
        await self._link.outbox.append(*((TRACK, TRACK_FORM, one.tenant_id, now, compose(one.head, ())) for one in heads))

    # Events of this gateway's processes

    async def _ship_events(self, entries: Sequence[EventEntry]) -> None:
        payload = events_record.encode_entries(entries)
        await self._link.outbox.append((events_record.KIND, events_record.FORM, events_record.HOUSE, time.time(), payload))

    def _hear_events(self, untrusted_payload: bytes) -> None:
        try:
            self._events.take(events_record.decode_entries(untrusted_payload))
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            emit(EventsRefused(batches=1, reason=str(error)))


async def _open_queue(bootstrap: Bootstrap, configuration: Configuration) -> DurableQueue:
    data, stores = Paths(bootstrap).data, bootstrap.stores
    return await open_queue(
        data,
        store_url=stores.gateway,
        blobs=open_blobs(stores.blobs, data, login=stores.blobs_login),
        lease_s=configuration.delivery.lease_s,
        form=TRACK_FORM,
        tell_drop=encoded_drop,
    )


async def _claim_blobs(queue: DurableQueue) -> None:
    """Make sure that the blobs are this store's. While they cannot be reached, small mails pass all the same. Raises: StoreOwned."""
    try:
        await asyncio.to_thread(queue.blobs.claim, await Outbox(queue.store).identity())
    except StoreOwned:
        raise
    except StoreError as error:
        emit(StoreTrouble(what="claiming the blobs", reason=str(error)))


def _site(bootstrap: Bootstrap, queue: DurableQueue) -> Site:
    name = hostname(bootstrap)

    def ourselves(configuration: Configuration) -> Ourselves:
        return Ourselves(frozenset({name.lower()}), own_addresses(bootstrap, resolve=not configuration.dns.zone_file))

    async def pieces(blob: str) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        with await asyncio.to_thread(queue.blobs.open, blob) as reader:
            pieces = reader.pieces(_PIECE_BYTES)
            while piece := await loop.run_in_executor(None, next, pieces, b""):
                yield piece
                await asyncio.sleep(_PAUSE_S)

    return Site(name, ourselves, pieces, queue.blobs.beginning)


async def _watch(house: DeliverHouse) -> None:
    """Tell of next hops that are down."""
    watch = RouteWatch()
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        breakers = house.dispatcher.breakers
        watch.look({key: breakers.reason(key) for key in breakers.open_routes()})


async def _sweep(queue: DurableQueue, verification: Verification) -> None:
    """Remove, once an hour, blobs that no mail refers to (a crash or a client that hung up left them) and answers out of date."""
    while True:
        await asyncio.sleep(_SWEEP_EVERY_S)
        try:
            await _claim_blobs(queue)
            await queue.sweep_blobs()
            await verification.expire()
        except StoreError as error:
            emit(StoreTrouble(what="sweeping the store", reason=str(error)))


def queue_operations(queue: Queue) -> dict[str, Handler | Operation]:
    """Give what `gatepost queue` may ask of this process."""

    async def lines(tenant_id: int | None = None) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(line) for line in await queue.lines(tenant_id)]

    async def show(wanted: str = "", limit: int = 1000, tenant_id: int | None = None) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(one) for one in await queue.show(wanted, limit, tenant_id)]

    async def retry(wanted: str = "", tenant_id: int | None = None) -> int:
        return await queue.retry(wanted, tenant_id)

    async def drop(wanted: str, tenant_id: int | None = None) -> int:
        return await queue.drop(wanted, tenant_id)

    return {
        "queue.list": lines,
        "queue.show": show,
        "queue.retry": Operation(retry, command=True),
        "queue.drop": Operation(drop, command=True),
    }
