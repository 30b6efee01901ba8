# SPDX-License-Identifier: Apache-2.0
"""Monitoring › Event viewer: what the processes of all roles thought worth telling."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import UsageError
from gatepost.monitoring.events_log import EventLine
from gatepost.web.console.monitoring.events_said import said, tells_of_webhooks
from gatepost.web.console.monitoring.tracking import PERIODS
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/monitoring/event-viewer"
LEVELS: Final[Mapping[str, str]] = {"info": _("Information"), "warning": _("Warning"), "error": _("Error")}
COLOURS: Final[Mapping[str, str]] = {"info": "bg-blue-lt", "warning": "bg-yellow-lt", "error": "bg-red-lt"}
_ROWS: Final = 50


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def viewer(visit: Visit) -> Response:
        form = visit.form = visit.asked
        period = form.text("last", "7d")
        after = time.time() - PERIODS[period][0] if period in PERIODS else None
        page = None
        try:
            page = await house.events.search(
                after=after,
                level=form.text("level"),
                name=form.text("name"),
                gateway=form.text("gateway"),
                text=form.text("text"),
                below=form.whole("below"),
                limit=_ROWS,
                tenant_id=visit.visitor.tenant_id,
            )
        except UsageError as error:
            form.fault("", str(error))
        below = page.below if page else None
        more = f"{PATH}?{query(**{name: form.many(name) for name in form.names if name != 'below'}, below=below)}" if below else ""
        template = "events_rows.html" if visit.wants_part and page else "events.html"
        shown: dict[str, Any] = {"page": page, "more": more, "levels": LEVELS, "colours": COLOURS, "periods": PERIODS, "period": period}
        return visit.show(template, title=_("Event viewer"), lines=await _lines(visit, page.events if page else ()), **shown)

    async def _lines(visit: Visit, events: Sequence[EventLine]) -> list[tuple[EventLine, Markup]]:
        """Give each event with its sentence."""
        names: dict[str, str] = {}
        if any(tells_of_webhooks(one.name, one.fields) for one in events):
            names = {one.id: one.name for one in await house.incidents.webhooks.all(visit.visitor.tenant_id)}
        return [(one, said(one.name, one.fields, visit.words, names)) for one in events]

    return [desk.route(PATH, viewer, "monitoring:read")]
