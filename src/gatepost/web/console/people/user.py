# SPDX-License-Identifier: Apache-2.0
"""One corporate user: the tabs General and Additional fields. Who comes from a directory is changed there, but for the activity."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.people.answers import Outdated
from gatepost.people.record import AdditionalField, Attributes, User
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
from gatepost.web.console.people.users import ACTIVITY, ALL, NAME, PATH
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

ONE: Final = PATH + "/{id:str}"
ADDRESSES: Final = "/email-addresses"
FIELDS: Final = "/additional-fields"
REPLICATED: Final = _("This user comes from a directory; only the activity can be changed here.")
_ATTRIBUTES: Final = (
    Field("attributes.given_name", _("Given name")),
    Field("attributes.surname", _("Surname")),
    Field("attributes.title", _("Title")),
    Field("attributes.organization", _("Organisation")),
    Field("attributes.organizational_unit", _("Department")),
    Field("attributes.locality", _("Locality")),
    Field("attributes.state_or_province", _("State or province")),
    Field("attributes.username", _("User name")),
)


def tabs(identity: str) -> tuple[Tab, ...]:
    """Give a user's tabs; another one stands here when its page exists."""
    one = f"{PATH}/{identity}"
    return (Tab(_("General"), one), Tab(_("Email addresses"), one + ADDRESSES), Tab(_("Additional fields"), one + FIELDS))


def called(user: User) -> str:
    """Give what a user is called on pages."""
    return user.display_name or user.default_address


def gone(visit: Visit, shown: tuple[Field, ...]) -> Response:
    """Tell who has typed something of a user that the user was removed."""
    return Sheet(_("Corporate users"), shown, PATH, ALL, revives=False).behind(visit, None)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Pages(house)
    return [
        desk.route(ONE, pages.general, READ),
        desk.route(ONE, pages.save_general, WRITE, post=True),
        desk.route(ONE + FIELDS, pages.values, READ),
        desk.route(ONE + FIELDS, pages.save_values, WRITE, post=True),
        desk.route(ONE + "/remove", pages.remove, WRITE, post=True),
    ]


class _Pages:
    """The pages of one house."""

    def __init__(self, house: House) -> None:
        self._users, self._fields = house.people.users, house.people.fields

    async def general(self, visit: Visit) -> Response:
        """Show the tab General."""
        user = await self._find(visit)
        if user is None:
            return visit.missing()
        return _general(user).opened(visit, _general_values(user))

    async def save_general(self, visit: Visit) -> Response:
        """Save it."""
        user, form = await self._find(visit), visit.form
        if user is None:
            return gone(visit, (NAME, ACTIVITY, *_ATTRIBUTES))
        revision = rests_on(form, _general(user).fields, _general_values(user), user.revision)
        wanted = msgspec.structs.replace(user.form, enabled=form.ticked("enabled"))
        if not user.is_replicated:
            typed = {one.name.partition(".")[2]: form.text(one.name) for one in _ATTRIBUTES}
            wanted = msgspec.structs.replace(wanted, display_name=form.text("display_name"), attributes=Attributes(**typed))
        answer = await self._users.save(visit.actor, wanted, user.id, revision)
        sheet = _general(answer.current if isinstance(answer, Outdated) and answer.current is not None else user)
        return settled(visit, answer, sheet, _general_values, sheet.action)

    async def values(self, visit: Visit) -> Response:
        """Show the tab Additional fields."""
        user = await self._find(visit)
        if user is None:
            return visit.missing()
        known = await self._fields.all(visit.visitor.tenant_id)
        return _values(visit, user, known).opened(visit, as_fields(user.fields, known))

    async def save_values(self, visit: Visit) -> Response:
        """Save it."""
        user, known = await self._find(visit), await self._fields.all(visit.visitor.tenant_id)
        if user is None:
            return gone(visit, value_fields(known, visit.words))
        sheet = _values(visit, user, known)
        if not sheet.may_save:
            return visit.missing()
        revision = rests_on(visit.form, sheet.fields, as_fields(user.fields, known), user.revision)
        wanted = msgspec.structs.replace(user.form, fields=values_sent(visit.form, known))
        answer = await self._users.save(visit.actor, wanted, user.id, revision)
        return settled(visit, answer, sheet, lambda now: as_fields(now.fields, known), sheet.action)

    async def remove(self, visit: Visit) -> Response:
        """Remove the user."""
        identity = visit.request.path_params["id"]
        return removed(visit, await self._users.remove(visit.actor, identity, seen(visit.form)), f"{PATH}/{identity}", PATH)

    async def _find(self, visit: Visit) -> User | None:
        return await self._users.get(visit.visitor.tenant_id, visit.request.path_params["id"])


def _general(user: User) -> Sheet:
    one = f"{PATH}/{user.id}"
    sheet = Sheet(called(user), (NAME, ACTIVITY, *_ATTRIBUTES), one, ALL, user.revision, tabs(user.id), revives=False)
    if not user.is_replicated:
        return sheet._replace(removal=Removal(one + "/remove", _("Remove this user with all addresses?")))
    held = _general_values(user)
    told = tuple((field.label, held[field.name]) for field in (NAME, *_ATTRIBUTES))
    return sheet._replace(fields=(ACTIVITY,), told=((_("Directory"), user.source), *told), note=REPLICATED)


def _general_values(user: User) -> Mapping[str, str]:
    attributes = {f"attributes.{name}": value for name, value in msgspec.structs.asdict(user.attributes).items()}
    return {"display_name": user.display_name, "enabled": "on" if user.enabled else "", **attributes}


def _values(visit: Visit, user: User, known: list[AdditionalField]) -> Sheet:
    fields = value_fields(known, visit.words)
    sheet = Sheet(called(user), fields, f"{PATH}/{user.id}{FIELDS}", ALL, user.revision, tabs(user.id), revives=False)
    if not known:
        return sheet._replace(note=_("There are no additional fields yet; add them under Additional user fields."), may_save=False)
    if user.is_replicated:
        told = tuple((one.label, user.fields.get(one.name, one.default_value)) for one in known)
        return sheet._replace(fields=(), told=told, note=REPLICATED, may_save=False)
    return sheet
