# SPDX-License-Identifier: Apache-2.0
"""Partners: their domains, their addresses, and what holds for one. `default` in an address of the API is all partners."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatepost.people.partner_search import PartnerAddressPage, PartnerCounts, PartnerPage
from gatepost.people.partners import EffectivePartner
from gatepost.people.record import DEFAULT_PARTNER, Partner, PartnerAddress, PartnerAddressForm, PartnerForm
from gatepost.people.user_search import PAGE, PAGE_MOST
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.people import READ, WRITE, Late, RowRemoved, RowSaved, Unfit, removed, saved
from gatepost.web.api.problem import Missing, missing
from gatepost.web.api.users import other_name
from gatepost.web.api.values import Cursor, Name, Revision

DEFAULT: Final = "default"
"""The settings of all partners; no domain has a name without a dot."""
Address = Annotated[str, Meta(min_length=1, max_length=400)]
operations = Operations()


class PartnerSearch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows a list of partners."""

    text: Annotated[str, Meta(max_length=1000, description="Words in domain or address; all must be there.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MOST)] = PAGE
    cursor: Cursor = ""


class OfDomain(PartnerSearch, kw_only=True, forbid_unknown_fields=True):
    """What narrows a list of a domain's addresses."""

    domain: Name


class OnePartner(msgspec.Struct, forbid_unknown_fields=True):
    """Names a domain."""

    domain: Name


class SeenPartner(OnePartner, forbid_unknown_fields=True):
    """Names a domain, and what was seen of it."""

    revision: Revision | None = None


class OneAddress(msgspec.Struct, forbid_unknown_fields=True):
    """Names an address."""

    address: Address


class SeenAddress(OneAddress, forbid_unknown_fields=True):
    """Names an address, and what was seen of it."""

    revision: Revision | None = None


class AnyName(msgspec.Struct, forbid_unknown_fields=True):
    """Names an address or a domain, whether or not it has an entry."""

    name: Address


class PartnerList(PartnerPage, frozen=True, kw_only=True):
    """One page, and how many there are in all."""

    counts: PartnerCounts


class PartnerShown(Partner, frozen=True, kw_only=True):
    """A domain's entry, and what holds for it."""

    effective: EffectivePartner


class PartnerAddressShown(PartnerAddress, frozen=True, kw_only=True):
    """An address's entry, and what holds for it."""

    effective: EffectivePartner


@operations.get("people.partner.list", "/people/partners", READ)
async def list_(call: Call, asked: PartnerSearch) -> PartnerList:
    """List partner domains by name, all partners' default left out."""
    partners = call.house.people.partners
    page = await partners.search(call.tenant_id, asked.text, cursor=asked.cursor, limit=asked.limit)
    return PartnerList(page.partners, page.cursor, counts=await partners.counts(call.tenant_id))


@operations.get("people.partner.show", "/people/partners/{domain}", READ)
async def show(call: Call, asked: OnePartner) -> PartnerShown | Missing:
    """Show a partner domain, and where each of the settings that hold comes from; `default`: all partners."""
    partners, domain = call.house.people.partners, _domain(asked.domain)
    found = await partners.get(call.tenant_id, domain)
    if found is None:
        return missing(f"there is no partner {asked.domain!r}; `gatepost people partner list` shows those there are")
    call.tag(found.revision)
    return PartnerShown(**msgspec.structs.asdict(found), effective=await partners.effective(call.tenant_id, domain))


@operations.get("people.partner.effective", "/people/effective/{name:path}", READ)
async def effective(call: Call, asked: AnyName) -> EffectivePartner:
    """Tell what holds for an address or a domain, whether or not it has an entry, and the level that says so."""
    return await call.house.people.partners.effective(call.tenant_id, asked.name)


@operations.put("people.partner.save", "/people/partners/{domain}", WRITE, if_match=True, private_body="partner")
async def save(call: Call, asked: SeenPartner, body: PartnerForm) -> RowSaved[Partner] | Late[Partner] | Unfit:
    """Add a partner domain (revision 0), or change it; `default`, with an empty domain in the body: all partners."""
    revision = call.rests_on("revision", asked.revision)
    if body.domain.strip() != _domain(asked.domain):
        return other_name("domain")
    return saved(call, await call.house.people.partners.save(call.actor, body, revision))


@operations.delete("people.partner.remove", "/people/partners/{domain}", WRITE, if_match=True)
async def remove(call: Call, asked: SeenPartner) -> RowRemoved[Partner] | Late[Partner] | Unfit:
    """Remove a partner domain with all its addresses; `default` goes back to the product's settings."""
    revision = call.rests_on("revision", asked.revision)
    return removed(call, await call.house.people.partners.remove(call.actor, _domain(asked.domain), revision))


@operations.get("people.partner_address.list", "/people/partners/{domain}/addresses", READ)
async def addresses(call: Call, asked: OfDomain) -> PartnerAddressPage:
    """List the addresses of a partner domain that have an entry of their own."""
    partners = call.house.people.partners
    return await partners.addresses(call.tenant_id, asked.domain, asked.text, cursor=asked.cursor, limit=asked.limit)


@operations.get("people.partner_address.show", "/people/partner-addresses/{address:path}", READ)
async def show_address(call: Call, asked: OneAddress) -> PartnerAddressShown | Missing:
    """Show an address of a partner, and where each of the settings that hold comes from."""
    partners = call.house.people.partners
    found = await partners.address(call.tenant_id, asked.address)
    if found is None:
        return missing(f"there is no entry of {asked.address!r}; `gatepost people partner show DOMAIN` shows those there are")
    call.tag(found.revision)
    shown = msgspec.structs.asdict(found)
    return PartnerAddressShown(**shown, effective=await partners.effective(call.tenant_id, asked.address))


@operations.put("people.partner_address.save", "/people/partner-addresses/{address:path}", WRITE, if_match=True, private_body="address")
async def save_address(call: Call, asked: SeenAddress, body: PartnerAddressForm) -> RowSaved[PartnerAddress] | Late[PartnerAddress] | Unfit:
    """Add an address of a partner (revision 0), or change it."""
    revision = call.rests_on("revision", asked.revision)
    if body.address.strip() != asked.address:
        return other_name("address")
    return saved(call, await call.house.people.partners.save_address(call.actor, body, revision))


@operations.delete("people.partner_address.remove", "/people/partner-addresses/{address:path}", WRITE, if_match=True)
async def remove_address(call: Call, asked: SeenAddress) -> RowRemoved[PartnerAddress] | Late[PartnerAddress] | Unfit:
    """Remove an address of a partner."""
    revision = call.rests_on("revision", asked.revision)
    return removed(call, await call.house.people.partners.remove_address(call.actor, asked.address, revision))


def _domain(said: str) -> str:
    return DEFAULT_PARTNER if said == DEFAULT else said
