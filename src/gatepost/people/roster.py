# SPDX-License-Identifier: Apache-2.0
"""What a gateway knows of people, in the memory of the process that owns its store: one look-up answers.

`load` reads the tables once. `refresh` reads what was changed since from their log, and all anew when the log does not reach back
so far or says so: much came at once. 100,000 addresses take about 12 MB.
"""

import asyncio
from typing import Any, NamedTuple

import msgspec

from gatepost.message.addresses import Address
from gatepost.people.apply import ENABLED, GONE, MANY
from gatepost.people.precedence import settings_that_hold
from gatepost.people.record import DEFAULT_PARTNER, ConnectionSecurity, PartnerSettings
from gatepost.people.shipping import USER
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

_ENDS = "SELECT coalesce(min(number), 0), coalesce(max(number), 0) FROM people_change"
_SINCE = "SELECT number, tenant_id, kind, name, state FROM people_change WHERE number > ? ORDER BY number"
_ADDRESSES = "SELECT tenant_id, address, enabled FROM corporate_address"
_PARTNERS = "SELECT tenant_id, domain, settings FROM partner"

_SECURITY: dict[str, ConnectionSecurity] = {"default": "default", "opportunistic": "opportunistic", "required": "required"}
_settings = msgspec.json.Decoder(PartnerSettings).decode
_NOTHING_SAID = PartnerSettings()


class Renewed(NamedTuple):
    """What a refresh has changed."""

    users: bool
    partners: bool


class _Rows(NamedTuple):
    number: int
    users: dict[int, dict[str, bool]]
    partners: dict[int, dict[str, PartnerSettings]]


class Roster:
    """The people of one gateway's store. Empty until it is loaded."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows = _Rows(0, {}, {})
        self._number = 0
        self._turn = asyncio.Lock()
        self.mark = 0
        """Another number after each change of users; 0 while there is none."""

    def listed(self, tenant_id: int, address: Address) -> bool | None:
        """Tell whether a user's address is enabled; None when it is no user's."""
        users = self._rows.users.get(tenant_id)
        return users.get(f"{address.local.casefold()}@{address.domain}") if users else None

    def has_users(self, tenant_id: int) -> bool:
        """Tell whether a tenant has any user."""
        return bool(self._rows.users.get(tenant_id))

    def security(self, tenant_id: int, domain: str) -> ConnectionSecurity:
        """Tell how mail to a partner domain must be sent; `default` leaves it to the send connector."""
        partners = self._rows.partners.get(tenant_id)
        if not partners:
            return "default"
        holding = settings_that_hold(partners.get(DEFAULT_PARTNER, _NOTHING_SAID), partners.get(domain))
        return _SECURITY[holding["connection_security"].value]

    async def load(self) -> None:
        """Read everything. Raises: StoreAway."""
        async with self._turn:
            await self._load()

    async def refresh(self) -> Renewed:
        """Read what was changed meanwhile. Raises: StoreAway."""
        async with self._turn:
            changes = await self._store.ask(self._since)
            if changes is None:
                await self._load()
                return Renewed(users=True, partners=True)
            for number, tenant_id, kind, name, state in changes:
                self._number = number
                if kind == USER:
                    _put(self._rows.users, tenant_id, name, None if state == GONE else state == ENABLED)
                else:
                    _put(self._rows.partners, tenant_id, name, None if state == GONE else _settings(state))
            users = [number for number, _, kind, _, _ in changes if kind == USER]
            if users:
                self._note(users[-1])
            return Renewed(bool(users), len(users) < len(changes))

    async def _load(self) -> None:
        self._rows = await self._store.ask(self._all)
        self._number = self._rows.number
        self._note(self._number)

    def _note(self, number: int) -> None:
        self.mark = number if any(self._rows.users.values()) else 0

    # In the thread of questions

    def _since(self, connection: Any) -> list[Any] | None:
        oldest, newest = connection.execute(_ENDS).fetchone()
        if oldest > self._number + 1 or newest < self._number:
            return None
        rows: list[Any] = connection.execute(spoken(_SINCE, self._store.engine), (self._number,)).fetchall()
        return rows if all(row[2] != MANY for row in rows) else None

    def _all(self, connection: Any) -> _Rows:
        # The number first: what is applied between the two is in the rows already, and read once more by the next refresh.
        _, number = connection.execute(_ENDS).fetchone()
        users: dict[int, dict[str, bool]] = {}
        for tenant_id, address, enabled in connection.execute(_ADDRESSES):
            users.setdefault(tenant_id, {})[address] = bool(enabled)
        partners: dict[int, dict[str, PartnerSettings]] = {}
        for tenant_id, domain, settings in connection.execute(_PARTNERS):
            partners.setdefault(tenant_id, {})[domain] = _settings(settings)
        return _Rows(number, users, partners)


def _put(rows: dict[int, dict[str, Any]], tenant_id: int, name: str, value: Any) -> None:
    """Set a row, or with None drop it."""
    if value is not None:
        rows.setdefault(tenant_id, {})[name] = value
    elif (of_tenant := rows.get(tenant_id)) is not None:
        of_tenant.pop(name, None)
