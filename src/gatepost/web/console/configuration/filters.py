# SPDX-License-Identifier: Apache-2.0
"""Configuration › Filters: what each filter looks for, the same for every rule: word groups, blocklists, reputation, scripts."""

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.web.console.settings.pages import SEE, Described, ListPages, TablePage
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/configuration/filters"
_TABS: Final = (
    (PATH + "/word-groups", _("Word groups")),
    (PATH + "/realtime-blocklists", _("Realtime blocklists")),
    (PATH + "/reputation", _("Reputation checks")),
    (PATH + "/character-sets", _("Allowed Unicode character sets")),
)
_LISTS: Final = (
    Described(
        _TABS[0][0],
        "filters.word_groups",
        _TABS[0][1],
        intro=_("A mail gets the points of a group for its words; each rule that asks the filter Word matching asks all groups."),
        one=_("Word group"),
        add=_("Add a word group"),
        columns=("name", "words", "area", "match", "points"),
        tabs=_TABS,
    ),
    Described(
        _TABS[1][0],
        "filters.realtime_blocklists.lists",
        _TABS[1][1],
        intro=_("Lists in the DNS that are asked about the client's address. Ask only lists whose terms allow it."),
        one=_("Realtime blocklist"),
        add=_("Add a realtime blocklist"),
        columns=("zone", "name", "points", "answers"),
        tabs=_TABS,
    ),
)
_TABLES: Final = (
    Described(
        _TABS[2][0],
        "filters.reputation",
        _TABS[2][1],
        intro=_("What each sign of a doubtful sender is worth, in points. A check of 0 points is not made."),
        tabs=_TABS,
    ),
    Described(_TABS[3][0], "filters.character_sets", _TABS[3][1], intro=_("Mail in scripts that people here do not read."), tabs=_TABS),
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = [ListPages(house, one) for one in _LISTS], [TablePage(house, one) for one in _TABLES]
    return [desk.route(PATH, _first, SEE), *(route for kind in pages for one in kind for route in one.routes(desk))]


async def _first(visit: Visit) -> Response:
    return visit.go(_TABS[0][0])
