# SPDX-License-Identifier: Apache-2.0
"""A house with administrators whose clock the test moves: real hashes and codes, the hashes at the lowest costs.

from contracts.access_house import House, house
from contracts.store_engines import engine
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pyotp
import pytest

from contracts.store_engines import StoreEngine
from gatepost.access.access import Access
from gatepost.access.administrators import Changed
from gatepost.access.audit import AuditSearch
from gatepost.access.passwords import Passwords
from gatepost.access.rates import Rates
from gatepost.access.record import Came, Refusal
from gatepost.access.roles import ROLES
from gatepost.access.sign_in import Done, Outcome, Step
from gatepost.contracts.actor import Actor
from gatepost.storage.contract import Store

NOON = 1_795_000_000.0
HERE = Came("192.0.2.7", "Firefox on Linux")
OWNER = Actor("root", "cli")
PASSWORD = "correct horse battery"


class Person(NamedTuple):
    """An administrator who has signed in once."""

    name: str
    password: str
    secret: str
    """Of his authenticator."""
    done: Done

    @property
    def actor(self) -> Actor:
        """Him, in the browser of his first sign-in."""
        return self.done.session.actor("192.0.2.7")


class House:
    """One store's access, with a clock in the test's hand."""

    def __init__(self, store: Store, folder: Path, **settings: Any) -> None:
        self.now = NOON
        self.store = store
        self.passwords = Passwords(memory_kib=8, passes=1)
        given = {"rates": Rates(1e9, 1_000_000), "passwords": self.passwords, "refusal_s": 0.0, "clock": lambda: self.now, **settings}
        self.access = Access(store, folder / "keys" / "console.key", **given)

    def again(self, folder: Path, **settings: Any) -> "House":
        """Give the house as after a new start of its process."""
        fresh = House(self.store, folder, **settings)
        fresh.now = self.now
        return fresh

    async def add(self, name: str, *roles: str, tenant_id: int = 0) -> str:
        """Add an administrator; gives his one-time password."""
        added = await self.access.administrators.add(OWNER._replace(tenant_id=tenant_id), name, roles or ROLES)
        assert isinstance(added, Changed)
        return added.one_time_password

    async def settle_in(self, name: str, *roles: str, tenant_id: int = 0, password: str = PASSWORD) -> Person:
        """Add an administrator and take him through his first sign-in."""
        step = await self.access.sign_in.begin(name, await self.add(name, *roles, tenant_id=tenant_id), HERE, tenant_id)
        assert isinstance(step, Step) and step.needs == "new_password"
        step = await self.access.sign_in.give_password(step.ticket, password, HERE)
        assert isinstance(step, Step) and step.needs == "totp_enrolment"
        enrolment = self.access.sign_in.enrolment(step.ticket)
        assert enrolment is not None
        done = await self.access.sign_in.give_code(step.ticket, self.code(enrolment.secret), HERE)
        assert isinstance(done, Done)
        return Person(name, password, enrolment.secret, done)

    async def sign_in(self, person: Person, came: Came = HERE, tenant_id: int = 0) -> Outcome:
        """Sign somebody in with the code of the next step."""
        self.now += 30
        step = await self.access.sign_in.begin(person.name, person.password, came, tenant_id)
        if not isinstance(step, Step):
            return step
        return await self.access.sign_in.give_code(step.ticket, self.code(person.secret), came)

    async def signed_in(self, person: Person, came: Came = HERE, tenant_id: int = 0) -> Done:
        """Sign somebody in who can."""
        done = await self.sign_in(person, came, tenant_id)
        assert isinstance(done, Done)
        return done

    def code(self, secret: str, steps: int = 0) -> str:
        """Give what an authenticator shows now, or so many steps later."""
        return pyotp.TOTP(secret).at(int(self.now), counter_offset=steps)

    async def operations(self, tenant_id: int = 0) -> list[str]:
        """Give what the audit holds, the oldest first."""
        page = await self.access.audit.search(AuditSearch(limit=1000), tenant_id)
        return [one.operation for one in reversed(page.entries)]


def refused(answer: object) -> str:
    """Give the sentence of a change that was not made."""
    assert isinstance(answer, Refusal)
    return answer.sentence


@pytest.fixture
async def house(engine: StoreEngine, tmp_path: Path) -> AsyncIterator[House]:
    """Give a house without anybody, on each engine in turn."""
    made = House(engine.open("intranet"), tmp_path)
    yield made
    made.access.close()
