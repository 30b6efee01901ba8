# SPDX-License-Identifier: Apache-2.0
"""People and identities › Additional user fields: what every user, partner and user entry has besides, with the value for who has none."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.people.answers import Faulty, Outdated, Saved
from gatepost.people.record import AdditionalField, FieldForm
from gatepost.web.console.people.sheet import ADD, READ, WRITE, Field, Removal, Sheet, Tab, removed, rests_on, seen, settled
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/people/additional-fields"
_ALL: Final = Tab(_("All additional user fields"), PATH)
_Answer = Saved[AdditionalField] | Outdated[AdditionalField] | Faulty
_NO_PLACE: Final = -1
_NAME: Final = Field("name", _("Name"), hint=_("Small letters, digits and _, as in phone_number; it stays."), required=True)
_FIELDS: Final = (
    Field("label", _("Label"), hint=_("As people read it; empty: the name.")),
    Field("default_value", _("Default value"), hint=_("Holds for everybody who has no value of his own.")),
    Field("place", _("Place in the order"), hint=_("A whole number; fields of one place are ordered by their name.")),
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    fields = house.people.fields

    async def named(visit: Visit, name: str) -> AdditionalField | None:
        return next((one for one in await fields.all(visit.visitor.tenant_id) if one.name == name), None)

    async def overview(visit: Visit) -> Response:
        known = await fields.all(visit.visitor.tenant_id)
        return visit.show("people_fields.html", title=_("Additional user fields"), listed=known, path=PATH, add=PATH + ADD)

    async def new(visit: Visit) -> Response:
        known = await fields.all(visit.visitor.tenant_id)
        visit.form.fill(place=str(max((one.place for one in known), default=0) + 1))
        return _NEW.show(visit)

    async def add(visit: Visit) -> Response:
        answer = _with_typed(visit, await fields.save(visit.actor, _sent(visit, visit.form.text("name"))))
        return settled(visit, answer, _NEW, _values, PATH)

    async def one(visit: Visit) -> Response:
        field = await named(visit, str(visit.request.path_params["name"]))
        if field is None:
            return visit.missing()
        return _sheet(field).opened(visit, _values(field))

    async def save(visit: Visit) -> Response:
        name, revision = str(visit.request.path_params["name"]), seen(visit.form)
        now = await named(visit, name)
        if now is not None:
            revision = rests_on(visit.form, _FIELDS, _values(now), now.revision)
        answer = _with_typed(visit, await fields.save(visit.actor, _sent(visit, name), revision))
        if isinstance(answer, Outdated) and answer.current is not None:
            now = answer.current
        sheet = _sheet(now or AdditionalField(name=name, label=name, default_value="", place=0, revision=revision))
        return settled(visit, answer, sheet, _values, PATH)

    async def remove(visit: Visit) -> Response:
        name = str(visit.request.path_params["name"])
        return removed(visit, await fields.remove(visit.actor, name, seen(visit.form)), f"{PATH}/{name}", PATH)

    return [
        desk.route(PATH, overview, READ),
        desk.route(PATH + ADD, new, WRITE),
        desk.route(PATH + ADD, add, WRITE, post=True),
        desk.route(PATH + "/{name:str}", one, WRITE),
        desk.route(PATH + "/{name:str}", save, WRITE, post=True),
        desk.route(PATH + "/{name:str}/remove", remove, WRITE, post=True),
    ]


_NEW: Final = Sheet(_("Add an additional user field"), (_NAME, *_FIELDS), PATH + ADD, _ALL, save=_("Add"))


def _sheet(field: AdditionalField) -> Sheet:
    one = f"{PATH}/{field.name}"
    removal = Removal(one + "/remove", _("Remove this field with the values that everybody has of it?"))
    return Sheet(field.label, _FIELDS, one, _ALL, field.revision, told=((_NAME.label, field.name),), removal=removal)


def _values(field: AdditionalField) -> Mapping[str, str]:
    return {name: str(value) for name, value in msgspec.structs.asdict(field.form).items()}


def _sent(visit: Visit, name: str) -> FieldForm:
    """Give what was typed; a place that is no number, which is told at once, is one that is always refused."""
    form = visit.form
    place = form.whole("place", _NO_PLACE if form.text("place") else 0)
    return FieldForm(name, form.text("label"), form.text("default_value"), _NO_PLACE if place is None else place)


def _with_typed(visit: Visit, answer: _Answer) -> _Answer:
    """Leave out what the room says of a place that was told to be no number."""
    if not isinstance(answer, Faulty) or not visit.form.at("place"):
        return answer
    return Faulty(tuple(one for one in answer.faults if one.field != "place"))
