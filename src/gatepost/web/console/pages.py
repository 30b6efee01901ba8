# SPDX-License-Identifier: Apache-2.0
"""All pages of the console in one list, and the desk that stands before them."""

from typing import Final

from starlette.routing import Route

from gatepost.web.console.access import account, administrators, audit, sign_in
from gatepost.web.console.access.session import SignedIn
from gatepost.web.console.changes import draft
from gatepost.web.console.configuration import advanced, filters, routing, rules, systems
from gatepost.web.console.monitoring import events, incidents, queues, start, tracking
from gatepost.web.console.people import domains, fields, further, partner, partner_entries, partners, user, user_addresses, users
from gatepost.web.console.places import PLACES
from gatepost.web.console.troubleshooting import pages as troubleshooting
from gatepost.web.frame.desk import Desk
from gatepost.web.frame.words import load
from gatepost.web.house import House

MODULES: Final = (
    *(sign_in, account, administrators, audit),
    *(start, tracking, queues, events, incidents),
    *(domains, further, users, user, user_addresses, partners, partner, partner_entries, fields),
    *(routing, rules, filters, systems, advanced, draft),
    troubleshooting,
)
"""Each gives its routes; where two could match, the one that stands first does."""


def desk(house: House) -> Desk:
    """Make the desk: who has a session, in which words, with which navigation."""
    return Desk(SignedIn(house.access.sessions), load(), PLACES)


def pages(desk: Desk, house: House) -> list[Route]:
    """Give every page's routes."""
    return [route for module in MODULES for route in module.routes(desk, house)]
