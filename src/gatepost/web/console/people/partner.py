# SPDX-License-Identifier: Apache-2.0
"""One partner domain, or all of them: the tab Domain entry, whose parts are shown as they hold and are changed each on its page."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.people.partners import EffectivePartner
from gatepost.people.precedence import Origin, Resolved
from gatepost.people.record import DEFAULT_PARTNER, AdditionalField, Partner, PartnerSettings
from gatepost.web.console.people.partners import ALL, COMMENT, DEFAULT, PATH, SECURITY, page_of
from gatepost.web.console.people.sheet import (
    READ,
    WRITE,
    Field,
    Removal,
    Sheet,
    Tab,
    as_fields,
    removed,
    rests_on,
    seen,
    settled,
    value_fields,
    values_sent,
)
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

ONE: Final = PATH + "/{domain:str}"
ENTRIES: Final = "/user-entries"
GENERAL, TRANSPORT, FIELDS = "general", "transport-security", "additional-fields"
PARTS: Final = {GENERAL: _("General"), TRANSPORT: _("Transport security"), FIELDS: _("Additional fields")}
"""The parts of a domain entry by the end of their page's address; another one stands here when its page exists."""
ORIGINS: Final[Mapping[Origin, str]] = {
    "address": _("set in the user entry"),
    "domain": _("set in the domain entry"),
    "default": _("set in the default partner settings"),
    "product": _("not set: the program's default"),
}
DEFAULT_TITLE: Final = _("Default partner settings")
_SECURITY: Final = _("Connection security")


class Holding(NamedTuple):
    """One setting as it holds: label and origin are English."""

    label: str
    value: str
    origin: str


def tabs(partner: Partner) -> tuple[Tab, ...]:
    """Give a partner's tabs; all partners together have no user entries."""
    one = page_of(partner.domain)
    if partner.domain == DEFAULT_PARTNER:
        return (Tab(_("Domain entry"), one),)
    return (Tab(_("Domain entry"), one), Tab(_("User entries"), one + ENTRIES))


def called(partner: Partner) -> str:
    """Give what a domain entry is called on pages."""
    return partner.domain or DEFAULT_TITLE


def settings_held(effective: EffectivePartner, words: Words) -> list[Holding]:
    """Tell each setting as it holds, and the level that says so."""
    held = effective.settings["connection_security"]
    return [Holding(_SECURITY, words(SECURITY[held.value]), ORIGINS[held.origin])]


def fields_held(values: Mapping[str, Resolved], known: list[AdditionalField]) -> list[Holding]:
    """Tell each additional field as it holds, and the level that says so."""
    origins = {**ORIGINS, "product": _("not set: the field's default value")}
    return [Holding(one.label, values[one.name].value or "–", origins[values[one.name].origin]) for one in known if one.name in values]


def domain_of(visit: Visit) -> str:
    """Give the domain that the page is about; '' is all."""
    named = str(visit.request.path_params["domain"])
    return DEFAULT_PARTNER if named == DEFAULT else named or "-"


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Pages(house)
    parts = [f"{ONE}/{part}" for part in PARTS]
    return [
        desk.route(ONE, pages.entry, READ),
        *[desk.route(path, pages.part, WRITE) for path in parts],
        *[desk.route(path, pages.save_part, WRITE, post=True) for path in parts],
        desk.route(ONE + "/remove", pages.remove, WRITE, post=True),
    ]


