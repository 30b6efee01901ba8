# SPDX-License-Identifier: Apache-2.0
"""Say what differs between two configurations as pages do: the place, what happened there, the value before and after."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from gatepost.config.configuration import SendConnector
from gatepost.versioning.edit_sections import sections
from gatepost.versioning.plan import KNOWN_BY, Change
from gatepost.versioning.rebase import ORDER, Conflict
from gatepost.web.console.settings.labels import CHOICES, LABELS
from gatepost.web.frame.words import Words, _

TITLES: Final[Mapping[str, str]] = {
    "": _("General"),
    "owned_domains": _("Owned domains"),
    "corporate_servers": _("Corporate email servers"),
    "corporate_users": _("Further corporate addresses"),
    "submission_users": _("Users who may send"),
    "send_connectors": _("Send connectors"),
    "rules": _("Rules"),
    "filters": _("Filters"),
    "filters.word_groups": _("Word groups"),
    "filters.character_sets": _("Character sets"),
    "filters.realtime_blocklists": _("Realtime blocklists"),
    "filters.realtime_blocklists.lists": _("Realtime blocklists"),
    "filters.reputation": _("Reputation"),
    "notices": _("Notices"),
    "dns": _("DNS"),
    "receive": _("Receiving"),
    "message": _("Messages"),
    "delivery": _("Delivery"),
    "retention": _("Retention"),
    "console": _("Console"),
}
"""What people call each section of the configuration."""
KINDS: Final = {"added": _("Added"), "removed": _("Removed"), "moved": _("Moved"), "changed": _("Changed")}
COLOURS: Final = {"added": "bg-green-lt", "removed": "bg-red-lt", "moved": "bg-blue-lt", "changed": "bg-yellow-lt"}
_SHOWN: Final = 8
"""Values of a list that are named one by one."""


class Told(NamedTuple):
    """One difference, in the reader's language."""

    kind: str
    place: str
    """Section and entry."""
    what: str
    """The field; '' for a whole entry."""
    before: Sequence[str]
    """Lines; none where there was nothing."""
    after: Sequence[str]


def told(changes: Iterable[Change], words: Words) -> list[Told]:
    """Say changes."""
    return [_told(one, words) for one in changes]


def place_of(section: str, entry: str, words: Words) -> str:
    """Name a place: the section, and the entry in it."""
    title = words(TITLES[section]) if section in TITLES else section
    return f"{title} › {_entry(section, entry, words)}" if entry else title


def label(section: str, field: str, words: Words) -> str:
    """Name a field as forms do; what has no label is named by its key."""
    name, _bracket, rest = field.partition("[")
    known = LABELS.get(section, {}).get(name)
    return words(known) + (f" [{rest}" if rest else "") if known else field


def sides(conflict: Conflict, words: Words) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Give what a conflict is about as lines: as it was, mine, theirs."""
    if conflict.field == ORDER and not conflict.entry:
        return _numbered(conflict.base), _numbered(conflict.mine), _numbered(conflict.theirs)
    place = conflict.section, conflict.field
    return lines(*place, conflict.base, words), lines(*place, conflict.mine, words), lines(*place, conflict.theirs, words)


def lines(section: str, field: str, value: Any, words: Words) -> Sequence[str]:
    """Write a value as lines; '' as field is a whole entry, whose empty fields are left out."""
    if value is None:
        return ()
    if field or not isinstance(value, Mapping):
        return (_shown(section, field, value, words),)
    return [
        f"{label(section, name, words)}: {_shown(section, name, one, words)}"
        for name, one in value.items()
        if one not in ("", (), [], None) and name not in _known_by(section)
    ]


def _told(change: Change, words: Words) -> Told:
    section, entry = change.section, change.entry
    place = place_of(section, entry, words)
    before, after = change.before, change.after
    if change.kind == "moved":
        where = _("place {n}")
        return Told("moved", place, "", [words(where, n=before)], [words(where, n=after)])
    if change.kind != "changed":
        return Told(change.kind, place, "", lines(section, "", before, words), lines(section, "", after, words))
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
        before, after = (gone, come) if gone or come else (before, after)
    written = lines(section, change.field, before, words), lines(section, change.field, after, words)
    return Told("changed", place, label(section, change.field, words), *written)


def _shown(section: str, field: str, value: Any, words: Words) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return words("yes") if value else words("no")
        case int() | float():
            return f"{value:.10g}".replace(".", "," if words.language == "de" else ".")
        case list() | tuple():
            first = ", ".join(_shown(section, field, one, words) for one in value[:_SHOWN])
            more = len(value) - _SHOWN
            return (words("{first} and {n} more", first=first, n=words.figure(more)) if more > 0 else first) or "–"
        case {"name": name, "multiplier": multiplier, **rest} if not rest:
            return f"{name} × {multiplier}"
        case Mapping():
            return " ".join(f"{name} {_shown(section, field, one, words)}" for name, one in value.items())
        case _:
            said = CHOICES.get((section, field), {}).get(value)
            return words(said) if said else str(value)


def _entry(section: str, entry: str, words: Words) -> str:
    """Name an entry; that of a connector begins with its direction."""
    if section != "send_connectors":
        return entry
    direction, _blank, name = entry.partition(" ")
    said = CHOICES["send_connectors", "direction"].get(direction)
    return f"{name} ({words(said)})" if said else entry


def _known_by(section: str) -> tuple[str, ...]:
    model = sections()[section].model if section in sections() else SendConnector
    return KNOWN_BY.get(model, ("name",))


def _numbered(order: Any) -> Sequence[str]:
    return [f"{number}. {one}" for number, one in enumerate(order or (), 1)]
