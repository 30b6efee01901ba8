# SPDX-License-Identifier: Apache-2.0
"""The owner's lock: one process owns a store of a data folder; however it ends, the lock ends with it."""

import fcntl
import os
from pathlib import Path

from gatepost.storage.files import file_error
from gatepost.storage.ownership import lock_path, owned_by


class OwnerLock:
    """An exclusive `flock` on `DATABASE.lock`, which names the owner's process for people."""

    def __init__(self, folder: Path, database: str = "gateway") -> None:
        """Take the lock.

        Raises: StoreOwned while another process holds it; StoreAway or StoreFull when the folder cannot be written.
        """
        self.path = lock_path(folder, database)
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_error(error, str(self.path)) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)
        except BlockingIOError as error:
            owned = owned_by(folder, self._file)
            os.close(self._file)
            raise owned from error
        except OSError as error:
            os.close(self._file)
            raise file_error(error, str(self.path)) from error

    def release(self) -> None:
        """Give the store free; releasing twice is allowed."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
