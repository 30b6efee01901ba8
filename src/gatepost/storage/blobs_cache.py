# SPDX-License-Identifier: Apache-2.0
"""Copies of blobs whose home is an object store, in a folder of bounded size that all processes of a machine share.

Promises: a copy is whole or not there, after a power cut too; the folder keeps to its limit, and what was used longest
ago goes first; a copy that goes while it is read is read to its end. Nothing here is needed: losing the folder costs
only fetching. A file's time of change is the time of its last use, as a blob itself never changes.

    NAME            a whole copy
    NAME.TAG.part   one being written or fetched; nobody's after an hour without a byte
"""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from gatepost.errors import StoreAway, StoreFull
from gatepost.storage.blobs import FileBlobReader, is_blob_name
from gatepost.storage.blobs_part import PART, PartFile
from gatepost.storage.files import file_error
from gatepost.storage.space import FLOOR_BYTES, Floor

LIMIT_BYTES = 1_073_741_824
"""1 GiB: twenty mails of the largest size that is usual, some thousands of the size that is."""
_PART_AGE_S = 3600.0
_SLACK = 32
"""The folder is read once in so many parts of the limit, not for each blob."""


class _Copy(NamedTuple):
    used_at: float
    size: int
    name: str


class BlobCache:
    """The copies in one folder. With several processes the limit may be passed by a 32nd for each but one."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES, floor_bytes: int = FLOOR_BYTES) -> None:
        """Open the folder, made where it is missing. Raises: StoreFull, StoreAway."""
        self.folder = folder
        self.limit_bytes = limit_bytes
        self.floor = Floor(folder, floor_bytes)
        self._slack = limit_bytes // _SLACK
        self._unseen = limit_bytes  # so that the first blob of a process looks at what others have left
        self._lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, str(folder)) from error

    def check_room(self) -> None:
        """Let copies go while the disk is short. Raises: StoreFull when it still is; StoreAway."""
        try:
            self.floor.check()
        except StoreFull:
            self._shrink(0)
            self.floor.check()

    def begin(self, name: str, *, needed: bool = False) -> PartFile:
        """Begin a copy; one that is `needed`, to deliver what is ours already, may take the last of the disk.

        Raises: StoreFull, StoreAway.
        """
        try:
            self.check_room()
        except StoreFull:
            if not needed:
                raise
        path = self.folder / f"{name}.{secrets.token_hex(4)}{PART}"
        return PartFile(path, _take_all if needed else self.check_room)

    def keep(self, part: PartFile, name: str) -> None:
        """Take in a synced part as the copy of a blob, and keep to the limit. Raises: StoreFull, StoreAway."""
        with contextlib.suppress(OSError):  # that it is not there is told by what follows
            _note_use(part.path)
        part.become(self.folder / name)
        with self._lock:
            self._unseen += part.size
            due = self._unseen >= self._slack
        if due:
            self._shrink(self.limit_bytes - self._slack)

    def open(self, name: str) -> FileBlobReader | None:
        """Open a copy, which notes its use; None when there is none. Raises: StoreAway."""
        path = self.folder / name
        try:
            _note_use(path)
            return FileBlobReader(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise file_error(error, str(path)) from error
        except StoreAway:
            if path.exists():
                raise
            return None  # it has gone since

    def remove(self, names: Collection[str]) -> None:
        """Remove copies; those that are not there are no error. Raises: StoreAway."""
        for name in names:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise file_error(error, str(self.folder / name)) from error

    def remove_unused(self, since: float) -> None:
        """Remove copies that nobody has used since a time: their blobs may be gone long ago. Raises: StoreAway."""
        self.remove([copy.name for copy in self._copies() if copy.used_at < since])

    def _shrink(self, wanted_bytes: int) -> None:
        """Remove copies, those used longest ago first, until no more than so many bytes are left."""
        with self._lock:
            self._unseen = 0
            copies = sorted(self._copies())
            total = sum(copy.size for copy in copies)
            for copy in copies:
                if total <= wanted_bytes:
                    break
                if not copy.name.endswith(PART):
                    self.remove([copy.name])
                    total -= copy.size

    def _copies(self) -> list[_Copy]:
        """Read the folder; parts that nobody writes any more are removed on the way."""
        copies, stale = [], time.time() - _PART_AGE_S
        try:
            for entry in os.scandir(self.folder):
                if not is_blob_name(entry.name[:32]) or not entry.is_file(follow_symlinks=False):
                    continue
                with contextlib.suppress(FileNotFoundError):  # another process was faster
                    state = entry.stat()
                    if entry.name.endswith(PART) and state.st_mtime < stale:
                        self.remove([entry.name])
                    else:
                        copies.append(_Copy(state.st_mtime, state.st_size, entry.name))
        except OSError as error:
            raise file_error(error, str(self.folder)) from error
        return copies


def _note_use(path: Path) -> None:
    now = time.time_ns()  # finer than the time that the kernel would write
    os.utime(path, ns=(now, now))


def _take_all() -> None:
    """Refuse nothing."""
