# SPDX-License-Identifier: Apache-2.0
"""Wait for what another process does, where no event of ours tells it."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0


async def until(truth: Callable[[], object], what: str) -> None:
    """Ask in a thread until it is so; fails with `what` when the patience is over."""
    end = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(truth):
        assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
        await asyncio.sleep(0.02)
