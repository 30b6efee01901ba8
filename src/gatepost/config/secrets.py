# SPDX-License-Identifier: Apache-2.0
"""Secrets by reference: a setting names where a secret is (`file:PATH`, `env:NAME`), never the secret itself.

A secret never appears in an error, a log or a dump of the settings; only its reference does.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from gatepost.errors import ConfigError

_MEND = "write file:/PATH or env:NAME"
_LONGEST = 65536


def reference_fault(reference: str) -> str:
    """Tell what is wrong with the form of a reference; "" when nothing is."""
    kind, colon, name = reference.partition(":")
    if not colon or kind not in ("file", "env"):
        return "a secret is given by reference"
    if not name or (kind == "file" and not name.startswith("/")):
        return f"the reference {kind}: names no {'absolute path' if kind == 'file' else 'variable'}"
    return ""


def resolve(reference: str, key: str, environ: Mapping[str, str] = os.environ) -> str:
    """Fetch the secret that `reference` names; a file's last line end is not part of it.

    Raises ConfigError, with `key` as its path, when the secret is not to be had.
    """
    if fault := reference_fault(reference):
        raise ConfigError(key, fault, _MEND)
    kind, _, name = reference.partition(":")
    if kind == "env":
        if not (secret := environ.get(name, "")):
            raise ConfigError(key, f"the environment has no {name}", "set it, or name a file: reference instead")
        return secret
    try:
        with Path(name).open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except OSError as trouble:
        raise ConfigError(key, f"{name} cannot be read ({trouble.strerror})", "mend the path or its permissions") from None
    secret = raw.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not secret or len(raw) > _LONGEST:
        raise ConfigError(key, f"{name} is {'too long' if secret else 'empty'}", "write the secret on its first line")
    return secret
