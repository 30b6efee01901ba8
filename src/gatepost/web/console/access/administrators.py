# SPDX-License-Identifier: Apache-2.0
"""Who administers: added with a one-time password, given roles, locked out and let in again."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.access.administrators import Change, Changed
from gatepost.access.record import Refusal
from gatepost.access.roles import ROLES
from gatepost.web.console.access.account import AREAS
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import LANGUAGES, _
from gatepost.web.house import House

PATH: Final = "/administrators"
_SEE, _CHANGE = "administration:read", "administration:write"


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Administrators(house)
    return [
        desk.route(PATH, pages.overview, _SEE),
        desk.route(PATH, pages.add, _CHANGE, post=True),
        desk.route(PATH + "/{name:str}", pages.one, _SEE),
        desk.route(PATH + "/{name:str}", pages.change, _CHANGE, post=True),
    ]


class _Administrators:
    """What somebody does with administrators."""

    def __init__(self, house: House) -> None:
        self._access = house.access
        self._administrators = house.access.administrators

    async def overview(self, visit: Visit, status: int = 200, done: Changed | None = None) -> Response:
        listed = await self._administrators.list(visit.visitor.tenant_id)
        return visit.show(
            "administrators.html",
            status,
            title=_("Administrators"),
            listed=listed,
            done=done,
            roles=ROLES,
            areas=AREAS,
            languages=LANGUAGES,
        )

    async def add(self, visit: Visit) -> Response:
        form = visit.form
        done = await self._administrators.add(
            visit.actor,
            form.text("name"),
            tuple(form.many("roles")),
            display_name=form.text("display_name"),
            language=form.text("language", "en"),
        )
        if isinstance(done, Refusal):
            form.fault(done.field, done.sentence)
            return await self.overview(visit, 400)
        visit.form = Form()
        return await self.overview(visit, done=done)

    async def one(self, visit: Visit, status: int = 200, done: Changed | None = None) -> Response:
        found = await self._administrators.get(visit.request.path_params["name"], visit.visitor.tenant_id)
        if found is None:
            return visit.missing()
        visit.form.fill(display_name=found.display_name, language=found.language, roles=() if visit.form.names else found.roles)
        sessions = await self._access.sessions.own(found.name, visit.visitor.tenant_id)
        tokens = await self._access.tokens.list(visit.visitor.tenant_id, found.name)
        return visit.show(
            "administrator.html",
            status,
            title=found.name,
            one=found,
            done=done,
            sessions=sessions,
            tokens=tokens,
            roles=ROLES,
            areas=AREAS,
            languages=LANGUAGES,
        )

    async def change(self, visit: Visit) -> Response:
        form, name = visit.form, visit.request.path_params["name"]
        match form.text("do"):
            case "end_sessions":
                return await self._end(visit, name)
            case "one_time_password":
                wanted = Change(one_time_password=True)
            case "reset_totp":
                wanted = Change(reset_totp=True)
            case "unlock":
                wanted = Change(unlock=True)
            case "enable":
                wanted = Change(enabled=True)
            case "disable":
                wanted = Change(enabled=False)
            case _:
                wanted = Change(display_name=form.text("display_name"), language=form.text("language"), roles=tuple(form.many("roles")))
        if not form.ticked("mine") and self._takes_from_himself(visit, name, wanted):
            form.fault("mine", _("these are your own rights; tick this if you mean to give them up"))
            return await self.one(visit, 400)
        done = await self._administrators.change(visit.actor, name, wanted)
        if isinstance(done, Refusal):
            form.fault(done.field, done.sentence)
            return await self.one(visit, 400)
        if done.one_time_password:
            visit.form = Form()
            return await self.one(visit, done=done)
        return visit.go(f"{PATH}/{done.administrator.name}", visit.words("It is saved."))

    async def _end(self, visit: Visit, name: str) -> Response:
        """End one session, or all of somebody."""
        session = visit.form.text("session")
        if session:
            await self._access.sessions.end(visit.actor, name, session)
        else:
            await self._access.sessions.end_all(visit.actor, name)
        return visit.go(f"{PATH}/{path_part(name)}", visit.words("It has ended."))

    @staticmethod
    def _takes_from_himself(visit: Visit, name: str, wanted: Change) -> bool:
        """Tell whether a change takes from the one who makes it a role, or the way in."""
        if name.lower() != visit.visitor.name.lower():
            return False
        held = {role for role in ROLES if visit.visitor.may(f"{role}:read")}
        return wanted.enabled is False or (wanted.roles is not None and not held <= set(wanted.roles))
