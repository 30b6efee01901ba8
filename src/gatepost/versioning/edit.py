# SPDX-License-Identifier: Apache-2.0
"""Edit a configuration entry by entry, as pages and the API do. Pure.

    Put     an entry: a new one, or other values in one that is there; a new name is given as a value
    Remove  an entry
    Move    an entry to a place, counted from 1
    Set     fields of a table

Promises: what an edit would break at its own place is told, field by field, and nothing is changed; what it breaks elsewhere
is told by `faults_of` of the result. An edit touches nothing but its own place.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.rules import Rule
from gatepost.errors import ConfigError
from gatepost.versioning.edit_faults import located
from gatepost.versioning.edit_sections import Section, own_fields, sections, value_at, with_value
from gatepost.versioning.edit_values import Fault, read_values
from gatepost.versioning.plan import KNOWN_BY, by_name, name_of

Refusals = Callable[[Configuration, str], Iterable[ConfigError]]
"""Gives all that a start would refuse; the second argument is what a fault calls the configuration."""
_SOURCE = "configuration"
_TEXT = "value"
"""What the one field of an entry of a list of texts is called."""


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
        after, now = _edited(before, section, operation)
    except _Refused as refused:
        return tuple(msgspec.structs.replace(fault, section=section.path, entry=name) for fault in refused.faults)
    written = without_default_rules(after, default_rules) if not configuration.rules else after
    if now is None:
        return written
    broken = {(fault.field, fault.cause) for fault in faults_of(before, refusals) if (fault.section, fault.entry) == (section.path, name)}
    own = [fault for fault in faults_of(after, refusals) if (fault.section, fault.entry) == (section.path, now)]
    return tuple(msgspec.structs.replace(fault, entry=name) for fault in own if (fault.field, fault.cause) not in broken) or written


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


def _edited(before: Configuration, section: Section, operation: Operation) -> tuple[Configuration, str | None]:
    """Give the edited configuration and the name of the entry that was put, '' for a table, None where none is. Raises: _Refused."""
    here = value_at(before, section.path)
    if isinstance(operation, Set):
        values = _read(own_fields(section), operation.values, here)
        return with_value(before, section.path, msgspec.structs.replace(here, **values)), ""
    entries = dict(by_name(here))
    if operation.entry is not None and operation.entry not in entries:
        raise _Refused(Fault("", f"there is no {operation.entry!r} any more", "look at the list again"))
    names, now = list(entries), None
    match operation:
        case Put():
            made = _made(section, operation, entries)
            now = name_of(made)
            _place(section, operation, entries, names, now)
            entries[now] = made
        case Remove(entry=entry):
            names.remove(entry)
            if section.path == "rules" and not names:
                raise _Refused(Fault("", "this is the last rule, and without any the default rules hold", "disable it, or change it"))
        case Move(entry=entry, place=place):
            names.remove(entry)
            names.insert(_index(place, len(names)), entry)
    return with_value(before, section.path, tuple(entries[name] for name in names)), now


def _made(section: Section, operation: Put, entries: Mapping[str, Any]) -> Any:
    if section.kind == "texts":
        text = operation.values.get(_TEXT)
        if not isinstance(text, str) or not text.strip():
            raise _Refused(Fault(_TEXT, "missing", "write a text"))
        return text.strip()
    old = entries[operation.entry] if operation.entry is not None else None
    return section.model(**_read(own_fields(section), operation.values, old))


def _place(section: Section, operation: Put, entries: Mapping[str, Any], names: list[str], now: str) -> None:
    """Put the name of what was made into its place. Raises: _Refused when another entry has it."""
    if now != operation.entry and now in entries:
        field = _TEXT if section.kind == "texts" else KNOWN_BY.get(section.model, ("name",))[-1]
        raise _Refused(Fault(field, f"there is {now!r} already", "name it otherwise"))
    if operation.entry is not None:
        at = names.index(operation.entry)
        names.remove(operation.entry)
    else:
        at = len(names)
    names.insert(at if operation.place is None else _index(operation.place, len(names)), now)


def _index(place: int, others: int) -> int:
    if not 1 <= place <= others + 1:
        raise _Refused(Fault("place", f"there is no place {place}", f"write a whole number from 1 to {others + 1}"))
    return place - 1


def _read(fields: Iterable[msgspec.structs.FieldInfo], untrusted: Mapping[str, Any], before: Any) -> dict[str, Any]:
    values = read_values(fields, untrusted, before)
    if isinstance(values, tuple):
        raise _Refused(*values)
    return values
