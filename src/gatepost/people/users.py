# SPDX-License-Identifier: Apache-2.0
"""Corporate users as pages, API and command line know them. Every question is one tenant's; a change is its actor's tenant's."""

import secrets
import time
from collections.abc import Awaitable, Callable, Collection

from gatepost.contracts.actor import Actor
from gatepost.people.address import folded
from gatepost.people.answers import Fault, Faulty, Outdated, Removed, Saved
from gatepost.people.fields import Fields
from gatepost.people.ledger import Ledger
from gatepost.people.precedence import Resolved, effective
from gatepost.people.record import User, UserForm
from gatepost.people.user_form import TenantOf, checked
from gatepost.people.user_search import Search, UserCounts, UserPage, UserSearch
from gatepost.people.user_store import UserChange, UserRemoval, UserStore

OwnedDomains = Callable[[], Awaitable[TenantOf]]
"""Gives who owns which domain by the configuration that holds now."""


class Users:
    """The users of one store; `changed` is called after each COMMIT that gateways must hear of."""

    def __init__(self, ledger: Ledger, fields: Fields, owned_domains: OwnedDomains, changed: Callable[[], object]) -> None:
        self._ledger, self._fields = ledger, fields
        self._owned_domains, self._changed = owned_domains, changed
        self._rows = UserStore(ledger)
        self._search = UserSearch(ledger, self._rows)

    async def search(self, wanted: Search) -> UserPage:
        """Give one page of users, by name. Raises: UsageError for a cursor that is none, StoreAway."""
        return await self._search.page(wanted)

    async def counts(self, tenant_id: int) -> UserCounts:
        """Count users and addresses. Raises: StoreAway."""
        return await self._search.counts(tenant_id)

    async def get(self, tenant_id: int, identity: str) -> User | None:
        """Give one user. Raises: StoreAway."""
        return await self._ledger.store.ask(lambda connection: self._rows.get(connection, tenant_id, identity))

    async def find(self, tenant_id: int, address: str) -> User | None:
        """Give the user who has an address, however it is written. Raises: StoreAway."""
        read = folded(address.strip())
        if read is None:
            return None
        return await self._ledger.store.ask(lambda connection: self._rows.find(connection, tenant_id, str(read)))

    async def listed(self, tenant_id: int, addresses: Collection[str]) -> dict[str, bool]:
        """Tell which of some folded addresses (500 at most) are a user's, and whether each is enabled. Raises: StoreAway."""
        return await self._ledger.store.ask(lambda connection: self._rows.listed(connection, tenant_id, addresses))

    async def save(self, actor: Actor, untrusted: UserForm, identity: str = "", revision: int = 0) -> Saved[User] | Outdated[User] | Faulty:
        """Add a user, or change the one of an id whose revision the caller has seen. Raises: StoreFull, StoreAway."""
        known = {field.name for field in await self._fields.all(actor.tenant_id)}
        ready = checked(untrusted, actor.tenant_id, await self._owned_domains(), known)
        if isinstance(ready, Faulty):
            return ready
        if bool(identity) != bool(revision):
            return Faulty((Fault("", "a change names a user's id and the revision it rests on, a new user neither", "load the user anew"),))
        change = UserChange(actor, identity or secrets.token_hex(8), revision, ready, time.time())
        answer = await self._rows.save(change)
        self._tell(answer)
        return answer

    async def remove(self, actor: Actor, identity: str, revision: int) -> Removed[User] | Outdated[User] | Faulty:
        """Remove a user whose revision the caller has seen. Raises: StoreFull, StoreAway."""
        answer = await self._rows.remove(UserRemoval(actor, identity, revision))
        self._tell(answer)
        return answer

    async def fields_of(self, tenant_id: int, user: User) -> dict[str, Resolved]:
        """Give the values of a user's additional fields, and whether each is his own (`address`) or the field's default (`product`)."""
        product = {field.name: field.default_value for field in await self._fields.all(tenant_id)}
        return effective(product, {"address": user.fields})

    def _tell(self, answer: object) -> None:
        if isinstance(answer, Saved | Removed):
            self._changed()
