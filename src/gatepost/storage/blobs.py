# SPDX-License-Identifier: Apache-2.0
"""Bodies too large for a row: named, written once, never changed. The contract, and the store that keeps them as files.

Promises of every blob store: a name is given only once the bytes are durable; a blob is complete or not
there; removing what is gone is no error; `sweep` removes only what nobody refers to and what is older than a
day. All calls block, on the disk or on a network: from an event loop, call them in a pool thread. Several processes
may use one store; how each keeps its promises on S3 is told by `blobs_s3`. `blobs_opening` chooses.
"""

import contextlib
import mmap
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from gatepost.errors import StoreAway
from gatepost.storage.blobs_part import PART, PartFile
from gatepost.storage.files import file_error
from gatepost.storage.mapped import PatientMap
from gatepost.storage.space import FLOOR_BYTES, Floor

SWEEP_AGE_S = 86_400.0
PIECE_BYTES = 262_144

_NAME_CHARACTERS = frozenset("0123456789abcdef")


class BlobWriter(Protocol):
    """A blob being written; ends with `finish` or `abort`."""

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway; nothing remains then."""

    def finish(self) -> str:
        """Make the blob durable and give its name. Raises: StoreFull, StoreAway; nothing remains then that a name leads to."""

    def abort(self) -> None:
        """Remove what was written; allowed after a failure, twice, and after a `finish` whose name nobody has taken. Never waits long."""


class BlobReader(Protocol):
    """A blob open for reading; a context manager. Who has it open reads it to its end, even if it is removed meanwhile."""

    @property
    def size(self) -> int:
        """The blob's bytes."""

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """Give the bytes in order, from the beginning. Raises: StoreAway."""

    def mapped(self) -> PatientMap:
        """Map the whole blob; it must not be empty, and the map outlives this reader."""

    def close(self) -> None:
        """Give the resources back."""

    def __enter__(self) -> "BlobReader": ...

    def __exit__(self, *_: object) -> None: ...


class BlobStore(Protocol):
    """Where blobs are."""

    def create(self) -> BlobWriter:
        """Begin a blob. Raises: StoreFull, StoreAway."""

    def open(self, name: str) -> BlobReader:
        """Open a blob for reading. Raises: StoreAway, also when there is none of that name."""

    def beginning(self, name: str, size: int) -> bytes:
        """Give up to `size` first bytes of a blob. Raises: StoreAway."""

    def remove(self, names: Collection[str]) -> None:
        """Remove blobs. Raises: StoreAway."""

    def sweep(self, referenced: Callable[[list[str]], Collection[str]], now: float | None = None) -> int:
        """Remove blobs older than a day that `referenced`, asked with their names, does not give back; gives their number.

        `referenced` may be asked several times. Raises: StoreAway.
        """

    def claim(self, owner: str) -> None:
        """Make sure that only the gateway store `owner` keeps blobs here: another one's sweep would remove its mail.

        Raises: StoreOwned when another does; StoreAway.
        """

    def close(self) -> None:
        """Give the resources back; what is open stays so."""


def new_name() -> str:
    """Give a name that no blob has."""
    return secrets.token_hex(16)


def is_blob_name(name: str) -> bool:
    """Tell whether a blob could have this name; what else lies beside blobs is not ours."""
    return len(name) == 32 and _NAME_CHARACTERS.issuperset(name)


class FileBlobWriter:
    """A part file that becomes the blob by `rename`."""

    def __init__(self, folder: Path, folder_file: int, floor: Floor) -> None:
        floor.check()
        self._name = new_name()
        self._blob = folder / self._name
        self._part = PartFile(folder / f"{self._name}{PART}", floor.check)
        self._folder_file = folder_file

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway; the part file is removed then."""
        self._part.write(piece)

    def finish(self) -> str:
        """Sync the file, rename it, sync the folder. Raises: StoreFull, StoreAway; nothing remains then."""
        self._part.sync()
        self._part.become(self._blob)
        try:
            os.fsync(self._folder_file)
        except OSError as error:
            self.abort()
            raise file_error(error, str(self._blob)) from error
        return self._name

    def abort(self) -> None:
        """Remove what was written, or the blob that it has become."""
        self._part.discard()
        with contextlib.suppress(OSError):
            self._blob.unlink()


class FileBlobReader:
    """A blob file open for reading."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("rb", buffering=0)
        except OSError as error:
            raise file_error(error, str(path)) from error
        self.path = path
        self.size = os.fstat(self._file.fileno()).st_size

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """Give the bytes in order, from the beginning. Raises: StoreAway."""
        offset = 0
        while True:
            try:
                piece = os.pread(self._file.fileno(), size, offset)
            except OSError as error:
                raise file_error(error, str(self.path)) from error
            if not piece:
                return
            offset += len(piece)
            yield piece

    def mapped(self) -> PatientMap:
        """Map the whole blob; it must not be empty, and the map outlives this reader."""
        return PatientMap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "FileBlobReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileBlobStore:
    """Blobs as files of one folder, each of mode 0600."""

    def __init__(self, folder: Path, floor_bytes: int = FLOOR_BYTES) -> None:
        """Open the folder, made where it is missing. Raises: StoreFull, StoreAway."""
        self.folder = folder
        self.floor = Floor(folder, floor_bytes)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder_file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise file_error(error, str(folder)) from error

    def create(self) -> FileBlobWriter:
        """Begin a blob. Raises: StoreFull, StoreAway."""
        return FileBlobWriter(self.folder, self._folder_file, self.floor)

    def open(self, name: str) -> FileBlobReader:
        """Open a blob for reading. Raises: StoreAway, also when there is none of that name."""
        return FileBlobReader(self._path(name))

    def beginning(self, name: str, size: int) -> bytes:
        """Give up to `size` first bytes of a blob. Raises: StoreAway."""
        with self.open(name) as reader:
            return next(reader.pieces(size), b"")

    def remove(self, names: Collection[str]) -> None:
        """Unlink blobs; those that are gone already are no error. Raises: StoreAway."""
        for name in names:
            path = self._path(name)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise file_error(error, str(path)) from error

    def sweep(self, referenced: Callable[[list[str]], Collection[str]], now: float | None = None) -> int:
        """Remove old blobs and part files that nobody refers to; gives their number. Raises: StoreAway."""
        oldest_kept = (time.time() if now is None else now) - SWEEP_AGE_S
        try:
            old = [entry.name for entry in os.scandir(self.folder) if _is_ours(entry) and _changed_at(entry) < oldest_kept]
            kept = set(referenced([name for name in old if not name.endswith(PART)]))
            unwanted = [name for name in old if name not in kept]
            for name in unwanted:
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise file_error(error, str(self.folder)) from error
        return len(unwanted)

    def claim(self, owner: str) -> None:
        """Do nothing: who has the data folder has its blobs."""

    def close(self) -> None:
        """Close the folder; blobs that are open stay so."""
        if self._folder_file >= 0:
            os.close(self._folder_file)
            self._folder_file = -1

    def _path(self, untrusted_name: str) -> Path:
        if not is_blob_name(untrusted_name):
            raise StoreAway(f"{self.folder}: {untrusted_name!r} is not the name of a blob")
        return self.folder / untrusted_name


def _is_ours(entry: os.DirEntry[str]) -> bool:
    return is_blob_name(entry.name.removesuffix(PART)) and entry.is_file(follow_symlinks=False)


def _changed_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:  # removed since the folder was read
        return float("inf")
