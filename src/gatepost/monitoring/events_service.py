# SPDX-License-Identifier: Apache-2.0
"""The event log as the console keeps it: its own events written into it, gateways' applied, old ones dropped."""

import asyncio
import contextlib
import time
from typing import Final

from gatepost.errors import StoreError
from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_log import KEPT_DAYS, EventLog
from gatepost.replication.apply import Applier
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store
from gatepost.telemetry.log import emit_unexpected

ROUND_S: Final = 3600.0
_DAY_S: Final = 86_400


class EventService:
    """The event log of one open store, at work."""

    def __init__(self, store: Store, machine: str, process: str = "console") -> None:
        """`machine` is the name under which this machine's own events stand."""
        self.log = EventLog(store)
        self._buffer = EventBuffer(self.log.add, machine, process)
        self._task: asyncio.Task[None] | None = None

    def register(self, applier: Applier) -> None:
        """Have what gateways tell applied here."""
        self.log.register(applier)

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what may be asked on the control socket."""
        return self.log.commands()

    def start(self) -> None:
        """Write this process's events, and drop old ones from now on."""
        self._buffer.start()
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Write what there is, and end; the store is to be closed after."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._buffer.close()

    async def _keep(self) -> None:
        while True:
            try:
                await self.log.drop_before(time.time() - KEPT_DAYS * _DAY_S)
            except StoreError:  # the store's own room has told
                pass
            except Exception as defect:
                emit_unexpected("upkeep of the event log", defect)
            await asyncio.sleep(ROUND_S)
