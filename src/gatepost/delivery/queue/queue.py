# SPDX-License-Identifier: Apache-2.0
"""The durable queue of one gateway: `contract.Queue` on a group-committing store, SQLite or PostgreSQL.

Open it inside the event loop that will use it. Callbacks and results arrive in that loop; the SQL runs on the writer's thread.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from gatepost.delivery.queue.claim import claim
from gatepost.delivery.queue.engines import statements_of
from gatepost.delivery.queue.former import GRACE_S, former_holder, note_holder
from gatepost.delivery.queue.insert import insert_fresh
from gatepost.delivery.queue.people import SLICE, People, TellDrop
from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome, QueuedRecipient, QueueLine, Settlement
from gatepost.delivery.queue.settle import Settled, Settler
from gatepost.delivery.queue.shipping import Shipping
from gatepost.delivery.queue.statements import BEFORE_ALL, FIRST, Key
from gatepost.delivery.queue.telling import Teller
from gatepost.delivery.queue.ticket import DurableTicket
from gatepost.delivery.queue.tracks import Settling, Tracks
from gatepost.errors import StoreError
from gatepost.storage.blobs import BlobStore, FileBlobStore
from gatepost.storage.contract import Store
from gatepost.storage.opening import SQLITE, open_store
from gatepost.telemetry.events import Event, SettlementStale, StoreTrouble
from gatepost.telemetry.log import emit as write_event

LEASE_S = 60.0
_JUST_AFTER_S = 0.02
"""How long after another holder's lease ought to have run out it is looked at."""
FORM = 1
"""The version of the tracks' form, where the caller names none."""


