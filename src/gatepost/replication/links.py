# SPDX-License-Identifier: Apache-2.0
"""The roles that this one dials, as its store knows them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, cast

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

LOCAL = "local"
"""The name of the link to this machine's own gateway."""

Greeting = Callable[[str], Awaitable[object]]
"""Puts into the outbox what a store that is met for the first time at a link must know. It may be called twice for one store."""


class LinkRow(NamedTuple):
    """One link."""

    name: str
    address: str
    """HOST:PORT, an IPv6 address in brackets; '' is this machine's own gateway."""
    fingerprint: str
    certificate: str
    store: str
    """The identity of the store at the other end; '' until it has answered."""
    joined_at: float

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)


class Links:
    """The links of an open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._greetings: list[Greeting] = []

    def greet(self, greeting: Greeting) -> None:
        """Have each store that is met for the first time told what it must know."""
        self._greetings.append(greeting)

    async def all(self) -> list[LinkRow]:
        """Give all links, by name. Raises: StoreAway."""
        return await self._store.ask(lambda connection: [LinkRow(*row) for row in connection.execute(_ALL).fetchall()])

    async def put(self, link: LinkRow) -> None:
        """Add a link, in place of one of its name. Raises: StoreFull, StoreAway."""
        await self._store.perform(self._put, link)

    async def remove(self, name: str) -> bool:
        """Remove a link and what waits for it; tells whether there was one. Raises: StoreFull, StoreAway."""
        return cast(bool, await self._store.perform(self._remove, name))

    async def meet(self, name: str, store: str) -> bool:
        """Greet the store that answers at a link unless it was met there before; tells whether it was greeted.

        It counts as met after it was greeted, so that no crash leaves one that was not. Raises: StoreFull, StoreAway.
        """
        if any(link.name == name and link.store == store for link in await self.all()):
            return False
        for greeting in self._greetings:
            await greeting(name)
        await self._store.perform(self._met, (name, store))
        return True

    # On the writer's thread

    def _put(self, connection: Any, links: Sequence[LinkRow]) -> list[None]:
        for link in links:
            self._delete(connection, link.name)
            connection.execute(spoken("INSERT INTO replication_link VALUES (?, ?, ?, ?, ?, ?)", self._store.engine), tuple(link))
        return [None] * len(links)

    def _remove(self, connection: Any, names: Sequence[str]) -> list[bool]:
        return [self._delete(connection, name) for name in names]

    def _delete(self, connection: Any, name: str) -> bool:
        engine = self._store.engine
        connection.execute(spoken("DELETE FROM replication_artefact WHERE peer = ?", engine), (name,))
        connection.execute(spoken("DELETE FROM replication_reader WHERE peer = ?", engine), (name,))
        return bool(connection.execute(spoken("DELETE FROM replication_link WHERE name = ?", engine), (name,)).rowcount)

    def _met(self, connection: Any, meetings: Sequence[tuple[str, str]]) -> list[None]:
        for name, store in meetings:
            connection.execute(spoken("UPDATE replication_link SET store = ? WHERE name = ?", self._store.engine), (store, name))
        return [None] * len(meetings)


_ALL = "SELECT name, address, fingerprint, certificate, store, joined_at FROM replication_link ORDER BY name"
