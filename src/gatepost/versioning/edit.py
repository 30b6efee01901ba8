# SPDX-License-Identifier: Apache-2.0
"""Edit a configuration entry by entry, as pages and the API do. Pure.

    Put     an entry: a new one, or other values in one that is there; a new name is given as a value
    Remove  an entry
    Move    an entry to a place, counted from 1
    Set     fields of a table

Promises: what an edit would break at its own place is told, field by field and all at once, and nothing is changed; what it
breaks elsewhere is told by `faults_of` of the result. An edit touches nothing but its own place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.rules import Rule
from gatepost.errors import ConfigError
from gatepost.versioning.edit_faults import TEXT, located
from gatepost.versioning.edit_sections import Section, own_fields, sections, value_at, with_value
from gatepost.versioning.edit_values import Fault, read_values
from gatepost.versioning.plan import KNOWN_BY, by_name, name_of

Refusals = Callable[[Configuration, str], Iterable[ConfigError]]
"""Gives all that a start would refuse; the second argument is what a fault calls the configuration."""
_SOURCE = "configuration"


class Put(msgspec.Struct, frozen=True, kw_only=True, tag="put", tag_field="do", forbid_unknown_fields=True):
    """Add an entry, or change one."""

    section: str
    values: Mapping[str, Any]
    """By field; of an entry that is there, those that are not given stay. The field of a text is `value`."""
    entry: str | None = None
    """The one to change; absent: a new one."""
    place: int | None = None
    """Where a new one is to stand, counted from 1; absent: at the end."""


class Remove(msgspec.Struct, frozen=True, kw_only=True, tag="remove", tag_field="do", forbid_unknown_fields=True):
    """Remove an entry."""

    section: str
    entry: str


class Move(msgspec.Struct, frozen=True, kw_only=True, tag="move", tag_field="do", forbid_unknown_fields=True):
    """Move an entry."""

    section: str
    entry: str
    place: int


class Set(msgspec.Struct, frozen=True, kw_only=True, tag="set", tag_field="do", forbid_unknown_fields=True):
    """Set fields of a table; those that are not given stay."""

    section: str
    values: Mapping[str, Any]


Operation = Put | Remove | Move | Set


def edit(
    configuration: Configuration, operation: Operation, refusals: Refusals, default_rules: tuple[Rule, ...] = ()
) -> Configuration | tuple[Fault, ...]:
    """Give the edited configuration, or all that is wrong with the edit; a fault's `entry` is the operation's, '' of a new one.

    `default_rules` are edited where the configuration has no rules of its own.
    """
    section = sections().get(operation.section)
    if section is None or (section.kind == "table") != isinstance(operation, Set):
        wanted = "a table" if isinstance(operation, Set) else "a list"
        known = ", ".join(repr(one.path) for one in sections().values() if (one.kind == "table") == isinstance(operation, Set))
        return (Fault("", f"{operation.section!r} is not {wanted} of the configuration", f"name one of {known}", operation.section),)
    before = with_default_rules(configuration, default_rules)
    name = "" if isinstance(operation, Set) else operation.entry or ""
    try:
        made = _edited(before, section, operation)
    except _Refused as refused:
        return tuple(msgspec.structs.replace(fault, section=section.path, entry=name) for fault in refused.faults)
    written = without_default_rules(made.configuration, default_rules) if not configuration.rules else made.configuration
    faults = [*made.faults, *(_broken(before, made, section, name, refusals) if made.now is not None else ())]
    return tuple(msgspec.structs.replace(fault, section=section.path, entry=name) for fault in faults) or written


def _broken(before: Configuration, made: "_Edited", section: Section, name: str, refusals: Refusals) -> Iterator[Fault]:
    """Yield what a start would refuse at the edit's own place and did not before; of fields that were told as wrong, nothing more."""
    if made.is_open:
        return
    known = {(fault.field, fault.cause) for fault in faults_of(before, refusals) if (fault.section, fault.entry) == (section.path, name)}
    wrong = {_root(fault.field) for fault in made.faults}
    for fault in faults_of(made.configuration, refusals):
        is_here = (fault.section, fault.entry) == (section.path, made.now)
        if is_here and (fault.field, fault.cause) not in known and _root(fault.field) not in wrong:
            yield fault


def faults_of(configuration: Configuration, refusals: Refusals) -> tuple[Fault, ...]:
    """Give all that a start would refuse, each fault at its field."""
    return tuple(located(configuration, fault) for fault in refusals(configuration, _SOURCE))


