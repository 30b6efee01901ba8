# SPDX-License-Identifier: Apache-2.0
"""All pages of the console in one list, and the desk that stands before them."""

from starlette.routing import Route

from gatepost.web.console import (
    account,
    administrators,
    advanced,
    audit,
    changes,
    events,
    filters,
    incidents,
    people_domains,
    people_fields,
    people_partner,
    people_partner_entries,
    people_partners,
    people_user,
    people_user_addresses,
    people_users,
    queues,
    routing,
    rules,
    sign_in,
    start,
    systems,
    tracking,
    troubleshooting,
)
from gatepost.web.console.places import PLACES
from gatepost.web.console.session import SignedIn
from gatepost.web.frame.desk import Desk
from gatepost.web.frame.words import load
from gatepost.web.house import House

ROOMS = (
    sign_in,
    start,
    tracking,
    queues,
    events,
    incidents,
    people_domains,
    people_users,
    people_user,
    people_user_addresses,
    people_partners,
    people_partner,
    people_partner_entries,
    people_fields,
    routing,
    rules,
    filters,
    systems,
    advanced,
    changes,
    troubleshooting,
    account,
    administrators,
    audit,
)


def desk(house: House) -> Desk:
    """Make the desk: who has a session, in which words, with which navigation."""
    return Desk(SignedIn(house.access.sessions), load(), PLACES)


def pages(desk: Desk, house: House) -> list[Route]:
    """Give every page's routes."""
    return [route for room in ROOMS for route in room.routes(desk, house)]
