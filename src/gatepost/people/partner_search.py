# SPDX-License-Identifier: Apache-2.0
"""Search partners, page by page: domain entries by their domain, the user entries of one by their address."""

from typing import Any

import msgspec

from gatepost.people.ledger import Ledger
from gatepost.people.partner_store import ADDRESS_COLUMNS, COLUMNS, ENTRIES, partner, partner_address
from gatepost.people.record import Partner, PartnerAddress
from gatepost.people.user_search import PAGE_MOST, decoded, encoded

_WORDS = 5
_COUNT = "SELECT (SELECT count(*) FROM partner WHERE tenant_id = ? AND domain <> ''), count(*) FROM partner_address WHERE tenant_id = ?"
_OF_ADDRESS = "EXISTS (SELECT 1 FROM partner_address a WHERE a.tenant_id = partner.tenant_id AND a.domain = partner.domain AND {})"
_ADDRESS = "local_part || '@' || domain"


class PartnerPage(msgspec.Struct, frozen=True):
    """One page of domain entries, the default left out; `cursor` is '' on the last."""

    partners: tuple[Partner, ...]
    cursor: str


class PartnerAddressPage(msgspec.Struct, frozen=True):
    """One page of user entries; `cursor` is '' on the last."""

    addresses: tuple[PartnerAddress, ...]
    cursor: str


class PartnerCounts(msgspec.Struct, frozen=True):
    """How many there are."""

    domains: int
    addresses: int


class PartnerSearch:
    """Searches of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holds = "strpos({}, ?) > 0" if ledger.store.engine == "postgresql" else "instr({}, ?) > 0"

    async def page(self, tenant_id: int, text: str, cursor: str, limit: int) -> PartnerPage:
        """Give one page of domain entries. Raises: UsageError for a cursor that is none of ours, StoreAway."""
        limit = max(1, min(limit, PAGE_MOST))
        of_address = _OF_ADDRESS.format(self._holds.format("a.local_part || '@' || a.domain"))
        terms, values = ["tenant_id = ?", "domain > ?"], [tenant_id, decoded(cursor)[0]]
        for word in text.casefold().split()[:_WORDS]:
            terms.append(f"({self._holds.format('domain')} OR {of_address})")
            values += [word, word]
        where = " AND ".join(terms)
        statement = f"SELECT {COLUMNS}, {ENTRIES} FROM partner WHERE {where} ORDER BY domain LIMIT ?"  # noqa: S608 - values are parameters

        def ask(connection: Any) -> PartnerPage:
            rows = self._ledger.run(connection, statement, *values, limit + 1).fetchall()
            shown = [partner(row) for row in rows[:limit]]
            return PartnerPage(tuple(shown), encoded(shown[-1].domain, "") if len(rows) > limit else "")

        return await self._ledger.store.ask(ask)

    async def addresses(self, tenant_id: int, domain: str, text: str, cursor: str, limit: int) -> PartnerAddressPage:
        """Give one page of a domain's user entries. Raises: UsageError for a cursor that is none of ours, StoreAway."""
        limit = max(1, min(limit, PAGE_MOST))
        terms, values = ["tenant_id = ?", "domain = ?", "local_part > ?"], [tenant_id, domain, decoded(cursor)[0]]
        for word in text.casefold().split()[:_WORDS]:
            terms.append(self._holds.format(_ADDRESS))
            values.append(word)
        where = " AND ".join(terms)
        statement = f"SELECT {ADDRESS_COLUMNS} FROM partner_address WHERE {where} ORDER BY local_part LIMIT ?"  # noqa: S608 - as above

        def ask(connection: Any) -> PartnerAddressPage:
            rows = self._ledger.run(connection, statement, *values, limit + 1).fetchall()
            shown = tuple(partner_address(row) for row in rows[:limit])
            return PartnerAddressPage(shown, encoded(rows[limit - 1][0], "") if len(rows) > limit else "")

        return await self._ledger.store.ask(ask)

    async def counts(self, tenant_id: int) -> PartnerCounts:
        """Count them. Raises: StoreAway."""

        def ask(connection: Any) -> PartnerCounts:
            domains, addresses = self._ledger.run(connection, _COUNT, tenant_id, tenant_id).fetchone()
            return PartnerCounts(domains, addresses)

        return await self._ledger.store.ask(ask)
