# SPDX-License-Identifier: Apache-2.0
"""Which fields of the settings concern a secret, and whether what they hold is a reference to one. Fetches nothing."""

from collections.abc import Iterator
from typing import Any

import msgspec

SECRET = {"secret": "reference"}
"""Marks a field (`Meta(extra=...)`) that names where a secret is."""
HASHED = {"secret": "hashed"}
"""Marks a field that holds a password's hash: it is written down, but shown to nobody."""


def reference_fault(reference: str) -> str:
    """Tell what is wrong with the form of a reference; "" when nothing is."""
    kind, colon, name = reference.partition(":")
    if not colon or kind not in ("file", "env"):
        return "a secret is given by reference"
    if not name or (kind == "file" and not name.startswith("/")):
        return f"the reference {kind}: names no {'absolute path' if kind == 'file' else 'variable'}"
    return ""


def secret_fields(model: type) -> dict[str, str]:
    """Give the marked fields of one model, each with "reference" or "hashed"."""
    found = {}
    for field in msgspec.structs.fields(model):
        for mark in getattr(field.type, "__metadata__", ()):
            if isinstance(mark, msgspec.Meta) and mark.extra and "secret" in mark.extra:
                found[field.name] = str(mark.extra["secret"])
    return found


def literal_secret(settings: msgspec.Struct) -> str:
    """Tell where a secret stands in the settings themselves instead of its reference; "" when nowhere."""
    return next(_literal_secrets(settings, ""), "")


def _literal_secrets(settings: Any, path: str) -> Iterator[str]:
    if isinstance(settings, tuple):
        for index, one in enumerate(settings):
            if not isinstance(one, msgspec.Struct):
                break
            yield from _literal_secrets(one, f"{path}[{index}]")
    elif isinstance(settings, msgspec.Struct):
        marked = secret_fields(type(settings))
        for name in settings.__struct_fields__:
            value, below = getattr(settings, name), f"{path}.{name}".lstrip(".")
            if marked.get(name) == "reference" and value and reference_fault(value):
                yield below
            yield from _literal_secrets(value, below)
