# SPDX-License-Identifier: Apache-2.0
"""What the queue's contract suite needs of an engine, and the builders of its mails."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gatepost.delivery.queue.queue import SqliteQueue
from gatepost.delivery.queue.record import Body, ClaimedMail, NewMail, Outcome, Settlement
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.storage.blobs import FileBlobStore
from gatepost.storage.store import SqliteStore
from gatepost.telemetry.events import Event

LEASE_S = 60.0
START = 1_800_000_000.0


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Engine(Protocol):
    """A store of some kind on which queues can be opened; several at once, each with a holder of its own."""

    clock: Clock
    events: list[Event]

    async def open(self) -> SqliteQueue: ...

    async def reopen(self) -> SqliteQueue:
        """Leave everything as a crash would, and open the store again as its only holder."""

    def blob(self, content: bytes) -> str: ...

    def blobs(self) -> set[str]: ...

    @property
    def commits(self) -> int: ...

    async def close(self) -> None: ...


class SqliteEngine:
    """A SQLite store in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.events: list[Event] = []
        self.store = SqliteStore(folder)
        self._blobs = FileBlobStore(folder / "blobs")
        self._queues: list[SqliteQueue] = []

    async def open(self) -> SqliteQueue:
        queue = await SqliteQueue.open(
            self.store, self._blobs, lease_s=LEASE_S, clock=self.clock, emit=self.events.append, sole=not self._queues
        )
        self._queues.append(queue)
        return queue

    async def reopen(self) -> SqliteQueue:
        for queue in self._queues:
            queue.abandon()
        self._queues.clear()
        await self.store.close()
        self.store = SqliteStore(self.folder)
        return await self.open()

    def blob(self, content: bytes) -> str:
        writer = self._blobs.create()
        writer.write(content)
        return writer.finish()

    def blobs(self) -> set[str]:
        return {path.name for path in (self.folder / "blobs").iterdir()}

    @property
    def commits(self) -> int:
        return self.store.writer.commits

    async def close(self) -> None:
        for queue in self._queues:
            await queue.close()
        await self.store.close()
        self._blobs.close()


_numbers = itertools.count(1)


def new_mail(
    *recipients: str, tenant: int = 0, track: str = "", body: Body | None = None, at: float = START, notify: str = "", orcpt: str = ""
) -> NewMail:
    """Give a mail to these recipients (`user@example.com` where none is named)."""
    envelope = Envelope(
        Address("Sender", "example.org"),
        4,
        "8BITMIME",
        True,
        "HDRS",
        "env+2Bid",
        [recipient(r, notify, orcpt) for r in recipients or ("user@example.com",)],
    )
    return NewMail(
        track=track or f"track{next(_numbers)}",
        tenant_id=tenant,
        direction="inbound",
        received_at=at,
        expires_at=at + 432_000,
        client="192.0.2.1",
        helo="sender.example.org",
        envelope=envelope,
        trace=b"Received: by gate.example.com\r\n",
        body=body or Body(11, b"Hello\0\r\n\xff\r\n", "", True),
        defects=("nul", "eight-bit"),
    )


def recipient(text: str, notify: str = "", orcpt: str = "") -> Recipient:
    local, _, domain = text.rpartition("@")
    return Recipient(Address(local, domain), notify, orcpt)


async def committed(queue: SqliteQueue, *mails: NewMail) -> list[ClaimedMail]:
    """Commit mails in one go and give them as claimed."""
    tickets = [queue.commit(mail) for mail in mails]
    results = [await ticket.committed() for ticket in tickets]
    assert None not in results
    return [result for result in results if result is not None]


def settlement(claimed: ClaimedMail, *states: str, due_at: float = 0.0, reply: str = "", reports: Sequence[NewMail] = ()) -> Settlement:
    """Settle the claimed recipients with these states, in order; the last state serves the rest."""
    outcomes = []
    for number, one in enumerate(claimed.recipients):
        state = states[min(number, len(states) - 1)]
        outcomes.append(Outcome(one.id, one.fence, state, due_at, reply, "mx.example.net"))  # type: ignore[arg-type]
    return Settlement(claimed.mail_id, claimed.variant_id, tuple(outcomes), tuple(reports))


def tracks(claimed: Sequence[ClaimedMail]) -> list[str]:
    return [one.mail.track for one in claimed]


async def deferred(queue: SqliteQueue, *mails: NewMail, due_at: float = 0.0) -> list[ClaimedMail]:
    """Commit mails and defer all their recipients until `due_at` (by default they are due at once)."""
    claimed = await committed(queue, *mails)
    for one in claimed:
        assert await queue.settle(settlement(one, "deferred", due_at=due_at or one.mail.received_at)) == ()
    return claimed
