# SPDX-License-Identifier: Apache-2.0
"""Configuration › Advanced settings: notices, how long things are kept, limits, name servers, what holds when recipients differ.

Each tab is a table of the configuration: a change goes into the visitor's draft.
"""

from typing import Final, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from gatepost.web.console.settings.form import SettingsForm
from gatepost.web.console.settings.pages import SEE, Described, TablePage
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/configuration/advanced-settings"


class _Tab(NamedTuple):
    """One tab; its texts are English."""

    name: str
    section: str
    title: str
    intro: str
    only: tuple[str, ...] = ()


_TABS: Final = (
    _Tab("notices", "notices", _("Notices"), _("Whom the gateway writes to, and from which address.")),
    _Tab(
        "monitoring",
        "retention",
        _("Monitoring"),
        _("How long things are kept. What is older goes within the hour after you have applied it; a longer time brings nothing back."),
    ),
    _Tab("receiving", "receive", _("Receiving"), _("What one client, one session and one mail may cost while it is received.")),
    _Tab("messages", "message", _("Messages"), _("How much structure one mail may have; a mail that has more is refused.")),
    _Tab("delivery", "delivery", _("Delivery"), _("How mail is sent on, and for how long it is tried.")),
    _Tab("dns", "dns", _("DNS"), _("Whom the gateways ask about names.")),
    _Tab(
        "console",
        "console",
        _("Console"),
        _(
            "Behind a reverse proxy every visitor seems to come from the proxy. Name it here, and it is believed when it says who comes. "
            "The public address is what links in notices begin with."
        ),
    ),
    _Tab(
        "different-rules",
        "",
        _("Different rules"),
        _("Recipients of one mail may have rules that judge it differently. A client gets one answer for all of them."),
        ("different_rules",),
    ),
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def first(visit: Visit) -> Response:
        return visit.go(f"{PATH}/{_TABS[0].name}")

    tabs = tuple((f"{PATH}/{tab.name}", tab.title) for tab in _TABS)
    found = [desk.route(PATH, first, SEE)]
    for tab in _TABS:
        page = TablePage(house, Described(f"{PATH}/{tab.name}", tab.section, _HEADING, intro=tab.intro, tabs=tabs))
        if tab.only:
            page.form = SettingsForm(tab.section, tab.only)
        found += page.routes(desk)
    return found


_HEADING: Final = _("Advanced settings")
