# SPDX-License-Identifier: Apache-2.0
"""The people of a house with two gateways and two tenants, on each engine; its audit is a list.

from contracts.people_house import a_house, an_engine     # the fixtures `house` and `site`
async def test_something(house: House): ...     # once on SQLite, once on PostgreSQL
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.contracts.actor import Actor, Entry
from gatepost.message.addresses import Address
from gatepost.people import apply
from gatepost.people.record import UserAddress, UserForm
from gatepost.people.roster import Roster
from gatepost.people.service import People
from gatepost.people.user_form import TenantOf
from gatepost.replication.apply import Applier
from gatepost.replication.outbox import Outbox
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from postgres_server import postgres_server

ANN, BOB = Actor("ann", "console"), Actor("bob", "api", "192.0.2.1")
OTHER = Actor("olga", "cli", tenant_id=1)
OWNED = {"a.example": 0, "b.example": 0, "xn--bcher-kva.example": 0, "other.example": 1}


def form(*addresses: str, name: str = "", **values: Any) -> UserForm:
    """Give a user's form; a disabled address is written with a minus before it."""
    told = tuple(UserAddress(one.removeprefix("-"), enabled=not one.startswith("-")) for one in addresses)
    return UserForm(name, told, **values)


class House:
    """People, two gateways, and what the audit was told."""

    def __init__(self, store: Store, gateways: tuple[str, ...] = ("east", "west")) -> None:
        self.store = store
        self.gateways = list(gateways)
        self.audit: list[Entry] = []
        self.stirred = 0
        self.people = People(store, lambda: self.gateways, self._owned, self._note, self._stir)

    async def _owned(self) -> TenantOf:
        return OWNED.get

    def _note(self, connection: Any, entry: Entry) -> None:
        self.audit.append(entry)

    def _stir(self) -> None:
        self.stirred += 1


class Site:
    """A gateway: its store, what applies to it, and who it knows."""

    def __init__(self, store: Store, told: Any = None) -> None:
        self.store = store
        self.applier = Applier(store)
        self.roster = Roster(store)
        apply.register(self.applier, told or self._told)

    async def _told(self) -> None:
        await self.roster.refresh()

    async def fetch_from(self, house: House, name: str) -> int:
        """Apply all that waits for a gateway; gives how many batches that were."""
        outbox = Outbox(house.store, name)
        batches = 0
        while (batch := await outbox.fetch()).artefacts:
            await self.applier.apply(batch)
            await outbox.acknowledge(batch.artefacts[-1].sequence)
            batches += 1
        return batches

    async def tables(self) -> tuple[list[Any], list[Any]]:
        """Give the addresses and the partners that it has, tenants first."""

        def read(connection: Any) -> tuple[list[Any], list[Any]]:
            addresses = connection.execute("SELECT tenant_id, address, enabled FROM corporate_address").fetchall()
            partners = connection.execute("SELECT tenant_id, domain, settings FROM partner").fetchall()
            return sorted(map(tuple, addresses)), sorted(map(tuple, partners))

        return await self.store.ask(read)

    def knows(self, address: str, tenant_id: int = 0) -> bool | None:
        """Tell what its memory says of an address."""
        local, _, domain = address.rpartition("@")
        return self.roster.listed(tenant_id, Address(local, domain))


@pytest.fixture(name="engine_name", params=["sqlite", "postgresql"])
def an_engine(request: pytest.FixtureRequest) -> str:
    """Give each engine in turn."""
    return str(request.param)


def url_on(engine: str) -> str:
    """Give where an empty store of an engine is to be opened."""
    return "sqlite" if engine == "sqlite" else postgres_server().create_database()


@pytest.fixture(name="house")
async def a_house(engine_name: str, tmp_path: Path) -> AsyncIterator[House]:
    """Give the people of an empty intranet's store."""
    store = open_store(url_on(engine_name), "intranet", tmp_path / "intranet")
    yield House(store)
    await store.close()


@pytest.fixture(name="site")
async def a_site(engine_name: str, tmp_path: Path) -> AsyncIterator[Site]:
    """Give an empty gateway."""
    store = open_store(url_on(engine_name), "gateway", tmp_path / "gateway")
    yield Site(store)
    await store.close()
