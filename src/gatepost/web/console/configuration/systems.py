# SPDX-License-Identifier: Apache-2.0
"""Configuration › Connected systems: the gateways, how their links do, what each process works with; join one, part from one."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost import __version__
from gatepost.errors import ControlError, GatepostError, UsageError
from gatepost.replication.links import LOCAL
from gatepost.web.console.configuration import webhooks
from gatepost.web.console.configuration.systems_words import in_words
from gatepost.web.console.configuration.webhooks import SYSTEMS, TABS
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import _
from gatepost.web.house import House
from gatepost.web.joining import Joined, join, leave

PATH: Final = SYSTEMS
SEEN_BY: Final = ("configuration:read", "monitoring:read")
"""Either is enough to see it: incidents lead here."""
CHANGE: Final = "configuration:write"
COMMANDS: Final = {
    "invite": "gatepost role invite",
    "join": "gatepost role join HOST:PORT --token TOKEN",
    "example": "gateway.example.com:4465",
}


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _Systems(house)
    return [
        desk.route(PATH, pages.overview, ""),
        desk.route(PATH + "/join", pages.join, CHANGE, post=True),
        desk.route(PATH + "/leave", pages.leave, CHANGE, post=True),
        *webhooks.routes(desk, house),
    ]


class _Systems:
    """The gateways of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def overview(self, visit: Visit, status: int = 200, joined: Joined | None = None) -> Response:
        """Show every gateway as it was seen last; one that is away keeps nobody waiting."""
        if not any(visit.visitor.may(right) for right in SEEN_BY):
            return visit.missing()
        state = await self._house.watch.state()
        links = {link["name"]: link for link in state.links} if state else {}
        names = sorted(self._house.gateways.names)
        return visit.show(
            "systems_state.html" if visit.wants_part else "systems.html",
            status,
            title=_("Connected systems"),
            tabs=TABS if visit.visitor.may("monitoring:read") else TABS[:1],
            at=state.at if state else None,
            gateways=[(name, links.get(name)) for name in names],
            is_asking=any(name not in links for name in names),
            newest=(await self._house.versioning.newest()).number,
            program=__version__,
            local=LOCAL,
            joined=joined,
            commands=COMMANDS,
            may_change=visit.visitor.may(CHANGE),
        )

    async def join(self, visit: Visit) -> Response:
        """Pair this intranet with a gateway."""
        form = visit.form
        for name in ("address", "token"):
            if not form.text(name):
                form.fault(name, _("is missing"))
        if form.faults:
            return await self.overview(visit, 400)
        try:
            joined = await join(self._house, visit.actor, form.text("address"), form.text("token"), form.text("name"))
        except (UsageError, ControlError) as error:
            form.fault(_field(str(error)), in_words(str(error), visit.words))
            return await self.overview(visit, 400)
        visit.form = Form()
        return await self.overview(visit, joined=joined)

    async def leave(self, visit: Visit) -> Response:
        """Part from a gateway."""
        name = visit.form.text("gateway")
        if name not in self._house.gateways.names:
            return visit.missing()
        try:
            left = await leave(self._house, visit.actor, name)
        except GatepostError as error:
            return visit.go(PATH, in_words(str(error), visit.words))
        if left.trouble:
            said = _("{name} has left here, but could not be told ({why}). Say gatepost role leave there, too.")
            return visit.go(PATH, visit.words(said, name=name, why=left.trouble))
        return visit.go(PATH, visit.words("{name} has left.", name=name))


def _field(sentence: str) -> str:
    """Tell which field a refusal is about."""
    if "token" in sentence.partition(";")[0]:
        return "token"
    return "name" if "--name" in sentence else "address"
