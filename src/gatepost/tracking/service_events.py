# SPDX-License-Identifier: Apache-2.0
"""What the tracks' store tells of itself."""

from gatepost.telemetry.events import Event


class TracksRefused(Event):
    """Another role told of mails in a way that is no track; `reason` is the last one's. They are not kept."""

    name = "tracking.refused"
    level = "warning"
    tracks: int
    reason: str


class TracksStray(Event):
    """Tracks of these days found no partition of their own and had to be moved; the intranet was not running, or a clock is wrong."""

    name = "tracking.stray"
    level = "warning"
    days: list[str]


class TracksDropped(Event):
    """The summaries (and so all), or only the details, of these days are kept no longer."""

    name = "tracking.dropped"
    what: str
    days: list[str]
