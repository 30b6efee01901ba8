# SPDX-License-Identifier: Apache-2.0
"""Say what differs between two configurations as pages do: the place, what happened there, the value before and after."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from gatepost.config.configuration import SendConnector
from gatepost.versioning.change import GATEPOST
from gatepost.versioning.edit_sections import sections
from gatepost.versioning.plan import ASKING, KNOWN_BY, Change
from gatepost.versioning.rebase import ORDER, Conflict
from gatepost.versioning.record import Version, VersionLine
from gatepost.web.console.configuration.rules_words import called
from gatepost.web.console.settings.labels import CHOICES
from gatepost.web.console.settings.places import label, place_of
from gatepost.web.frame.words import Words, _

KINDS: Final = {"added": _("Added"), "removed": _("Removed"), "moved": _("Moved"), "changed": _("Changed")}
COLOURS: Final = {"added": "bg-green-lt", "removed": "bg-red-lt", "moved": "bg-blue-lt", "changed": "bg-yellow-lt"}
_PLACE: Final = _("place {n}")
_IMPORTED: Final = "imported from "
_BACK: Final = re.compile(r"back to version (\d{1,15}): (.*)", re.DOTALL)
_SHOWN: Final = 8
"""Values of a list that are named one by one."""


Line = TypeVar("Line", Version, VersionLine)


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


def spoken(line: Line, words: Words) -> Line:
    """Give a version whose reason, where the program has put it together, is in the reader's language."""
    reason = line.reason
    if line.author == GATEPOST and reason.startswith(_IMPORTED):
        reason = words("imported from {path}", path=reason.removeprefix(_IMPORTED))
    elif back := _BACK.fullmatch(reason):
        reason = words("back to version {n}: {reason}", n=back[1], reason=back[2])
    return msgspec.structs.replace(line, reason=reason)


def told(changes: Iterable[Change], words: Words) -> list[Told]:
    """Say changes."""
    return [_told(one, words) for one in changes]


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
    silent = (*_known_by(section), *(ASKING if section == "rules" and value.get("mode", "check") != "check" else ()))
    return [
        f"{label(section, name, words)}: {_shown(section, name, one, words)}"
        for name, one in value.items()
        if one not in ("", (), [], None) and name not in silent
    ]


def _told(change: Change, words: Words) -> Told:
    section, entry = change.section, change.entry
    place = place_of(section, entry, words)
    before, after = change.before, change.after
    if change.kind == "moved":
        return Told("moved", place, "", [words(_PLACE, n=before)], [words(_PLACE, n=after)])
    if change.kind != "changed":
        stands = [words(_PLACE, n=change.place)] if change.place is not None else []
        was, comes = ([], stands) if change.kind == "added" else (stands, [])
        return Told(change.kind, place, "", [*was, *lines(section, "", before, words)], [*comes, *lines(section, "", after, words)])
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
            return f"{called(name, words)} × {multiplier}"
        case Mapping():
            return " ".join(f"{name} {_shown(section, field, one, words)}" for name, one in value.items())
        case _:
            said = CHOICES.get((section, field), {}).get(value)
            return words(said) if said else str(value)


def _known_by(section: str) -> tuple[str, ...]:
    model = sections()[section].model if section in sections() else SendConnector
    return KNOWN_BY.get(model, ("name",))


def _numbered(order: Any) -> Sequence[str]:
    return [f"{number}. {one}" for number, one in enumerate(order or (), 1)]
