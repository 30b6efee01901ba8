# SPDX-License-Identifier: Apache-2.0
"""All that is wrong with a configuration's text, in one round. Pure.

A text is read as a whole, and reading it tells of the first fault alone. So what cannot be read is replaced by something that can,
until all can be; then what a start would refuse is told besides, but for what the replacement itself causes.
"""

import re
import tomllib
from typing import Any, Final

import msgspec
from msgspec import inspect

from gatepost.config.complaint import complaint, type_at
from gatepost.config.configuration import Configuration
from gatepost.config.loader import read_configuration_text
from gatepost.errors import ConfigError
from gatepost.versioning.edit import Refusals

MOST: Final = 100
"""Faults that are told."""
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_Way = tuple[str | int, ...]


def text_faults(untrusted_text: str, source: str, refusals: Refusals) -> list[ConfigError]:
    """Give all that keeps a text from being a configuration that can work; nothing when it is one."""
    try:
        return list(refusals(read_configuration_text(untrusted_text, source), source))[:MOST]
    except ConfigError as first:
        try:
            document = tomllib.loads(untrusted_text)
        except tomllib.TOMLDecodeError:
            return [first]
    faults, wrong, vague = dict[_Way, ConfigError](), set[_Way](), set[_Way]()
    while len(faults) < MOST:
        try:
            configuration = msgspec.convert(document, Configuration)
        except msgspec.ValidationError as fault:
            told = complaint(source, Configuration, fault)
            way = _way(told.path, source)
            if way in wrong:  # nothing that can be read is known for it
                return list(faults.values())
            if not any(way[:length] in wrong for length in range(len(way))):
                faults[way] = told
            wrong.add(way)
            if len(way) > 1 and _is_open(type_at(Configuration, _written(way))):
                vague.add(way[:-1])
            _replace(document, way, told.cause)
        else:
            more = [(_way(one.path, source), one) for one in refusals(configuration, source)]
            found = [one for way, one in more if not any(way[:length] in wrong | vague for length in range(len(way) + 1))]
            return [*faults.values(), *found][:MOST]
    return list(faults.values())


def _way(path: str, source: str) -> _Way:
    below = path.removeprefix(source).removeprefix(": ")
    return tuple(name or int(number) for name, number in _STEP.findall(below))


def _written(way: _Way) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way).lstrip(".")


def _replace(document: Any, way: _Way, cause: str) -> None:
    """Put something that can be read into the place of what cannot; an unknown key goes."""
    if not way:
        return
    here = document
    for step in way[:-1]:
        here = here[step]
    if cause == "unknown key":
        del here[way[-1]]
        return
    here[way[-1]] = _instead(type_at(Configuration, _written(way)))


def _instead(kind: inspect.Type) -> Any:
    match _bare(kind):
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.BoolType():
            return False
        case inspect.IntType(ge=low, gt=above) | inspect.FloatType(ge=low, gt=above):
            return low if low is not None else above + 1 if above is not None else 0
        case inspect.StrType(pattern=pattern):
            return "$argon2id$" if pattern and "argon2id" in pattern else "?"
        case inspect.StructType():
            return {}
        case _:
            return []


def _is_open(kind: inspect.Type) -> bool:
    """Tell whether the meaning of what stands beside it depends on a value."""
    return isinstance(_bare(kind), inspect.LiteralType | inspect.BoolType)


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        return _bare(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    return kind
