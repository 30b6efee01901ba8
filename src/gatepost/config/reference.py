# SPDX-License-Identifier: Apache-2.0
"""Write the reference of all settings from the models themselves: `python -m gatepost.config.reference`.

`docs/reference/settings.md` is this output; a test compares them.
"""

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.complaint import description, wanted
from gatepost.config.configuration import Configuration

_HEAD = """# Settings

Written from the models by `python -m gatepost.config.reference`; edit those, not this page.
An unknown key is an error. `gatepost config check` names every fault with its path, its cause and how to mend it.

"""

_BOOTSTRAP = """## The bootstrap file

`/etc/gatepost/gatepost.toml`, or the file that `--config` names. Changing it takes a restart.
Each key can be set from the environment instead: `GATEPOST_HOSTNAME`, `GATEPOST_PROCESSES__RECEIVE`,
`GATEPOST_LISTENERS__0__PORT`; a list of texts is written with commas there.

"""

_CONFIGURATION = """## The configuration

The file that `configuration` in the bootstrap file names.

"""


def settings_page() -> str:
    """Give the whole page in Markdown."""
    return _HEAD + _BOOTSTRAP + "".join(_tables(Bootstrap, "")) + _CONFIGURATION + "".join(_tables(Configuration, "")).rstrip("\n") + "\n"


def keys(model: type, above: str = "") -> Iterator[str]:
    """Give the path of each key of a model that holds a value, tables left out."""
    for field in _fields(model):
        path = f"{above}.{field.encode_name}".lstrip(".")
        table, marks = _table(field.type)
        if table is None:
            yield path
        else:
            yield from keys(table, path + marks)


def _tables(model: type, above: str) -> Iterator[str]:
    rows, below = [], []
    for field in _fields(model):
        table, marks = _table(field.type)
        if table is None:
            rows.append(
                f"| `{field.encode_name}` | {_cell(wanted(_bare(field.type)))} | {_default(field)} | {_cell(description(field.type))} |\n"
            )
        else:
            below.append((table, f"{above}.{field.encode_name}".lstrip(".") + marks))
    if above:
        name = above.replace("[]", "")
        yield f"### `{f'[[{name}]]' if above.endswith('[]') else f'[{name}]'}`\n\n{' '.join((model.__doc__ or '').split())}\n\n"
    if rows:
        yield "| key | takes | default | what it is |\n| --- | --- | --- | --- |\n" + "".join(rows) + "\n"
    for table, path in below:
        yield from _tables(table, path)


def _fields(model: type) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(model)
    return info.fields if isinstance(info, inspect.StructType) else ()


def _table(kind: inspect.Type) -> tuple[type | None, str]:
    """Give the model below a key, and "[]" when it is a list of them."""
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    if isinstance(bare, inspect.StructType):
        return bare.cls, ""
    if isinstance(bare, inspect.VarTupleType) and isinstance(bare.item_type, inspect.StructType):
        return bare.item_type.cls, "[]"
    return None, ""


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _default(field: inspect.Field) -> str:
    if field.required:
        return "none; must be given"
    value: Any = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    match value:
        case None:
            return "absent"
        case bool():
            return f"`{str(value).lower()}`"
        case str() | tuple():
            return f"`{msgspec.json.encode(value).decode()}`"
        case _:
            return f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(settings_page())
