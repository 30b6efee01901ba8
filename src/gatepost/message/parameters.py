# SPDX-License-Identifier: Apache-2.0
"""Parameters of a structured header field (RFC 2045 §5.1, RFC 2231): tolerant, bounded, in linear time.

Works on text in which each character is one byte (Latin-1), so that a boundary keeps its exact bytes;
only a finished value becomes real text. What is wrong is noted as a defect; a limit that is hit ends the reading.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.charsets import to_text, undeclared
from gatepost.message.encoded_words import decode_words

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)("?)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r"[^\s;=()\"]*+")
_VALUE = re.compile(r"[^;(\"]*+")
_COMMENT_STEP = re.compile(r"[^()\\]*+(?:\\.?|[()])?", re.DOTALL)
# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_BLANK = re.compile(r"(?:[ \t\r\n]++|\((?:[^()\\]|\\.)*+\))*", re.DOTALL)
"""Blanks and comments without comments in them."""
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,9}))?(\*)?")


class Parameters(NamedTuple):
    """What a field's parameters said; `values` are for people, `untrusted_bytes` are as written, names in lower case."""

    values: dict[str, str]
    untrusted_bytes: dict[str, bytes]
    defects: tuple[str, ...] = ()
    exceeded: str | None = None


class _Exceeded(Exception):
    """A limit of MessageLimits was hit; the argument is its name."""


def skip_blanks(text: str, position: int, comment_depth: int, found: list[str]) -> tuple[int, str | None]:
    """Give the position behind blanks and comments (RFC 5322 §3.2.2), and the name of the limit that stopped it, if any."""
    while True:
        position = _BLANK.match(text, position).end()  # type: ignore[union-attr]  # it matches everywhere
        if text[position : position + 1] != "(":
            return position, None
        depth = 0
        while True:
            step = _COMMENT_STEP.match(text, position)
            if step is None or step.end() == position:
                found.append(defects.UNCLOSED_COMMENT)
                return len(text), None
            position = step.end()
            mark = text[position - 1]
            if step[0].endswith(("\\(", "\\)")):
                continue
            if mark == "(":
                depth += 1
                if depth > comment_depth:
                    return len(text), "comment_depth"
            elif mark == ")":
                depth -= 1
                if depth == 0:
                    break


def parse_parameters(text: str, position: int, limits: MessageLimits) -> Parameters:
    """Read `; name=value` from a Latin-1 text, beginning at or before the first semicolon."""
    found: list[str] = []
    raw: dict[str, str] = {}
    exceeded = None
    try:
        _read(text, position, limits, raw, found)
    except _Exceeded as limit:
        exceeded = str(limit)
    values: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for name, value in raw.items():
        section = _SECTION.fullmatch(name) if "*" in name else None
        if section is None:
            values[name] = decode_words(undeclared(value.encode("latin-1")))
            continue
        pieces = sections.setdefault(section[1], [])
        if len(pieces) >= limits.continuations:
            exceeded = "continuations"
            continue
        pieces.append((int(section[2] or 0), bool(section[3]), value))
    for name, pieces in sections.items():
        values[name] = _join(pieces, found)  # RFC 2231 §3 and §4 go before a plain parameter of that name
    untrusted_bytes = {name: value.encode("latin-1") for name, value in raw.items()}
    return Parameters(values, untrusted_bytes, tuple(dict.fromkeys(found)), exceeded)


def _read(text: str, position: int, limits: MessageLimits, raw: dict[str, str], found: list[str]) -> None:
    """Fill `raw` with each parameter as it is written; the first of a name counts."""
    end = len(text)
    count = 0
    while True:
        position = _skip(text, position, limits, found)
        if position >= end:
            return
        if text[position] == ";":
            position += 1
            count += 1  # an empty or malformed parameter costs time like a good one, so it counts
            if count > limits.parameters:
                raise _Exceeded("parameters")
            continue
        name_match = _NAME.match(text, position)
        name = name_match[0].lower() if name_match else ""
        position = _skip(text, position + len(name), limits, found)
        if not name or text[position : position + 1] != "=":
            found.append(defects.MALFORMED_PARAMETER)
            position = _next_semicolon(text, position)
            continue
        position = _skip(text, position + 1, limits, found)
        value, position = _value(text, position, found)
        if name in raw:
            found.append(defects.DUPLICATE_PARAMETER)
        else:
            raw[name] = value


def _skip(text: str, position: int, limits: MessageLimits, found: list[str]) -> int:
    position, limit = skip_blanks(text, position, limits.comment_depth, found)
    if limit is not None:
        raise _Exceeded(limit)
    return position


def _next_semicolon(text: str, position: int) -> int:
    position = text.find(";", position)
    return len(text) if position < 0 else position


def _value(text: str, position: int, found: list[str]) -> tuple[str, int]:
    """Read a quoted string, or all up to the next semicolon (file names with blanks are common)."""
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        if not quoted[2]:
            found.append(defects.UNCLOSED_QUOTE)
        return unescape(quoted[1]), quoted.end()
    token = _VALUE.match(text, position)
    assert token is not None
    value = token[0].strip(" \t\r\n")
    if any(blank in value for blank in " \t"):
        found.append(defects.MALFORMED_PARAMETER)
    return value, token.end()


def unescape(quoted: str) -> str:
    """Give the content of a quoted string: folds and escapes removed."""
    if "\n" in quoted:
        quoted = quoted.replace("\r\n", "").replace("\n", "")
    return _ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted


def _join(pieces: list[tuple[int, bool, str]], found: list[str]) -> str:
    """Put an RFC 2231 value together; the character set stands in the first piece."""
    pieces.sort(key=lambda piece: piece[0])
    charset = ""
    data = b""
    for number, (_, extended, written) in enumerate(pieces):
        value = written
        if extended and number == 0:
            head = written.split("'", 2)
            if len(head) == 3:
                charset, _, value = head
            else:
                found.append(defects.MALFORMED_PARAMETER)
        data += unquote_to_bytes(value.encode("latin-1")) if extended else value.encode("latin-1")
    text, trouble = to_text(data, charset)
    found.extend(trouble)
    return text
