# SPDX-License-Identifier: Apache-2.0
"""Put a change onto a configuration that somebody else has changed meanwhile. Pure; entry by entry and field by field.

    changed by                  merged
    one side                    as that side has it
    both, alike                 once
    both, differently           a conflict, until somebody chooses
    removed / changed           a conflict about the whole entry

Promises: conflicts are exactly what both changed differently; whatever one side alone has changed is in the result.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.versioning.edit_sections import Section, own_fields, secrets, sections, value_at, with_value
from gatepost.versioning.plan import Change, by_name, veiled
from gatepost.versioning.rebase_order import merged_order, order_of
from gatepost.versioning.record import VersionLine

Side = Literal["mine", "theirs"]
ORDER = "order"
"""The field of a conflict about the order of a list; its entry is ''."""


class Place(NamedTuple):
    """What a conflict is about."""

    section: str
    entry: str
    """'' in a table, and for an order."""
    field: str
    """'' for the whole entry."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person chose in one conflict."""

    section: str
    entry: str = ""
    field: str = ""
    keep: Side

    @property
    def place(self) -> Place:
        """What it is about."""
        return Place(self.section, self.entry, self.field)


class Conflict(msgspec.Struct, frozen=True):
    """What both sides changed differently. Values are plain; None where there is none; secrets are not shown."""

    section: str
    entry: str
    field: str
    base: Any
    mine: Any
    theirs: Any
    by: tuple[VersionLine, ...] = ()
    """The versions in which the others changed it, oldest first."""

    @property
    def place(self) -> Place:
        """What it is about."""
        return Place(self.section, self.entry, self.field)


class Merged(NamedTuple):
    """The result; where there are conflicts, it has what `theirs` has."""

    configuration: Configuration
    conflicts: tuple[Conflict, ...]


def merge(base: Configuration, mine: Configuration, theirs: Configuration, keep: Mapping[Place, Side] | None = None) -> Merged:
    """Merge two configurations that were made from one; `keep` says what was chosen where both changed the same."""
    merging = _Merging(keep or {})
    merged = theirs
    for path, section in sections().items():
        parts = [value_at(one, path) for one in (base, mine, theirs)]
        if section.kind == "table":
            names = [field.name for field in own_fields(section) if f"{path}.{field.name}".lstrip(".") not in sections()]
            value = msgspec.structs.replace(value_at(merged, path), **merging.fields(Place(path, "", ""), parts, names))
        else:
            value = merging.entries(section, parts)
        merged = with_value(merged, path, value)
    return Merged(merged, tuple(merging.conflicts))


def concerns(change: Change, place: Place) -> bool:
    """Tell whether a change touches what a conflict is about."""
    if place.field == ORDER and not place.entry:
        return change.section == place.section and change.kind != "changed"
    whole = not place.field or change.kind in ("added", "removed")
    return (change.section, change.entry) == (place.section, place.entry) and (whole or change.field == place.field)


class _Merging:
    """The conflicts that are found, and what was chosen in them."""

    def __init__(self, keep: Mapping[Place, Side]) -> None:
        self.conflicts: list[Conflict] = []
        self._keep = keep

    def fields(self, place: Place, parts: list[Any], names: Collection[str]) -> dict[str, Any]:
        """Merge the fields of a table, or of an entry that both have; there is no base when both have made it."""
        base, mine, theirs = parts
        model: type[msgspec.Struct] = type(theirs)
        merged, secret = {}, secrets(model)
        for name in names:
            values = [None if one is None else getattr(one, name) for one in (base, mine, theirs)]
            before, own, other = values
            if own == other or (base is not None and own == before):
                merged[name] = other
            elif base is not None and other == before:
                merged[name] = own
            else:
                shown = [veiled(value or "") if name in secret else msgspec.to_builtins(value) for value in values]
                merged[name] = own if self._is_mine(place._replace(field=name), shown) else other
        return merged

    def entries(self, section: Section, parts: list[Any]) -> tuple[Any, ...]:
        """Merge a list."""
        base, mine, theirs = (by_name(part) for part in parts)
        kept: dict[str, Any] = {}
        for name in {**theirs, **mine}:
            entry = self._entry(section, name, [side.get(name) for side in (base, mine, theirs)])
            if entry is not None:
                kept[name] = entry
        return tuple(kept[name] for name in self._order(section, list(base), list(mine), list(theirs), list(kept)))

    def _order(self, section: Section, base: list[str], mine: list[str], theirs: list[str], kept: list[str]) -> list[str]:
        order = merged_order(base, mine, theirs, kept)
        if order is None:  # perhaps only for entries that one side had removed and that were chosen to stay
            chosen = (set(mine) ^ set(theirs)) & set(base) & set(kept)
            order = merged_order(base, mine, theirs, [name for name in kept if name not in chosen]) if chosen else None
        if order is not None:
            return order_of(order_of(order, mine, kept), theirs, kept)
        there = set(kept)
        shown = [[name for name in one if name in there] for one in (base, mine, theirs)]
        is_mine = self._is_mine(Place(section.path, "", ORDER), shown)
        return order_of(mine, theirs, kept) if is_mine else order_of(theirs, mine, kept)

    def _entry(self, section: Section, name: str, sides: list[Any]) -> Any:
        base, mine, theirs = sides
        if mine in (theirs, base):
            return theirs
        if theirs == base:
            return mine
        place = Place(section.path, name, "")
        if mine is not None and theirs is not None:
            values = self.fields(place, sides, theirs.__struct_fields__)
            return msgspec.structs.replace(theirs, **values)
        return mine if self._is_mine(place, [None if one is None else _shown(one) for one in sides]) else theirs

    def _is_mine(self, place: Place, shown: list[Any]) -> bool:
        """Tell whether mine was chosen; when nothing was, it is a conflict."""
        chosen = self._keep.get(place)
        if chosen is None:
            self.conflicts.append(Conflict(*place, *shown))
        return chosen == "mine"


def _shown(entry: msgspec.Struct) -> dict[str, Any]:
    secret, values = secrets(type(entry)), msgspec.structs.asdict(entry)
    return {name: veiled(value) if name in secret else msgspec.to_builtins(value) for name, value in values.items()}
