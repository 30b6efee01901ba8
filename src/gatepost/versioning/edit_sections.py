# SPDX-License-Identifier: Apache-2.0
"""The places of the configuration that can be edited, read off its model: tables, lists of entries, lists of texts.

    receive, dns, ...       table     filters.reputation too
    rules, ...              entries   filters.word_groups, filters.realtime_blocklists.lists too; known by their names
    corporate_users         texts     each text is an entry, known by itself

The keys above all tables are the table ''.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.secret_marks import secret_fields

Kind = Literal["table", "entries", "texts"]


class Section(NamedTuple):
    """One place: `model` is the table's or the entries' model; for texts it is the table that holds them."""

    path: str
    kind: Kind
    model: type[msgspec.Struct]


@cache
def sections() -> Mapping[str, Section]:
    """Give every section by its path, in the model's order."""
    return {section.path: section for section in _below(Configuration, "")}


def value_at(configuration: Configuration, path: str) -> Any:
    """Give the table, the entries or the texts at a section's path."""
    here: Any = configuration
    for step in path.split(".") if path else ():
        here = getattr(here, step)
    return here


def with_value(configuration: Configuration, path: str, value: Any) -> Configuration:
    """Give the configuration with another table or list at a section's path."""
    made: Configuration = _with(configuration, path.split("."), value) if path else value
    return made


def bare(annotation: Any) -> Any:
    """Give a field's type without what is said about it."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def item_of(annotation: Any) -> Any:
    """Give the type of a list's values; None when it is no list."""
    here = bare(annotation)
    return bare(get_args(here)[0]) if get_origin(here) is tuple else None


@cache
def own_fields(section: Section) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Give the fields that are set in this section itself, in the model's order: not those that are sections of their own."""
    fields = msgspec.structs.fields(section.model)
    if section.kind != "table":
        return fields
    return tuple(field for field in fields if not (_is_model(bare(field.type)) or _is_model(item_of(field.type))))


@cache
def secrets(model: type[msgspec.Struct]) -> Mapping[str, str]:
    """Give the fields of a model that concern a secret, each with "reference" or "hashed"."""
    return secret_fields(model)


def _below(model: type[msgspec.Struct], path: str) -> Iterator[Section]:
    yield Section(path, "table", model)
    for field in msgspec.structs.fields(model):
        below = f"{path}.{field.name}".lstrip(".")
        here, item = bare(field.type), item_of(field.type)
        if _is_model(here):
            yield from _below(here, below)
        elif _is_model(item):
            yield Section(below, "entries", item)
        elif item is str and not path:
            yield Section(below, "texts", model)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _with(table: Any, steps: list[str], value: Any) -> Any:
    first, *rest = steps
    return msgspec.structs.replace(table, **{first: _with(getattr(table, first), rest, value) if rest else value})
