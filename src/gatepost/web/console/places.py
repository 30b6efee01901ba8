# SPDX-License-Identifier: Apache-2.0
"""The navigation, with the names that administrators of such gateways know. A place stands here when its page exists."""

from typing import Final

from gatepost.web.frame.navigation import Navigation, Place
from gatepost.web.frame.words import _

PLACES: Final = Navigation(
    (
        Place(_("Start page"), "/", ""),
        Place(
            _("Monitoring"),
            "",
            "",
            (
                Place(_("Message tracking"), "/monitoring/message-tracking", "monitoring:read"),
                Place(_("Email queues"), "/monitoring/email-queues", "monitoring:read"),
                Place(_("Event viewer"), "/monitoring/event-viewer", "monitoring:read"),
                Place(_("Incidents"), "/incidents", "monitoring:read"),
            ),
        ),
        Place(
            _("Troubleshooting"),
            "",
            "",
            (
                Place(_("Audit"), "/troubleshooting/audit", "administration:read"),
                Place(_("Administrators"), "/administrators", "administration:read"),
            ),
        ),
    )
)
