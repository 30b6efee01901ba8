# SPDX-License-Identifier: Apache-2.0
"""Templates of all web rooms in one environment: everything is escaped, what is not given is an error."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from gatepost.web.frame import assets

ROOMS = ("frame", "console")


@lru_cache(maxsize=1)
def environment(rooms: Sequence[str] = ROOMS) -> Environment:
    """Make the environment; a template is compiled at its first use."""
    folders = [Path(str(files("gatepost.web"))) / room / "template" for room in rooms]
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=assets.address, now=time.time, query=query)
    made.filters.update(moment=moment, data=data, path=path_part)
    return made


def moment(at: float | None, missing: str = "–") -> Any:
    """Write a time (Unix time) as an element that a script turns into the reader's own time zone; without a script it is UTC."""
    if at is None or isinstance(at, Undefined):
        return missing
    then = datetime.fromtimestamp(at, UTC)
    return Markup('<time datetime="{}">{}</time>').format(then.strftime("%Y-%m-%dT%H:%M:%SZ"), then.strftime("%Y-%m-%d %H:%M:%S"))


def data(value: Any) -> str:
    """Write a value as JSON for a `data-` attribute."""
    return msgspec.json.encode(value).decode()


def path_part(value: Any) -> str:
    """Write a value as one part of an address."""
    return quote(str(value), safe="")


def query(**values: Any) -> str:
    """Write what stands after `?` in an address; what is empty is left out."""
    pairs: list[tuple[str, Any]] = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, one) for one in several if one not in ("", None)]
    return urlencode(pairs)
