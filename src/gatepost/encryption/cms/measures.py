# SPDX-License-Identifier: Apache-2.0
"""Where an element ends: long lengths and indefinite ones (X.690 §8.1.3), with a bound on the work for a whole object.

An element of indefinite length ends at its end-of-contents octets, which are found by stepping over all that is inside.
Ends that one search passes are remembered, so every byte is stepped over once, however deep the elements nest. No search recurses.
"""

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.space import Space

MAX_LENGTH_OCTETS = 8
INDEFINITE = 0x80
CONSTRUCTED = 0x20
MANY_OCTET_TAG = 0x1F


class Measures:
    """The measuring of one object's bytes."""

    __slots__ = ("_ends", "_left", "data", "limits", "space")

    def __init__(self, data: bytes, limits: Limits, space: Space | None = None) -> None:
        self.data = data
        self.limits = limits
        self.space = space
        """Where the bytes lie, when that is the object's own."""
        self._left = limits.elements
        self._ends: dict[int, int] = {}

    def element(self, position: int, end: int) -> tuple[int, int, int]:
        """Measure the element whose length at `position + 1` is not a short one: where its contents start and stop, and what follows."""
        data = self.data
        size = data[position + 1] & 0x7F
        start = position + 2 + size
        if size == 0:
            stop = self._end_of(position, start, end)
            return start, stop, stop + 2
        if size > MAX_LENGTH_OCTETS or start > end:
            raise Refusal("malformed", "a length is cut off or has too many octets")
        stop = start + int.from_bytes(data[position + 2 : start])
        if stop > end:
            raise Refusal("malformed", "an element ends behind the one that holds it")
        return start, stop, stop

    def _end_of(self, position: int, start: int, end: int) -> int:
        if not self.data[position] & CONSTRUCTED:
            raise Refusal("malformed", "a primitive element has an indefinite length")
        stop = self._ends.get(start)
        return self._search(start, end) if stop is None else stop

    def _search(self, start: int, end: int) -> int:
        """Step over elements until the end-of-contents octets of the one that starts here."""
        data, ends = self.data, self._ends
        opened, position, left = [start], start, self._left
        while position + 2 <= end:
            left -= 1
            if left < 0:
                raise Refusal("too-large", "there are too many elements")
            tag, length = data[position], data[position + 1]
            if tag == 0:
                if length:
                    raise Refusal("malformed", "end-of-contents octets have contents")
                ends[opened.pop()] = position
                if not opened:
                    self._left = left
                    return position
                position += 2
            elif tag & MANY_OCTET_TAG == MANY_OCTET_TAG:
                raise Refusal("malformed", "a tag has several octets")
            elif length < INDEFINITE:
                position += 2 + length
            elif length == INDEFINITE:
                position += 2
                self._opened(tag, len(opened))
                opened.append(position)
            else:
                position = self.element(position, end)[2]
        raise Refusal("malformed", "an element of indefinite length has no end")

    def _opened(self, tag: int, depth: int) -> None:
        if not tag & CONSTRUCTED:
            raise Refusal("malformed", "a primitive element has an indefinite length")
        if depth >= self.limits.depth or len(self._ends) + depth >= self.limits.indefinite:
            raise Refusal("too-large", "too many elements of indefinite length lie within each other or in a row")
