# SPDX-License-Identifier: Apache-2.0
"""What a gateway tells who looks after it: how full its store is, and which routes are down."""

import time
from typing import Any

from gatepost.delivery.breaker import Breakers
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store
from gatepost.storage.usage import Measured, told

TRIED_S = 120.0
"""A route whose next probe is overdue by so much has no mail: nobody tries it, and nobody knows whether it is still down."""


def watch_operations(store: Store, breakers: Breakers) -> dict[str, Handler | Operation]:
    """Give the operations."""
    measured = Measured(store)

    async def usage() -> dict[str, Any]:
        """Tell how full the store is; a store that does not answer is told as such, not refused."""
        return told(await measured.usage())

    async def routes() -> list[dict[str, str]]:
        """Tell the routes whose circuit breaker is open: key and last failure."""
        since = time.time() - TRIED_S
        return [{"route": key, "reason": breakers.reason(key)} for key in breakers.open_routes() if breakers.probe_at(key) > since]

    return {"store.usage": usage, "queue.routes": routes}
