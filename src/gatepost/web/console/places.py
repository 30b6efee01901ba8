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
            _("People and identities"),
            "",
            "",
            (
                Place(
                    _("Domains and users"),
                    "",
                    "",
                    (
                        Place(_("Owned domains"), "/people/owned-domains", "people:read"),
                        Place(_("Corporate users"), "/people/corporate-users", "people:read"),
                    ),
                ),
                Place(_("Partners"), "/people/partners", "people:read"),
                Place(_("Additional user fields"), "/people/additional-fields", "people:read"),
            ),
        ),
        Place(
            _("Configuration"),
            "",
            "",
            (
                Place(
                    _("Email routing"),
                    "",
                    "",
                    (
                        Place(_("Corporate email servers"), "/configuration/email-routing/corporate-email-servers", "configuration:read"),
                        Place(_("Inbound send connectors"), "/configuration/email-routing/inbound-send-connectors", "configuration:read"),
                        Place(_("Outbound send connectors"), "/configuration/email-routing/outbound-send-connectors", "configuration:read"),
                        Place(_("Submission users"), "/configuration/email-routing/submission-users", "configuration:read"),
                    ),
                ),
                Place(_("Rules"), "/configuration/rules", "configuration:read"),
                Place(_("Filters"), "/configuration/filters", "configuration:read"),
                Place(_("Connected systems"), "/configuration/connected-systems", "configuration:read"),
                Place(_("Advanced settings"), "/configuration/advanced-settings", "configuration:read"),
                Place(_("Changes"), "/configuration/changes", "configuration:read"),
            ),
        ),
        Place(
            _("Troubleshooting"),
            "",
            "",
            (
                Place(_("Overview"), "/troubleshooting", "monitoring:read", alone=True),
                Place(_("Which rule"), "/troubleshooting/which-rule", "monitoring:read"),
                Place(_("Check a mail"), "/troubleshooting/check-a-mail", "monitoring:read"),
                Place(_("Audit"), "/troubleshooting/audit", "administration:read"),
                Place(_("Administrators"), "/administrators", "administration:read"),
            ),
        ),
    )
)
