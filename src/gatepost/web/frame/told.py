# SPDX-License-Identifier: Apache-2.0
"""What a mail's path told, in the reader's language: the English text of a track is read back as a sentence with values, and said anew.

    "192.0.2.1 is on 2 of 3 realtime blocklists", realtime_blocklists
        {address} is on {count} of {lists} realtime blocklists      the sentence, as its room declares it (`contracts.sentence`)
        {address} steht auf {count} von {lists} Echtzeit-...        its German, `words/path.de.toml`, in a table for each scope

Promises: pure, and never raises; values come out as they went in; what is not known is given back as it is. A text is held against
the sentences of its scope alone, so the time is bounded by their number and the text's length.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

from gatepost.contracts.sentence import ANY, AUTHENTICATION, LIST, PLACES, SEPARATOR
from gatepost.web.frame.told_sentences import Catalogue, Scope, catalogue, scope_of

_LONGEST: Final = 2000
"""No filter says more; tracks keep less."""
_MOST_PARTS: Final = 60
_JOINED: Final = 4
"""Parts that one sentence may span: a value, and a sentence's own words, may hold the separator."""
_DEEPEST: Final = 6
"""Sentences within sentences."""


class Told:
    """The sentences of one language; English has none, and gives each text back."""

    def __init__(self, read: Callable[[], Catalogue]) -> None:
        self._read = read
        self._scopes: dict[str, Scope] = {}

    @classmethod
    def in_language(cls, language: str) -> "Told":
        """Give the sentences of a language; its file is read when a text is first asked for."""
        return cls(lambda: catalogue(language))

    def __call__(self, text: str, scope: str) -> str:
        """Say a text that somebody (a filter by its name, or a scope) wrote into a track."""
        if not text or not self._catalogue or len(text) > _LONGEST:
            return text
        reading = _Reading(self._known)
        parts = reading.parts(text, scope)
        return SEPARATOR.join(said or reading.sentence(part, scope, lenient=True) or part for part, said in parts)

    def recognised(self, text: str, scope: str) -> str | None:
        """Say a text all of whose sentences are known; None for any other."""
        return _Reading(self._known).whole(text, scope) if text else text

    @cached_property
    def _catalogue(self) -> Catalogue:
        return self._read()

    def _known(self, scope: str) -> Scope:
        known = self._scopes.get(scope)
        if known is None:
            known = self._scopes[scope] = scope_of(self._catalogue.get(scope, {}))
        return known


class _Reading:
    """One text that is being read; what was found of its parts is remembered, so that nothing is looked at again and again."""

    def __init__(self, known: Callable[[str], Scope]) -> None:
        self._known = known
        self._read: dict[tuple[str, str, bool], str | None] = {}
        self._depth = 0

    def whole(self, text: str, scope: str) -> str | None:
        """Say a text all of whose sentences are known."""
        parts = self.parts(text, scope)
        return None if any(said is None for _, said in parts) else SEPARATOR.join(str(said) for _, said in parts)

    def parts(self, text: str, scope: str) -> list[tuple[str, str | None]]:
        """Give the sentences of a text, each with what is said for it; None where it is unknown.

        A value may hold the separator, and so may a sentence's own words: as few parts as can be stay unknown.
        """
        pieces = text.split(SEPARATOR)
        if len(pieces) == 1 or len(pieces) > _MOST_PARTS:
            return [(text, self.sentence(text, scope))]
        best: list[tuple[int, int, str, str | None]] = [(0, 0, "", None)] * (len(pieces) + 1)
        for at in range(len(pieces) - 1, -1, -1):
            choices = []
            for end in range(at + 1, min(at + _JOINED, len(pieces)) + 1):
                part = SEPARATOR.join(pieces[at:end])
                said = self.sentence(part, scope)
                choices.append((best[end][0] + (end - at) * (said is None), end, part, said))
            best[at] = min(choices, key=lambda choice: choice[:2])
        if best[0][0] and (said := self.sentence(text, scope)) is not None:
            return [(text, said)]
        found, at = [], 0
        while at < len(pieces):
            _, at, part, said = best[at]
            found.append((part, said))
        return found

    def sentence(self, text: str, scope: str, *, lenient: bool = False) -> str | None:
        """Say one sentence; `lenient` is whether a sentence within it need not be known."""
        key = (text, scope, lenient)
        if key not in self._read:
            self._read[key] = None
            if self._depth < _DEEPEST:
                self._depth += 1
                self._read[key] = self._sentence(text, scope, lenient)
                self._depth -= 1
        return self._read[key]

    def _sentence(self, text: str, scope: str, lenient: bool) -> str | None:
        for at in (scope, ANY):
            known = self._known(at)
            if text in known.exact:
                return known.exact[text]
            for one in known.patterns:
                found = one.match(text)
                values = self._values(found.groupdict(), scope, lenient) if found else None
                if values is not None:
                    return one.said.format(**values)
        return None

    def _values(self, found: Mapping[str, str], scope: str, lenient: bool) -> dict[str, str] | None:
        values = {}
        for name, value in found.items():
            said: str | None = value
            form = PLACES[name]
            if form == "list":
                said = self._list(value)
            elif form in ("finding", "reason") and value:
                said = self.whole(value, scope if form == "finding" else AUTHENTICATION) or (value if lenient else None)
            if said is None:
                return None
            values[name] = said
        return values

    def _list(self, value: str) -> str:
        """Say what of a list is not a value: how many more there are, and what stands for one."""
        known = self._known(LIST)
        for one in known.patterns:
            if found := one.match(value):
                return one.said.format(**found.groupdict() | {"shown": self._list(found["shown"])})
        return ", ".join(known.exact.get(part, part) for part in value.split(", "))
