# SPDX-License-Identifier: Apache-2.0
"""Read what a form or a JSON document says of one entry or table, field by field; every fault at its field.

Values are plain. A form's texts are welcome: `"4"` is a number where one is wanted, the lines of a text are a list of texts,
`"on"` and `""` are a box that is ticked or not. `None` is the default. A field that is not given stays as it is.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import inspect

from gatepost.config.complaint import complaint, mend
from gatepost.errors import ConfigError
from gatepost.versioning.edit_sections import bare, item_of
from gatepost.versioning.plan import HIDDEN

_BOXES = {"on": True, "off": False, "": False}
_SOURCE = "value"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with an edit: where, why, and how to mend it."""

    field: str
    """The field's path within the entry or table: `threshold`, `filters[0].name`; '' for the whole."""
    cause: str
    mend: str
    section: str = ""
    entry: str = ""
    """The entry's name; '' in a table, or where it is not about one entry."""


Values = dict[str, Any]


class Read(NamedTuple):
    """What was read of an entry or a table. Where a field has a fault, its value is what it was, or its default, or a guess."""

    values: Values
    faults: tuple[Fault, ...]
    """They know no section yet."""
    is_open: bool
    """Whether a field could not be read on which the meaning of others depends: a choice or a box."""


def read_values(fields: Iterable[msgspec.structs.FieldInfo], untrusted: Mapping[str, Any], before: msgspec.Struct | None) -> Read:
    """Give a value for each field, with all that is wrong; `before` is what is changed, None for a new entry."""
    known = {field.name: field for field in fields}
    values: Values = {}
    faults = [Fault(name, "unknown key", f"the keys here are {', '.join(known)}") for name in untrusted if name not in known]
    is_open = False
    for name, field in known.items():
        wrong = [*_wrong_items(field, untrusted.get(name))]
        try:
            values[name] = _value(field, untrusted, before)
        except ConfigError as fault:
            wrong = wrong or [fault]
            values[name] = _instead(field, before)
            is_open = is_open or bare(field.type) is bool or get_origin(bare(field.type)) is Literal
        faults += [Fault(f"{name}{one.path.removeprefix(_SOURCE).removeprefix(': ')}", one.cause, one.mend) for one in wrong]
    return Read(values, tuple(faults), is_open)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """Give a field's default; `msgspec.NODEFAULT` when it has none."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _instead(field: msgspec.structs.FieldInfo, before: msgspec.Struct | None) -> Any:
    """Give a value for a field that was not understood, so that the rest can be checked."""
    default = default_of(field)
    if before is not None or default is not msgspec.NODEFAULT:
        return default if before is None else getattr(before, field.name)
    if bare(field.type) is str:
        return ""
    return () if item_of(field.type) is not None else next(iter(get_args(bare(field.type))), 0)


def _wrong_items(field: msgspec.structs.FieldInfo, untrusted: Any) -> Iterator[ConfigError]:
    """Say what is wrong with each table of a list: read as a whole it tells of the first alone."""
    item = item_of(field.type)
    if not isinstance(untrusted, list | tuple) or not isinstance(item, type) or not issubclass(item, msgspec.Struct):
        return
    for number, one in enumerate(untrusted):
        try:
            msgspec.convert(one, item, strict=False)
        except msgspec.ValidationError as fault:
            told = complaint(_SOURCE, item, fault)
            path = told.path.removeprefix(_SOURCE).removeprefix(": ")
            yield ConfigError(f"[{number}]" + (f".{path}" if path else ""), told.cause, told.mend)


def _value(field: msgspec.structs.FieldInfo, untrusted: Mapping[str, Any], before: msgspec.Struct | None) -> Any:
    given = untrusted.get(field.name)
    stays = field.name not in untrusted or given == HIDDEN
    if stays and before is not None:
        return getattr(before, field.name)
    if stays or given is None:
        default = default_of(field)
        if default is msgspec.NODEFAULT:
            raise ConfigError(_SOURCE, "missing", mend(inspect.type_info(field.type)))
        return default
    if cause := next(_unfit(given), ""):
        raise ConfigError(_SOURCE, cause, mend(inspect.type_info(field.type)))
    try:
        value = msgspec.convert(_plain(given, field.type), field.type, strict=False)
    except msgspec.ValidationError as fault:
        raise complaint(_SOURCE, field.type, fault) from None
    if cause := next(_unfit(value), ""):  # the text "inf"
        raise ConfigError(_SOURCE, cause, mend(inspect.type_info(field.type)))
    return value


def _plain(untrusted: Any, wanted: Any) -> Any:
    """Give what a form's text means for a field of this type."""
    if not isinstance(untrusted, str):
        return untrusted
    kind = bare(wanted)
    if item_of(wanted) is str:
        return [line.strip() for line in untrusted.splitlines() if line.strip()]
    if kind is bool:
        return _BOXES.get(untrusted, untrusted)
    if NoneType in get_args(kind) and not untrusted.strip():
        return None
    return untrusted.strip() if kind is not str else untrusted


def _unfit(untrusted: Any) -> Iterator[str]:
    """Say what no setting can hold, whatever its type."""
    match untrusted:
        case str() if not _is_whole(untrusted):
            yield "holds half of a character"
        case float() if not math.isfinite(untrusted):
            yield f"{untrusted} is no number"
        case dict():
            for key, value in untrusted.items():
                yield from _unfit(key)
                yield from _unfit(value)
        case list() | tuple():
            for value in untrusted:
                yield from _unfit(value)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
