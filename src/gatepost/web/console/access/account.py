# SPDX-License-Identifier: Apache-2.0
"""One's own account: name and language, password, sessions, API tokens."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.access.administrators import Change
from gatepost.access.record import Came, Refusal
from gatepost.access.roles import RIGHTS
from gatepost.access.sign_in import Done, Faulty, Later, Refused
from gatepost.access.tokens import MadeToken
from gatepost.web.console.access.sign_in import UNEQUAL
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.visitor import let_in
from gatepost.web.frame.words import LANGUAGES, _
from gatepost.web.house import House

PATH: Final = "/account"
LIFETIMES: Final = (1, 7, 30, 90, 180, 365)
AREAS: Final = {
    "configuration": _("Configuration"),
    "monitoring": _("Monitoring"),
    "people": _("People and identities"),
    "disclaimer": _("Disclaimer"),
    "administration": _("Administrators"),
}
MAY: Final = {"read": _("read"), "write": _("change")}


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Account(house)
    return [
        desk.route(PATH, pages.show, ""),
        desk.route(PATH, pages.describe, "", post=True),
        desk.route(PATH + "/password", pages.password, "", post=True),
        desk.route(PATH + "/sessions", pages.end_session, "", post=True),
        desk.route(PATH + "/tokens", pages.make_token, "", post=True),
        desk.route(PATH + "/tokens/revoke", pages.revoke_token, "", post=True),
    ]


class _Account:
    """What somebody does with his own account."""

    def __init__(self, house: House) -> None:
        self._access = house.access

    async def show(self, visit: Visit, status: int = 200, made: MadeToken | None = None) -> Response:
        who = visit.visitor
        visit.form.fill(display_name=who.display_name, language=who.language, days="90", scope=())
        return visit.show(
            "account.html",
            status,
            title=_("Your account"),
            sessions=await self._access.sessions.own(who.name, who.tenant_id),
            tokens=await self._access.tokens.list(who.tenant_id, who.name),
            made=made,
            languages=LANGUAGES,
            lifetimes=LIFETIMES,
            scopes=[right for right in RIGHTS if who.may(right)],
            areas=AREAS,
            may=MAY,
        )

    async def describe(self, visit: Visit) -> Response:
        form = visit.form
        change = Change(display_name=form.text("display_name"), language=form.text("language"))
        done = await self._access.administrators.change(visit.actor, visit.visitor.name, change)
        if isinstance(done, Refusal):
            form.fault(done.field, done.sentence)
            return await self.show(visit, 400)
        return visit.go(PATH, visit.desk.words[done.administrator.language](_("It is saved.")))

    async def password(self, visit: Visit) -> Response:
        form, came = visit.form, Came(visit.client, visit.request.headers.get("user-agent", ""))
        session = await self._access.sessions.find(visit.secret)
        if session is None:
            return visit.go("/sign-in")
        if form.raw("new_password") != form.raw("again"):
            form.fault("again", UNEQUAL)
            return await self.show(visit, 400)
        match await self._access.sign_in.change_password(session, form.raw("old_password"), form.raw("new_password"), came):
            case Done(cookie, fresh):
                visit.desk.say(fresh.id, visit.words("The password is changed; your other sessions have ended."))
                response = visit.go(PATH)
                let_in(visit.request, response, cookie)
                return response
            case Faulty(sentence):
                form.fault("new_password", sentence)
            case Refused():
                form.fault("old_password", _("this is not your password"))
            case Later(sentence=sentence):
                form.fault("old_password", sentence)
        return await self.show(visit, 400)

    async def end_session(self, visit: Visit) -> Response:
        who, wanted = visit.visitor, visit.form.text("session")
        if wanted:
            await self._access.sessions.end(visit.actor, who.name, wanted)
        else:
            await self._access.sessions.end_all(visit.actor, who.name)
        return visit.go(PATH, visit.words("It has ended."))

    async def make_token(self, visit: Visit) -> Response:
        form = visit.form
        made = await self._access.tokens.make(visit.actor, form.text("token_name"), tuple(form.many("scope")), form.whole("days", 0) or 0)
        if isinstance(made, Refusal):
            form.fault({"name": "token_name", "scopes": "scope"}.get(made.field, made.field), made.sentence)
            return await self.show(visit, 400)
        visit.form = Form()
        return await self.show(visit, made=made)

    async def revoke_token(self, visit: Visit) -> Response:
        done = await self._access.tokens.revoke(visit.actor, visit.form.text("token"))
        return visit.go(PATH, visit.words(done.sentence if isinstance(done, Refusal) else _("The token is revoked.")))
