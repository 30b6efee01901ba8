# SPDX-License-Identifier: Apache-2.0
"""Take a file of exported tracks apart, piece by piece: one JSON object, several after one another, or an array of them.

Promises: never more than one object and one piece of the file are in memory; what is between objects may be blanks, line ends,
commas and the brackets of one array, nothing else; a file longer than 100 MB, an object longer than 4 MiB, or a file that
ends in the middle of one is refused with its place.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from gatepost.errors import GatepostError

FILE_BYTES: Final = 100_000_000
OBJECT_BYTES: Final = 4_194_304
_PIECE_BYTES: Final = 262_144
_MARKS: Final = re.compile(rb'["{}\\]')
_BETWEEN: Final = re.compile(rb"[ \t\r\n,\[\]]*")
_BOM: Final = b"\xef\xbb\xbf"


class ImportRefused(GatepostError):
    """A file that cannot be imported: where, what, how to mend it."""

    exit_code = 1


class Document(NamedTuple):
    """One object of the file, not decoded yet."""

    number: int
    """From 1."""
    offset: int
    """Of its first byte."""
    untrusted_text: bytes

    @property
    def place(self) -> str:
        """Say where it stands."""
        return f"track {self.number} (byte {self.offset})"


def documents(file: BinaryIO) -> Iterator[Document]:
    """Yield the objects of a file. Raises: ImportRefused, OSError."""
    splitter, read = Splitter(), 0
    while piece := file.read(_PIECE_BYTES):
        read += len(piece)
        if read > FILE_BYTES:
            raise ImportRefused(f"the file is longer than {FILE_BYTES // 1_000_000} MB; export it in several parts, as by day")
        yield from splitter.feed(piece)
    splitter.end()


class Splitter:
    """Finds where objects begin and end; strings are the only place where a brace is none."""

    def __init__(self) -> None:
        self._held = bytearray()
        """What has been read and not given yet; begins with an object's brace while inside one."""
        self._base = 0
        """The place of `held` in the file."""
        self._at = 0
        """How far `held` has been looked at."""
        self._depth = 0
        self._in_string = False
        self._number = 0

    def feed(self, piece: bytes) -> Iterator[Document]:
        """Yield the objects that end in this piece."""
        self._held += piece
        if self._base == 0 and self._held.startswith(_BOM):
            self._drop(len(_BOM))
        while self._begin():
            end = self._find_end()
            if not end:
                if len(self._held) > OBJECT_BYTES:
                    raise ImportRefused(f"{self._place()}: is longer than {OBJECT_BYTES // 1_048_576} MiB; no track is")
                return
            self._number += 1
            yield Document(self._number, self._base, bytes(self._held[:end]))
            self._drop(end)

    def end(self) -> None:
        """Say that nothing more comes. Raises: ImportRefused."""
        if self._held:
            raise ImportRefused(f"{self._place()}: the file ends in the middle of it; export it again")
        if not self._number:
            raise ImportRefused("the file holds no track; `gatepost track export` writes one that does")

    def _begin(self) -> bool:
        """Whether an object has begun."""
        if self._depth == 0:
            between = _BETWEEN.match(self._held)
            self._drop(between.end() if between else 0)
            if self._held and self._held[:1] != b"{":
                raise ImportRefused(f"{self._place()}: begins with {bytes(self._held[:1])!r}, not with {{; this is no export of tracks")
        return bool(self._held)

    def _find_end(self) -> int:
        """Give the end of the object that `held` begins with; 0 when it has not come yet."""
        while found := _MARKS.search(self._held, self._at):
            mark, self._at = found[0], found.end()
            if self._in_string:
                if mark == b"\\":
                    if self._at == len(self._held):  # what is escaped has not come yet
                        self._at -= 1
                        return 0
                    self._at += 1
                elif mark == b'"':
                    self._in_string = False
            elif mark == b'"':
                self._in_string = True
            elif mark == b"{":
                self._depth += 1
            elif mark == b"}":
                self._depth -= 1
                if self._depth == 0:
                    return self._at
        self._at = len(self._held)
        return 0

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._base += count
        self._at = 0

    def _place(self) -> str:
        return f"track {self._number + 1} (byte {self._base})"
