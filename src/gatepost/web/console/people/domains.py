# SPDX-License-Identifier: Apache-2.0
"""People and identities › Domains and users › Owned domains. They are configuration: a change goes into one's own draft.

So a change needs the right to the configuration too; it holds once the draft is applied. Somebody else's draft that touches
them is told here, and what both changed is settled where drafts are applied.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.config.configuration import OwnedDomain
from gatepost.versioning.draft_record import Changed, Refused, Stale, View
from gatepost.versioning.edit import Put, Remove
from gatepost.web.console.people.sheet import (
    ADD,
    FAULTY,
    LATE_REMOVAL,
    READ,
    WRITE,
    Field,
    Removal,
    Sheet,
    Tab,
    removal_rests_on,
    rests_on,
    seen,
)
from gatepost.web.console.settings.form import SettingsForm
from gatepost.web.console.settings.labels import CHOICES
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

PATH: Final = "/people/owned-domains"
DRAFT: Final = "/configuration/changes"
SECTION: Final = "owned_domains"
FIELDS: Final = ("name", "recipients", "administrative_address", "notice_sender")
KINDS: Final = {"added": _("added in your draft"), "changed": _("changed in your draft"), "moved": _("moved in your draft")}
_IN_DRAFT: Final = _("It stands in your draft, and holds once you apply it.")
_ALL: Final = Tab(_("All owned domains"), PATH)
_MAY: Final = "configuration:write"


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Pages(house)
    return [
        desk.route(PATH, pages.overview, READ),
        desk.route(PATH + ADD, pages.new, WRITE),
        desk.route(PATH + ADD, pages.save, WRITE, post=True),
        desk.route(PATH + "/{name:str}", pages.one, WRITE),
        desk.route(PATH + "/{name:str}", pages.save, WRITE, post=True),
        desk.route(PATH + "/{name:str}/remove", pages.remove, WRITE, post=True),
    ]


class _Pages:
    """The pages of one house."""

    def __init__(self, house: House) -> None:
        self._drafts = house.drafts

    async def overview(self, visit: Visit) -> Response:
        """List the owned domains as one's draft has them."""
        view = await self._drafts.view(visit.actor)
        told = [one for one in view.changes if one.section == SECTION]
        others = {
            other.author: sorted({one.entry for one in other.changes if one.section == SECTION}) for other in await self._others(visit)
        }
        return visit.show(
            "people_domains.html",
            title=_("Owned domains"),
            domains=_of(view, visit),
            checks=CHOICES[SECTION, "recipients"],
            kinds=KINDS,
            changed={one.entry: one.kind for one in told},
            removed=[one.entry for one in told if one.kind == "removed"],
            others={author: names for author, names in others.items() if names},
            in_draft=bool(told),
            may_change=_may_change(visit),
            path=PATH,
            add=PATH + ADD,
            draft=DRAFT,
        )

    async def new(self, visit: Visit) -> Response:
        """Show an empty form."""
        if not _may_change(visit):
            return visit.missing()
        visit.form.fill(recipients="callout")
        return _sheet(visit, await self._drafts.view(visit.actor), None).show(visit)

    async def one(self, visit: Visit) -> Response:
        """Show one domain."""
        view = await self._drafts.view(visit.actor)
        found = _named(view, visit)
        if found is None or not _may_change(visit):
            return visit.missing()
        return _sheet(visit, view, found).opened(visit, _values(found))

    async def save(self, visit: Visit) -> Response:
        """Put a domain into the draft; whatever else of the draft was changed meanwhile stays."""
        form, named = visit.form, visit.request.path_params.get("name")
        if not _may_change(visit):
            return visit.missing()
        view = await self._drafts.view(visit.actor)
        found, revision = _named(view, visit), view.revision
        if named is not None and found is None:  # what was typed is added by the next press
            return _sheet(visit, view, None).behind(visit, None, revision)
        if found is not None:
            revision = rests_on(form, _fields(visit.words), _values(found), revision)
        values: dict[str, Any] = {name: form.text(name) for name in FIELDS}
        if named is None:
            values["tenant"] = visit.visitor.tenant_id
        answer = await self._drafts.change(visit.actor, revision, Put(section=SECTION, values=values, entry=named))
        match answer:
            case Changed():
                return visit.go(DRAFT, visit.words(_IN_DRAFT))
            case Refused(faults):
                SettingsForm(SECTION, FIELDS).tell(form, faults, visit.words)
                return _sheet(visit, view, found)._replace(revision=seen(form)).show(visit, FAULTY)
            case Stale(now):
                saved = _named(now, visit)
                return _sheet(visit, now, saved).behind(visit, _values(saved) if saved is not None else None, now.revision)

    async def remove(self, visit: Visit) -> Response:
        """Take a domain out in the draft."""
        view = await self._drafts.view(visit.actor)
        found = _named(view, visit)
        if not _may_change(visit):
            return visit.missing()
        if found is None:
            return visit.go(PATH)
        revision = removal_rests_on(visit.form, _fields(visit.words), _values(found), view.revision)
        answer = await self._drafts.change(visit.actor, revision, Remove(section=SECTION, entry=found.name))
        match answer:
            case Changed():
                return visit.go(DRAFT, visit.words(_IN_DRAFT))
            case Refused(faults):
                visit.form.fill(**_values(found))
                SettingsForm(SECTION, FIELDS).tell(visit.form, faults, visit.words)
                return _sheet(visit, view, found).show(visit, FAULTY)
            case Stale():
                return visit.go(f"{PATH}/{path_part(found.name)}", visit.words(LATE_REMOVAL))

    async def _others(self, visit: Visit) -> tuple[Any, ...]:
        return await self._drafts.others(visit.actor)


def _may_change(visit: Visit) -> bool:
    return visit.visitor.may(WRITE) and visit.visitor.may(_MAY)


def _of(view: View, visit: Visit) -> list[OwnedDomain]:
    """Give the domains of the visitor's tenant; tenant 0 is the whole house."""
    tenant_id = visit.visitor.tenant_id
    return [one for one in view.configuration.owned_domains if tenant_id in (0, one.tenant)]


def _named(view: View, visit: Visit) -> OwnedDomain | None:
    named = visit.request.path_params.get("name")
    return next((one for one in _of(view, visit) if one.name == named), None)


def _sheet(visit: Visit, view: View, domain: OwnedDomain | None) -> Sheet:
    note = _("A change goes into your draft of the configuration; it holds once you apply that.")
    if domain is None:
        return Sheet(_("Add an owned domain"), _fields(visit.words), PATH + ADD, _ALL, view.revision, note=note, save=_("Add"))
    one = f"{PATH}/{path_part(domain.name)}"
    removal = Removal(one + "/remove", _("Remove this domain in your draft?"))
    told = ((_("Tenant"), str(domain.tenant)),) if domain.tenant else ()
    return Sheet(domain.name, _fields(visit.words), one, _ALL, view.revision, told=told, note=note, removal=removal)


def _values(domain: OwnedDomain) -> Mapping[str, str]:
    return {name: getattr(domain, name) for name in FIELDS}


def _fields(words: Words) -> tuple[Field, ...]:
    """Give the form's fields, as the configuration's model describes them."""
    inputs = SettingsForm(SECTION, FIELDS).inputs
    choices = {name: tuple(CHOICES.get((SECTION, name), {}).items()) for name in FIELDS}
    return tuple(
        Field(one.name, one.label, "choice" if choices[one.name] else "line", one.hint(words), choices[one.name], one.field.required)
        for one in inputs
    )
