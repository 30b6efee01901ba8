# SPDX-License-Identifier: Apache-2.0
"""The words of pages in the reader's language. English stands in code and templates, `words/de*.toml` beside them holds the German.

A catalogue is a flat table, `"English" = "Deutsch"`. What has a number is written twice, for one and for many. What a room below
says with a value in it is found by its pattern: `"it has {0} characters"`. A test finds what is not translated and what is not
used, so nothing is missing at run time.
"""

import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from gatepost.web.frame.told import Told

LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}
DEFAULT: Final = "en"
_PACKAGE: Final = Path(str(files("gatepost")))


class Words:
    """One language. Called with an English sentence it gives the reader's, with `{name}` filled in."""

    def __init__(self, language: str, catalogue: Mapping[str, str]) -> None:
        self.language = language
        self.told = Told.in_language(language)
        """Says what a mail's path wrote into its track: `words.told(text, scope)`."""
        self._catalogue = catalogue
        patterns = [(_pieces(one), said) for one, said in catalogue.items() if "{0}" in one]
        # Where several fit, the one of which more is words is meant.
        self._patterns = sorted(patterns, key=lambda pattern: -sum(map(len, pattern[0])))

    def __call__(self, english: str, /, **values: Any) -> str:
        """Say a sentence."""
        said = self._catalogue.get(english) or self._matched(english)
        return said.format(**values) if values else said

    def _matched(self, english: str) -> str:
        for pieces, said in self._patterns:
            if (values := _between(pieces, english)) is not None:
                return said.format(*values)
        return english

    def number(self, one: str, many: str, count: int, /, **values: Any) -> str:
        """Say a sentence of so many things; `{n}` is the number."""
        return self(one if count == 1 else many, n=self.figure(count), **values)

    def figure(self, value: float, digits: int = 0) -> str:
        """Write a number with the marks of the language."""
        written = f"{value:,.{digits}f}"
        return written.translate(_GERMAN_MARKS) if self.language == "de" else written

    def size(self, count: float) -> str:
        """Write a number of bytes for people."""
        unit, units = "B", iter(("KB", "MB", "GB", "TB"))
        while abs(count) >= 1000 and (larger := next(units, "")):
            count, unit = count / 1000, larger
        return f"{self.figure(count, 0 if unit == 'B' or count >= 100 else 1)} {unit}"

    def duration(self, seconds: float) -> str:
        """Write a length of time for people, in its largest unit."""
        for length, one, many in _LENGTHS:
            if seconds >= length:
                return self.number(one, many, int(seconds // length))
        return self("less than a second")


def _(english: str) -> str:
    """Mark a sentence for the catalogues where it is only named; it is said later."""
    return english


_GERMAN_MARKS: Final = str.maketrans(",.", ".,")
_LENGTHS: Final = (
    (86_400, _("{n} day"), _("{n} days")),
    (3_600, _("{n} hour"), _("{n} hours")),
    (60, _("{n} minute"), _("{n} minutes")),
    (1, _("{n} second"), _("{n} seconds")),
)


def load(folder: Path = _PACKAGE) -> dict[str, Words]:
    """Read every `words/*.toml` below a folder; gives the words of each language."""
    return {language: Words(language, _catalogue(sorted(folder.rglob(f"words/{language}*.toml")))) for language in LANGUAGES}


def preferred(accepted: str) -> str:
    """Choose a language by an Accept-Language header (RFC 9110 section 12.5.4); weights are taken as their order."""
    for part in accepted.split(","):
        language = part.split(";")[0].strip().lower()[:2]
        if language in LANGUAGES:
            return language
    return DEFAULT


def _pieces(english: str) -> tuple[str, ...]:
    """Give what stands before, between and after the values of a sentence."""
    parsed = [(text, name is not None) for text, name, _spec, _kind in string.Formatter().parse(english)]
    return (*(text for text, _has_value in parsed), *([""] if parsed[-1][1] else []))


def _between(pieces: Sequence[str], english: str) -> list[str] | None:
    """Give the values that make this sentence of the pieces, each as long as it can be; None when none do.

    It takes as long as it takes to read the sentence, which may be what somebody typed: a regular expression could take for ever.
    """
    first, last = pieces[0], pieces[-1]
    end = len(english) - len(last)
    if end < len(first) or not english.startswith(first) or not english.endswith(last):
        return None
    values: list[str] = []
    for piece in reversed(pieces[1:-1]):
        at = english.rfind(piece, len(first), end)
        if at < 0:
            return None
        values.append(english[at + len(piece) : end])
        end = at
    return [english[len(first) : end], *reversed(values)]


def _catalogue(paths: Iterable[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in paths:
        found |= tomllib.loads(path.read_text("utf-8"))
    return found
