# SPDX-License-Identifier: Apache-2.0
"""A file under a name that says it is not whole yet; what writes blobs to a disk, writes them so.

Whatever fails removes it, so a reader finds a whole file or none; what a crash leaves is told by its name.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from gatepost.errors import StoreError
from gatepost.storage.files import file_error

PART = ".part"
FLUSH_BYTES = 262_144
"""Dirty bytes of one blob before they are flushed: a large mail must not make the next small commit wait for its writeback."""


class PartFile:
    """A file being written, of mode 0600; ends with `become` or `discard`."""

    def __init__(self, path: Path, check_room: Callable[[], None]) -> None:
        """Create it. `check_room` raises StoreFull when this disk should take no more. Raises: StoreFull, StoreAway."""
        self.path = path
        self.size = 0
        self._check_room = check_room
        self._unflushed = 0
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_error(error, str(path)) from error

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway; the file is removed then."""
        try:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self.size += len(piece)
            self._unflushed += len(piece)
            if self._unflushed >= FLUSH_BYTES:
                began = time.perf_counter()
                os.fdatasync(self._file)
                self._unflushed = 0
                time.sleep(time.perf_counter() - began)  # half of the disk's time is for everybody else's commits
                self._check_room()
        except (OSError, StoreError) as error:
            self.discard()
            raise file_error(error, str(self.path)) from error

    def sync(self) -> None:
        """Make the bytes durable and take no more. Raises: StoreFull, StoreAway; the file is removed then."""
        try:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
        except OSError as error:
            self.discard()
            raise file_error(error, str(self.path)) from error

    def become(self, path: Path) -> None:
        """Take the name of the whole, once synced. Raises: StoreFull, StoreAway; the file is removed then."""
        try:
            os.rename(self.path, path)
        except OSError as error:
            self.discard()
            raise file_error(error, str(path)) from error

    def discard(self) -> None:
        """Remove it; allowed at any time, and twice. Nothing is removed once it has become the whole."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        with contextlib.suppress(OSError):
            self.path.unlink()
