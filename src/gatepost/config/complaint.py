# SPDX-License-Identifier: Apache-2.0
"""Turn what a model refuses into one line: where it stands, what is wrong, how to mend it.

    /etc/gatepost/gatepost.toml: listeners[0].port: expected int, got str; write a whole number from 1 to 65535

The mend is read off the model itself, so it cannot differ from what the model takes.
"""

import difflib
import re
from typing import Any

import msgspec
from msgspec import inspect

from gatepost.errors import ConfigError

_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$?\.?(?P<at>.*)`)?\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<key>.*)`\Z", re.DOTALL)
_STEP = re.compile(r"[^.\[\]]+")


def complaint(source: str, model: type, fault: msgspec.ValidationError) -> ConfigError:
    """Say what a model refused; `source` is the file or variable that it came from."""
    parts = _WHERE.match(str(fault))
    what, at = (parts["what"], parts["at"] or "") if parts else (str(fault), "")
    here = type_at(model, at)
    if unknown := _UNKNOWN.match(what):
        return ConfigError(_join(source, at, unknown["key"]), "unknown key", _nearest(unknown["key"], key_names(here)))
    if missing := _MISSING.match(what):
        field = type_at(model, f"{at}.{missing['key']}")
        return ConfigError(_join(source, at, missing["key"]), "missing", mend(field))
    return ConfigError(_join(source, at), _plain(what), mend(here))


def type_at(model: type, path: str) -> inspect.Type:
    """Give the type that stands at a path like `listeners[0].port` below a model."""
    here: inspect.Type = inspect.type_info(model)
    for step in _STEP.findall(path):
        here = _bare(here)
        if isinstance(here, inspect.StructType):
            here = next((field.type for field in here.fields if field.encode_name == step), inspect.AnyType())
        elif isinstance(here, inspect.VarTupleType):
            here = here.item_type
    return here


def key_names(kind: inspect.Type) -> list[str]:
    """Give the keys that a table of this type may have."""
    kind = _bare(kind)
    return [field.encode_name for field in kind.fields] if isinstance(kind, inspect.StructType) else []


def description(kind: inspect.Type) -> str:
    """Give the manual's text of a field's type; "" where there is none."""
    extra = kind.extra_json_schema if isinstance(kind, inspect.Metadata) else None
    return str((extra or {}).get("description", ""))


def mend(kind: inspect.Type) -> str:
    """Say in the imperative what to write for a value of this type."""
    return f"write {wanted(kind)}"


def wanted(kind: inspect.Type) -> str:
    """Name the values that this type takes, with their range."""
    text, bare = description(kind), _bare(kind)
    match bare:
        case inspect.IntType() | inspect.FloatType():
            return ("a whole number" if isinstance(bare, inspect.IntType) else "a number") + _range(bare)
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values)) if len(values) > 1 else f"{values[0]}"
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return f"a text in quotes ({text.partition(';')[0].removesuffix('.')})" if text else "a text in quotes"
        case inspect.VarTupleType(item_type=item):
            return "tables in [[double brackets]]" if isinstance(_bare(item), inspect.StructType) else 'a list of texts, as ["a", "b"]'
        case inspect.StructType():
            return "a [table] of its own"
        case _:
            return "what the manual names"


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return _bare(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    return kind


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    low: Any = kind.ge if kind.ge is not None else kind.gt
    high: Any = kind.le if kind.le is not None else kind.lt
    if kind.ge is not None and kind.le is not None:
        return f" from {low} to {high}"
    words = "" if low is None else f" of at least {low}" if kind.ge is not None else f" above {low}"
    return words + ("" if high is None else f"{' and' if words else ''} at most {high}")


def _plain(what: str) -> str:
    what = what.replace("`", "").replace("object", "table").replace("array", "list").replace(" | null", "")
    if what.startswith("Invalid enum value "):
        return what.removeprefix("Invalid enum value ") + " is not one of the choices"
    return what[:1].lower() + what[1:]


def _join(source: str, *path: str) -> str:
    where = ".".join(part for part in path if part)
    return f"{source}: {where}" if where else source


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1) or [one for one in known if key and key in one]
    return f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(known)}"
