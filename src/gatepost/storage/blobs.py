# SPDX-License-Identifier: Apache-2.0
"""Bodies too large for a row: named, written once, never changed.

Promises of every blob store: a name is given only once the bytes are durable; a blob is complete or not
there; removing what is gone is no error; `sweep` removes only what nobody refers to and what is older than a
day. All calls block on the disk: from an event loop, call them in a pool thread. Several processes may use one store.
"""

import contextlib
import mmap
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from gatepost.errors import StoreAway, StoreError
from gatepost.storage.files import file_error
from gatepost.storage.mapped import PatientMap
from gatepost.storage.space import FLOOR_BYTES, Floor

SWEEP_AGE_S = 86_400.0
PIECE_BYTES = 262_144
FLUSH_BYTES = 262_144
"""Dirty bytes of one blob before they are flushed: a large mail must not make the next small commit wait for its writeback."""

_NAME_CHARACTERS = frozenset("0123456789abcdef")


class BlobWriter(Protocol):
    """A blob being written; ends with `finish` or `abort`."""

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway."""

    def finish(self) -> str:
        """Make the blob durable and give its name. Raises: StoreFull, StoreAway."""

    def abort(self) -> None:
        """Remove what was written; allowed after a failure and twice, and nothing after `finish`."""


class BlobReader(Protocol):
    """A blob open for reading; a context manager."""

    size: int

    def pieces(self, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """Give the bytes in order."""

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
        """Remove blobs older than a day that `referenced`, asked with their names, does not give back; gives their number."""


class FileBlobWriter:
    """A part file that becomes the blob by `rename`."""

    def __init__(self, folder: Path, folder_file: int, floor: Floor) -> None:
        floor.check()
        self._floor = floor
        self._name = secrets.token_hex(16)
        self._blob = folder / self._name
        self._part = folder / f"{self._name}.part"
        self._folder_file = folder_file
        self._unflushed = 0
        self._finished = False
        try:
            self._file = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_error(error, str(self._part)) from error

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway; the part file is removed then."""
        try:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._unflushed += len(piece)
            if self._unflushed >= FLUSH_BYTES:
                began = time.perf_counter()
                os.fdatasync(self._file)
                self._unflushed = 0
                time.sleep(time.perf_counter() - began)  # half of the disk's time is for everybody else's commits
                self._floor.check()
        except (OSError, StoreError) as error:
            self.abort()
            raise file_error(error, str(self._part)) from error

    def finish(self) -> str:
        """Sync the file, rename it, sync the folder. Raises: StoreFull, StoreAway; nothing remains then."""
        try:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
            os.rename(self._part, self._blob)
            os.fsync(self._folder_file)
            self._finished = True
        except OSError as error:
            self.abort()
            raise file_error(error, str(self._blob)) from error
        return self._name

    def abort(self) -> None:
        """Remove what was written, unless the blob is finished."""
        if self._finished:
            return
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        for path in (self._part, self._blob):
            with contextlib.suppress(OSError):
                path.unlink()


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
            old = [
                entry.name
                for entry in os.scandir(self.folder)
                if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < oldest_kept and _is_ours(entry.name)
            ]
            kept = set(referenced([name for name in old if not name.endswith(".part")]))
            unwanted = [name for name in old if name not in kept]
            for name in unwanted:
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise file_error(error, str(self.folder)) from error
        return len(unwanted)

    def close(self) -> None:
        """Close the folder; blobs that are open stay so."""
        if self._folder_file >= 0:
            os.close(self._folder_file)
            self._folder_file = -1

    def _path(self, untrusted_name: str) -> Path:
        if not _is_blob_name(untrusted_name):
            raise StoreAway(f"{self.folder}: {untrusted_name!r} is not the name of a blob")
        return self.folder / untrusted_name


def _is_blob_name(name: str) -> bool:
    return len(name) == 32 and _NAME_CHARACTERS.issuperset(name)


def _is_ours(name: str) -> bool:
    return _is_blob_name(name.removesuffix(".part"))
