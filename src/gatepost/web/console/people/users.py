# SPDX-License-Identifier: Apache-2.0
"""People and identities › Domains and users › Corporate users: search them, add one, remove one."""

from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import UsageError
from gatepost.people.answers import Faulty, Saved
from gatepost.people.record import MANUAL, UserAddress, UserForm
from gatepost.people.user_search import Search
from gatepost.web.console.people.sheet import ADD, FAULTY, READ, SAVED, WRITE, Field, Sheet, Tab, going_on, put_faults
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/people/corporate-users"
ALL: Final = Tab(_("All corporate users"), PATH)
NAME: Final = Field("display_name", _("Display name"))
ACTIVITY: Final = Field("enabled", _("Active"), "box", _("Mail for who is not active is refused as mail for nobody."))
_NEW: Final = (
    NAME,
    Field("default_address", _("Default email address"), required=True),
    Field("addresses", _("Further email addresses"), "area", _("One on each line")),
    ACTIVITY,
)
_ACTIVITIES: Final = {"": None, "on": True, "off": False}
_ROWS: Final = 50


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    users = house.people.users

    async def overview(visit: Visit) -> Response:
        form = visit.form = visit.asked
        tenant_id, page = visit.visitor.tenant_id, None
        wanted = Search(tenant_id, form.text("text"), _ACTIVITIES.get(form.text("activity")), cursor=form.text("cursor"), limit=_ROWS)
        try:
            page = await users.search(wanted)
        except UsageError as error:
            form.fault("", str(error))
        more = going_on(form, PATH, page.cursor if page is not None else "")
        shown: dict[str, Any] = {"page": page, "more": more, "path": PATH, "manual": MANUAL}
        if visit.wants_part and page is not None:
            return visit.show("people_users_rows.html", **shown)
        shown |= {"counts": await users.counts(tenant_id), "add": PATH + ADD}
        return visit.show("people_users.html", title=_("Corporate users"), **shown)

    async def new(visit: Visit, status: int = 200) -> Response:
        if not visit.form.names:
            visit.form.fill(enabled="on")
        return Sheet(_("Add a corporate user"), _NEW, PATH + ADD, ALL, save=_("Add")).show(visit, status)

    async def add(visit: Visit) -> Response:
        form = visit.form
        written = [form.text("default_address"), *form.lines("addresses")]
        addresses = tuple(UserAddress(one, is_default=number == 0) for number, one in enumerate(written) if one)
        answer = await users.save(visit.actor, UserForm(form.text("display_name"), addresses, form.ticked("enabled")))
        if isinstance(answer, Saved):
            return visit.go(f"{PATH}/{answer.row.id}", visit.words(SAVED))
        if isinstance(answer, Faulty):
            further = 0 if addresses and addresses[0].is_default else -1
            put_faults(form, answer.faults, _places(len(addresses), further))
        return await new(visit, FAULTY)

    return [
        desk.route(PATH, overview, READ),
        desk.route(PATH + ADD, new, WRITE),
        desk.route(PATH + ADD, add, WRITE, post=True),
    ]


def _places(count: int, default: int) -> dict[str, str]:
    """Name the field of the form in which each address stands; `default` is the place of the default address, -1 for none."""
    places = {f"addresses[{number}].address": "default_address" if number == default else "addresses" for number in range(count)}
    return {**places, "addresses": "default_address" if count == 0 else "addresses"}
