# SPDX-License-Identifier: Apache-2.0
"""A blob mapped into memory, for threads that read it beside an event loop.

One search through 50 MB would hold the interpreter for tens of milliseconds, and every session with it. A
search here goes window by window and lets others run in between; what it finds is the same.
"""

import mmap
import time

_WINDOW_BYTES = 131_072


class PatientMap(mmap.mmap):
    """A read-only map whose long searches give way."""

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        """Give the place of the first `sub` between `start` and `end`, or -1; negative places are not taken."""
        end = len(self) if end is None else min(end, len(self))
        overlap = len(sub) - 1
        while True:
            window_end = min(start + _WINDOW_BYTES, end)
            at = super().find(sub, start, window_end)
            if at >= 0 or window_end >= end:
                return at
            start = max(start, window_end - overlap)
            time.sleep(0)
