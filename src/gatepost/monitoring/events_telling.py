# SPDX-License-Identifier: Apache-2.0
"""Say an event to people: the sentence of its name, and in it each field as what it is.

Promises: pure, and never raises, whatever a gateway wrote into the fields: a value of another kind than its place expects is said as it
is, one that is missing as "…".
"""

import signal
import time
from collections.abc import Mapping
from string import Formatter
from typing import Any, Final, Literal, NamedTuple

from gatepost.monitoring.events_sentences import LEVELS, PHRASES, SENTENCES, Fields
from gatepost.monitoring.kinds import kind_of

Form = Literal["text", "word", "number", "seconds", "moment", "exit"]
"""text: as it stands. word: English that pages translate. seconds: a length of time. moment: Unix time. exit: a process's exit code."""

FORMS: Final[Mapping[str, Form | Literal["days", "status", "kind", "severity", "what"]]] = {
    "after_s": "seconds",
    "changes": "number",
    "days": "days",
    "ends_at": "moment",
    "events": "number",
    "kind": "kind",
    "restart_in_s": "seconds",
    "severity": "severity",
    "status": "status",
    "tracks": "number",
    "until": "moment",
    "what": "what",
}
"""By the name of a field; of what is not here the text is said."""
_IN_WORDS: Final = frozenset({("store.trouble", "what"), ("access.sign_in_refused", "reason")})
MISSING: Final = "…"
_EMPTY: Final = "–"
_LAST: Final = 2e11
"""A time after it has no date."""
_MOST_DAYS: Final = 31


class Value(NamedTuple):
    """What stands in a place: a number in bounds for number, seconds, moment and exit, else a text."""

    form: Form
    held: Any


class Telling(NamedTuple):
    """A sentence, and what fills its places."""

    text: str
    values: Mapping[str, Value]


def telling(name: str, fields: Fields) -> Telling | None:
    """Give what an event says; None where a newer program than this one has told it."""
    says = SENTENCES.get(name)
    if says is None:
        return None
    text = next(say.text for say in says if say.when is None or say.when(fields))
    places = [place for _, place, _, _ in Formatter().parse(text) if place]
    return Telling(text, {place: _value(name, place, fields.get(place)) for place in places})


def sentence(name: str, fields: Fields) -> str:
    """Say an event in English; '' where a newer program than this one has told it."""
    told = telling(name, fields)
    return told.text.format(**{place: _english(*value) for place, value in told.values.items()}) if told else ""


def _value(name: str, place: str, held: Any) -> Value:
    if (name, place) in _IN_WORDS:
        return Value("word", PHRASES[held]) if isinstance(held, str) and held in PHRASES else Value("text", _text(held))
    match FORMS.get(place, "text"):
        case "number" | "seconds" | "moment" as form if _is_number(held) and 0 <= held < _LAST:
            return Value(form, held)
        case "status" if _is_number(held) and abs(held) < _LAST:
            return Value("exit", int(held)) if held >= 0 else Value("text", _signal(int(-held)))
        case "kind" if isinstance(held, str):
            return Value("word", kind_of(held).title)
        case "severity" if isinstance(held, str) and held in LEVELS:
            return Value("word", LEVELS[held])
        case "days" if isinstance(held, list) and held:
            return Value("text", ", ".join(map(_day, held[:_MOST_DAYS])))
    return Value("text", _text(held))


def _english(form: Form, held: Any) -> str:
    match form:
        case "number":
            return f"{held:,.10g}"
        case "seconds":
            return f"{held:g} s"
        case "moment":
            return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held))
        case "exit":
            return f"exit code {held}"
        case _:
            return str(held)


def _text(held: Any) -> str:
    if held is None:
        return MISSING
    if isinstance(held, list):
        held = ", ".join(map(str, held))
    return str(held) or _EMPTY


def _is_number(held: Any) -> bool:
    return isinstance(held, int | float) and not isinstance(held, bool)


def _day(held: Any) -> str:
    """Write the name of a day's table, `20251125`, as a date (ISO 8601)."""
    text = str(held)
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == len("20251125") and text.isdecimal() else text


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