class DurableQueue:
    """One holder's queue; `wake` is set whenever something may have fallen due."""

    def __init__(
        self,
        store: Store,
        blobs: BlobStore,
        *,
        lease_s: float,
        clock: Callable[[], float],
        emit: Callable[[Event], None],
        form: int,
        tell_drop: TellDrop | None,
    ) -> None:
        """Use `open` instead: a queue needs its holder's number before it is used."""
        self.wake = asyncio.Event()
        self.blobs = blobs
        self.store = store
        self._sql = statements_of(store.engine)
        self._teller = Teller(self._sql, form)
        self._settler = Settler(self._sql, store.numbers, self._teller)
        self._people = People(self._sql, self._teller, tell_drop)
        self._lease_s = lease_s
        self._clock = clock
        self._emit = emit
        self.holder = 0
        self._renewed_at = 0.0
        self._doubts = store.doubts
        self._left: list[int] = []
        """Numbers of ours whose lease is left to run out."""
        self.entered: Callable[[int], None] = _tell_nobody
        """Is told the holder's number when it becomes another one."""
        self._cursor = FIRST
        self._tracks = Tracks()
        self.shipping = Shipping(store, self._sql.track, self._teller, self._tracks, clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._upkeep: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        store: Store,
        blobs: BlobStore,
        *,
        lease_s: float = LEASE_S,
        clock: Callable[[], float] = time.time,
        emit: Callable[[Event], None] = write_event,
        sole: bool | None = None,
        former: int = 0,
        form: int = FORM,
        tell_drop: TellDrop | None = None,
    ) -> "DurableQueue":
        """Enter as a new holder. A sole one, the rule on SQLite, voids all claims of earlier holders at once.

        `former` is a holder that is known to be gone, `form` the version of the heads and outcomes; `tell_drop` makes the
        outcome of what people drop. Raises: StoreFull, StoreAway.
        """
        queue = cls(store, blobs, lease_s=lease_s, clock=clock, emit=emit, form=form, tell_drop=tell_drop)
        queue.holder = await store.perform(queue._enter, (store.engine == "sqlite" if sole is None else sole, former))
        queue.shipping.holder = queue.holder
        queue._upkeep = [asyncio.create_task(queue._keep_lease()), asyncio.create_task(queue.shipping.keep(emit))]
        return queue

    # What receive and deliver use

    def commit(self, mail: NewMail) -> DurableTicket:
        """Put a mail into the next group."""
        return DurableTicket(self.store, self.store.submit(self._insert, mail))

    async def settle(self, settlement: Settlement) -> tuple[Outcome, ...]:
        """Record what became of claimed recipients; gives the stale outcomes.

        Raises: StoreFull, StoreAway; then repeat it: what was recorded after all comes back as stale.
        """
        settling = self._tracks.begin(settlement)
        try:
            settled: Settled = await self.store.submit(self._settle, settling).future
        except BaseException:
            self._tracks.failed(settling, self._clock())
            raise
        if settled.written is not None:
            self._tracks.note_written(settled.written)
        if settled.blobs:
            self._unlink(settled.blobs)
        if settled.made:
            self._tracks.note_unshipped(settled.made, self._clock())
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
        return await self.store.ask(self._sql.claim.next_due_at)

    async def ship_heads(self, everything: bool = False) -> int:
        """Let the heads leave that have waited for a settlement long enough, or all; gives the number of mails looked at."""
        return await self.shipping.ship(everything)

    # What people use

    async def lines(self, tenant_id: int | None = None) -> list[QueueLine]:
        """Give one line for each destination domain, by name; recipients of disabled queues count as waiting."""
        return await self.store.ask(lambda connection: self._sql.inspect.lines(connection, tenant_id))

    async def show(self, wanted: str, limit: int = 1000, tenant_id: int | None = None) -> list[QueuedRecipient]:
        """Give the queued recipients of a track or domain; '' gives all. States: waiting, sending, disabled."""
        return await self.store.ask(lambda connection: self._sql.inspect.show(connection, wanted, limit, tenant_id))

    async def retry(self, wanted: str, tenant_id: int | None = None) -> int:
        """Make the unclaimed recipients of a track, domain or '' due now; gives their number."""
        total, now = 0, self._clock()
        last: Key | None = BEFORE_ALL
        while last is not None:
            count, last = await self._change(self._people.retry, wanted, tenant_id, last, now)
            total += count
        self.wake.set()
        return total

    async def drop(self, wanted: str, tenant_id: int | None = None) -> int:
        """Remove the unclaimed recipients of a track, domain or '' without a report; gives their number."""
        total, now = 0, self._clock()
        last: Key | None = BEFORE_ALL
        while last is not None:
            count, blobs, last = await self._change(self._people.drop, wanted, tenant_id, last, now)
            total += count
            self._unlink(blobs)
        return total

    async def set_enabled(self, domain: str, enabled: bool, tenant_id: int) -> None:
        """Enable or disable a destination queue, also in advance; claimed recipients are not called back."""
        await self._change(self._sql.inspect.set_enabled, domain, enabled, tenant_id)
        apply = self._sql.inspect.apply_enabled
        while await self._change(apply, domain, enabled, tenant_id, SLICE) == SLICE:
            pass
        self.wake.set()

    async def is_enabled(self, domain: str, tenant_id: int) -> bool:
        """Tell whether a destination queue is enabled."""
        return await self.store.ask(lambda connection: self._sql.inspect.is_enabled(connection, domain, tenant_id))

    async def sweep_blobs(self) -> int:
        """Remove blobs older than a day that no mail refers to; gives their number."""
        loop = asyncio.get_running_loop()

        def referenced(names: list[str]) -> Collection[str]:
            asked = self.store.ask(lambda connection: self._sql.inspect.referenced_blobs(connection, names))
            return asyncio.run_coroutine_threadsafe(asked, loop).result()

        return await asyncio.to_thread(self.blobs.sweep, referenced)

    def abandon(self) -> None:
        """Stop renewing the lease and leave all claims as they are, as a crash would."""
        for task in self._upkeep:
            task.cancel()

    async def close(self) -> None:
        """Leave: let all heads go, give back what is still claimed. Close the store afterwards."""
        self.abandon()
        await asyncio.gather(*self._upkeep, return_exceptions=True)
        for holder in self._left:
            with contextlib.suppress(StoreError):
                await self._change(self._sql.holder.leave, holder)
        with contextlib.suppress(StoreError):  # Our successor looks through the store for them.
            await self.ship_heads(everything=True)
        with contextlib.suppress(StoreError):  # Others void our claims anyway.
            await self._change(self._sql.holder.leave, self.holder)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # On the writer's thread

    def _enter(self, connection: Any, arguments: Sequence[tuple[bool, int]]) -> list[int]:
        self._renewed_at = now = self._clock()
        self.store.numbers.check(connection)
        holders = []
        for sole, former in arguments:
            if former:
                self._sql.holder.shorten(connection, former, now + GRACE_S)
            holders.append(self.store.numbers.take(connection, 1))
            self._sql.holder.enter(connection, holders[-1], now + self._lease_s, sole)
        return holders

    def _renew_lease(self, connection: Any, now: float) -> None:
        if self._doubts == self.store.doubts:
            self._sql.holder.renew(connection, self.holder, now + self._lease_s)
        else:
            self._change_holder(connection, now)
        self._renewed_at = now

    def _change_holder(self, connection: Any, now: float) -> None:
        """Go on under another number: a COMMIT in doubt may have claimed for the old one what we know nothing of.

        The old lease is renewed no more. Until it runs out, what we have in hand under it can be settled; then what is left comes back.
        """
        self._doubts = self.store.doubts
        self._left.append(self.holder)
        self.store.numbers.check(connection)
        self.holder = self.shipping.holder = self.store.numbers.take(connection, 1)
        self._sql.holder.enter(connection, self.holder, now + self._lease_s, False)

    def _insert(self, connection: Any, mails: Sequence[NewMail]) -> list[ClaimedMail]:
        self.store.check_room()
        now = self._clock()
        # So that no claim is ever made under a lease that has run out, or that is left to run out.
        if now - self._renewed_at >= self._lease_s / 3 or self._doubts != self.store.doubts:
            self._renew_lease(connection, now)
        claimed = insert_fresh(connection, mails, self.holder, self.store.numbers, self._sql.insert)
        self._tracks.note_fresh(claimed, now)
        return claimed

    def _settle(self, connection: Any, settlings: Sequence[Settling]) -> list[Settled]:
        return self._settler.settle(connection, settlings, self._clock())

    def _claim(self, connection: Any, limits: Sequence[int]) -> list[list[ClaimedMail]]:
        now = self._clock()
        if self._sql.holder.void_expired(connection, self.holder, now):
            self.shipping.look_again()
        self._renew_lease(connection, now)
        results = []
        for limit in limits:
            mails, unshipped, self._cursor = claim(connection, limit, self._cursor, self._sql.claim, holder=self.holder, now=now)
            self._tracks.note_unshipped(unshipped, now)
            results.append(mails)
        return results

    def _renew(self, connection: Any, arguments: Sequence[None]) -> Sequence[None]:
        self._renew_lease(connection, self._clock())
        return arguments

    async def _change(self, statement: Callable[..., Any], *arguments: Any) -> Any:
        return await self.store.perform(_each, (statement, arguments))

    # In the event loop

    async def _keep_lease(self) -> None:
        """Renew our lease, and have claimed what another holder had when its lease runs out: nobody else would wake us."""
        third = pause = self._lease_s / 3
        while True:
            await asyncio.sleep(pause)
            pause = third
            try:
                holder = self.holder
                await self.store.perform(self._renew, None)
                if holder != self.holder:
                    self.entered(self.holder)
                expiry = await self.store.ask(lambda connection: self._sql.holder.next_expiry(connection, self.holder))
                left = expiry - self._clock() if expiry is not None else third
                if left <= 0:
                    self.wake.set()
                else:
                    pause = min(third, left + _JUST_AFTER_S)
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


