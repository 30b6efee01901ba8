# SPDX-License-Identifier: Apache-2.0
"""The boundary lines of all open multipart entities, found in one pass (RFC 2046 §5.1).

Promises: each byte is searched once, however deep multiparts nest; the search is for what all open
boundaries begin with, so a plain mail is passed over at the speed of `bytes.find`. A line is a boundary only
when nothing but blanks follows; of two equal boundaries the innermost counts.
"""

from typing import NamedTuple

from gatepost.message.raw import Raw

_SEARCHED = 70
"""Bytes of a boundary that are searched for (RFC 2046 §5.1.1 allows no more); the rest is compared."""


Delimiter = tuple[int, int, int, bool]
"""A boundary line: the place of the line end before it, its own line end, its multipart's level, whether it closes."""


class _Open(NamedTuple):
    boundary: bytes
    level: int
    shadowed: "_Open | None"


class Boundaries:
    """The open boundaries. After `patience` lines that only look like one, `worn_out` is set."""

    __slots__ = ("_by_boundary", "_end", "_needle", "_open", "_patience", "_raw", "doubtful", "levels", "worn_out")

    def __init__(self, raw: Raw, patience: int) -> None:
        self._raw, self._end, self._patience = raw, len(raw), patience
        self._open: list[_Open] = []
        self._by_boundary: dict[bytes, _Open] = {}
        self._needle = b""
        self.levels: list[int] = []
        """The depth in the path of each multipart whose boundary is open, innermost last."""
        self.worn_out = False
        self.doubtful = False
        """Whether a line began with a boundary and went on: other readers may have seen a part there."""

    def open(self, boundary: bytes, level: int) -> bool:
        """Look out for one more boundary; say whether it is new, and not that of an outer multipart."""
        shadowed = self._by_boundary.get(boundary)
        opened = _Open(boundary, level, shadowed)
        self._open.append(opened)
        self.levels.append(level)
        self._by_boundary[boundary] = opened
        self._aim()
        return shadowed is None

    def forget(self) -> None:
        """Stop looking for the innermost boundary."""
        boundary, _, shadowed = self._open.pop()
        self.levels.pop()
        if shadowed is None:
            del self._by_boundary[boundary]
        else:
            self._by_boundary[boundary] = shadowed
        self._aim()

    def find(self, position: int, end: int) -> Delimiter | None:
        """Find the next boundary line that begins between these places; `position` may be the line end before it."""
        raw, find, by_boundary = self._raw, self._raw.find, self._by_boundary
        while (at := find(self._needle, position, end)) >= 0:
            line_end = find(b"\n", at + 1)
            if line_end < 0:
                line_end = self._end
            line = raw[at + 3 : line_end].rstrip(b" \t\r")
            if (opened := by_boundary.get(line)) is not None:
                return at, line_end, opened.level, False
            if line[-2:] == b"--" and (opened := by_boundary.get(line[:-2])) is not None:
                return at, line_end, opened.level, True
            position = line_end
            if not self.doubtful and line.startswith(tuple(by_boundary)):
                self.doubtful = True
            self._patience -= 1
            if self._patience < 0:
                self.worn_out = True
                return None
        return None

    def _aim(self) -> None:
        heads = [boundary[:_SEARCHED] for boundary in self._by_boundary]
        self._needle = b"\n--" + (heads[0] if len(heads) == 1 else _common_head(heads))


def _common_head(heads: list[bytes]) -> bytes:
    """Give what all of these begin with."""
    if not heads:
        return b""
    low, high = min(heads), max(heads)
    for place, byte in enumerate(low):
        if high[place] != byte:
            return low[:place]
    return low
