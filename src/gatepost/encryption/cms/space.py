# SPDX-License-Identifier: Apache-2.0
"""What is large is worked on in slices; and a large object has a space of its own, in which its content takes its place.

Promises: a small object never meets this; a space holds its octets once, and what is cut out of it is given away as it lies there.
Nobody's bytes change under him: while somebody else holds the octets, changing them copies them first.
"""

from collections.abc import Iterable, Iterator
from io import SEEK_CUR, BytesIO

LARGE = 1 << 20
"""Bytes from which on a content is worked on in slices; below it, whole is quicker and costs little."""
SLICE = 1 << 16
"""Bytes of a slice; with what is made of them they stay in a core's own cache."""

AnyBytes = bytes | bytearray | memoryview


class Space:
    """Memory that one object has alone; it grows at its end, and gives its octets away without copying them."""

    __slots__ = ("_file",)

    def __init__(self, octets: bytes = b"", *, room: int = 0) -> None:
        """Begin with these octets; they are taken over where nobody else holds them, else copied before the first change.

        `room` is how many are expected to be written to an empty space, which then need not grow: memory that was grown out of may stay
        with the process. Room that is not used takes none.
        """
        self._file = BytesIO(octets or bytes(room))
        self._file.seek(len(octets))

    def __len__(self) -> int:
        return self._file.tell()

    def write(self, octets: AnyBytes) -> None:
        """Add octets at the end."""
        self._file.write(octets)

    def grow(self, size: int) -> None:
        """Add so many octets of any value at the end."""
        self._file.seek(size - 1, SEEK_CUR)
        self._file.write(b"\0")

    def octets(self) -> bytes:
        """Give all octets."""
        self._file.truncate()
        return self._file.getvalue()

    def view(self) -> memoryview:
        """Give the octets to be changed; until the view is released the space cannot grow or shrink."""
        self._file.truncate()
        return self._file.getbuffer()

    def keep(self, start: int, stop: int) -> None:
        """Keep these octets alone."""
        if start:
            with self.view() as view:
                view[: stop - start] = view[start:stop]
        self._file.seek(stop - start)
        self._file.truncate()


def slices(pieces: Iterable[AnyBytes]) -> Iterator[AnyBytes]:
    """Give what lies in pieces, a slice at a time."""
    for piece in pieces:
        if len(piece) <= SLICE:
            yield piece
            continue
        view = memoryview(piece)
        for start in range(0, len(view), SLICE):
            yield view[start : start + SLICE]


def lines(pieces: Iterable[AnyBytes]) -> Iterator[bytes]:
    """Give whole lines, about a slice at a time; a line longer than that is cut, but never between CR and LF."""
    rest = b""
    for piece in slices(pieces):
        block = b"".join((rest, piece))
        end = block.rfind(b"\n") + 1 or len(block) - block.endswith(b"\r")
        rest = block[end:]
        if end:
            yield block[:end]
    if rest:
        yield rest


def written(blocks: Iterable[AnyBytes], room: int = 0) -> bytes:
    """Put blocks together one after the other, none of them kept beside the whole, for which about `room` is needed."""
    space = Space(room=room)
    for block in blocks:
        space.write(block)
    return space.octets()
