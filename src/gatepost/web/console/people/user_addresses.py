# SPDX-License-Identifier: Apache-2.0
"""One corporate user: the tab Email addresses, and the page of each address."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.people.answers import Faulty, Outdated, Saved
from gatepost.people.record import User, UserAddress, UserForm
from gatepost.web.console.people.sheet import (
    ADD,
    FAULTY,
    LATE_REMOVAL,
    READ,
    REMOVED,
    SAVED,
    WRITE,
    Field,
    Removal,
    Sheet,
    Tab,
    put_faults,
    rests_on,
    seen,
)
from gatepost.web.console.people.user import ADDRESSES, ONE, REPLICATED, called, gone, tabs
from gatepost.web.console.people.users import ACTIVITY, ALL, PATH
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import _
from gatepost.web.house import House

_LIST: Final = ONE + ADDRESSES
_ADDRESS: Final = Field("address", _("Email address"), required=True)
_DEFAULT: Final = Field("is_default", _("Default email address"), "box")
_FIELDS: Final = (_ADDRESS, _DEFAULT, ACTIVITY)


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
        self._users = house.people.users

    async def overview(self, visit: Visit) -> Response:
        """List the addresses."""
        user = await self._find(visit)
        if user is None:
            return visit.missing()
        here = _here(user)
        shown: dict[str, Any] = {"user": user, "here_list": here, "add": here + ADD, "replicated": REPLICATED}
        return visit.show("people_user_addresses.html", title=called(user), back=ALL, tabs=tabs(user.id), **shown)

    async def new(self, visit: Visit) -> Response:
        """Show an empty form."""
        user = await self._find(visit)
        if user is None or user.is_replicated:
            return visit.missing()
        visit.form.fill(enabled="on")
        return _sheet(user, None).show(visit)

    async def one(self, visit: Visit) -> Response:
        """Show one address."""
        user = await self._find(visit)
        found = _of(user, _named(visit)) if user is not None else None
        if user is None or found is None:
            return visit.missing()
        return _sheet(user, found).opened(visit, _values(found))

    async def add(self, visit: Visit) -> Response:
        """Add an address; whatever else of the user was changed meanwhile stays."""
        user, form = await self._find(visit), visit.form
        if user is None:
            return gone(visit, _FIELDS)
        made = UserAddress(form.text("address"), form.ticked("is_default"), form.ticked("enabled"))
        answer = await self._users.save(visit.actor, _with(user, None, made), user.id, user.revision)
        match answer:
            case Saved():
                return visit.go(_here(user), visit.words(SAVED))
            case Faulty(faults):
                put_faults(form, faults, _places(user, None))
                return _sheet(user, None).show(visit, FAULTY)
            case _:
                return await self.add(visit)  # somebody was faster by a moment

    async def save(self, visit: Visit) -> Response:
        """Save one address."""
        user, form = await self._find(visit), visit.form
        before = _of(user, _named(visit)) if user is not None else None
        if user is None:
            return gone(visit, _FIELDS)
        if before is None:  # what was typed is added by the next press
            return _sheet(user, None).behind(visit, None, user.revision)
        revision = rests_on(form, _sheet(user, before).fields, _values(before), user.revision)
        made = msgspec.structs.replace(before, enabled=form.ticked("enabled"))
        if not user.is_replicated:
            made = UserAddress(form.text("address"), form.ticked("is_default") or before.is_default, form.ticked("enabled"))
        answer = await self._users.save(visit.actor, _with(user, before, made), user.id, revision)
        match answer:
            case Saved():
                return visit.go(_here(user), visit.words(SAVED))
            case Faulty(faults):
                put_faults(form, faults, _places(user, before))
                return _sheet(user, before)._replace(revision=seen(form)).show(visit, FAULTY)
            case Outdated(current) if current is not None and (saved := _of(current, before.address)) is not None:
                return _sheet(current, saved).behind(visit, _values(saved), current.revision)
            case _:
                return _sheet(user, None).behind(visit, None, user.revision)

    async def remove(self, visit: Visit) -> Response:
        """Remove one address; of the others the first is the default then, if it was."""
        user, named = await self._find(visit), visit.form.text("address")
        found = _of(user, named) if user is not None else None
        if user is None or found is None:
            return visit.go(_here(user) if user is not None else PATH, visit.words(REMOVED))
        left = tuple(one for one in user.addresses if one is not found)
        answer = await self._users.save(visit.actor, msgspec.structs.replace(user.form, addresses=left), user.id, seen(visit.form))
        match answer:
            case Faulty(faults):
                visit.form.fill(**_values(found))
                put_faults(visit.form, faults, {"addresses": ""})
                return _sheet(user, found).show(visit, FAULTY)
            case Outdated():
                return visit.go(f"{_here(user)}/{path_part(named)}", visit.words(LATE_REMOVAL))
            case _:
                return visit.go(_here(user), visit.words(REMOVED))

    async def _find(self, visit: Visit) -> User | None:
        return await self._users.get(visit.visitor.tenant_id, visit.request.path_params["id"])


def _here(user: User) -> str:
    return f"{PATH}/{user.id}{ADDRESSES}"


def _named(visit: Visit) -> str:
    return str(visit.request.path_params.get("address", ""))


def _of(user: User, address: str) -> UserAddress | None:
    return next((one for one in user.addresses if one.address == address), None)


def _values(address: UserAddress) -> Mapping[str, str]:
    return {
        "address": address.address,
        "is_default": "on" if address.is_default else "",
        "enabled": "on" if address.enabled else "",
    }


def _sheet(user: User, address: UserAddress | None) -> Sheet:
    back = Tab(_("All email addresses of this user"), _here(user))
    if address is None:
        return Sheet(_("Add an email address"), _FIELDS, _here(user) + ADD, back, user.revision, save=_("Add"))
    sheet = Sheet(address.address, _FIELDS, f"{_here(user)}/{path_part(address.address)}", back, user.revision)
    if user.is_replicated:
        told = ((_("Directory"), user.source), (_("Email address"), address.address))
        return sheet._replace(fields=(ACTIVITY,), told=told, note=REPLICATED)
    if address.is_default:
        note = _("This is the default email address of this user. To change that, make another one the default.")
        sheet = sheet._replace(fields=(_ADDRESS, ACTIVITY), note=note)
    ask = _("Remove this email address? Mail for it is refused then.")
    return sheet._replace(removal=Removal(_here(user) + "/-/remove", ask, hidden={"address": address.address}))


def _with(user: User, before: UserAddress | None, made: UserAddress) -> UserForm:
    """Give the user with one address in place of another, or added; a new default takes the place of the old one."""
    others = (msgspec.structs.replace(one, is_default=one.is_default and not made.is_default) for one in user.addresses if one != before)
    return msgspec.structs.replace(user.form, addresses=(*others, made))


def _places(user: User, before: UserAddress | None) -> dict[str, str]:
    """Name the field in which a fault of the address that `_with` has put last is shown."""
    last = sum(one != before for one in user.addresses)
    return {f"addresses[{last}].address": "address", "addresses": "address"}
