# SPDX-License-Identifier: Apache-2.0
"""Where a fault stands, in a page's terms: `configuration: rules[3].filters[0].name` is field `filters[0].name` of a named rule."""

import re

from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError
from gatepost.versioning.edit_sections import sections, value_at
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import by_name

TEXT = "value"
"""What the one field of an entry of a list of texts is called."""
_ENTRY = re.compile(r"(?P<section>[a-z_.]+)\[(?P<number>\d+)\]\.?(?P<field>.*)", re.DOTALL)


def located(configuration: Configuration, fault: ConfigError) -> Fault:
    """Give a fault with its section, entry and field; one whose place is none of these is about the whole."""
    _, _, path = f": {fault.path}".rpartition(": ")  # before it stands what the configuration is called
    found = _ENTRY.fullmatch(path)
    section = sections().get(found["section"]) if found else None
    if found and section is not None and section.kind != "table":
        names = list(by_name(value_at(configuration, section.path)))
        number = int(found["number"])
        field = found["field"] or (TEXT if section.kind == "texts" else "")
        return Fault(field, fault.cause, fault.mend, section.path, names[number] if number < len(names) else "")
    table, field = _in_table(path)
    return Fault(field, fault.cause, fault.mend, table)


def _in_table(path: str) -> tuple[str, str]:
    """Split a path behind the longest table that it begins with."""
    steps = path.split(".")
    for count in range(len(steps), 0, -1):
        table = ".".join(steps[:count])
        if table in sections() and sections()[table].kind == "table":
            return table, ".".join(steps[count:])
    return "", path