def _tell_nobody(_: int) -> None:
    """Stand where nobody asks for the holder's number."""


def _each(connection: Any, changes: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
    return [statement(connection, *arguments) for statement, arguments in changes]


async def open_queue(
    folder: Path,
    *,
    store_url: str = SQLITE,
    blobs: BlobStore | None = None,
    lease_s: float = LEASE_S,
    clock: Callable[[], float] = time.time,
    emit: Callable[[Event], None] = write_event,
    form: int = FORM,
    tell_drop: TellDrop | None = None,
) -> DurableQueue:
    """Open the gateway's store, by default with its blobs below a data folder; `close_queue` ends the queue and the store.

    Raises: ConfigError, StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
    """
    store = open_store(store_url, "gateway", folder)
    try:
        kept = FileBlobStore(folder / "blobs") if blobs is None else blobs
        former = former_holder(folder, store.where)
        queue = await DurableQueue.open(store, kept, lease_s=lease_s, clock=clock, emit=emit, former=former, form=form, tell_drop=tell_drop)
        queue.entered = lambda holder: note_holder(folder, store.where, holder)
        queue.entered(queue.holder)
        return queue
    except BaseException:
        await store.close()
        raise


async def close_queue(queue: DurableQueue) -> None:
    """Close a queue and the store it was opened on."""
    await queue.close()
    await queue.store.close()
