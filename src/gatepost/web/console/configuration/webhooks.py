# SPDX-License-Identifier: Apache-2.0
"""Configuration › Connected systems › Webhooks: who is told of incidents by HTTPS. A secret is shown once, when it is made.

The URL is a secret, too: its field is always empty, also beside a fault, and left empty keeps the URL so far.
"""

from collections.abc import Awaitable
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import ControlError, UsageError
from gatepost.monitoring.webhooks import Created
from gatepost.web.console.people.sheet import Tab
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import _
from gatepost.web.house import House

SYSTEMS: Final = "/configuration/connected-systems"
PATH: Final = SYSTEMS + "/webhooks"
TABS: Final = (Tab(_("Gateways"), SYSTEMS), Tab(_("Webhooks"), PATH))
SEE, CHANGE = "monitoring:read", "monitoring:write"
_EXAMPLE: Final = "https://alerts.example.com/gatepost"
SENTENCES: Final = (
    _("has {0} to {1} printable characters"),
    _("there are {0} webhooks already; remove one first"),
    _("is no URL; write https://HOST/PATH"),
    _("is a shortened one; write it whole, or leave it out to keep the one so far"),
    _("has a user or a fragment; leave both out, the signature says who calls"),
    _("must begin with https://; http:// is for this machine's own loopback alone"),
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Webhooks(house)
    return [
        desk.route(PATH, pages.overview, SEE),
        desk.route(PATH, pages.add, CHANGE, post=True),
        desk.route(PATH + "/{id:str}", pages.one, SEE),
        desk.route(PATH + "/{id:str}", pages.change, CHANGE, post=True),
    ]


class _Webhooks:
    """The webhooks of one house."""

    def __init__(self, house: House) -> None:
        self._webhooks = house.incidents.webhooks

    async def overview(self, visit: Visit, status: int = 200, made: Created | None = None) -> Response:
        """List them, and the form of a new one."""
        listed = await self._webhooks.all(visit.visitor.tenant_id)
        return visit.show("webhooks.html", status, title=_("Webhooks"), **_shown(visit, made), listed=listed)

    async def add(self, visit: Visit) -> Response:
        """Add one; its secret is on the page that follows, and on no other."""
        form = visit.form
        made = await _tried(visit, self._webhooks.create(visit.actor, form.text("name"), form.text("url")))
        if made is None:
            return await self.overview(visit, 400)
        visit.form = Form()
        return await self.overview(visit, made=made)

    async def one(self, visit: Visit, status: int = 200, made: Created | None = None) -> Response:
        """Show one, to be changed."""
        try:
            found = await self._webhooks.get(visit.request.path_params["id"], visit.visitor.tenant_id)
        except ControlError:
            return visit.missing()
        visit.form.fill(name=found.name, url="")
        return visit.show("webhook.html", status, title=found.name, **_shown(visit, made), one=found)

    async def change(self, visit: Visit) -> Response:
        """Change one: what it is called, where it is, whether it is told, its secret; or remove it."""
        form, id, actor = visit.form, visit.request.path_params["id"], visit.actor
        try:
            await self._webhooks.get(id, actor.tenant_id)
        except ControlError:
            return visit.missing()
        match form.text("do"):
            case "renew":
                made = await self._webhooks.renew_secret(actor, id)
                visit.form = Form()
                return await self.one(visit, made=made)
            case "remove":
                await self._webhooks.remove(actor, id)
                return visit.go(PATH, visit.words("It is removed."))
            case "enable" | "disable" as do:
                await self._webhooks.change(actor, id, enabled=do == "enable")
            case _:
                if await _tried(visit, self._webhooks.change(actor, id, name=form.text("name"), url=form.text("url"))) is None:
                    return await self.one(visit, 400)
        return visit.go(f"{PATH}/{path_part(id)}", visit.words("It is saved."))


def _shown(visit: Visit, made: Created | None) -> dict[str, Any]:
    return {"tabs": TABS, "made": made, "may_change": visit.visitor.may(CHANGE), "example": _EXAMPLE}


async def _tried(visit: Visit, change: Awaitable[Any]) -> Any:
    """Carry out a change; what is wrong with it goes to its field, and the answer is None."""
    try:
        return await change
    except UsageError as error:
        field, colon, rest = str(error).partition(": ")
        known = colon and field in ("name", "url")
        visit.form = Form({"name": visit.form.text("name"), "url": ""})
        visit.form.fault(field if known else "", rest if known else str(error))
        return None
