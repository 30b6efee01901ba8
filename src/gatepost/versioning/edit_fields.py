# SPDX-License-Identifier: Apache-2.0
"""What a form must know of a section's fields, and the values that it begins with; both as plain values."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec import inspect

from gatepost.config.complaint import description
from gatepost.config.configuration import Configuration
from gatepost.versioning.edit_sections import Section, bare, item_of, own_fields, secrets, sections, value_at
from gatepost.versioning.edit_values import default_of
from gatepost.versioning.plan import by_name, veiled

FieldKind = Literal["text", "number", "whole", "choice", "box", "texts", "tables"]


class Field(msgspec.Struct, frozen=True):
    """One field of a form."""

    name: str
    kind: FieldKind
    required: bool
    default: Any
    """None where there is none."""
    manual: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    longest: int | None = None
    secret: str = ""
    """reference: names where the secret is; hashed: holds a password's hash."""
    nullable: bool = False
    """Whether it may be left empty: then it is not set."""
    fields: "tuple[Field, ...]" = ()
    """Of each table in a field of tables, as a rule's `filters`."""


class Entry(msgspec.Struct, frozen=True):
    """One entry of a list, as a page shows it."""

    name: str
    place: int
    """Counted from 1."""
    values: Mapping[str, Any]
    """By field; of a text `value`. Secrets are not shown: `(not shown)` given back leaves them as they are."""


def fields(path: str) -> tuple[Field, ...]:
    """Describe the fields of a section, in the model's order. Raises: KeyError when there is no such section."""
    section = sections()[path]
    if section.kind == "texts":
        return (Field("value", "text", True, None, ""),)
    return tuple(_field(section.model, field) for field in own_fields(section))


def entries(configuration: Configuration, path: str) -> tuple[Entry, ...]:
    """Give the entries of a list in their order. Raises: KeyError when there is no such section."""
    section = sections()[path]
    named = by_name(value_at(configuration, path))
    return tuple(Entry(name, place, _values(section, one)) for place, (name, one) in enumerate(named.items(), 1))


def table(configuration: Configuration, path: str) -> Mapping[str, Any]:
    """Give a table's own values by field. Raises: KeyError when there is no such section."""
    return _values(sections()[path], value_at(configuration, path))


def _values(section: Section, here: Any) -> dict[str, Any]:
    if isinstance(here, str):
        return {"value": here}
    secret, told = secrets(section.model), {}
    for field in own_fields(section):
        value = getattr(here, field.name)
        told[field.name] = veiled(value) if field.name in secret else msgspec.to_builtins(value)
    return told


def _field(model: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> Field:
    kind = inspect.type_info(field.type)
    manual, nullable = description(kind), False
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        nullable = True
        kind = next(one for one in kind.types if not isinstance(one, inspect.NoneType))
    default = default_of(field)
    required = default is msgspec.NODEFAULT
    secret = secrets(model).get(field.name, "")
    shown = None if required else msgspec.to_builtins(default)
    made = Field(field.name, "text", required, shown, manual, secret=secret, nullable=nullable)
    return msgspec.structs.replace(made, **_form(kind, field))


def _form(kind: inspect.Type, field: msgspec.structs.FieldInfo) -> dict[str, Any]:
    """Tell how a value of this type is asked for."""
    match kind:
        case inspect.IntType() | inspect.FloatType():
            low = kind.ge if kind.ge is not None else kind.gt
            high = kind.le if kind.le is not None else kind.lt
            return {"kind": "whole" if isinstance(kind, inspect.IntType) else "number", "low": low, "high": high}
        case inspect.LiteralType():
            return {"kind": "choice", "choices": get_args(bare(field.type))}  # in the order in which the manual tells them
        case inspect.BoolType():
            return {"kind": "box"}
        case inspect.VarTupleType():
            item = item_of(field.type)
            if item is str:
                return {"kind": "texts"}
            return {"kind": "tables", "fields": tuple(_field(item, one) for one in msgspec.structs.fields(item))}
        case inspect.StrType():
            return {"kind": "text", "longest": kind.max_length}
        case _:
            raise TypeError(f"a form cannot ask for {kind}")
