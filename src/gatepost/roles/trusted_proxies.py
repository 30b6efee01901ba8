# SPDX-License-Identifier: Apache-2.0
"""Which reverse proxies the console trusts: as the newest version of the configuration has it, from the moment it is applied.

Promises: while the store does not answer, those of the version that was read last are trusted, at first none.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from gatepost.config.configuration import Configuration
from gatepost.errors import GatepostError
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

if TYPE_CHECKING:
    from gatepost.web.frame.forwarded import Proxies

LOOK_S: Final = 60.0
"""It is looked at so often in any case."""
AGAIN_S: Final = 5.0
"""After a look that failed."""


class TrustedProxies:
    """Keeps `proxies` as the configuration has them, from `start` to `close`."""

    def __init__(self, proxies: "Proxies", configuration: Callable[[], Awaitable[Configuration]]) -> None:
        self._proxies = proxies
        self._configuration = configuration
        self._stirred = asyncio.Event()
        self._told = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look, and go on looking."""
        await self._look()
        self._task = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def stir(self) -> None:
        """Say that there is a new version."""
        self._stirred.set()

    async def _keep_looking(self) -> None:
        pause = LOOK_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            pause = LOOK_S if await self._look() else AGAIN_S

    async def _look(self) -> bool:
        self._stirred.clear()
        try:
            self._proxies.trust((await self._configuration()).console.trusted_proxies)
        except GatepostError as error:
            if not self._told:
                emit(StoreTrouble(what="reading which proxies are trusted", reason=str(error)))
            self._told = True
            return False
        except Exception as defect:
            emit_unexpected("the look at the trusted proxies", defect)
            return False
        self._told = False
        return True
