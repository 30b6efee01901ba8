# SPDX-License-Identifier: Apache-2.0
"""What pages and the API may ask: the services of the rooms, as `roles/console_rooms` puts them together."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gatepost.access.access import Access
from gatepost.config.configuration import Configuration
from gatepost.monitoring.events_log import EventLog
from gatepost.monitoring.incidents import Incidents
from gatepost.people.service import People
from gatepost.tracking.service import TrackService
from gatepost.versioning.change import Versioning
from gatepost.versioning.draft import Drafts
from gatepost.versioning.record import ProcessState
from gatepost.web.gateways import Gateways
from gatepost.web.trying import Replaying, Trials
from gatepost.web.watch import Watch


class House(NamedTuple):
    """The services."""

    access: Access
    tracks: TrackService
    incidents: Incidents
    events: EventLog
    people: People
    versioning: Versioning
    drafts: Drafts
    replaying: Replaying
    trials: Trials
    gateways: Gateways
    watch: Watch
    configuration: Callable[[], Awaitable[Configuration]]
    """Gives the newest version, read."""
    process_states: Callable[[], Awaitable[list[ProcessState]]]
    """Asks every gateway which version each of its processes works with."""
