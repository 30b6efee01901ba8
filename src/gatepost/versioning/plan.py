# SPDX-License-Identifier: Apache-2.0
"""Tell in words what differs between two configurations. Pure.

Entries of a list are known by their name, so that a change of one is not told as the end of one and the beginning of
another; where an order decides (rules, connectors of equal cost), a place is told, and a move, of as few entries as explain it.
A secret is never shown: of a password only where it is kept, of a password's hash only that it changed.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from gatepost.config.blocklists import Blocklist
from gatepost.config.configuration import Configuration, SendConnector
from gatepost.config.rules import Rule
from gatepost.config.secret_marks import reference_fault, secret_fields

HIDDEN = "(not shown)"
KNOWN_BY: dict[type, tuple[str, ...]] = {SendConnector: ("direction", "name"), Blocklist: ("zone",)}
"""The fields that tell entries of a list apart, where these are not `name` alone."""
_ORDERED = (Rule, SendConnector)
"""Entries of whose order something depends."""
ASKING = ("filters", "threshold", "verdict_reply")
"""Fields of a rule that say something only where it asks filters."""
_SHOWN = 5
"""Values of a list that a sentence names."""


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference. `before` and `after` hold plain values, None where there is none; places count from 1."""

    section: str
    """The table: `rules`, `filters.word_groups`; '' for the keys above all tables."""
    kind: Literal["changed", "added", "removed", "moved"]
    entry: str = ""
    """The entry's name, where the table is a list."""
    field: str = ""
    before: Any = None
    after: Any = None
    place: int | None = None
    """Where an entry that was added stands, or stood that was removed, in a list whose order decides; counted from 1."""


def changes(before: Configuration, after: Configuration) -> tuple[Change, ...]:
    """Give all that differs, in the model's order."""
    return tuple(_table_changes(before, after, "", ""))


def sentence(change: Change) -> str:
    """Say one change: `rules "Newsletters": threshold 4 -> 6`."""
    place = f'{change.section} "{change.entry}"' if change.entry else change.section
    match change.kind:
        case "added" | "removed":
            said = ", ".join(f"{name} {_shown(value)}" for name, value in (change.after or change.before or {}).items())
            where = f" {'at' if change.kind == 'added' else 'from'} place {change.place}" if change.place is not None else ""
            return f"{place}: {change.kind}{where}" + (f" ({said})" if said else "")
        case "moved":
            return f"{place}: moved from place {change.before} to {change.after}"
        case _:
            return f"{place}: {_difference(change)}" if place else _difference(change)


def _table_changes(before: msgspec.Struct, after: msgspec.Struct, section: str, entry: str) -> Iterator[Change]:
    below = []
    secret = secret_fields(type(before))
    for name in before.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        if not entry and (isinstance(old, msgspec.Struct) or _is_entries(old) or _is_entries(new)):
            below.append((f"{section}.{name}".lstrip("."), old, new))
        elif name in secret:
            yield Change(section, "changed", entry, name, veiled(old), veiled(new))
        else:
            yield Change(section, "changed", entry, name, msgspec.to_builtins(old), msgspec.to_builtins(new))
    for path, old, new in below:
        yield from _table_changes(old, new, path, "") if isinstance(old, msgspec.Struct) else _entry_changes(old, new, path)


def _entry_changes(before: Sequence[Any], after: Sequence[Any], section: str) -> Iterator[Change]:
    old, new = by_name(before), by_name(after)
    for number, (name, one) in enumerate(old.items(), 1):
        if name not in new:
            yield Change(section, "removed", name, before=_described(one), place=_placed(one, number))
    for number, (name, one) in enumerate(new.items(), 1):
        if name not in old:
            yield Change(section, "added", name, after=_described(one), place=_placed(one, number))
        else:
            yield from _table_changes(old[name], one, section, name)
    for name in _moved([name for name in old if name in new], [name for name in new if name in old]):
        yield Change(section, "moved", name, before=list(old).index(name) + 1, after=list(new).index(name) + 1)


def name_of(entry: Any) -> str:
    """Give what an entry is known by; a text is known by itself."""
    if isinstance(entry, str):
        return entry
    return " ".join([str(getattr(entry, field)) for field in KNOWN_BY.get(type(entry), ("name",))])


def by_name(entries: Sequence[Any]) -> dict[str, Any]:
    """Give entries by what they are known by; a second one of a name gets a number, so that none is lost."""
    found: dict[str, Any] = {}
    for one in entries:
        name = name_of(one)
        number, known = 2, name
        while known in found:
            number, known = number + 1, f"{name} ({number})"
        found[known] = one
    return found


def _moved(before: list[str], after: list[str]) -> list[str]:
    """Give the fewest entries whose move explains the new order: those outside of a longest run that kept its order."""
    place = {name: index for index, name in enumerate(before)}
    ends: list[int] = []
    chain: list[int] = []  # for each length, the place in `after` of the last of a run of that length
    previous: list[int] = []
    for index, name in enumerate(after):
        length = bisect_left(ends, place[name])
        previous.append(chain[length - 1] if length else -1)
        ends[length:] = [place[name], *ends[length + 1 :]]
        chain[length:] = [index, *chain[length + 1 :]]
    kept, at = set(), chain[-1] if chain else -1
    while at >= 0:
        kept.add(after[at])
        at = previous[at]
    return [name for name in after if name not in kept]


def _placed(entry: Any, number: int) -> int | None:
    return number if isinstance(entry, _ORDERED) else None


def _described(entry: msgspec.Struct) -> dict[str, Any]:
    """Give what an entry says that is not its default, but for its name and for what says nothing in it."""
    secret, told = secret_fields(type(entry)), {}
    silent = KNOWN_BY.get(type(entry), ("name",)) + (ASKING if isinstance(entry, Rule) and entry.mode != "check" else ())
    for field in msgspec.structs.fields(entry):
        value = getattr(entry, field.name)
        if field.name in silent or value == field.default:
            continue
        told[field.name] = veiled(value) if field.name in secret else msgspec.to_builtins(value)
    return told


def veiled(value: str) -> str:
    """Give what may be shown of a secret: nothing, or the reference it is."""
    return value if not value or not reference_fault(value) else HIDDEN


def _is_entries(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], msgspec.Struct)


def _difference(change: Change) -> str:
    before, after = change.before, change.after
    if change.before == change.after == HIDDEN:
        return f"{change.field} changed {HIDDEN}"
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        gone = [one for one in before if one not in after] if len(before) < 1000 else list(_absent(before, after))
        come = [one for one in after if one not in before] if len(after) < 1000 else list(_absent(after, before))
        said = [f"{word} {_listed(some)}" for word, some in (("with", come), ("without", gone)) if some]
        return f"{change.field} now {' and '.join(said) if said else 'in another order, ' + _listed(after)}"
    return f"{change.field} {_shown(before)} -> {_shown(after)}"


def _absent(some: Sequence[Any], others: Sequence[Any]) -> Iterator[Any]:
    there = {_shown(one) for one in others}
    return (one for one in some if _shown(one) not in there)


def _listed(some: Sequence[Any]) -> str:
    first = ", ".join(_shown(one) for one in some[:_SHOWN])
    return first if len(some) <= _SHOWN else f"{first} and {len(some) - _SHOWN} more"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return msgspec.json.encode(value).decode()
        case float():
            return f"{value:g}"
        case dict():
            return " ".join(_shown(one) if name == "name" else f"{name} {_shown(one)}" for name, one in value.items())
        case list() | tuple():
            return "[" + _listed(value) + "]"
        case _:
            return str(value)
