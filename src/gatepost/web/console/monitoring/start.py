# SPDX-License-Identifier: Apache-2.0
"""The start page: what flows, what was refused, what waits, how full the stores are, how the roles do, and what needs care."""

import time
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.monitoring.record import HOUSE
from gatepost.web.console.configuration.rules_words import called
from gatepost.web.console.monitoring.charts import flow_chart, totals
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House
from gatepost.web.watch import State

_DAY_S: Final = 86_400
_WEEK_STEP_H: Final = 6


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def start(visit: Visit) -> Response:
        shown: dict[str, Any] = {"flow": None}
        if visit.visitor.may("monitoring:read"):
            shown |= await _flow(house, visit)
            shown |= await _state(house, visit.visitor.tenant_id)
        template = "start_now.html" if shown["flow"] and visit.asked.text("refresh") else "start.html"
        return visit.show(template, title=_("Start page"), **shown)

    return [desk.route("/", start, "")]


async def _flow(house: House, visit: Visit) -> dict[str, Any]:
    now, tenant_id = time.time(), visit.visitor.tenant_id
    day = await house.tracks.traffic.series(now - _DAY_S + 3600, now, 1, tenant_id)
    week = await house.tracks.traffic.series(now - 7 * _DAY_S + 3600, now, _WEEK_STEP_H, tenant_id)
    refusals = await house.tracks.traffic.refusals(now - _DAY_S, now, tenant_id)
    charts = (
        flow_chart(visit.words("The last 24 hours"), day, visit.words),
        flow_chart(visit.words("The last 7 days"), week, visit.words),
    )
    return {"flow": charts, "totals": totals(day.steps, "24h"), "refusals": refusals, "uncounted": day.days_uncounted, "called": called}


async def _state(house: House, tenant_id: int) -> dict[str, Any]:
    """Tell what needs care; how gateways, stores and roles do only to the tenant that looks after them."""
    incidents = await house.incidents.open(tenant_id)
    if tenant_id != HOUSE:
        return {"incidents": incidents, "is_house": False}
    state = await house.watch.state()
    return {
        "incidents": incidents,
        "is_house": True,
        "state": state,
        "waiting": _waiting(state) if state else [],
        "usage": await house.incidents.usage(),
        "newest": (await house.versioning.newest()).number,
    }


def _waiting(state: State) -> list[dict[str, Any]]:
    """Add up what waits at each gateway."""
    return [
        {
            "gateway": one.gateway,
            "trouble": one.trouble,
            "waiting": sum(line["waiting"] for line in one.value or ()),
            "sending": sum(line["sending"] for line in one.value or ()),
            "domains": len(one.value or ()),
            "oldest_at": min((line["oldest_at"] for line in one.value or ()), default=None),
        }
        for one in state.queues
    ]
