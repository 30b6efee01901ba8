# SPDX-License-Identifier: Apache-2.0
"""Configuration › Email routing: who may send to the world, and where mail goes."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.web.console.configuration.routing_users import SubmissionUsers
from gatepost.web.console.settings.pages import SEE, Described, ListPages
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/configuration/email-routing"
_CONNECTOR: Final = ("name", "domains", "smart_hosts", "security", "cost", "enabled")

SERVERS: Final = Described(
    PATH + "/corporate-email-servers",
    "corporate_servers",
    _("Corporate email servers"),
    intro=_("Servers that may send to the world. Mail from them is outbound, mail from all others is inbound."),
    one=_("Corporate email server"),
    add=_("Add a corporate email server"),
    columns=("name", "networks", "provider_header"),
)
INBOUND: Final = Described(
    PATH + "/inbound-send-connectors",
    "send_connectors",
    _("Inbound send connectors"),
    intro=_("Where mail to owned domains goes. Of the enabled connectors for a domain the cheapest is used."),
    one=_("Inbound send connector"),
    add=_("Add an inbound send connector"),
    columns=_CONNECTOR,
    fixed={"direction": "inbound"},
    template="routing_inbound.html",
)
OUTBOUND: Final = Described(
    PATH + "/outbound-send-connectors",
    "send_connectors",
    _("Outbound send connectors"),
    intro=_("Where mail to the world goes: to a dedicated server, or straight to the MX of each domain."),
    one=_("Outbound send connector"),
    add=_("Add an outbound send connector"),
    columns=_CONNECTOR,
    fixed={"direction": "outbound"},
)
USERS: Final = Described(
    PATH + "/submission-users",
    "submission_users",
    _("Submission users"),
    intro=_("Who signs in with one of these names on a submission listener may send to the world."),
    one=_("Submission user"),
    add=_("Add a submission user"),
    columns=("name", "tenant"),
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages; incidents lead to the path that is above them."""

    async def first(visit: Visit) -> Response:
        return visit.go(INBOUND.path)

    pages = [*(ListPages(house, one) for one in (SERVERS, INBOUND, OUTBOUND)), SubmissionUsers(house, USERS)]
    return [desk.route(PATH, first, SEE), *(route for one in pages for route in one.routes(desk))]