def with_default_rules(configuration: Configuration, default_rules: tuple[Rule, ...]) -> Configuration:
    """Give a configuration whose rules are written out."""
    return configuration if configuration.rules else msgspec.structs.replace(configuration, rules=default_rules)


def without_default_rules(configuration: Configuration, default_rules: tuple[Rule, ...]) -> Configuration:
    """Take rules out again that are the default ones, so that a later program's better ones will hold."""
    return msgspec.structs.replace(configuration, rules=()) if configuration.rules == default_rules else configuration


class _Refused(Exception):
    """An edit that cannot be made."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults


class _Edited(NamedTuple):
    """What an edit makes; with faults it is made as far as it can be, so that the rest is checked, too."""

    configuration: Configuration
    now: str | None = None
    """The name of the entry that was put, '' for a table, None where none is."""
    faults: tuple[Fault, ...] = ()
    is_open: bool = False
    """Whether what else is wrong depends on what could not be read."""


def _edited(before: Configuration, section: Section, operation: Operation) -> _Edited:
    """Carry out an edit. Raises: _Refused for one of which nothing more can be said."""
    here = value_at(before, section.path)
    if isinstance(operation, Set):
        read = read_values(own_fields(section), operation.values, here)
        return _Edited(with_value(before, section.path, msgspec.structs.replace(here, **read.values)), "", read.faults, read.is_open)
    entries = dict(by_name(here))
    if operation.entry is not None and operation.entry not in entries:
        raise _Refused(Fault("", f"there is no {operation.entry!r} any more", "look at the list again"))
    names = list(entries)
    match operation:
        case Put():
            made = _made(section, operation, entries)
            names = _placed(operation, names, made.name)
            entries[made.name] = made.entry
            after = with_value(before, section.path, tuple(entries[name] for name in names))
            return _Edited(after, made.name, made.faults, made.is_open)
        case Remove(entry=entry):
            names.remove(entry)
            if section.path == "rules" and not names:
                raise _Refused(Fault("", "this is the last rule, and without any the default rules hold", "disable it, or change it"))
        case Move(entry=entry, place=place):
            names.remove(entry)
            if fault := _no_place(place, len(names)):
                raise _Refused(fault)
            names.insert(place - 1, entry)
    return _Edited(with_value(before, section.path, tuple(entries[name] for name in names)))


class _Made(NamedTuple):
    """The entry that was put; with faults under a name that no other has, so that the rest of it can be checked."""

    entry: Any
    name: str
    faults: tuple[Fault, ...] = ()
    is_open: bool = False


def _made(section: Section, operation: Put, entries: Mapping[str, Any]) -> _Made:
    if section.kind == "texts":
        text = operation.values.get(TEXT)
        if not isinstance(text, str) or not text.strip():
            raise _Refused(Fault(TEXT, "missing", "write a text"))
        if (text := text.strip()) != operation.entry and text in entries:
            raise _Refused(Fault(TEXT, f"there is {text!r} already", "name it otherwise"))
        return _Made(text, text, _place_faults(operation, entries))
    old = entries[operation.entry] if operation.entry is not None else None
    read = read_values(own_fields(section), operation.values, old)
    faults, made = [*_place_faults(operation, entries), *read.faults], section.model(**read.values)
    field = KNOWN_BY.get(section.model, ("name",))[-1]
    named = field not in [_root(fault.field) for fault in read.faults]
    if (now := name_of(made)) != operation.entry and now in entries and named:
        faults.append(Fault(field, f"there is {now!r} already", "name it otherwise"))
    while name_of(made) != operation.entry and name_of(made) in entries:
        made = msgspec.structs.replace(made, **{field: getattr(made, field) + "?"})
    return _Made(made, name_of(made), tuple(faults), read.is_open)


def _placed(operation: Put, names: list[str], now: str) -> list[str]:
    """Give the names with the one of what was made in its place, at the end when there is no such place."""
    others = [name for name in names if name != operation.entry]
    at = names.index(operation.entry) if operation.entry is not None else len(others)
    if operation.place is not None and _no_place(operation.place, len(others)) is None:
        at = operation.place - 1
    return [*others[:at], now, *others[at:]]


def _place_faults(operation: Put, entries: Mapping[str, Any]) -> tuple[Fault, ...]:
    fault = _no_place(operation.place, len(entries) - (operation.entry is not None)) if operation.place is not None else None
    return (fault,) if fault is not None else ()


def _no_place(place: int, others: int) -> Fault | None:
    if 1 <= place <= others + 1:
        return None
    return Fault("place", f"there is no place {place}", f"write a whole number from 1 to {others + 1}")


def _root(field: str) -> str:
    """Give the field that a path begins with."""
    return field.partition("[")[0]
