# SPDX-License-Identifier: Apache-2.0
"""One partner domain: the tab User entries, and the page of each address."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import UsageError
from gatepost.people.address import folded, folded_domain
from gatepost.people.answers import Outdated
from gatepost.people.record import AdditionalField, Partner, PartnerAddress, PartnerAddressForm
from gatepost.web.console.people.partner import ENTRIES, ONE, domain_of, fields_held, settings_held, tabs
from gatepost.web.console.people.partners import ALL, COMMENT, page_of
from gatepost.web.console.people.sheet import (
    ADD,
    FAULTY,
    LATE,
    READ,
    WRITE,
    Field,
    Removal,
    Sheet,
    Tab,
    as_fields,
    going_on,
    removed,
    rests_on,
    seen,
    settled,
    value_fields,
    values_sent,
)
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import _
from gatepost.web.house import House

_LIST: Final = ONE + ENTRIES
_ADDRESS: Final = Field("address", _("Email address"), required=True)
_NAME: Final = Field("display_name", _("Display name"))
_ROWS: Final = 50


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Pages(house)
    return [
        desk.route(_LIST, pages.overview, READ),
        desk.route(_LIST + ADD, pages.new, WRITE),
        desk.route(_LIST + ADD, pages.add, WRITE, post=True),
        desk.route(_LIST + "/-/remove", pages.remove, WRITE, post=True),
        desk.route(_LIST + "/{address:path}", pages.one, READ),
        desk.route(_LIST + "/{address:path}", pages.save, WRITE, post=True),
    ]


class _Pages:
    """The pages of one house."""

    def __init__(self, house: House) -> None:
        self._partners, self._fields = house.people.partners, house.people.fields

    async def overview(self, visit: Visit) -> Response:
        """List the user entries of the domain."""
        partner, form = await self._partner(visit), visit.asked
        if partner is None:
            return visit.missing()
        visit.form, page = form, None
        tenant_id, text, cursor = visit.visitor.tenant_id, form.text("text"), form.text("cursor")
        try:
            page = await self._partners.addresses(tenant_id, partner.domain, text, cursor=cursor, limit=_ROWS)
        except UsageError as error:
            form.fault("", str(error))
        here = _list_of(partner.domain)
        more = going_on(form, here, page.cursor if page is not None else "")
        shown: dict[str, Any] = {"page": page, "more": more, "list_path": here}
        if visit.wants_part and page is not None:
            return visit.show("people_partner_entries_rows.html", **shown)
        shown |= {"partner": partner, "add": here + ADD, "back": ALL, "tabs": tabs(partner)}
        return visit.show("people_partner_entries.html", title=partner.domain, **shown)

    async def new(self, visit: Visit) -> Response:
        """Show an empty form."""
        partner = await self._partner(visit)
        if partner is None:
            return visit.missing()
        visit.form.fill(address=f"@{partner.domain}")
        return _new(partner.domain).show(visit)

    async def add(self, visit: Visit) -> Response:
        """Add a user entry of this domain; when somebody has removed that meanwhile, it gets an entry anew."""
        form, domain = visit.form, domain_of(visit)
        if (foreign := folded(form.text("address"))) is not None and foreign.domain != folded_domain(domain):
            form.fault(
                "address",
                visit.words("{domain} is another domain than {partner}", domain=foreign.domain, partner=domain),
                _("add it on the page of its own domain"),
            )
            return _new(domain).show(visit, FAULTY)
        answer = await self._partners.save_address(visit.actor, _form(visit, form.text("address"), {}))
        if isinstance(answer, Outdated) and answer.current is not None:
            form.fault("address", "there is an entry of this address already", "change that one")
            return _new(domain).show(visit, LATE)
        return settled(visit, answer, _new(domain), msgspec.structs.asdict, _list_of(domain))

    async def one(self, visit: Visit) -> Response:
        """Show one user entry, and what holds for its address."""
        found = await self._partners.address(visit.visitor.tenant_id, visit.request.path_params["address"])
        if found is None or _domain(found.address) != domain_of(visit):
            return visit.missing()
        known = await self._known(visit)
        return (await self._sheet(visit, found, known)).opened(visit, _values(found, known))

    async def save(self, visit: Visit) -> Response:
        """Save it."""
        address, known = str(visit.request.path_params["address"]), await self._known(visit)
        if _domain(address) != domain_of(visit):
            return visit.missing()
        now = await self._partners.address(visit.visitor.tenant_id, address)
        sheet = await self._sheet(visit, now or PartnerAddress(address=address), known)
        revision = rests_on(visit.form, sheet.fields, _values(now, known), now.revision) if now is not None else seen(visit.form)
        answer = await self._partners.save_address(visit.actor, _form(visit, address, values_sent(visit.form, known)), revision)
        return settled(visit, answer, sheet, lambda now: _values(now, known), _list_of(domain_of(visit)))

    async def remove(self, visit: Visit) -> Response:
        """Remove it."""
        address, here = visit.form.text("address"), _list_of(domain_of(visit))
        if _domain(address) != domain_of(visit):
            return visit.missing()
        answer = await self._partners.remove_address(visit.actor, address, seen(visit.form))
        return removed(visit, answer, f"{here}/{path_part(address)}", here)

    async def _sheet(self, visit: Visit, entry: PartnerAddress, known: list[AdditionalField]) -> Sheet:
        domain = await self._partners.get(visit.visitor.tenant_id, _domain(entry.address))
        here = _list_of(_domain(entry.address))
        one = f"{here}/{path_part(entry.address)}"
        effective = await self._partners.effective(visit.visitor.tenant_id, entry.address)
        held = [*settings_held(effective, visit.words), *fields_held(effective.fields, known)]
        back = Tab(_("All user entries of this partner"), here)
        removal = Removal(here + "/-/remove", _("Remove this user entry?"), hidden={"address": entry.address})
        fields = (_NAME, COMMENT, *value_fields(known, visit.words, domain.fields if domain is not None else None))
        sheet = Sheet(entry.address, fields, one, back, entry.revision, removal=removal)
        return sheet._replace(template="people_partner_entry.html", more={"held": held})

    async def _partner(self, visit: Visit) -> Partner | None:
        domain = domain_of(visit)
        return await self._partners.get(visit.visitor.tenant_id, domain) if domain else None

    async def _known(self, visit: Visit) -> list[AdditionalField]:
        return await self._fields.all(visit.visitor.tenant_id)


def _list_of(domain: str) -> str:
    return page_of(domain) + ENTRIES


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _form(visit: Visit, address: str, values: dict[str, str]) -> PartnerAddressForm:
    form = visit.form
    return PartnerAddressForm(address, form.text("display_name"), form.text("comment"), fields=values)


def _new(domain: str) -> Sheet:
    back = Tab(_("All user entries of this partner"), _list_of(domain))
    return Sheet(_("Add a user entry"), (_ADDRESS, _NAME, COMMENT), _list_of(domain) + ADD, back, save=_("Add"))


def _values(entry: PartnerAddress, known: list[AdditionalField]) -> Mapping[str, str]:
    return {"display_name": entry.display_name, "comment": entry.comment, **as_fields(entry.fields, known)}
