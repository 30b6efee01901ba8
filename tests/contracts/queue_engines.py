# SPDX-License-Identifier: Apache-2.0
"""What the queue's contract suite needs of an engine, and the builders of its mails."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from gatepost.delivery.queue.people import TellDrop
from gatepost.delivery.queue.queue import DurableQueue
from gatepost.delivery.queue.record import Body, ClaimedMail, NewMail, Outcome, Settlement
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.storage.blobs import FileBlobStore
from gatepost.storage.opening import open_store
from gatepost.telemetry.events import Event
from postgres_server import postgres_server
from waiting import PATIENCE_S

LEASE_S = 60.0
START = 1_800_000_000.0
PROCESS = Path(__file__).with_name("committing_process.py")
FORM = 7
"""The version under which the tests' tracks are written."""


class Clock:
    """A wall clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class QueueEngine:
    """A store of some kind, on which queues can be opened; several at once, each with a holder of its own."""

    def __init__(self, name: str, folder: Path, url: str = "") -> None:
        self.name, self.folder = name, folder
        self.url = url or ("sqlite" if name == "sqlite" else postgres_server().create_database())
        self.clock = Clock()
        self.events: list[Event] = []
        self.store = open_store(self.url, "gateway", folder)
        self._blobs = FileBlobStore(folder / "blobs")
        self._queues: list[DurableQueue] = []

    async def open(self, *, sole: bool | None = None, tell_drop: TellDrop | None = None) -> DurableQueue:
        """Enter as a holder; the first one alone, unless it is said."""
        queue = await DurableQueue.open(
            self.store,
            self._blobs,
            lease_s=LEASE_S,
            clock=self.clock,
            emit=self.events.append,
            sole=not self._queues if sole is None else sole,
            form=FORM,
            tell_drop=tell_drop,
        )
        self._queues.append(queue)
        return queue

    async def reopen(self) -> DurableQueue:
        """Leave everything as a crash would, and open the store again as its only holder."""
        for queue in self._queues:
            queue.abandon()
        self._queues.clear()
        await self.store.close()
        self.store = open_store(self.url, "gateway", self.folder)
        return await self.open()

    def blob(self, content: bytes) -> str:
        """Store a blob and give its name."""
        writer = self._blobs.create()
        writer.write(content)
        return writer.finish()

    def blobs(self) -> set[str]:
        """Give the names of all blobs."""
        return {path.name for path in (self.folder / "blobs").iterdir()}

    @property
    def commits(self) -> int:
        """The COMMITs of this store so far."""
        return self.store.writer.commits  # type: ignore[attr-defined, no-any-return]

    async def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Ask the store in SQL that both engines know."""
        return await self.store.ask(lambda connection: [tuple(row) for row in connection.execute(text).fetchall()])

    async def artefacts(self) -> list[tuple[int, list[Any]]]:
        """Give tenant and content of the artefacts in the outbox, in their order."""
        found = await self.rows("SELECT kind, version, tenant_id, payload FROM replication_artefact ORDER BY sequence")
        assert {row[:2] for row in found} <= {("track", FORM)}
        return [(row[2], msgspec.msgpack.decode(row[3])) for row in found]

    async def wait_for_artefacts(self, count: int) -> list[tuple[int, list[Any]]]:
        """Give the artefacts once there are so many: the background lets them go."""
        end = time.monotonic() + PATIENCE_S
        while len(found := await self.artefacts()) < count:
            assert time.monotonic() < end, f"only {found} within {PATIENCE_S} s"
            await asyncio.sleep(0.02)
        return found

    async def close(self) -> None:
        """Close all queues and the store."""
        for queue in self._queues:
            await queue.close()
        await self.store.close()
        self._blobs.close()


_numbers = itertools.count(1)


def new_mail(
    *recipients: str,
    tenant: int = 0,
    track: str = "",
    body: Body | None = None,
    at: float = START,
    notify: str = "",
    orcpt: str = "",
    head: object = None,
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
        head=b"" if head is None else msgspec.msgpack.encode(head),
    )


def recipient(text: str, notify: str = "", orcpt: str = "") -> Recipient:
    local, _, domain = text.rpartition("@")
    return Recipient(Address(local, domain), notify, orcpt)


async def committed(queue: DurableQueue, *mails: NewMail) -> list[ClaimedMail]:
    """Commit mails in one go and give them as claimed."""
    tickets = [queue.commit(mail) for mail in mails]
    results = [await ticket.committed() for ticket in tickets]
    assert None not in results
    return [result for result in results if result is not None]


def settlement(
    claimed: ClaimedMail, *states: str, due_at: float = 0.0, reply: str = "", reports: Sequence[NewMail] = (), outcome: object = None
) -> Settlement:
    """Settle the claimed recipients with these states, in order; the last state serves the rest."""
    outcomes = []
    for number, one in enumerate(claimed.recipients):
        state = states[min(number, len(states) - 1)]
        outcomes.append(Outcome(one.id, one.fence, state, due_at, reply, "mx.example.net"))  # type: ignore[arg-type]
    told = b"" if outcome is None else msgspec.msgpack.encode(outcome)
    return Settlement(claimed.mail_id, claimed.variant_id, tuple(outcomes), tuple(reports), told)


def tracks(claimed: Sequence[ClaimedMail]) -> list[str]:
    return [one.mail.track for one in claimed]


async def deferred(queue: DurableQueue, *mails: NewMail, due_at: float = 0.0) -> list[ClaimedMail]:
    """Commit mails and defer all their recipients until `due_at` (by default they are due at once)."""
    claimed = await committed(queue, *mails)
    for one in claimed:
        assert await queue.settle(settlement(one, "deferred", due_at=due_at or one.mail.received_at)) == ()
    return claimed
