# SPDX-License-Identifier: Apache-2.0
"""A mail's bytes: in memory, or mapped from a file when the mail is large. Both can be searched and sliced alike."""

import mmap

Raw = bytes | mmap.mmap

_LONGEST_LINE = 1000
"""Bytes of a line with its CRLF (RFC 5322 §2.1.1)."""


def has_long_line(raw: Raw) -> bool:
    """Whether a line is longer than 998 bytes; looks at about every thousandth byte only."""
    rfind, length, start = raw.rfind, len(raw), 0
    while length - start > _LONGEST_LINE:
        line_end = rfind(b"\n", start, start + _LONGEST_LINE)
        if line_end < 0:
            return True
        start = line_end + 1
    return length - start > _LONGEST_LINE - 2 and raw[-1] != 10 and rfind(b"\n", start) < 0


class BlankLines:
    """Where the empty lines are; what was searched once is not searched again."""

    __slots__ = ("_crlf", "_lf", "_raw")

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._crlf = self._lf = (1, 0)
        """A place, and where the next empty line of that kind is from there on."""

    def after(self, start: int) -> int:
        """Give the place of the line end before the next empty line, or the mail's length when there is none."""
        since, at = self._crlf
        if not since <= start <= at:
            found = self._raw.find(b"\n\r\n", start)
            at = found if found >= 0 else len(self._raw)
            self._crlf = (start, at)
        since, lf_at = self._lf
        if not since <= start <= lf_at:
            found = self._raw.find(b"\n\n", start, at + 1)
            lf_at = found if found >= 0 else at
            self._lf = (start, lf_at)
        return min(at, lf_at)
