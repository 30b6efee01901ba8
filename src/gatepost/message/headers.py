# SPDX-License-Identifier: Apache-2.0
"""The header of an entity as a list of fields over the original bytes (RFC 5322 §2.2).

Promises: nothing is copied until it is asked for; a field knows where it stands, so that it can be
cut out without touching its neighbours; a line that is no field is passed over (`parse` names it, `stray` gives it).
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from gatepost.message.charsets import undeclared
from gatepost.message.encoded_words import decode_words

_FIELD = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+\n?+")
_NAME = re.compile(r"[!-9;-~]+").fullmatch
_ALONE = 4
"""So many names are looked for one by one; who asks for more is given all fields of the header."""
_FOLD = re.compile(r"\r?\n(?=[ \t])")


class Field(NamedTuple):
    """One header field; `start` to `end` is all of it, line end included, `value_start` is behind the colon."""

    name: str
    start: int
    value_start: int
    end: int
    raw: bytes
    """The value's bytes: as written, folds and line end included."""

    @property
    def text(self) -> str:
        """The value, unfolded and stripped (RFC 5322 §2.2.3)."""
        return unfold(self.raw)

    @property
    def decoded(self) -> str:
        """The value for people: unfolded, encoded words decoded (RFC 2047)."""
        return decode_words(unfold(self.raw))


def unfold(raw: bytes) -> str:
    """Give a raw value as one line of text."""
    text = undeclared(raw)
    return (_FOLD.sub("", text) if "\n" in text else text).strip(" \t\r\n")


class Headers:
    """The fields of one entity, in order; names are compared without regard to case."""

    def __init__(self, block: bytes, offset: int = 0) -> None:
        self._block, self._offset = block, offset
        self._asked = 0

    @cached_property
    def fields(self) -> list[Field]:
        """All fields, in the order in which they stand."""
        block, offset = self._block, self._offset
        fields = []
        for match in _FIELD.finditer(block):
            colon = block.index(b":", match.end(1)) + 1
            start, end = match.span()
            fields.append(Field(match[1].decode("ascii"), start + offset, colon + offset, end + offset, block[colon:end]))
        return fields

    @cached_property
    def _by_name(self) -> dict[str, list[Field]]:
        names: dict[str, list[Field]] = {}
        for field in self.fields:
            names.setdefault(field.name.lower(), []).append(field)
        return names

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._by_name

    @property
    def has_bare_cr(self) -> bool:
        """Whether a CR stands in it without an LF, where some readers begin a line (RFC 5322 §2.2 has none)."""
        return self._block.count(b"\r") != self._block.count(b"\r\n")

    @property
    def stray(self) -> list[tuple[int, bytes]]:
        """The lines that are neither a field nor the continuation of one, each with its number from 1 on and without its end."""
        left = _FIELD.sub(lambda field: b"\n" * field[0].count(b"\n"), self._block)
        return [(number, line.removesuffix(b"\r")) for number, line in enumerate(left.split(b"\n"), 1) if line]

    def all(self, name: str) -> list[Field]:
        """Give every field of this name."""
        if self._asked < _ALONE and "fields" not in self.__dict__:
            self._asked += 1
            return _alone(self._block, self._offset, name)
        return self._by_name.get(name.lower(), [])

    def first(self, name: str) -> Field | None:
        """Give the topmost field of this name."""
        found = self.all(name)
        return found[0] if found else None

    def text(self, name: str) -> str:
        """Give the topmost field's unfolded value, or '' when there is none."""
        found = self.first(name)
        return found.text if found else ""

    def decoded(self, name: str) -> str:
        """Give the topmost field's value for people, or '' when there is none."""
        found = self.first(name)
        return found.decoded if found else ""

    def count(self, name: str) -> int:
        """Give how many fields have this name."""
        return len(self._by_name.get(name.lower(), ()))


def _alone(block: bytes, offset: int, name: str) -> list[Field]:
    """Give the fields of one name without making the others."""
    fields = []
    for match in _search(name)(b"\n" + block):
        start, end = match.start(), match.end()
        value_start = block.index(b":", match.end(1) - 1) + 1
        end -= block[end - 1 : end] != b"\n"
        fields.append(Field(match[1].decode("ascii"), start + offset, value_start + offset, end + offset, block[value_start:end]))
    return fields


@lru_cache(maxsize=256)
def _search(name: str) -> Callable[[bytes], Iterator[re.Match[bytes]]]:
    if not _NAME(name):
        return re.compile(rb"(?!)").finditer  # no field has such a name
    written = re.escape(name.encode())
    return re.compile(rb"\n(" + written + rb")[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+", re.IGNORECASE).finditer
