# SPDX-License-Identifier: Apache-2.0
"""What any form of this room is checked for: texts of a line, and values of additional fields. Pure."""

from collections.abc import Collection, Iterator, Mapping

from gatepost.people.answers import Fault

NAME, COMMENT, VALUE = 200, 2000, 500
"""Characters at most."""


def line_faults(field: str, text: str, longest: int = NAME) -> Iterator[Fault]:
    """Yield what keeps a text from being one line of at most so many characters."""
    if len(text) > longest:
        yield Fault(field, f"it has {len(text)} characters", f"write at most {longest}")
    if not all(one.isprintable() for one in text):
        yield Fault(field, "it has a character that cannot be printed", "write one line of plain text")


def comment_faults(text: str) -> Iterator[Fault]:
    """Yield what is wrong with a comment, which may have several lines."""
    if len(text) > COMMENT:
        yield Fault("comment", f"it has {len(text)} characters", f"write at most {COMMENT}")
    if not all(one.isprintable() or one in "\r\n\t" for one in text):
        yield Fault("comment", "it has a character that cannot be printed", "write plain text")


def value_faults(values: Mapping[str, str], known: Collection[str]) -> Iterator[Fault]:
    """Yield what is wrong with values of additional fields."""
    for name, value in values.items():
        if name not in known:
            yield Fault(f"fields.{name}", "there is no such additional field", "add the field first, or leave it out")
        else:
            yield from line_faults(f"fields.{name}", value, VALUE)


def said(values: Mapping[str, str]) -> dict[str, str]:
    """Give the values that are said: an empty one is not, and inherits."""
    return {name: value.strip() for name, value in sorted(values.items()) if value.strip()}
