# SPDX-License-Identifier: Apache-2.0
"""What gateways say of themselves, remembered for a few seconds, so that no page waits for one that is away.

Promises: however many pages ask, each gateway is asked once at a time; a page gets what is known after `PATIENCE_S` at the latest, with
the time it is of; what is not known yet is None, and the page asks again by itself.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from gatepost.telemetry.log import emit_unexpected
from gatepost.web.gateways import Answer, Gateways, ask_all, ask_one

FRESH_S: Final = 5.0
PATIENCE_S: Final = 0.1


class State(NamedTuple):
    """All gateways at one moment."""

    at: float
    links: list[dict[str, Any]]
    """What `role list` tells of each."""
    queues: list[Answer]
    usages: list[Answer]
    """What each tells of its store."""


class Watch:
    """Looks at gateways when somebody asks."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._known: State | None = None
        self._looking: asyncio.Task[None] | None = None

    async def state(self) -> State | None:
        """Give the newest state there is; None when nobody has answered in time yet."""
        if self._known is None or time.time() - self._known.at > FRESH_S:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.wait({self._looking}, timeout=PATIENCE_S)
        return self._known

    async def ask(self, name: str, do: str, args: Mapping[str, Any]) -> Answer:
        """Ask one gateway something; of one that is known to be away its trouble is told at once."""
        return await self._ask(name, (await self._troubles()).get(name, ""), do, args)

    async def ask_all(self, do: str, args: Mapping[str, Any]) -> list[Answer]:
        """Ask every gateway the same; of those that are known to be away their trouble is told at once."""
        troubles = await self._troubles()
        names = sorted(self._gateways.names)
        return list(await asyncio.gather(*(self._ask(name, troubles.get(name, ""), do, args) for name in names)))

    async def _ask(self, name: str, trouble: str, do: str, args: Mapping[str, Any]) -> Answer:
        return Answer(name, None, trouble) if trouble else await ask_one(self._gateways, name, do, args)

    async def _troubles(self) -> dict[str, str]:
        state = await self.state()
        return {one.gateway: one.trouble for one in state.queues} if state is not None else {}

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        try:
            links, queues, usages = await asyncio.gather(
                self._gateways.gateways(), ask_all(self._gateways, "queue.list", {}), ask_all(self._gateways, "store.usage", {})
            )
            self._known = State(time.time(), links, queues, usages)
        except Exception as error:
            emit_unexpected("the look at the gateways", error)
