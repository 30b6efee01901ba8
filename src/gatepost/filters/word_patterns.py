# SPDX-License-Identifier: Apache-2.0
"""A word group as one pattern: however many words it has, a text is gone through once, in linear time (RE2).

Folded text is what words are looked for in: capitals and invisible characters do not count, and it begins
and ends with a line end, so that every word has a character on both sides.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import re2  # type: ignore[import-untyped]  # google-re2 brings no stubs

from gatepost.config.rules import WordGroup
from gatepost.errors import ConfigError

MOST_APPEARANCES = 100
"""Appearances of one group that count; with at least 0.1 points each, more could not change the clamped points."""
LEAST_POINTS = 0.1

Search = Literal["simple", "wildcard", "regex"]

MOST_WORDS: dict[Search, int] = {"simple": 2000, "wildcard": 200, "regex": 200}
"""Words of one group, so that RE2 keeps its states in memory and looks at each byte once."""
_LONGEST_WORD = 500
_REACH_BYTES = 262_144
"""How far wildcards and expressions look: each of them that has begun to match costs time at every byte."""
_PATTERN_MEMORY_BYTES = 16 << 20

# RE2's own \b and \s know ASCII only.
_EDGE = r"[^\pL\pM\pN_]"
_BLANKS = r"[\s\pZ]+"
_NOT_BLANK = r"[^\s\pZ]"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"


class WordPattern:
    """One group's words, compiled. Raises `re2.error` when it is no pattern or too large a one."""

    __slots__ = ("_pattern", "search", "source", "weight")

    def __init__(self, group: WordGroup) -> None:
        self.search: Search = group.search
        """Which of a text's forms it is for."""
        self.weight = len(group.words) / MOST_WORDS[group.search]
        """How much of what one pattern may hold this one does."""
        self.source = _joined(group)
        self._pattern = re2.compile(self.source, _options(group.search))

    def appearances(self, text: bytes) -> list[bytes]:
        """Give each appearance, none overlapping another, at most MOST_APPEARANCES."""
        found: list[bytes] = []
        search, position, has_edges = self._pattern.search, 0, self.search != "regex"
        for _ in range(MOST_APPEARANCES):
            match = search(text, position)
            if match is None:
                break
            # The edge behind a word may be the one before the next.
            start, position = next(span for span in map(match.span, range(1, 5)) if span[0] >= 0) if has_edges else match.span()
            if position > start:
                found.append(text[start:position])
            else:
                position += 1
        return found

    def appears(self, text: bytes) -> bool:
        """Tell whether there is an appearance."""
        return self._pattern.search(text) is not None


def any_of(patterns: Sequence[WordPattern]) -> "re2._Regexp | None":
    """Join patterns of one kind into one that tells whether any appears; None when that is not worth it or too large."""
    if len(patterns) < 2 or sum(pattern.weight for pattern in patterns) > 1:
        return None
    try:
        options = _options(patterns[0].search)
        options.never_capture = True
        return re2.compile("|".join(f"(?:{pattern.source})" for pattern in patterns), options)
    except re2.error:
        return None


def fold(text: str) -> bytes:
    """Give the text in which words are looked for."""
    if not text.isascii():
        for character in _INVISIBLE:
            if character in text:
                text = text.replace(character, "")
    return f"\n{text.casefold()}\n".encode("utf-8", "replace")


def forms(text: str, searches: Collection[Search]) -> dict[Search, bytes]:
    """Give a text in the forms that these searches need."""
    made: dict[Search, bytes] = {}
    if "simple" in searches or "wildcard" in searches:
        made["simple"] = folded = fold(text)
        made["wildcard"] = folded[:_REACH_BYTES]
    if "regex" in searches:
        made["regex"] = text[:_REACH_BYTES].encode("utf-8", "replace")[:_REACH_BYTES]
    return made


def word_group_faults(groups: Sequence[WordGroup], source: str) -> Iterator[ConfigError]:
    """Yield what is wrong with word groups, in the file's order."""
    seen: dict[str, int] = {}
    for number, group in enumerate(groups):
        where = f"{source}: filters.word_groups[{number}]"
        first = seen.setdefault(group.name, number)
        if first != number:
            yield ConfigError(f"{where}.name", f"{group.name!r} is word_groups[{first}] already", "name it otherwise")
        if not math.isfinite(group.points) or abs(group.points) < LEAST_POINTS:
            yield ConfigError(f"{where}.points", f"{group.points} changes nothing", f"write at least {LEAST_POINTS}, or less than 0")
        most = MOST_WORDS[group.search]
        if not group.words or len(group.words) > most:
            cause = f"has {len(group.words)} words" if group.words else "is empty"
            yield ConfigError(f"{where}.words", cause, f"write 1 to {most} words in a {group.search} group, and the others in another")
            continue
        faults = [
            ConfigError(f"{where}.words[{index}]", *fault) for index, word in enumerate(group.words) if (fault := _fault(word, group))
        ]
        yield from faults
        if not faults:
            try:
                WordPattern(group)
            except re2.error as fault:
                yield ConfigError(f"{where}.words", f"cannot be searched together ({_said(fault)})", "make several groups of them")


def _fault(word: str, group: WordGroup) -> tuple[str, str] | None:
    if not word.strip() or len(word) > _LONGEST_WORD:
        return f"{word[:20]!r} has {len(word)} characters" if word.strip() else "is blank", f"write 1 to {_LONGEST_WORD} characters"
    if group.search == "wildcard" and not word.replace("*", "").replace("?", "").strip():
        return f"{word!r} is found in every mail", "write letters beside the * and ?"
    if group.search != "regex":
        return None if fold(word).strip() else (f"{word!r} has nothing visible", "write letters")
    try:
        if re2.compile(word, _options("regex")).search(b""):
            return f"{word!r} is found in every mail", "write an expression that needs at least one character"
    except re2.error as fault:
        return f"{word!r} is no RE2 expression ({_said(fault)})", "mend it; look-around and back-references do not exist in RE2"
    return None


def _joined(group: WordGroup) -> str:
    if group.search == "regex":
        return "|".join(f"(?:{word})" for word in group.words)
    # Four kinds: an edge is asked for where a word begins or ends with a letter, so that `c++` and `$$$` are found too.
    kinds: dict[tuple[bool, bool], list[str]] = {(lead, trail): [] for lead in (True, False) for trail in (True, False)}
    for word in group.words:
        folded = fold(word).decode().strip()
        # A run of characters at an end only says that no edge is needed there.
        core = folded.strip("*") if group.search == "wildcard" else folded
        ends = _is_letter(folded[0]), _is_letter(folded[-1])
        kinds[ends].append(_BLANKS.join(_piece(piece, group) for piece in core.split()))
    return "|".join(
        f"{_EDGE if lead else ''}({'|'.join(words) or _NEVER}){_EDGE if trail else ''}" for (lead, trail), words in kinds.items()
    )


_NEVER = r"[^\x{0}-\x{10FFFF}]"


def _piece(piece: str, group: WordGroup) -> str:
    escaped: str = re2.escape(piece)
    if group.search == "wildcard":
        escaped = escaped.replace(r"\*", f"{_NOT_BLANK}*?").replace(r"\?", _NOT_BLANK)
    return escaped


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"


def _options(search: Search) -> re2.Options:
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY_BYTES
    options.log_errors = False
    if search == "regex":
        options.case_sensitive = False
        options.never_capture = True
    return options


def _said(fault: Exception) -> str:
    cause = fault.args[0] if fault.args else fault
    return cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
