# SPDX-License-Identifier: Apache-2.0
"""Which holder the process before us was, so that a gateway that starts again need not wait for its own lease.

Whoever opens a store for a data folder holds that folder's lock, so the one before is gone. Its last COMMIT may still
be on its way to the server: its lease is cut short to `GRACE_S`, not ended.
"""

import contextlib
from pathlib import Path

GRACE_S = 5.0
_NAME = "holder"


def former_holder(folder: Path, where: str) -> int:
    """Give the number under which a process of this folder last entered this store; 0 when that is not known."""
    try:
        number, _, store = (folder / _NAME).read_text("utf-8").strip().partition(" ")
    except (OSError, UnicodeDecodeError):
        return 0
    return int(number) if store == where and number.isascii() and number.isdigit() else 0


def note_holder(folder: Path, where: str, holder: int) -> None:
    """Leave our number to the one after us; without it he waits for our lease."""
    with contextlib.suppress(OSError):
        part = folder / f"{_NAME}.part"
        part.write_text(f"{holder} {where}\n", "utf-8")
        part.replace(folder / _NAME)
