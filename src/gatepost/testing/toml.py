# SPDX-License-Identifier: Apache-2.0
"""Write a settings model as TOML; only what differs from its defaults, one key a line."""

import json

import msgspec


def dump(settings: msgspec.Struct) -> str:
    """Give the TOML document that reads back as these settings."""
    lines = [f"{name} = {_value(value)}" for name, value in _differing(settings).items()]
    return "\n".join(lines) + "\n"


def _differing(settings: msgspec.Struct) -> dict[str, object]:
    said: dict[str, object] = {}
    for field in msgspec.structs.fields(type(settings)):
        value = getattr(settings, field.name)
        has_default = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if value is not None and not (has_default and value == default):
            said[field.name] = value
    return said


def _value(value: object) -> str:
    if isinstance(value, msgspec.Struct):
        return "{" + ", ".join(f"{name} = {_value(inner)}" for name, inner in _differing(value).items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON's strings, numbers and truth values are TOML's, but for DEL, which no setting holds.
    return json.dumps(value, ensure_ascii=False)
