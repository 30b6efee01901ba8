# SPDX-License-Identifier: Apache-2.0
"""An octet string as it lies in an object: one piece, or many in BER (X.690 §8.7).

In one piece it is a view of the object and never copied. Of many pieces about a mebibyte at a time is joined, so that
hashing and decrypting take little space however the pieces were cut. Where the object has a space of its own, the pieces are put
together there, and what is taken or decrypted takes the object's place.
"""

from collections.abc import Callable, Iterator
from typing import cast

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.measures import CONSTRUCTED, INDEFINITE, Measures
from gatepost.encryption.cms.space import SLICE, AnyBytes, Space, slices

OCTET_STRING = 0x04
_JOINED = 1 << 20
_ROOM = 64
"""More octets than a cipher keeps back of a slice and gives with the next one."""


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
        """Read the pieces once, so that nothing after this refuses them; in a space of the object's own they are one piece then."""
        if self._constructed and self._measures.space is not None:
            self._gather(self._measures.space)
        elif self._constructed:
            for _ in self.blocks():
                pass

    def take(self) -> bytes:
        """Give the contents as bytes; an object in a space of its own gives its memory with them, and is empty afterwards."""
        measures = self._measures
        space = measures.space
        if space is None:
            return b"".join(self.blocks()) if self._constructed else measures.data[self._start : self._stop]
        self.check()
        start, stop = self._start, self._stop
        self._leave()
        space.keep(start, stop)
        return space.octets()

    def recast(self, through: Callable[[AnyBytes, memoryview], int]) -> Space:
        """Put each slice through a function that writes what becomes of it and gives its size: in all no more than came in.

        In a space of the object's own the result takes its place, and the object is empty afterwards.
        """
        self.check()
        space, start, stop, size = self._measures.space, self._start, self._stop, 0
        if space is None:
            space, room = Space(room=stop - start), memoryview(bytearray(SLICE + _ROOM))
            for piece in slices(self.blocks()):
                space.write(room[: through(piece, room)])
            return space
        self._leave()
        with space.view() as view:
            for place in range(start, stop, SLICE):
                # A copy of the slice, for the header was shorter than a slice and what is written reaches into it.
                size += through(bytes(view[place : min(place + SLICE, stop)]), view[size:])
        space.keep(0, size)
        return space

    def _gather(self, space: Space) -> None:
        """Put the pieces together, each behind the one before and before all that is still to be read."""
        measures, end = self._measures, self._start
        for _ in _pieces(measures, self._start, self._stop):
            pass  # one that is malformed is refused before anything is moved
        measures.data = b""
        with space.view() as view:
            measures.data = cast(bytes, view)  # it is read as bytes are
            for start, stop in _pieces(measures, self._start, self._stop):
                view[end : end + stop - start] = view[start:stop]
                end += stop - start
        measures.data, self._stop, self._constructed = space.octets(), end, False

    def _leave(self) -> None:
        """Hold the object's memory no more."""
        self._start = self._stop = 0
        self._measures.data, self._measures.space = b"", None

    @property
    def bound(self) -> int:
        """No more octets than this are inside."""
        return self._stop - self._start


def _joined(measures: Measures, position: int, stop: int) -> Iterator[bytes]:
    """Join the primitive pieces, about a mebibyte at a time."""
    data, size = measures.data, 0
    pieces: list[bytes] = []
    for start, end in _pieces(measures, position, stop):
        pieces.append(data[start:end])
        size += end - start
        if size > _JOINED:
            yield b"".join(pieces)
            pieces, size = [], 0
    yield b"".join(pieces)


def _pieces(measures: Measures, position: int, stop: int) -> Iterator[tuple[int, int]]:
    """Give where the primitive pieces are; constructed ones are opened, to the depth that limits allow."""
    data, left = measures.data, measures.limits.elements
    outer: list[tuple[int, int]] = []
    while True:
        while position >= stop:
            if not outer:
                return
            position, stop = outer.pop()
        left -= 1
        if left < 0 or len(outer) > measures.limits.depth:
            raise Refusal("too-large", "an octet string has too many pieces, or too deep ones")
        start, inside, after = _piece(measures, position, stop)
        if data[position] == OCTET_STRING:
            yield start, inside
            position = after
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
