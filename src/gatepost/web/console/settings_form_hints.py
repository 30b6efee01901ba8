# SPDX-License-Identifier: Apache-2.0
"""What stands below an input: the model's manual in the reader's language, the range of a number, the default."""

import re
from typing import Any, Final

from markupsafe import Markup

from gatepost.versioning.edit_fields import Field
from gatepost.web.console.settings_form_labels import CHOICES, LABELS, MANUALS, TITLES
from gatepost.web.frame.words import Words

_KEY: Final = re.compile(r"`([^`]+)`")


def hint(section: str, field: Field, words: Words) -> Markup:
    """Give the hint; keys of the configuration stand in it by the labels that pages have for them."""
    manual = words(MANUALS.get((section, field.name), field.manual))
    parts = [
        _marked(section, manual, words),
        *(Markup.escape(one) for one in (_range(field, words), _default(section, field, words)) if one),
    ]
    return Markup(" ").join(part for part in parts if part)


def _marked(section: str, manual: str, words: Words) -> Markup:
    said, end = Markup(""), 0
    for found in _KEY.finditer(manual):
        key = found[1]
        table, _, name = key.rpartition(".")
        label = LABELS.get(table or section, {}).get(name) or LABELS[""].get(key, "")
        shown = " › ".join(words(one) for one in (TITLES.get(table, ""), label) if one)
        said += Markup.escape(manual[end : found.start()])
        said += Markup("<i>{}</i>").format(shown) if label else Markup("<code>{}</code>").format(key)
        end = found.end()
    return said + Markup.escape(manual[end:])


def _range(field: Field, words: Words) -> str:
    low, high = field.low, field.high
    if field.kind not in ("whole", "number") or high is None:
        return words("At least {low}.", low=_figure(low, words)) if field.kind == "whole" and low else ""
    return words("From {low} to {high}.", low=_figure(low or 0, words), high=_figure(high, words))


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
