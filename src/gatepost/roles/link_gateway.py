# SPDX-License-Identifier: Apache-2.0
"""What a gateway does for the intranet, and for who pairs the two: its side of the private API."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gatepost import __version__
from gatepost.config.bootstrap import Bootstrap
from gatepost.config.bootstrap_checks import split_listen
from gatepost.errors import ControlError
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import BATCH, Batch
from gatepost.replication.certificate import Identity, own_identity, readable
from gatepost.replication.commands import Commands
from gatepost.replication.listening import TlsListener
from gatepost.replication.outbox import Outbox
from gatepost.replication.peers import Peers
from gatepost.replication.service import Handler, Operation, Peer, Service
from gatepost.roles.control import ControlServer
from gatepost.roles.processes import Paths, hostname
from gatepost.storage.contract import Store
from gatepost.telemetry.events import RolePaired, RoleParted
from gatepost.telemetry.log import emit

WAIT_MOST_S = 20.0
LOOK_EVERY_S = 0.5
"""How often a waiting fetch looks into the outbox."""

HANG_UP_S = 0.5
"""How long a peer that has parted may still hear the answer."""

ProcessStates = Callable[[], list[dict[str, Any]]]
"""Gives process, pid, version of the configuration and error, for each process of this gateway."""


class GatewayLink:
    """The private API of one gateway, on its control socket and, where `link.listen` is set, over TLS."""

    def __init__(self, bootstrap: Bootstrap, store: Store, states: ProcessStates = list) -> None:
        self.outbox = Outbox(store)
        self.applier = Applier(store)
        self._bootstrap = bootstrap
        self._store = store
        self._states = states
        self._identity: Identity | None = None
        self._listener: TlsListener | None = None
        self._control: ControlServer | None = None

    async def start(self, operations: Mapping[str, Handler | Operation]) -> None:
        """Serve these operations and our own. Raises: GatepostError."""
        everything = {**operations, **self._operations()}
        commands = Commands(self._store)
        if self._bootstrap.link.listen:
            address, port = split_listen(self._bootstrap.link.listen)
            self._identity = await asyncio.to_thread(own_identity, Paths(self._bootstrap).link, hostname(self._bootstrap))
            service = Service(everything, commands)
            self._listener = TlsListener(address, port, self._identity, self._peers(), service)
            await self._listener.start()
        self._control = ControlServer(Paths(self._bootstrap).control_path, everything, commands)
        await self._control.start()

    async def close(self) -> None:
        """Serve nobody any more."""
        if self._listener is not None:
            await self._listener.close()
        if self._control is not None:
            await self._control.close()

    def _operations(self) -> dict[str, Handler | Operation]:
        return {
            "replication.fetch": self._fetch,
            "replication.acknowledge": self._acknowledge,
            "replication.apply": self._apply,
            "replication.health": self._health,
            "link.part": Operation(self._part, command=True, with_peer=True),
            "role.invite": Operation(self._invite, command=True, remembered=False),
            "role.pair": Operation(self._pair, with_peer=True),
            "role.list": self._list,
            "role.leave": Operation(self._leave, command=True),
        }

    # What the intranet asks

    async def _fetch(self, store: str = "", acknowledged_to: int = 0, limit: int = BATCH, wait_s: float = 0.0) -> Batch:
        """Give what is due, at the latest after `wait_s`; what was applied up to a number is deleted."""
        end = time.monotonic() + min(wait_s, WAIT_MOST_S)
        batch = await self.outbox.fetch(limit, acknowledged_to, store)
        while not batch.artefacts and time.monotonic() < end:
            await asyncio.sleep(LOOK_EVERY_S)
            if await self.outbox.is_due():
                batch = await self.outbox.fetch(limit)
        return batch

    async def _acknowledge(self, up_to: int) -> int:
        return await self.outbox.acknowledge(up_to)

    async def _apply(self, batch: Any) -> int:
        try:
            artefacts = msgspec.convert(batch, Batch)
        except msgspec.ValidationError as error:
            raise ControlError(f"this is no batch of artefacts ({error}); is the intranet of another version?") from None
        return await self.applier.apply(artefacts)

    async def _health(self) -> dict[str, Any]:
        health = await self.outbox.health()
        return {
            "store": await self.outbox.identity(),
            "waiting": health.waiting,
            "oldest_age_s": health.oldest_age_s,
            "role": self._bootstrap.role,
            "hostname": hostname(self._bootstrap),
            "program": __version__,
            "processes": self._states(),
        }

    async def _part(self, peer: Peer) -> bool:
        return bool(await self._unpin(peer.name))

    # Pairing

    async def _invite(self) -> dict[str, Any]:
        identity = self._own("invites nobody")
        return {
            "token": await self._peers().invite(),
            "fingerprint": readable(identity.fingerprint),
            "listen": self._bootstrap.link.listen,
            "hostname": hostname(self._bootstrap),
        }

    async def _pair(self, peer: Peer, secret: bytes, certificate: str, name: str) -> dict[str, Any]:
        if not (isinstance(secret, bytes) and isinstance(certificate, str) and isinstance(name, str)):
            raise ControlError("a pairing takes the token's bytes, a certificate in PEM and a name")
        pinned = await self._peers().pair(secret, certificate, name)
        emit(RolePaired(peer=pinned.name, fingerprint=pinned.fingerprint, client=peer.client))
        return {"name": pinned.name, "hostname": hostname(self._bootstrap), "role": self._bootstrap.role}

    async def _list(self) -> list[dict[str, Any]]:
        """Tell who may call us and what waits for whoever does."""
        health = await self._health()
        contacts = self._listener.contacts if self._listener is not None else {}
        return [
            {
                "name": pinned.name,
                "fingerprint": pinned.fingerprint,
                "may": pinned.may.split(),
                "joined_at": pinned.joined_at,
                "contact_at": contacts.get(pinned.fingerprint, 0.0),
                "store": health["store"],
                "waiting": health["waiting"],
                "oldest_age_s": health["oldest_age_s"],
                "processes": health["processes"],
                "trouble": "",
            }
            for pinned in await self._peers().all()
        ]

    async def _leave(self, name: str) -> dict[str, Any]:
        if not await self._unpin(name):
            raise ControlError(f"no role {name!r} is paired with this gateway; `gatepost role list` shows those that are")
        return {"name": name, "told": False, "trouble": ""}

    async def _unpin(self, name: str) -> bool:
        found = await self._peers().remove(name)
        if found is not None:
            emit(RoleParted(peer=found.name, fingerprint=found.fingerprint))
            if self._listener is not None:  # Later, for the peer itself may have asked, and waits for the answer.
                self._listener.hang_up(found.fingerprint, HANG_UP_S)
        return found is not None

    def _peers(self) -> Peers:
        return Peers(self._store, self._identity.fingerprint if self._identity is not None else "")

    def _own(self, what: str) -> Identity:
        if self._identity is None:
            raise ControlError(f"this gateway {what}: nobody on another machine can call it; set `link.listen` and start it again")
        return self._identity
