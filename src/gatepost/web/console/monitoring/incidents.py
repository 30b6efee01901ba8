# SPDX-License-Identifier: Apache-2.0
"""Incidents: what needs care, what it means, what to do, who was told; and looking again now."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import ControlError
from gatepost.monitoring.kinds import kind_of
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/incidents"
LEVELS: Final[Mapping[str, str]] = {"message": _("Message"), "warning": _("Warning"), "error": _("Error")}
COLOURS: Final[Mapping[str, str]] = {"message": "bg-blue-lt", "warning": "bg-yellow-lt", "error": "bg-red-lt"}


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def history(visit: Visit) -> Response:
        visit.form = visit.asked
        page = await house.incidents.history(visit.form.whole("cursor"), tenant_id=visit.visitor.tenant_id)
        return visit.show("incidents.html", title=_("Incidents"), page=page, levels=LEVELS, colours=COLOURS)

    async def details(visit: Visit) -> Response:
        try:
            shown = await house.incidents.show(visit.request.path_params["number"], visit.visitor.tenant_id)
        except ControlError:
            return visit.missing()
        held = shown.incident.details
        known = [(one, held[one.field]) for one in kind_of(shown.incident.kind).details if held.get(one.field) not in (None, "")]
        return visit.show("incident.html", title=shown.incident.title, shown=shown, details=known, levels=LEVELS, colours=COLOURS)

    async def recheck(visit: Visit) -> Response:
        number = visit.request.path_params["number"]
        try:
            one = (await house.incidents.show(number, visit.visitor.tenant_id)).incident
        except ControlError:
            return visit.missing()
        still = await house.incidents.recheck(one.kind, one.subject, visit.visitor.tenant_id)
        said = _("It is still so.") if still else _("It is mended.")
        return visit.go(f"{PATH}/{number}", visit.words(said))

    return [
        desk.route(PATH, history, "monitoring:read"),
        desk.route(PATH + "/{number:int}", details, "monitoring:read"),
        desk.route(PATH + "/{number:int}", recheck, "monitoring:read", post=True),
    ]
