# SPDX-License-Identifier: Apache-2.0
"""What every durable queue promises, whatever engine is below it.

Promises:

* `commit` resolves only after the mail is durable (its group's COMMIT returned, synchronous). When it
  raises StoreFull the answer is 452; when it raises StoreAway (a COMMIT in doubt included) it is 451.
* A mail whose `Ticket` was cancelled before its group began is not stored at all.
* A recipient is claimed by one holder at a time. Each claim raises its fencing number; a settlement
  with an older number changes nothing and is returned as stale.
* A settlement's outcomes, the reports they cause, what the track tells of them and the removal of what is no
  longer needed are one transaction; blobs are unlinked only after it.
* A mail's head leaves in an artefact once: with the first outcome that is told, or alone `GATHER_S` after the mail
  was committed or found. Each outcome leaves once. Mail without a head has no track.
* Nothing is read or written for one tenant by a call for another.
"""

import asyncio
from typing import Protocol

from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome, QueuedRecipient, QueueLine, Settlement


class Ticket(Protocol):
    """A mail on its way to be committed; `future` is what `committed` waits for, for callers with callbacks."""

    future: "asyncio.Future[ClaimedMail | None]"

    def cancel(self) -> None:
        """Withdraw the mail if its group has not begun; the client has hung up."""

    async def committed(self) -> ClaimedMail | None:
        """Wait for the commit; gives the mail claimed for this holder, or None when it was withdrawn."""


class Queue(Protocol):
    """The durable queue of one gateway."""

    def commit(self, mail: NewMail) -> Ticket:
        """Put a mail into the next group."""

    async def settle(self, settlement: Settlement) -> tuple[Outcome, ...]:
        """Record what became of claimed recipients; gives the outcomes that were stale and so discarded."""

    async def claim(self, limit: int) -> list[ClaimedMail]:
        """Claim up to `limit` due recipients, oldest due first but fair between destination domains."""

    async def next_due_at(self) -> float | None:
        """Tell when the next unclaimed recipient falls due (Unix time); None when none waits."""

    async def lines(self, tenant_id: int | None = None) -> list[QueueLine]:
        """Give one line for each destination domain with queued recipients, by name."""

    async def show(self, wanted: str, limit: int = 1000, tenant_id: int | None = None) -> list[QueuedRecipient]:
        """Give the queued recipients of a track id, or of a destination domain; '' gives all, oldest first."""

    async def retry(self, wanted: str, tenant_id: int | None = None) -> int:
        """Make the waiting recipients of a track, domain or '' due now; gives their number."""

    async def drop(self, wanted: str, tenant_id: int | None = None) -> int:
        """Remove the unclaimed recipients of a track or domain without a report; gives their number."""
