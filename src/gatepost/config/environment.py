# SPDX-License-Identifier: Apache-2.0
"""Keys of the bootstrap file set from the environment: `GATEPOST_HOSTNAME`, `GATEPOST_PROCESSES__RECEIVE`.

Two underscores go down into a table or a list (`GATEPOST_LISTENERS__0__PORT`). A text is read as the
key's own type; a list of texts is written with commas. A variable that names no key is an error, so
that a misspelt one is not silently without effect.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from gatepost.config.complaint import complaint, key_names, mend, type_at
from gatepost.errors import ConfigError

PREFIX = "GATEPOST_"
NOT_SETTINGS = frozenset({"GATEPOST_SHARED", "GATEPOST_URL", "GATEPOST_TOKEN"})
"""Variables of the tests, and those that name the console that commands ask; never settings."""


def overlay(document: dict[str, Any], model: type, environ: Mapping[str, str]) -> None:
    """Set in `document` each key that the environment names; raises ConfigError with the variable as its path."""
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            _set(document, model, variable, environ[variable])


def _set(document: dict[str, Any], model: type, variable: str, text: str) -> None:
    steps = variable.removeprefix(PREFIX).lower().split("__")
    kind = _checked_type(model, variable, steps)
    value = _read(kind, variable, text)
    here: Any = document
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        fresh: Any = ([] if following.isdigit() else {}) if following else value
        here = _descend(here, step, fresh, variable, last=not following)


def _checked_type(model: type, variable: str, steps: list[str]) -> inspect.Type:
    path, here = "", type_at(model, "")
    for step in steps:
        known = key_names(here)
        if known and step not in known:
            raise ConfigError(variable, "names no setting", f"the keys here are {', '.join(known)}")
        if not known and not _is_list(here):
            raise ConfigError(variable, "names no setting", f"{path} has nothing below it, so end the name there")
        if not known and not step.isdigit():
            raise ConfigError(variable, f"{step!r} is not a number in a list", f"number the entries of {path} from 0")
        path = f"{path}[{step}]" if step.isdigit() else f"{path}.{step}".lstrip(".")
        here = type_at(model, path)
    if key_names(here) or _is_list(here, of_tables=True):
        below = "KEY" if key_names(here) else "0__KEY"
        raise ConfigError(variable, "names a table, not a key", f"set a key of it, as {variable}__{below}")
    return here


def _descend(here: Any, step: str, fresh: Any, variable: str, *, last: bool) -> Any:
    if isinstance(here, list):
        if int(step) > len(here):
            raise ConfigError(variable, f"there are only {len(here)} entries before it", f"use the number {len(here)}")
        if int(step) == len(here):
            here.append(fresh)
        elif last:
            here[int(step)] = fresh
        return here[int(step)]
    if not isinstance(here, dict):
        raise ConfigError(variable, f"the file has no table above {step}", "mend the file first")
    if last:
        here[step] = fresh
        return fresh
    return here.setdefault(step, fresh)


def _read(kind: inspect.Type, variable: str, text: str) -> Any:
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    match bare:
        case inspect.VarTupleType():
            return [part.strip() for part in text.split(",") if part.strip()]
        case inspect.StrType() | inspect.LiteralType():
            return text
    plain: Any = bool if isinstance(bare, inspect.BoolType) else int if isinstance(bare, inspect.IntType) else float
    try:
        return msgspec.convert(text, plain, strict=False)
    except msgspec.ValidationError:
        raise ConfigError(variable, f"{text!r} cannot be read", mend(kind)) from None


def origin(model: type, fault: msgspec.ValidationError, source: str, environ: Mapping[str, str]) -> ConfigError:
    """Say what a model refused, naming the variable instead of the file where the value came from one."""
    said = complaint(source, model, fault)
    path = said.path.removeprefix(f"{source}: ")
    variable = PREFIX + path.replace("[", "__").replace("]", "").replace(".", "__").upper()
    return ConfigError(variable, said.cause, said.mend) if variable in environ else said


def _is_list(kind: inspect.Type, *, of_tables: bool = False) -> bool:
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    return isinstance(bare, inspect.VarTupleType) and (not of_tables or bool(key_names(bare.item_type)))
