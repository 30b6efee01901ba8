# SPDX-License-Identifier: Apache-2.0
"""Who owns a data folder, told by its lock file; asking takes nothing and loads no engine."""

import fcntl
import os
from pathlib import Path

from gatepost.errors import StoreOwned

LOCK = "owner.lock"
"""The file that the owner holds locked (flock) and that names its process for people."""


def refuse_owned(folder: Path) -> None:
    """Find out whether the folder is free, as a supervisor must before it binds a port.

    Raises: StoreOwned while a process owns it.
    """
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # Nobody has been here; or whoever needs the folder will say what is wrong with it.
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise owned_by(folder, file) from None
    finally:
        os.close(file)


def owned_by(folder: Path, file: int) -> StoreOwned:
    """Say who owns the folder, as the open lock file names him."""
    owner = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
    return StoreOwned(f"{folder}: process {owner} owns this store; end that process, or set another `data` folder for this one")
