# SPDX-License-Identifier: Apache-2.0
"""Next hops that are asked for recipients, and a verifying house between two ends of a hand-over socket."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from gatepost.config.configuration import SendConnector
from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.handover.client import Handover
from gatepost.delivery.handover.server import HandoverServer
from gatepost.delivery.routing import Routing
from gatepost.delivery.verification.answers import Answers
from gatepost.delivery.verification.question import Asker
from gatepost.delivery.verification.turns import Turns
from gatepost.delivery.verification.verification import Verification
from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.storage.store import SqliteStore
from gatepost.testing.sink import Sink

DOMAIN = "example.com"


class NextHop(Sink):
    """A sink that keeps every command; only `users` have a mailbox there, or everybody when there is no list."""

    def __init__(self, *users: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: list[str] = []
        self._heard = asyncio.Event()
        for user in users:
            self.fail("rcpt", reply="250 2.1.5 Here", match=user)
        if users:
            self.fail("rcpt", reply="550 5.1.1 No such user")

    def _joined(self, connection: Any) -> Any:
        session = super()._joined(connection)
        receive: Callable[[bytes], bytes] = session.receive

        def recording(untrusted_bytes: bytes) -> bytes:
            self.commands += untrusted_bytes.decode().splitlines()
            self._heard.set()
            return receive(untrusted_bytes)

        session.receive = recording
        return session

    @property
    def asked(self) -> list[str]:
        """The recipients that were asked for, in order; names that nobody has as `*`."""
        named = [line[9:-1] for line in self.commands if line.startswith("RCPT TO:<")]
        return [f"*@{name.partition('@')[2]}" if name.startswith("nosuchuser") else name for name in named]

    async def hears(self, recipient: str) -> None:
        """Wait until a recipient is asked for."""
        while recipient not in self.asked:
            self._heard.clear()
            await self._heard.wait()

    def now_first(self, **fault: Any) -> None:
        """Ask for a failure that comes before all others."""
        before, self.faults._waiting = self.faults._waiting, []
        self.fail(**fault)
        self.faults._waiting += before


class WatchedTurns(Turns):
    """Turns that tell who comes, in order."""

    def __init__(self, **limits: int) -> None:
        super().__init__(**limits)
        self.came: asyncio.Queue[str] = asyncio.Queue()

    def turn(self, key: str) -> AbstractAsyncContextManager[None]:
        """Let a question come in, or wait."""
        self.came.put_nowait(key)
        return super().turn(key)


class Clock:
    """A wall clock that stands until it is moved."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """Both processes' ends in one: `handover` is what `receive` has, behind it verification and its store."""

    def __init__(self, folder: Path, hops: Mapping[str, int | tuple[int, ...]], owners: Mapping[str, int] | None = None) -> None:
        self.folder, self.hops = folder, hops
        self.owners = dict(owners or dict.fromkeys(hops, 0))
        self.clock = Clock()
        self.question_s = 10.0
        self.turns: Turns | None = None
        self.limits = DeliveryLimits()

    async def open(self) -> None:
        """Start what is `deliver` and what is `receive`."""
        self.store = SqliteStore(self.folder / "data")
        self.verification = Verification(
            Routing(self._connectors(), Twin(""), is_owned=self.owners.__contains__),
            Asker(self.limits, "gate.example"),
            Answers(self.store, self.clock),
            self.owners.get,
            clock=self.clock,
            turns=self.turns,
            question_s=self.question_s,
        )
        path = str(self.folder / "h.sock")
        self.server = HandoverServer(path, None, None, self.verification.judge)  # type: ignore[arg-type]  # no mail is handed over
        await self.server.start()
        self.handover = Handover(path)
        self.handover._recalled.asked._clock = self.clock
        await self.handover.start()

    async def close(self) -> None:
        """End both, in the order in which the processes end."""
        await self.handover.close()
        await self.server.close()
        await self.verification.close()
        await self.store.close()

    async def restart(self) -> None:
        """End both processes and start them again."""
        await self.close()
        await self.open()

    async def __aenter__(self) -> "House":
        await self.open()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def known(self, address: str, tenant: int = 0) -> str:
        """Ask as `receive` does at RCPT."""
        return await self.handover.recipient_known(tenant, named(address))

    def recalled(self, address: str, tenant: int = 0) -> str | None:
        """Recall as `receive` does at RCPT."""
        return self.handover.recalled(tenant, named(address))

    def _connectors(self) -> list[SendConnector]:
        return [
            SendConnector(
                name=domain,
                direction="inbound",
                domains=(domain,),
                smart_hosts=tuple(f"[127.0.0.1]:{port}" for port in ([ports] if isinstance(ports, int) else ports)),
                tenant=self.owners.get(domain),
            )
            for domain, ports in self.hops.items()
        ]


def named(address: str) -> Address:
    """Read an address; without a domain it is the usual one's."""
    local, _, domain = address.partition("@")
    return Address(local, domain or DOMAIN)
