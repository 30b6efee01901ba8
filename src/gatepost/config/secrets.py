# SPDX-License-Identifier: Apache-2.0
"""Secrets by reference: a setting names where a secret is (`file:PATH`, `env:NAME`), never the secret itself.

A secret never appears in an error, a log or a dump of the settings; only its reference does. Fields that hold one are
marked as such (`secret_marks`).
"""

import os
from collections.abc import Mapping
from pathlib import Path

from gatepost.config.secret_marks import reference_fault
from gatepost.errors import ConfigError

_MEND = "write file:/PATH or env:NAME"
_LONGEST = 65536


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
