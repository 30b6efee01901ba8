# SPDX-License-Identifier: Apache-2.0
"""The last of a disk is kept for what makes room again.

A settlement frees space, but must write to do so: on a disk that is full to the last page, a queue could neither
take mail nor get rid of any, and could not be opened. So new mail is refused while less than a floor is free.
"""

import os
from pathlib import Path

from gatepost.errors import StoreFull
from gatepost.storage.files import file_error

FLOOR_BYTES = 67_108_864
"""64 MiB: a whole WAL of 4000 pages of 8 KiB, and as much for its checkpoint."""


class Floor:
    """The free space of a folder's file system below which new mail is refused."""

    def __init__(self, folder: Path, floor_bytes: int = FLOOR_BYTES) -> None:
        self.folder = folder
        self.floor_bytes = floor_bytes

    def check(self) -> None:
        """Refuse if too little is free. Raises: StoreFull, StoreAway."""
        try:
            state = os.statvfs(self.folder)
        except OSError as error:
            raise file_error(error, str(self.folder)) from error
        if state.f_bavail * state.f_frsize < self.floor_bytes:
            raise StoreFull(f"{self.folder}: less than {self.floor_bytes >> 20} MiB are free; make room on this disk")
