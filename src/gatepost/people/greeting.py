# SPDX-License-Identifier: Apache-2.0
"""Tell a gateway that is met for the first time everything: pages, each in a transaction of its own.

What changes meanwhile is an artefact between the pages, so what the gateway has in the end is what holds. Begun again, because
a process ended in the middle, it tells all again; that changes nothing where it was told.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.people.ledger import Ledger
from gatepost.people.record import PartnerSettings
from gatepost.people.shipping import (
    BEGIN,
    HOUSE,
    PARTNERS,
    USERS,
    Key,
    PartnerPage,
    ShippedUser,
    UserPage,
    entry,
    shipped_partner,
    shipped_user,
    spans,
)

ROWS = 500
"""Of one page."""
_USERS = "SELECT tenant_id, id, enabled FROM corporate_user WHERE (tenant_id, id) > (?, ?) ORDER BY tenant_id, id LIMIT ?"
_ADDRESSES = "SELECT tenant_id, user_id, address, enabled FROM corporate_address WHERE "
_PARTNERS = """SELECT tenant_id, domain, settings FROM partner
    WHERE (tenant_id, domain) > (?, ?) AND settings <> '{}' ORDER BY tenant_id, domain LIMIT ?"""

_settings = msgspec.json.Decoder(PartnerSettings).decode


class _Turn(NamedTuple):
    gateway: str
    after: Key


class Greeting:
    """Greets gateways from one store."""

    def __init__(self, ledger: Ledger, rows: int = ROWS) -> None:
        self._ledger, self._rows = ledger, rows

    async def greet(self, gateway: str) -> None:
        """Put all into the outbox of a gateway. Raises: StoreFull, StoreAway."""
        for page in (self._users, self._partners):
            after: Key | None = BEGIN
            while after is not None:
                after = await self._ledger.store.perform(page, _Turn(gateway, after))

    # On the writer's thread; each gives where the next page begins, None after the last.

    def _users(self, connection: Any, turns: Sequence[_Turn]) -> list[Key | None]:
        return [self._user_page(connection, turn) for turn in turns]

    def _partners(self, connection: Any, turns: Sequence[_Turn]) -> list[Key | None]:
        return [self._partner_page(connection, turn) for turn in turns]

    def _user_page(self, connection: Any, turn: _Turn) -> Key | None:
        rows = self._ledger.run(connection, _USERS, *turn.after, self._rows).fetchall()
        up_to: Key | None = (rows[-1][0], rows[-1][1]) if len(rows) == self._rows else None
        users = tuple(self._with_addresses(connection, turn.after, rows))
        self._ledger.ship_to(connection, entry(USERS, HOUSE, UserPage(turn.after, up_to, users)), turn.gateway)
        return up_to

    def _with_addresses(self, connection: Any, after: Key, rows: Sequence[Any]) -> list[ShippedUser]:
        if not rows:
            return []
        addresses: dict[Key, list[tuple[str, bool]]] = {(row[0], row[1]): [] for row in rows}
        for condition, values in spans(after, (rows[-1][0], rows[-1][1]), "user_id"):
            for tenant_id, identity, address, enabled in self._ledger.run(connection, _ADDRESSES + condition, *values).fetchall():
                addresses[tenant_id, identity].append((address, bool(enabled)))
        return [shipped_user(row[0], row[1], bool(row[2]), addresses[row[0], row[1]]) for row in rows]

    def _partner_page(self, connection: Any, turn: _Turn) -> Key | None:
        rows = self._ledger.run(connection, _PARTNERS, *turn.after, self._rows).fetchall()
        up_to: Key | None = (rows[-1][0], rows[-1][1]) if len(rows) == self._rows else None
        partners = tuple(shipped_partner(row[0], row[1], _settings(row[2])) for row in rows)
        self._ledger.ship_to(connection, entry(PARTNERS, HOUSE, PartnerPage(turn.after, up_to, partners)), turn.gateway)
        return up_to
