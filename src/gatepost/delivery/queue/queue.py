# SPDX-License-Identifier: Apache-2.0
"""The durable queue of one gateway on SQLite: `contract.Queue` on the group-committing writer.

Open it inside the event loop that will use it. Callbacks and results arrive in that loop; the SQL runs on the writer's thread.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from gatepost.delivery.queue import store_sqlite_claim as claims
from gatepost.delivery.queue import store_sqlite_holder as holders
from gatepost.delivery.queue import store_sqlite_inspect as inspect
from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome, QueuedRecipient, QueueLine, Settlement
from gatepost.delivery.queue.store_sqlite_insert import insert_fresh
from gatepost.delivery.queue.store_sqlite_settle import Settled, settle
from gatepost.errors import StoreError
from gatepost.storage.blobs import BlobStore, FileBlobStore
from gatepost.storage.sqlite import Connection
from gatepost.storage.store import SqliteStore
from gatepost.storage.writer import Operation, Writer
from gatepost.telemetry.events import Event, SettlementStale, StoreTrouble
from gatepost.telemetry.log import emit as write_event

LEASE_S = 60.0


class SqliteTicket:
    """A mail on its way to be committed; `future` is what `committed` waits for."""

    __slots__ = ("_operation", "_writer", "future")

    def __init__(self, writer: Writer, operation: Operation) -> None:
        self._writer = writer
        self._operation = operation
        self.future: asyncio.Future[ClaimedMail | None] = operation.future

    def cancel(self) -> None:
        """Withdraw the mail if its group has not begun."""
        self._writer.cancel(self._operation)

    async def committed(self) -> ClaimedMail | None:
        """Wait for the commit; None when the mail was withdrawn. Raises: StoreFull (452), StoreAway (451)."""
        return await self.future

    def add_done_callback(self, callback: Callable[["asyncio.Future[ClaimedMail | None]"], object]) -> None:
        """Have `callback` called in the event loop with the future once the mail is committed, withdrawn or has failed."""
        self.future.add_done_callback(callback)


class SqliteQueue:
    """The queue of the process that owns the store; `wake` is set whenever something may have fallen due."""

    def __init__(
        self, store: SqliteStore, blobs: BlobStore, *, lease_s: float, clock: Callable[[], float], emit: Callable[[Event], None]
    ) -> None:
        """Use `open` instead: a queue needs its holder's number before it is used."""
        self.wake = asyncio.Event()
        self.blobs = blobs
        self.store = store
        self._lease_s = lease_s
        self._clock = clock
        self._emit = emit
        self._holder = 0
        self._renewed_at = 0.0
        self._cursor = claims.FIRST
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lease: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        store: SqliteStore,
        blobs: BlobStore,
        *,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.time,
        emit: Callable[[Event], None] = write_event,
        sole: bool = True,
    ) -> "SqliteQueue":
        """Enter as a new holder. A sole one, the rule on SQLite, voids all claims of earlier holders.

        Raises: StoreFull, StoreAway.
        """
        queue = cls(store, blobs, lease_s=lease_s, clock=clock, emit=emit)
        queue._holder = await store.perform(queue._enter, sole)
        queue._lease = asyncio.create_task(queue._keep_lease())
        return queue

    # What receive and deliver use

    def commit(self, mail: NewMail) -> SqliteTicket:
        """Put a mail into the next group."""
        return SqliteTicket(self.store.writer, self.store.writer.submit(self._insert, mail))

    async def settle(self, settlement: Settlement) -> tuple[Outcome, ...]:
        """Record what became of claimed recipients; gives the stale outcomes.

        Raises: StoreFull, StoreAway; then repeat it: what was recorded after all comes back as stale.
        """
        settled: Settled = await self.store.writer.submit(self._settle, settlement).future
        if settled.blobs:
            self._unlink(settled.blobs)
        if settled.wake:
            self.wake.set()
        if settled.stale:
            for stale in settled.stale:
                self._emit(SettlementStale(track=stale.track, recipient=stale.recipient))
            return tuple(stale.outcome for stale in settled.stale)
        return ()

    async def claim(self, limit: int) -> list[ClaimedMail]:
        """Claim up to `limit` due recipients, by variant; a claimed mail's envelope names only these."""
        if limit < 1:
            return []
        return cast(list[ClaimedMail], await self.store.perform(self._claim, limit))

    async def next_due_at(self) -> float | None:
        """Tell when the next waiting recipient falls due (Unix time)."""
        return await self.store.ask(claims.next_due_at)

    # What people use

    async def lines(self, tenant_id: int | None = None) -> list[QueueLine]:
        """Give one line for each destination domain, by name; recipients of disabled queues count as waiting."""
        return await self.store.ask(lambda connection: inspect.lines(connection, tenant_id))

    async def show(self, wanted: str, limit: int = 1000, tenant_id: int | None = None) -> list[QueuedRecipient]:
        """Give the queued recipients of a track or domain; '' gives all. States: waiting, sending, disabled."""
        return await self.store.ask(lambda connection: inspect.show(connection, wanted, limit, tenant_id))

    async def retry(self, wanted: str, tenant_id: int | None = None) -> int:
        """Make the unclaimed recipients of a track, domain or '' due now; gives their number."""
        total, now = 0, self._clock()
        last: inspect.Key | None = inspect.BEFORE_ALL
        while last is not None:
            count, last = await self._change(inspect.retry_slice, wanted, tenant_id, now, last)
            total += count
        self.wake.set()
        return total

    async def drop(self, wanted: str, tenant_id: int | None = None) -> int:
        """Remove the unclaimed recipients of a track, domain or '' without a report; gives their number."""
        total = 0
        last: inspect.Key | None = inspect.BEFORE_ALL
        while last is not None:
            count, blobs, last = await self._change(inspect.drop_slice, wanted, tenant_id, last)
            total += count
            self._unlink(blobs)
        return total

    async def set_enabled(self, domain: str, enabled: bool, tenant_id: int) -> None:
        """Enable or disable a destination queue, also in advance; claimed recipients are not called back."""
        await self._change(inspect.set_enabled, domain, enabled, tenant_id)
        while await self._change(inspect.apply_enabled_slice, domain, enabled, tenant_id) == inspect.SLICE:
            pass
        self.wake.set()

    async def is_enabled(self, domain: str, tenant_id: int) -> bool:
        """Tell whether a destination queue is enabled."""
        return await self.store.ask(lambda connection: inspect.is_enabled(connection, domain, tenant_id))

    async def sweep_blobs(self) -> int:
        """Remove blobs older than a day that no mail refers to; gives their number."""
        loop = asyncio.get_running_loop()

        def referenced(names: list[str]) -> Collection[str]:
            asked = self.store.ask(lambda connection: inspect.referenced_blobs(connection, names))
            return asyncio.run_coroutine_threadsafe(asked, loop).result()

        return await asyncio.to_thread(self.blobs.sweep, referenced)

    def abandon(self) -> None:
        """Stop renewing the lease and leave all claims as they are, as a crash would."""
        if self._lease is not None:
            self._lease.cancel()

    async def close(self) -> None:
        """Leave: give back what is still claimed. Close the store afterwards."""
        if self._lease is not None:
            self._lease.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._lease
        with contextlib.suppress(StoreError):  # The next owner voids our claims anyway.
            await self._change(holders.leave, self._holder)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # On the writer's thread

    def _enter(self, connection: Connection, arguments: Sequence[bool]) -> list[int]:
        self._renewed_at = self._clock()
        expires_at = self._renewed_at + self._lease_s
        return [holders.enter(connection, self.store.numbers, expires_at, sole) for sole in arguments]

    def _renew_lease(self, connection: Connection, now: float) -> None:
        holders.renew(connection, self._holder, now + self._lease_s)
        self._renewed_at = now

    def _insert(self, connection: Connection, mails: Sequence[NewMail]) -> list[ClaimedMail]:
        self.store.floor.check()
        now = self._clock()
        if now - self._renewed_at >= self._lease_s / 3:  # So that no claim is ever made under a lease that has run out.
            self._renew_lease(connection, now)
        return insert_fresh(connection, mails, self._holder, self.store.numbers)

    def _settle(self, connection: Connection, settlements: Sequence[Settlement]) -> list[Settled]:
        return settle(connection, settlements, self._clock(), self.store.numbers)

    def _claim(self, connection: Connection, limits: Sequence[int]) -> list[list[ClaimedMail]]:
        now = self._clock()
        holders.void_expired(connection, self._holder, now)
        self._renew_lease(connection, now)
        results = []
        for limit in limits:
            mails, self._cursor = claims.claim(connection, limit, self._holder, now, self._cursor)
            results.append(mails)
        return results

    def _renew(self, connection: Connection, arguments: Sequence[None]) -> Sequence[None]:
        self._renew_lease(connection, self._clock())
        return arguments

    async def _change(self, statement: Callable[..., Any], *arguments: Any) -> Any:
        return await self.store.perform(_each, (statement, arguments))

    # In the event loop

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                await self.store.perform(self._renew, None)
            except StoreError as error:
                self._emit(StoreTrouble(what="renewing the lease", reason=str(error)))

    def _unlink(self, names: Iterable[str]) -> None:
        names = tuple(names)
        if names:
            task = asyncio.create_task(asyncio.to_thread(self.blobs.remove, names))
            self._tasks.add(task)
            task.add_done_callback(self._unlinked)

    def _unlinked(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(StoreTrouble(what="removing blobs", reason=str(error)))


def _each(connection: Connection, changes: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
    return [statement(connection, *arguments) for statement, arguments in changes]


async def open_queue(
    folder: Path,
    *,
    lease_s: float = LEASE_S,
    clock: Callable[[], float] = time.time,
    emit: Callable[[Event], None] = write_event,
) -> SqliteQueue:
    """Open the gateway's store and blobs below a data folder; `close_queue` ends both.

    Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
    """
    store = SqliteStore(folder)
    try:
        return await SqliteQueue.open(store, FileBlobStore(folder / "blobs"), lease_s=lease_s, clock=clock, emit=emit)
    except BaseException:
        await store.close()
        raise


async def close_queue(queue: SqliteQueue) -> None:
    """Close a queue and the store it was opened on."""
    await queue.close()
    await queue.store.close()
