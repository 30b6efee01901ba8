# SPDX-License-Identifier: Apache-2.0
"""The intranet's side of its links: which gateways it dials, how they do, and how one is won or given up."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.bootstrap_checks import split_listen
from gatepost.errors import ControlError, GatepostError, UsageError
from gatepost.replication.apply import Applier
from gatepost.replication.certificate import Identity, own_identity, readable
from gatepost.replication.dial import Call, Remote, call_local, call_remote
from gatepost.replication.follow import Dial, Follower, Sources
from gatepost.replication.links import LOCAL, LinkRow, Links
from gatepost.replication.outbox import Outbox
from gatepost.replication.peers import checked_name, read_token
from gatepost.replication.service import Handler, Operation
from gatepost.roles.processes import Paths, hostname
from gatepost.storage.contract import Store
from gatepost.telemetry.events import RoleParted
from gatepost.telemetry.log import emit

HEALTH_S = 3.0
PROOF_S = 15.0


class IntranetLinks:
    """The links of one intranet, at work."""

    def __init__(self, bootstrap: Bootstrap, store: Store) -> None:
        self.applier = Applier(store)
        self.links = Links(store)
        self._bootstrap = bootstrap
        self._store = store
        self._sources = Sources()
        self._rows: dict[str, LinkRow] = {}
        self._followers: dict[str, Follower] = {}
        self._identity: Identity | None = None

    @property
    def names(self) -> Sequence[str]:
        """The links, as the outbox knows them."""
        return tuple(self._rows)

    def stir(self) -> None:
        """Have what was put into the outbox handed over now."""
        for follower in self._followers.values():
            follower.outbox.stir()

    async def prepare(self) -> None:
        """Read the links; on a machine with a gateway of its own that is one of them. Raises: StoreFull, StoreAway."""
        known = {row.name: row for row in await self.links.all()}
        if self._bootstrap.role == "intranet":
            known.pop(LOCAL, None)
        elif LOCAL not in known:
            known[LOCAL] = LinkRow(LOCAL, "", "", "", "", time.time())
            await self.links.put(known[LOCAL])
        self._rows = known

    def start(self) -> None:
        """Follow every link."""
        for row in self._rows.values():
            self._follow(row)

    async def close(self) -> None:
        """Follow none any more."""
        await asyncio.gather(*(follower.close() for follower in self._followers.values()))

    def operations(self) -> dict[str, Handler | Operation]:
        """Give what `gatepost role` may ask."""
        return {
            "role.join": Operation(self.join, command=True),
            "role.list": self._list,
            "role.leave": Operation(self.leave, command=True),
        }

    async def health(self) -> dict[str, dict[str, Any]]:
        """Ask every gateway how it does, all at once; one that does not answer has `trouble`."""
        answers = await asyncio.gather(*(self._health_of(follower) for follower in self._followers.values()))
        return dict(zip(self._followers, answers, strict=True))

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell how every gateway does, as `gatepost role list` shows it."""
        return await self._list()

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = 10.0, identity: str = "") -> Any:
        """Have one gateway answer or do something; a command of one `identity` is done once.

        Raises: ControlError when there is none of this name, it is away, or it refuses.
        """
        follower = self._followers.get(name)
        if follower is None:
            raise ControlError(f"there is no gateway {name!r}; `gatepost role list` shows those there are")
        try:
            async with asyncio.timeout(timeout_s):
                return await follower.ask(do, args, timeout_s=timeout_s, identity=identity)
        except TimeoutError:
            raise ControlError(f"gateway {name} did not answer within {timeout_s:g} s; it may be busy or away") from None

    # What people ask

    async def join(self, address: str, token: str, name: str = "") -> dict[str, Any]:
        """Pair this intranet with a gateway, and follow it from now on. Raises: UsageError, ControlError, StoreError."""
        host, port = split_listen(address)
        if not port or not host:
            raise UsageError(f"{address!r} is no address; write HOST:PORT, as the gateway's `link.listen` has it")
        asked = read_token(token)
        name = checked_name(name or host.replace(":", "-"))
        if name in self._rows or name == LOCAL:
            raise ControlError(f"there is a link {name!r} already; leave it first, or give this one another name with --name")
        ours = await self._own_identity()
        call = await call_remote(Remote(host, port, asked.fingerprint, ""), ours)
        try:
            # The gateway's own name for us is our host's; what it is called here is our affair.
            args = {"secret": asked.secret, "certificate": ours.pem, "name": checked_name(hostname(self._bootstrap))}
            await call.ask("role.pair", args)
            row = LinkRow(name, address, asked.fingerprint, call.certificate, "", time.time())
        finally:
            await call.close()
        await self.links.put(row)
        self._rows[name] = row
        follower = self._follow(row)
        health = await follower.ask("replication.health", {}, dict[str, Any], timeout_s=PROOF_S)
        return {
            "name": name,
            "hostname": health["hostname"],
            "fingerprint": readable(row.fingerprint),
            "own_fingerprint": readable(ours.fingerprint),
            "store": health["store"],
        }

    async def _list(self) -> list[dict[str, Any]]:
        healths = await self.health()
        told = []
        for name, row in sorted(self._rows.items()):
            follower, health = self._followers[name], healths.get(name, {})
            ours = await follower.outbox.health()
            told.append(
                {
                    "name": name,
                    "address": row.address,
                    "fingerprint": row.fingerprint,
                    "joined_at": row.joined_at,
                    "contact_at": time.time() if health.get("store") else follower.contact_at,
                    "trouble": follower.trouble or health.get("trouble", ""),
                    "store": health.get("store", follower.store),
                    "waiting": health.get("waiting"),
                    "oldest_age_s": health.get("oldest_age_s"),
                    "to_send": ours.waiting,
                    "to_send_oldest_age_s": ours.oldest_age_s,
                    "program": health.get("program", ""),
                    "processes": health.get("processes", []),
                }
            )
        return told

    async def leave(self, name: str) -> dict[str, Any]:
        """Part from a gateway: it is no longer called. Raises: ControlError, StoreError."""
        row = self._rows.get(name)
        if row is None:
            raise ControlError(f"there is no link {name!r}; `gatepost role list` shows those there are")
        if name == LOCAL:
            raise ControlError('this machine\'s own gateway cannot be left; write role = "intranet" to run none here')
        follower, trouble = self._followers[name], ""
        try:
            await follower.ask("link.part", {}, timeout_s=HEALTH_S)
        except GatepostError as error:
            trouble = str(error)
        await follower.close()
        await self.links.remove(name)
        del self._followers[name], self._rows[name]
        emit(RoleParted(peer=name, fingerprint=row.fingerprint))
        return {"name": name, "told": not trouble, "trouble": trouble}

    # How a link is dialled

    def _follow(self, row: LinkRow) -> Follower:
        follower = Follower(
            row.name, self._dial(row), links=self.links, applier=self.applier, outbox=Outbox(self._store, row.name), sources=self._sources
        )
        self._followers[row.name] = follower
        follower.start()
        return follower

    def _dial(self, row: LinkRow) -> Dial:
        if not row.address:
            path = Paths(self._bootstrap).control_path
            return lambda: call_local(path)
        remote = Remote(*split_listen(row.address), row.fingerprint, row.certificate)

        async def dial() -> Call:
            return await call_remote(remote, await self._own_identity())

        return dial

    async def _own_identity(self) -> Identity:
        if self._identity is None:
            self._identity = await asyncio.to_thread(own_identity, Paths(self._bootstrap).link, hostname(self._bootstrap))
        return self._identity

    async def _health_of(self, follower: Follower) -> dict[str, Any]:
        try:
            async with asyncio.timeout(HEALTH_S):
                health: dict[str, Any] = await follower.ask("replication.health", {}, dict[str, Any], timeout_s=HEALTH_S)
        except TimeoutError:
            return {"trouble": f"no answer within {HEALTH_S:g} s"}
        except GatepostError as error:
            return {"trouble": str(error)}
        return health
