# SPDX-License-Identifier: Apache-2.0
"""An octet string as it lies in an object: one piece, or many in BER (X.690 §8.7).

In one piece it is a view of the object and never copied. Of many pieces about a mebibyte at a time is joined, so that
hashing and decrypting take little space however the pieces were cut.
"""

from collections.abc import Iterator

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.measures import CONSTRUCTED, INDEFINITE, Measures

OCTET_STRING = 0x04
_JOINED = 1 << 20


def overhead(size: int, content: "Octets | None", limits: Limits) -> int:
    """Give how much of an object's `size` is not its content; `Refusal` when that is too much."""
    beside = size if content is None else size - content.bound
    if beside > limits.overhead_bytes:
        raise Refusal("too-large", f"{beside} bytes beside the content are more than the {limits.overhead_bytes} that are read")
    return beside


class Octets:
    """The value of an octet string of any size; `Refusal` from its methods says that its pieces are malformed."""

    __slots__ = ("_constructed", "_measures", "_start", "_stop")

    def __init__(self, measures: Measures, start: int, stop: int, constructed: bool) -> None:
        self._measures = measures
        self._start, self._stop, self._constructed = start, stop, constructed

    def blocks(self) -> Iterator[bytes | memoryview]:
        """Give the contents in order: the one piece, or joined ones."""
        if self._constructed:
            return _joined(self._measures, self._start, self._stop)
        return iter((memoryview(self._measures.data)[self._start : self._stop],))

    def whole(self) -> memoryview:
        """Give the contents at once; they are copied only when they lie in several pieces."""
        if self._constructed:
            return memoryview(b"".join(self.blocks()))
        return memoryview(self._measures.data)[self._start : self._stop]

    def check(self) -> None:
        """Read the pieces once, so that nothing after this refuses them."""
        if self._constructed:
            for _ in self.blocks():
                pass

    @property
    def bound(self) -> int:
        """No more octets than this are inside."""
        return self._stop - self._start


def _joined(measures: Measures, position: int, stop: int) -> Iterator[bytes]:
    """Join the primitive pieces; constructed ones are opened, to the depth that limits allow."""
    data, left, size = measures.data, measures.limits.elements, 0
    outer: list[tuple[int, int]] = []
    pieces: list[bytes] = []
    while True:
        while position >= stop:
            if not outer:
                yield b"".join(pieces)
                return
            position, stop = outer.pop()
        left -= 1
        if left < 0 or len(outer) > measures.limits.depth:
            raise Refusal("too-large", "an octet string has too many pieces, or too deep ones")
        start, inside, after = _piece(measures, position, stop)
        if data[position] == OCTET_STRING:
            pieces.append(data[start:inside])
            size += inside - start
            position = after
            if size > _JOINED:
                yield b"".join(pieces)
                pieces, size = [], 0
        elif data[position] == OCTET_STRING | CONSTRUCTED:
            outer.append((after, stop))
            position, stop = start, inside
        else:
            raise Refusal("malformed", "an octet string holds something else")


def _piece(measures: Measures, position: int, stop: int) -> tuple[int, int, int]:
    """Measure one piece: where its contents start and stop, and what follows."""
    start = position + 2
    if start > stop:
        raise Refusal("malformed", "a piece of an octet string is cut off")
    length = measures.data[position + 1]
    if length >= INDEFINITE:
        return measures.element(position, stop)
    if start + length > stop:
        raise Refusal("malformed", "a piece of an octet string ends behind it")
    return start, start + length, start + length
