# SPDX-License-Identifier: Apache-2.0
"""People and identities › Domains and users › Owned domains › Further corporate addresses: who exists besides the corporate users.

They are configuration, so it is its right that they need.
"""

from typing import Final

from starlette.routing import Route

from gatepost.web.console.settings.labels import PAGES
from gatepost.web.console.settings.pages import Described, ListPages
from gatepost.web.frame.desk import Desk
from gatepost.web.frame.words import _
from gatepost.web.house import House

SECTION: Final = "corporate_users"
FURTHER: Final = Described(
    PAGES[SECTION],
    SECTION,
    _("Further corporate addresses"),
    intro=_(
        "These addresses exist in owned domains whatever the corporate users say: a mail for them is never refused as mail for nobody."
    ),
    one=_("Further corporate address"),
    add=_("Add a further corporate address"),
    columns=("value",),
    template="people_further.html",
)


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    return ListPages(house, FURTHER).routes(desk)
