# SPDX-License-Identifier: Apache-2.0
"""A process that keeps ending, from the event log of an intranet on both engines: found, told of, and over."""

import time
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from gatepost.config.configuration import Configuration
from gatepost.errors import ControlError
from gatepost.monitoring.checks_processes import End, Ends, processes_ending
from gatepost.monitoring.events_log import EventLog
from gatepost.monitoring.events_record import EventEntry, entry_of
from gatepost.roles.incident_checks import Rooms, Watch
from gatepost.storage.contract import Store
from gatepost.telemetry.events import Event, ProcessEnded, ProcessNotStarted, ProcessStarted

HOUR = 3600.0


class Links:
    """Two gateways, of which those in `away` do not answer and those in `troubled` answer, but cannot be followed."""

    names = ("berlin", "rome")

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.troubled: set[str] = set()

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell how they do."""
        return [{"name": name, "trouble": "away" if name in self.away | self.troubled else ""} for name in self.names]

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = 10.0, identity: str = "") -> Any:
        """Answer."""
        if name in self.away or do != "replication.health":
            raise ControlError("it hung up")
        return {"hostname": f"{name}.example"}


class House:
    """The event log of a store, and what looks into it."""

    def __init__(self, store: Store) -> None:
        async def newest() -> Configuration:
            return Configuration()

        async def none() -> int:
            return 0

        self.log = EventLog(store)
        self.links = Links()
        self.watch = Watch(store, self.links, Rooms(newest, none), "intranet.example")

    async def tell(self, event: Event, *ages_s: float, machine: str = "berlin.example", tenant_id: int = 0) -> list[float]:
        """Put events into the log; gives when they were."""
        now = time.time()
        entries: list[EventEntry] = [entry_of(now - age_s, event, machine, "supervisor") for age_s in ages_s]
        await self.log.add(entries, tenant_id)
        return [one.at for one in entries]

    async def ends(self) -> Ends:
        """Ask for the ends of the last hour."""
        return await self.watch.ends(time.time() - HOUR)


@pytest.fixture
async def house(engine: StoreEngine) -> House:  # noqa: F811
    """Give an empty log on each engine in turn."""
    return House(engine.open("intranet"))


def ended(process: str = "receive-1", status: int = -9) -> ProcessEnded:
    """Give the event of an end."""
    return ProcessEnded(process=process, status=status, restart_in_s=0.0)


async def test_ends_are_read_as_the_supervisor_told_them(house: House) -> None:
    """The newest first, with machine, process and status; older ones, other events and another tenant's are none."""
    (recent,) = await house.tell(ended(), 10.0)
    (older,) = await house.tell(ended("deliver", 3), 60.0, machine="rome.example")
    await house.tell(ended(), 2 * HOUR)
    await house.tell(ProcessStarted(process="receive", pid=7), 5.0)
    await house.tell(ProcessNotStarted(process="receive-1", reason="no memory", restart_in_s=1.0), 5.0)
    await house.tell(ended(), 20.0, tenant_id=7)
    told = await house.ends()
    assert list(told.ends) == [End(recent, "berlin.example", "receive-1", -9), End(older, "rome.example", "deliver", 3)]


async def test_which_machines_can_tell_is_known(house: House) -> None:
    """Our own always; a gateway that is away, or whose news cannot be applied, is silent."""
    assert (await house.ends())[1:] == (frozenset({"intranet.example", "berlin.example", "rome.example"}), False)
    house.links.away = {"berlin"}
    house.watch._looked_at = 0.0
    assert (await house.ends())[1:] == (frozenset({"intranet.example", "rome.example"}), True)
    house.links.away, house.links.troubled = set(), {"rome"}
    house.watch._looked_at = 0.0
    assert (await house.ends())[1:] == (frozenset({"intranet.example", "berlin.example"}), True)


async def test_three_ends_are_found(house: House) -> None:
    """From the log to the finding."""
    await house.tell(ended(), 1.0, 2.0)
    assert (await processes_ending(house.watch.ends, time.time(), {})).findings == ()
    await house.tell(ended(), 3.0)
    (found,) = (await processes_ending(house.watch.ends, time.time(), {})).findings
    assert (found.subject, found.details) == ("berlin.example/receive-1", {"ends": 3, "ended_by": "SIGKILL"})
