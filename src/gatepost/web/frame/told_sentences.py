# SPDX-License-Identifier: Apache-2.0
"""The catalogue of what a mail's path writes: by scope, each sentence as a pattern, and how it is said.

`words/path.de.toml` has the German. Its keys are the sentences as their rooms declare them (`contracts.sentence`), so that nothing of
these rooms need be loaded here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from gatepost.contracts.sentence import PLACES, Form, places

_FOLDER: Final = Path(__file__).parent / "words"
_SHAPES: Final[Mapping[Form, str]] = {
    "number": r"[+-]?(?:[0-9][0-9.]*(?:e[+-]?[0-9]+)?|inf|nan)%?",
    "token": r"\S*",
    "status": r"(?:[245][0-9]{2} )?[245]\.[0-9]{1,3}\.[0-9]{1,3}",
    "text": ".*?",
    "list": r"(?:(?! and [0-9]+ more, [+-]).)*",  # points stand behind a list, never in it
}
_ANYTHING: Final = ".*"
"""What is read further takes as much as it can: how many more a list has stands at its end."""
_HOLE: Final = re.compile(r"\{([a-z_]+)(?::[^}]*)?\}")

Catalogue = Mapping[str, Mapping[str, str]]
"""By scope, each sentence and how it is said."""


class Pattern:
    """One sentence with places. Its expression is made when a text first begins and ends as it does."""

    def __init__(self, sentence: str, said: str) -> None:
        self.said = said
        pieces = _HOLE.split(sentence)
        self._begin, self._end = pieces[0], pieces[-1]
        self._sentence = sentence

    def match(self, text: str) -> re.Match[str] | None:
        """Find the values of a text that is this sentence; None for any other."""
        return self._expression.fullmatch(text) if text.startswith(self._begin) and text.endswith(self._end) else None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile("".join(_shapes(self._sentence)), re.DOTALL)


class Scope(NamedTuple):
    """The sentences of a scope."""

    exact: Mapping[str, str]
    patterns: Sequence[Pattern]


def catalogue(language: str) -> Catalogue:
    """Read the sentences of a language; English has no file."""
    path = _FOLDER / f"path.{language}.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def scope_of(sentences: Mapping[str, str]) -> Scope:
    """Make the sentences of a scope ready to be found."""
    return Scope(sentences, [Pattern(one, said) for one, said in sentences.items() if places(one)])


def _shapes(sentence: str) -> Iterator[str]:
    """Give the expression of a sentence piece by piece, with a group for each place."""
    at = 0
    for hole in _HOLE.finditer(sentence):
        yield re.escape(sentence[at : hole.start()])
        yield f"(?P<{hole[1]}>{_SHAPES.get(PLACES[hole[1]], _ANYTHING)})"
        at = hole.end()
    yield re.escape(sentence[at:])
