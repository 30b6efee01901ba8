# SPDX-License-Identifier: Apache-2.0
"""Partners as pages, API and command line know them. Every question is one tenant's; a change is its actor's tenant's."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from gatepost.contracts.actor import Actor
from gatepost.people.address import Folded, folded, folded_domain
from gatepost.people.answers import Faulty, Outdated, Removed, Saved
from gatepost.people.fields import Fields
from gatepost.people.ledger import Ledger
from gatepost.people.partner_form import checked_address, checked_partner
from gatepost.people.partner_search import PartnerAddressPage, PartnerCounts, PartnerPage, PartnerSearch
from gatepost.people.partner_store import AddressChange, PartnerChange, PartnerRemoval, PartnerStore
from gatepost.people.precedence import Origin, Resolved, effective, settings_that_hold
from gatepost.people.record import DEFAULT_PARTNER, Partner, PartnerAddress, PartnerAddressForm, PartnerForm
from gatepost.people.user_search import PAGE
from gatepost.people.users import OwnedDomains


class EffectivePartner(msgspec.Struct, frozen=True):
    """What holds for an address or a domain, and the level that says so."""

    settings: dict[str, Resolved]
    fields: dict[str, Resolved]


class Partners:
    """The partners of one store; `changed` is called after each COMMIT that gateways must hear of."""

    def __init__(self, ledger: Ledger, fields: Fields, owned_domains: OwnedDomains, changed: Callable[[], object]) -> None:
        self._ledger, self._fields = ledger, fields
        self._owned_domains, self._changed = owned_domains, changed
        self._rows = PartnerStore(ledger)
        self._search = PartnerSearch(ledger)

    async def search(self, tenant_id: int, text: str = "", *, cursor: str = "", limit: int = PAGE) -> PartnerPage:
        """Give one page of domain entries, by domain; the text is looked for in domains and addresses. Raises: UsageError, StoreAway."""
        return await self._search.page(tenant_id, text, cursor, limit)

    async def addresses(self, tenant_id: int, domain: str, text: str = "", *, cursor: str = "", limit: int = PAGE) -> PartnerAddressPage:
        """Give one page of a domain's user entries, by address. Raises: UsageError, StoreAway."""
        return await self._search.addresses(tenant_id, folded_domain(domain.strip()) or "", text, cursor, limit)

    async def counts(self, tenant_id: int) -> PartnerCounts:
        """Count domain entries and user entries. Raises: StoreAway."""
        return await self._search.counts(tenant_id)

    async def default(self, tenant_id: int) -> Partner:
        """Give the default settings of all partners; with revision 0 when nobody has entered any. Raises: StoreAway."""
        return await self._get(tenant_id, DEFAULT_PARTNER) or Partner(domain=DEFAULT_PARTNER)

    async def get(self, tenant_id: int, domain: str) -> Partner | None:
        """Give a domain entry; '' is the default. Raises: StoreAway."""
        if domain == DEFAULT_PARTNER:
            return await self.default(tenant_id)
        read = folded_domain(domain.strip())
        return await self._get(tenant_id, read) if read is not None else None

    async def address(self, tenant_id: int, address: str) -> PartnerAddress | None:
        """Give a user entry. Raises: StoreAway."""
        read = folded(address.strip())
        if read is None:
            return None
        return await self._ledger.store.ask(lambda connection: self._rows.address(connection, tenant_id, read))

    async def effective(self, tenant_id: int, name: str) -> EffectivePartner:
        """Tell what holds for an address, or for a domain, whether or not it has an entry. Raises: StoreAway."""
        read = folded(name.strip()) if "@" in name else Folded("", folded_domain(name.strip()) or "")

        def ask(connection: Any) -> tuple[Partner | None, Partner | None, PartnerAddress | None]:
            default = self._rows.get(connection, tenant_id, DEFAULT_PARTNER)
            domain = self._rows.get(connection, tenant_id, read.domain) if read is not None and read.domain else None
            address = self._rows.address(connection, tenant_id, read) if read is not None and read.local else None
            return default, domain, address

        default, domain, address = await self._ledger.store.ask(ask)
        product = {field.name: field.default_value for field in await self._fields.all(tenant_id)}
        settings = settings_that_hold(
            (default or Partner(domain=DEFAULT_PARTNER)).settings,
            domain.settings if domain is not None else None,
            address.settings if address is not None else None,
        )
        said: dict[Origin, dict[str, str]] = {
            "address": address.fields if address is not None else {},
            "domain": domain.fields if domain is not None else {},
        }
        return EffectivePartner(settings, effective(product, said))

    async def save(self, actor: Actor, untrusted: PartnerForm, revision: int = 0) -> Saved[Partner] | Outdated[Partner] | Faulty:
        """Add a domain entry (revision 0), or change the one whose revision the caller has seen. Raises: StoreFull, StoreAway."""
        form = checked_partner(untrusted, actor.tenant_id, await self._owned_domains(), await self._names(actor))
        if isinstance(form, Faulty):
            return form
        answer: Saved[Partner] | Outdated[Partner]
        answer = await self._ledger.store.perform(self._rows.save, PartnerChange(actor, form, revision, time.time()))
        self._tell(answer)
        return answer

    async def save_address(
        self, actor: Actor, untrusted: PartnerAddressForm, revision: int = 0
    ) -> Saved[PartnerAddress] | Outdated[PartnerAddress] | Faulty:
        """Add a user entry (revision 0), or change the one whose revision the caller has seen. Raises: StoreFull, StoreAway."""
        ready = checked_address(untrusted, actor.tenant_id, await self._owned_domains(), await self._names(actor))
        if isinstance(ready, Faulty):
            return ready
        answer: Saved[PartnerAddress] | Outdated[PartnerAddress]
        answer = await self._ledger.store.perform(self._rows.save_address, AddressChange(actor, *ready, revision, time.time()))
        self._tell(answer)
        return answer

    async def remove(self, actor: Actor, domain: str, revision: int) -> Removed[Partner] | Outdated[Partner]:
        """Remove a domain entry with its user entries; '' is the default. Raises: StoreFull, StoreAway."""
        read = DEFAULT_PARTNER if domain == DEFAULT_PARTNER else folded_domain(domain.strip())
        if read is None:
            return Outdated(None)
        removal = PartnerRemoval(actor, read, "", revision)
        answer: Removed[Partner] | Outdated[Partner] = await self._ledger.store.perform(self._rows.remove, removal)
        self._tell(answer)
        return answer

    async def remove_address(self, actor: Actor, address: str, revision: int) -> Removed[PartnerAddress] | Outdated[PartnerAddress]:
        """Remove a user entry. Raises: StoreFull, StoreAway."""
        read = folded(address.strip())
        if read is None:
            return Outdated(None)
        removal = PartnerRemoval(actor, read.domain, read.local, revision)
        answer: Removed[PartnerAddress] | Outdated[PartnerAddress]
        answer = await self._ledger.store.perform(self._rows.remove_address, removal)
        self._tell(answer)
        return answer

    async def _get(self, tenant_id: int, domain: str) -> Partner | None:
        return await self._ledger.store.ask(lambda connection: self._rows.get(connection, tenant_id, domain))

    async def _names(self, actor: Actor) -> set[str]:
        return {field.name for field in await self._fields.all(actor.tenant_id)}

    def _tell(self, answer: object) -> None:
        if isinstance(answer, Saved | Removed):
            self._changed()
