# SPDX-License-Identifier: Apache-2.0
"""A mail between `commit` and its COMMIT."""

import asyncio
from collections.abc import Callable

from gatepost.delivery.queue.record import ClaimedMail
from gatepost.storage.contract import Pending, Store


class DurableTicket:
    """A mail on its way to be committed; `future` is what `committed` waits for."""

    __slots__ = ("_operation", "_store", "future")

    def __init__(self, store: Store, operation: Pending) -> None:
        self._store = store
        self._operation = operation
        self.future: asyncio.Future[ClaimedMail | None] = operation.future

    def cancel(self) -> None:
        """Withdraw the mail if its group has not begun."""
        self._store.cancel(self._operation)

    async def committed(self) -> ClaimedMail | None:
        """Wait for the commit; None when the mail was withdrawn. Raises: StoreFull (452), StoreAway (451)."""
        return await self.future

    def add_done_callback(self, callback: Callable[["asyncio.Future[ClaimedMail | None]"], object]) -> None:
        """Have `callback` called in the event loop with the future once the mail is committed, withdrawn or has failed."""
        self.future.add_done_callback(callback)
