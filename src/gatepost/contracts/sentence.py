# SPDX-License-Identifier: Apache-2.0
"""Sentences that a mail's track keeps, in English, with named places; pages find them again by these and say them in another language.

    LISTED = Sentence("realtime_blocklists", "{address} is on {count} of {lists} realtime blocklists")
    LISTED.say(address="192.0.2.1", count=1, lists=3)

A scope names who says it: a filter, or one of `ANY` (every filter), `DECISION`, `RULES`, `AUTHENTICATION`, `DELIVERY`, `LIST`. Within
a scope no sentence may be taken for another, whatever stands in its places; a place's name says what that may be (`PLACES`). Parts of a
text that is several sentences are joined with `SEPARATOR`.

Promises: `say` gives what the f-string of the same text gives, and costs one call more; it raises TypeError for a place too many or too
few. Every sentence that was made is in `declared()`.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

Form = Literal["number", "token", "status", "text", "list", "finding", "reason"]
"""number: digits with their marks. token: no blank. status: an SMTP code, an enhanced one, or both. text: anything. list: parts with ", "
between, and how many more there are. finding: another sentence of the same scope. reason: one of authentication."""

ANY: Final = "any"
DECISION: Final = "decision"
RULES: Final = "rules"
AUTHENTICATION: Final = "authentication"
DELIVERY: Final = "delivery"
LIST: Final = "list"
SEPARATOR: Final = "; "

_FORMS: Final[Mapping[Form, str]] = {
    "number": "bits bytes count each instance limit lists more points port scl seconds share threshold total",
    "token": "address client domain field hash kind listener mechanism policy recipient script sender track",
    "status": "status",
    "text": "answer answers group list name shown term trouble where",
    "list": "authors entries faults flaw groups methods phase scripts words",
    "finding": "finding",
    "reason": "reason",
}
PLACES: Final[Mapping[str, Form]] = {name: form for form, names in _FORMS.items() for name in names.split()}
"""What may stand in a place, by its name."""


class Sentence:
    """One sentence, declared beside where it is said. Raises: ValueError for a place that is not in `PLACES`."""

    __slots__ = ("say", "scope", "text")

    def __init__(self, scope: str, text: str) -> None:
        names = places(text)
        unknown = [name for name in names if name not in PLACES]
        if unknown:
            raise ValueError(f"{text!r} has places that nobody knows the form of: {', '.join(unknown)}; add them to PLACES")
        self.scope = scope
        self.text = text
        """With its places; a sentence without any is said by it."""
        self.say: Callable[..., str] = _f_string(text, names)
        """Fill in the places, each by its name."""
        _declared.append(self)


def _f_string(text: str, names: Sequence[str]) -> Callable[..., str]:
    """Make the function that the declaring room would have written: `str.format` takes four times as long, for each mail."""
    arguments = f"*, {', '.join(names)}" if names else ""
    said: Callable[..., str] = eval(f"lambda {arguments}: f{text!r}")  # noqa: S307  a text of our own code
    return said


def places(text: str) -> list[str]:
    """Name the places of a sentence, in their order."""
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]


def declared() -> Sequence[Sentence]:
    """Give each sentence of the rooms that have been loaded."""
    return tuple(_declared)


_declared: list[Sentence] = []

AND_MORE: Final = Sentence(LIST, "{shown} and {more} more")
"""How a list ends that is too long to be shown."""
