# SPDX-License-Identifier: Apache-2.0
"""Make changes in transactions, and let no memory outlive them.

A change goes on when its asker goes away, and whatever became of it, what was remembered of its administrator is
forgotten when it ends.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact

Answer = TypeVar("Answer")
Forget = Callable[[int, str], None]
"""tenant, name"""


class Changes:
    """Changes of one store; those who remember something say how they forget."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forgetting: list[Forget] = []
        self._running: set[asyncio.Task[Any]] = set()

    def tell(self, forget: Forget) -> None:
        """Have this called after each change of an administrator, his sessions or tokens."""
        self._forgetting.append(forget)

    async def make(self, tenant_id: int, name: str, do: Callable[[Any], Answer]) -> Answer:
        """Carry out `do(connection)` in a transaction that concerns somebody. Raises: StoreFull, StoreAway."""
        task = asyncio.ensure_future(self._whole(tenant_id, name, do))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def _whole(self, tenant_id: int, name: str, do: Callable[[Any], Answer]) -> Answer:
        try:
            return await transact(self._store, do)
        finally:
            for forget in self._forgetting:
                forget(tenant_id, name)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # Where the asker has gone nobody else looks at it.
