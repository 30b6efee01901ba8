# SPDX-License-Identifier: Apache-2.0
"""The event log as the console keeps it: its own events written into it, gateways' applied."""

from gatepost.monitoring.events_buffer import EventBuffer
from gatepost.monitoring.events_log import EventLog
from gatepost.replication.apply import Applier
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store


class EventService:
    """The event log of one open store, at work."""

    def __init__(self, store: Store, machine: str, process: str = "console") -> None:
        """`machine` is the name under which this machine's own events stand."""
        self.log = EventLog(store)
        self._buffer = EventBuffer(self.log.add, machine, process)

    def register(self, applier: Applier) -> None:
        """Have what gateways tell applied here."""
        self.log.register(applier)

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what may be asked on the control socket."""
        return self.log.commands()

    def start(self) -> None:
        """Write this process's events from now on."""
        self._buffer.start()

    async def close(self) -> None:
        """Write what there is, and end; the store is to be closed after."""
        await self._buffer.close()
