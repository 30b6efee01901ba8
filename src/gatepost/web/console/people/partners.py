# SPDX-License-Identifier: Apache-2.0
"""People and identities › Partners: the default settings of all, the domains that have an entry, and the adding of one."""

from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import UsageError
from gatepost.people.answers import Outdated, Saved
from gatepost.people.record import DEFAULT_PARTNER, PartnerForm
from gatepost.web.console.people.sheet import ADD, FAULTY, LATE, READ, WRITE, Field, Sheet, Tab, going_on, settled
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import path_part
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/people/partners"
DEFAULT: Final = "*"
"""What stands for all partners in an address of a page; no domain is called so."""
ALL: Final = Tab(_("All partners"), PATH)
COMMENT: Final = Field("comment", _("Comment"), "area")
SECURITY: Final = {
    "default": _("as the send connector says"),
    "opportunistic": _("TLS where the partner offers it"),
    "required": _("TLS required"),
}
"""Says each value of the connection security, where nothing is left to inherit from."""
_NEW: Final = (Field("domain", _("Domain"), hint=_("As example.com"), required=True), COMMENT)
_ROWS: Final = 50


def page_of(domain: str) -> str:
    """Give the address of a domain entry's page."""
    return f"{PATH}/{path_part(domain) if domain != DEFAULT_PARTNER else DEFAULT}"


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    partners = house.people.partners

    async def overview(visit: Visit) -> Response:
        form, page, tenant_id = visit.asked, None, visit.visitor.tenant_id
        visit.form = form
        try:
            page = await partners.search(tenant_id, form.text("text"), cursor=form.text("cursor"), limit=_ROWS)
        except UsageError as error:
            form.fault("", str(error))
        more = going_on(form, PATH, page.cursor if page is not None else "")
        shown: dict[str, Any] = {"page": page, "more": more, "security": SECURITY, "page_of": page_of}
        if visit.wants_part and page is not None:
            return visit.show("people_partners_rows.html", **shown)
        shown |= {"default": await partners.default(tenant_id), "counts": await partners.counts(tenant_id), "add": PATH + ADD}
        return visit.show("people_partners.html", title=_("Partners"), **shown)

    async def new(visit: Visit) -> Response:
        return _sheet().show(visit)

    async def add(visit: Visit) -> Response:
        form = visit.form
        if not form.text("domain"):  # nobody who leaves it empty means the settings of all partners
            form.put(domain="")
            form.fault("domain", _("is missing"), _("write it as example.com"))
            return _sheet().show(visit, FAULTY)
        answer = await partners.save(visit.actor, PartnerForm(form.text("domain"), form.text("comment")))
        if isinstance(answer, Outdated) and answer.current is not None:
            form.fault("domain", "there is an entry of this domain already", "change that one")
            return _sheet().show(visit, LATE)
        then = page_of(answer.row.domain) if isinstance(answer, Saved) else PATH
        return settled(visit, answer, _sheet(), msgspec.structs.asdict, then)

    return [
        desk.route(PATH, overview, READ),
        desk.route(PATH + ADD, new, WRITE),
        desk.route(PATH + ADD, add, WRITE, post=True),
    ]


def _sheet() -> Sheet:
    return Sheet(_("Add a partner"), _NEW, PATH + ADD, ALL, save=_("Add"))
