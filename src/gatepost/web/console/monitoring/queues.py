# SPDX-License-Identifier: Apache-2.0
"""Monitoring › Email queues: what waits for delivery, per gateway and destination; try again now, or remove."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.contracts.actor import Entry
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/monitoring/email-queues"
_MOST: Final = 200
_SAID: Final = {
    "retry": (_("{n} recipient is due now"), _("{n} recipients are due now")),
    "drop": (_("{n} recipient was removed"), _("{n} recipients were removed")),
}


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def overview(visit: Visit) -> Response:
        wanted = visit.asked.text("domain").lower()
        answers = await house.watch.ask_all("queue.list", {"tenant_id": visit.visitor.tenant_id})
        shown = [one._replace(value=_sorted([line for line in one.value or () if wanted in line["domain"]])) for one in answers]
        longest = max((line["waiting"] + line["sending"] for one in shown for line in one.value), default=0)
        visit.form = visit.asked
        return visit.show("queues.html", title=_("Email queues"), gateways=shown, longest=longest, wanted=wanted)

    async def one_queue(visit: Visit) -> Response:
        gateway, domain = visit.request.path_params["gateway"], visit.request.path_params["domain"]
        if gateway not in house.gateways.names:
            return visit.missing()
        asked = {"wanted": domain, "limit": _MOST, "tenant_id": visit.visitor.tenant_id}
        answer = await house.watch.ask(gateway, "queue.show", asked)
        return visit.show("queue.html", title=domain, domain=domain, answer=answer, recipients=answer.value or (), most=_MOST)

    async def act(visit: Visit) -> Response:
        gateway, domain = visit.form.text("gateway"), visit.form.text("domain")
        wanted, do = visit.form.text("wanted") or domain, visit.form.text("do")
        if gateway not in house.gateways.names or do not in ("retry", "drop") or not wanted:
            return visit.missing()
        count = await house.gateways.ask(gateway, f"queue.{do}", {"wanted": wanted, "tenant_id": visit.visitor.tenant_id})
        await house.access.audit.note(Entry(visit.actor, f"queue.{do}", wanted, None, {"gateway": gateway, "recipients": count}))
        return visit.go(f"{PATH}?{query(domain=visit.form.text('back'))}", visit.words.number(*_SAID[do], count))

    return [
        desk.route(PATH, overview, "monitoring:read"),
        desk.route(PATH, act, "monitoring:write", post=True),
        desk.route(PATH + "/{gateway:str}/{domain:str}", one_queue, "monitoring:read"),
    ]


def _sorted(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(lines, key=lambda line: (-int(str(line["waiting"])), str(line["domain"])))
