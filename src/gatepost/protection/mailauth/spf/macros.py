# SPDX-License-Identifier: Apache-2.0
"""The macro language of SPF records (RFC 7208 §7): `%{ir}.%{v}._spf.%{d2}` is a text with holes.

    %{d}      the current domain             %{d2}    its two right-hand labels
    %{ir}     the address, reversed          %{l-}    the local part, cut at hyphens, joined by dots
    %{D}      a capital: percent-encoded     %% %_ %-    `%`, a space, `%20`

Reading and expanding are pure and never raise. A text without a hole stays a plain string.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

LETTERS = frozenset("slodipvh")
"""Macros of a record; those of an explanation are also c, r and t (RFC 7208 §7.2)."""
EXPLANATION_LETTERS = LETTERS | frozenset("crt")
LONGEST_NAME = 253

_HOLE = re.compile(r"%(?:([%_-])|\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\})")
_ESCAPED = {"%": "%", "_": " ", "-": "%20"}


class Macro(NamedTuple):
    """One hole; `keep` counts the right-hand parts that stay, 0 all of them; `%%` has the letter `%`."""

    letter: str
    keep: int
    reverse: bool
    delimiters: str
    percent: bool


MacroString = str | tuple[str | Macro, ...]


def read_macros(text: str, letters: frozenset[str] = LETTERS) -> MacroString | None:
    """Read a macro-string; None where a `%` begins nothing that the grammar knows."""
    if "%" not in text:
        return text
    pieces: list[str | Macro] = []
    end = 0
    while (at := text.find("%", end)) >= 0:
        hole = _HOLE.match(text, at)
        macro = _macro(hole, letters) if hole is not None else None
        if hole is None or macro is None:
            return None
        pieces += (text[end:at], macro) if at > end else (macro,)
        end = hole.end()
    pieces += (text[end:],) if end < len(text) else ()
    return tuple(pieces)


def _macro(hole: re.Match[str], letters: frozenset[str]) -> Macro | None:
    escaped, letter, digits, reverse, delimiters = hole.groups()
    if escaped:
        return Macro(escaped, 0, False, ".", False)
    significant = digits.lstrip("0")
    if letter.lower() not in letters or (digits and not significant):
        return None
    keep = int(significant or 0) if len(significant) <= 3 else 0  # no name has a thousand parts
    return Macro(letter.lower(), keep, bool(reverse), delimiters or ".", letter.isupper())


def expand(text: MacroString, values: Mapping[str, str]) -> str:
    """Fill the holes; `values` has each letter's text."""
    if isinstance(text, str):
        return text
    return "".join([piece if isinstance(piece, str) else _filled(piece, values) for piece in text])


def uses(text: MacroString, letter: str) -> bool:
    """Whether a text has a hole for a letter."""
    return not isinstance(text, str) and any(isinstance(piece, Macro) and piece.letter == letter for piece in text)


def _filled(macro: Macro, values: Mapping[str, str]) -> str:
    if macro.letter in _ESCAPED:
        return _ESCAPED[macro.letter]
    value = values[macro.letter]
    if macro.keep or macro.reverse or macro.delimiters != ".":
        for delimiter in macro.delimiters:
            value = value.replace(delimiter, "\0")
        parts = value.split("\0")
        if macro.reverse:
            parts.reverse()
        value = ".".join(parts[-macro.keep :])
    return quote(value, safe="", errors="replace") if macro.percent else value


def query_name(expanded: str) -> str | None:
    """Give the name to look up, without its left labels where it is too long; None when no such name can exist.

    A name that is not ASCII comes from a local part in UTF-8, and matches nothing (RFC 8616 §4).
    """
    name = expanded[:-1] if expanded.endswith(".") else expanded
    while len(name) > LONGEST_NAME:
        _, dot, name = name.partition(".")
        if not dot:
            return None
    if not (name.isascii() and name.isprintable()):
        return None
    return name.lower() if all(0 < len(label) < 64 for label in name.split(".")) else None
