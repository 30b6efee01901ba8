# SPDX-License-Identifier: Apache-2.0
"""Write a configuration as TOML, always the same text for the same settings.

Promises: what is written reads back equal; settings that are equal have one text, so a checksum tells them apart;
only what differs from its default is written, in the model's order, a list of tables as `[[tables]]`. Comments and
the order of keys in somebody's own file are not kept. A secret is only ever written as the reference it is.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.secret_marks import literal_secret
from gatepost.errors import ConfigError

_LINE = 100
"""A list that would make a longer line has one value a line, so that tools which compare lines see what changed."""


def canonical(configuration: Configuration, source: str = "configuration") -> str:
    """Give the one text of a configuration; raises ConfigError when a secret stands in it instead of a reference."""
    if where := literal_secret(configuration):
        raise ConfigError(f"{source}: {where}", "a secret is given by reference", "write file:/PATH or env:NAME, never the secret itself")
    return "\n".join(_table(configuration, "")).lstrip("\n") + "\n"


def _table(settings: msgspec.Struct, path: str) -> Iterator[str]:
    """Give a table's own keys first, then the tables below it, each with an empty line above its head."""
    said = _differing(settings)
    for name, value in said.items():
        if not _is_table(value):
            yield _line(name, value)
    for name, value in said.items():
        below = f"{path}.{name}".lstrip(".")
        if isinstance(value, msgspec.Struct):
            yield from _below(value, below)
        elif _is_table(value):
            for entry in value:
                yield f"\n[[{below}]]"
                yield from _flat(entry)


def _below(settings: msgspec.Struct, path: str) -> Iterator[str]:
    lines = list(_table(settings, path))
    if lines and not lines[0].startswith("\n"):  # a table that only holds tables needs no head of its own
        yield f"\n[{path}]"
    yield from lines


def _flat(entry: msgspec.Struct) -> Iterator[str]:
    """Give one entry of a list of tables; what is a table within it stands in braces on its own line."""
    for name, value in _differing(entry).items():
        yield _line(name, value)


def _is_table(value: object) -> bool:
    return isinstance(value, msgspec.Struct) or (isinstance(value, tuple) and bool(value) and isinstance(value[0], msgspec.Struct))


def _differing(settings: msgspec.Struct) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if value is not None and value != default:
            said[field.encode_name] = value
    return said


def _line(name: str, value: object) -> str:
    line = f"{name} = {_value(value)}"
    if len(line) <= _LINE or not isinstance(value, tuple):
        return line
    return "\n".join([f"{name} = [", *(f"    {_value(one)}," for one in value), "]"])


def _value(value: object) -> str:
    match value:
        case msgspec.Struct():
            inner = ", ".join(f"{name} = {_value(one)}" for name, one in _differing(value).items())
            return f"{{ {inner} }}" if inner else "{}"
        case tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case str():
            # JSON's escapes are TOML's, which forbids DEL besides (TOML 1.0, String).
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float() if not math.isfinite(value):
            return repr(value)
        case float():
            return repr(value + 0.0)  # one zero, not two
        case _:
            return json.dumps(value)
