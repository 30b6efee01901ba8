# SPDX-License-Identifier: Apache-2.0
"""What people call a place of the configuration: its section, as the section's page has it, an entry, a field."""

from collections.abc import Mapping
from typing import Final

from gatepost.web.console.settings.labels import CHOICES, LABELS
from gatepost.web.frame.words import Words, _

TITLES: Final[Mapping[str, str]] = {
    "": _("General"),
    "owned_domains": _("Owned domains"),
    "corporate_servers": _("Corporate email servers"),
    "corporate_users": _("Further corporate addresses"),
    "submission_users": _("Submission users"),
    "send_connectors": _("Send connectors"),
    "rules": _("Rules"),
    "filters": _("Filters"),
    "filters.word_groups": _("Word groups"),
    "filters.character_sets": _("Allowed Unicode character sets"),
    "filters.realtime_blocklists": _("Realtime blocklists"),
    "filters.realtime_blocklists.lists": _("Realtime blocklists"),
    "filters.reputation": _("Reputation checks"),
    "notices": _("Notices"),
    "dns": _("DNS"),
    "receive": _("Receiving"),
    "message": _("Messages"),
    "delivery": _("Delivery"),
    "retention": _("Monitoring"),
    "console": _("Console"),
}
"""What people call each section of the configuration."""


def place_of(section: str, entry: str, words: Words) -> str:
    """Name a place: the section, and the entry in it."""
    title = words(TITLES[section]) if section in TITLES else section
    return f"{title} › {_entry(section, entry, words)}" if entry else title


def label(section: str, field: str, words: Words) -> str:
    """Name a field as forms do; what has no label is named by its key."""
    name, _bracket, rest = field.partition("[")
    known = LABELS.get(section, {}).get(name)
    return words(known) + (f" [{rest}" if rest else "") if known else field


def _entry(section: str, entry: str, words: Words) -> str:
    """Name an entry; that of a connector begins with its direction."""
    if section != "send_connectors":
        return entry
    direction, _blank, name = entry.partition(" ")
    said = CHOICES["send_connectors", "direction"].get(direction)
    return f"{name} ({words(said)})" if said else entry
