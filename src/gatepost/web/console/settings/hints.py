# SPDX-License-Identifier: Apache-2.0
"""What stands below an input: the model's manual in the reader's language, the range of a number, the default.

What a manual names of another page leads there.
"""

import re
from typing import Any, Final

import msgspec
from markupsafe import Markup

from gatepost.versioning.edit_fields import Field
from gatepost.versioning.edit_sections import sections
from gatepost.web.console.settings.labels import CHOICES, LABELS, MANUALS, PAGES
from gatepost.web.console.settings.places import TITLES
from gatepost.web.frame.words import Words

_KEY: Final = re.compile(r"`([^`]+)`")
_CODE: Final = Markup("<code>{}</code>")
_LABEL: Final = Markup("<i>{}</i>")
_LINK: Final = Markup('<a class="text-decoration-underline" href="{}"><i>{}</i></a>')


def hint(section: str, field: Field, words: Words) -> Markup:
    """Give the hint; keys of the configuration stand in it by the labels that pages have for them."""
    manual = words(MANUALS.get((section, field.name), field.manual))
    parts = [
        _marked(section, manual, words),
        *(Markup.escape(one) for one in (_range(section, field, words), _default(section, field, words)) if one),
    ]
    return Markup(" ").join(part for part in parts if part)


def _marked(section: str, manual: str, words: Words) -> Markup:
    said, end = Markup(""), 0
    for found in _KEY.finditer(manual):
        key = found[1]
        table, _, name = key.rpartition(".")
        label = LABELS.get(table or section, {}).get(name) or LABELS[""].get(key, "")
        shown = " › ".join(words(one) for one in (TITLES[table] if table in TITLES and table else "", label) if one)
        said += Markup.escape(manual[end : found.start()])
        said += _named(shown, PAGES.get(table or key, "") if (table or key) != section else "") if label else _CODE.format(key)
        end = found.end()
    return said + Markup.escape(manual[end:])


def _named(label: str, page: str) -> Markup:
    return _LINK.format(page, label) if page else _LABEL.format(label)


def _range(section: str, field: Field, words: Words) -> str:
    if field.kind not in ("whole", "number"):
        return ""
    low, high = (_figure(one, words) if one is not None else "" for one in (field.low, field.high))
    if _is_open(section, field.name):
        return words("More than {low}, at most {high}.", low=low, high=high) if high else words("More than {low}.", low=low)
    if not high:
        return words("At least {low}.", low=low) if low and low != "0" else ""
    return words("From {low} to {high}.", low=low, high=high)


def _is_open(section: str, name: str) -> bool:
    """Tell whether a field's lowest value itself is not allowed."""
    model = sections()[section].model
    kind = next((field.type for field in msgspec.structs.fields(model) if field.name == name), None)
    return any(isinstance(mark, msgspec.Meta) and mark.gt is not None for mark in getattr(kind, "__metadata__", ()))


def _default(section: str, field: Field, words: Words) -> str:
    value: Any = field.default
    if field.kind == "choice" and value is not None:
        value = words(CHOICES.get((section, field.name), {}).get(value, value))
    elif field.kind in ("whole", "number") and value is not None:
        value = _figure(value, words)
    else:
        return ""
    return words("Default: {value}.", value=value)


def _figure(value: float, words: Words) -> str:
    return words.figure(value, 0 if value == int(value) else 1)