class _Pages:
    """The pages of one house."""

    def __init__(self, house: House) -> None:
        self._partners, self._fields = house.people.partners, house.people.fields

    async def entry(self, visit: Visit) -> Response:
        """Show the tab Domain entry."""
        tenant_id, domain = visit.visitor.tenant_id, domain_of(visit)
        partner = await self._partners.get(tenant_id, domain)
        if partner is None:
            return visit.missing()
        effective = await self._partners.effective(tenant_id, partner.domain)
        parts = {
            GENERAL: [Holding(COMMENT.label, partner.comment or "–", "")],
            TRANSPORT: settings_held(effective, visit.words),
            FIELDS: fields_held(effective.fields, await self._fields.all(tenant_id)),
        }
        if partner.domain == DEFAULT_PARTNER:
            parts.pop(FIELDS)
        one = page_of(partner.domain)
        ask = _("Remove this partner with all its user entries?") if partner.domain else _("Go back to what the program does by itself?")
        title = _("Remove") if partner.domain else _("Reset")
        removal = Removal(one + "/remove", ask, title) if partner.revision else None
        shown: dict[str, Any] = {"partner": partner, "one": one, "parts": parts, "titles": PARTS, "removal": removal}
        return visit.show("people_partner.html", title=called(partner), back=ALL, tabs=tabs(partner), **shown)

    async def part(self, visit: Visit) -> Response:
        """Show one part of the domain entry."""
        partner, known = await self._partners.get(visit.visitor.tenant_id, domain_of(visit)), await self._known(visit)
        if partner is None or not _has(partner, _part(visit)):
            return visit.missing()
        return _sheet(visit, partner, known).opened(visit, _values(partner, known))

    async def save_part(self, visit: Visit) -> Response:
        """Save it; the other parts stay as they are saved now."""
        form, part, domain, known = visit.form, _part(visit), domain_of(visit), await self._known(visit)
        partner = await self._partners.get(visit.visitor.tenant_id, domain) or Partner(domain=domain)
        if not _has(partner, part):
            return visit.missing()
        sheet = _sheet(visit, partner, known)
        revision = rests_on(form, sheet.fields, _values(partner, known), partner.revision)
        if part == TRANSPORT:
            security = form.text("connection_security")
            if security not in SECURITY:
                form.fault("connection_security", "this is none of the choices", "choose one of them")
                return sheet._replace(revision=seen(form)).show(visit, 400)
            settings = msgspec.convert({"connection_security": security}, PartnerSettings)
            wanted = msgspec.structs.replace(partner.form, settings=settings)
        elif part == FIELDS:
            wanted = msgspec.structs.replace(partner.form, fields=values_sent(form, known))
        else:
            wanted = msgspec.structs.replace(partner.form, comment=form.text("comment"))
        answer = await self._partners.save(visit.actor, wanted, revision)
        return settled(visit, answer, sheet, lambda now: _values(now, known), page_of(partner.domain))

    async def remove(self, visit: Visit) -> Response:
        """Remove the domain entry."""
        domain = domain_of(visit)
        answer = await self._partners.remove(visit.actor, domain, seen(visit.form))
        return removed(visit, answer, page_of(domain), PATH)

    async def _known(self, visit: Visit) -> list[AdditionalField]:
        return await self._fields.all(visit.visitor.tenant_id)


def _part(visit: Visit) -> str:
    return visit.request.url.path.rpartition("/")[2]


def _has(partner: Partner, part: str) -> bool:
    return part in PARTS and (part != FIELDS or partner.domain != DEFAULT_PARTNER)


def _sheet(visit: Visit, partner: Partner, known: list[AdditionalField]) -> Sheet:
    part, one = _part(visit), page_of(partner.domain)
    inherits = {**SECURITY, "default": _("as the default partner settings say")} if partner.domain else SECURITY
    security = Field("connection_security", _SECURITY, "choice", choices=tuple(inherits.items()))
    fields = {GENERAL: (COMMENT,), TRANSPORT: (security,), FIELDS: value_fields(known, visit.words)}[part]
    sheet = Sheet(called(partner), fields, f"{one}/{part}", Tab(_("Back to the domain entry"), one), partner.revision)
    return sheet._replace(heading=PARTS[part], may_save=bool(fields))


def _values(partner: Partner, known: list[AdditionalField]) -> Mapping[str, str]:
    said = {"comment": partner.comment, "connection_security": partner.settings.connection_security}
    return {**said, **as_fields(partner.fields, known)}
