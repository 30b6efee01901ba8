# SPDX-License-Identifier: Apache-2.0
"""Who owns a store of a data folder, told by its lock file; asking takes nothing and loads no engine."""

import fcntl
import os
from pathlib import Path

from gatepost.errors import StoreOwned


def lock_path(folder: Path, database: str) -> Path:
    """Give the file that the owner of a store holds locked (flock) and that names its process for people."""
    return folder / f"{database}.lock"


def refuse_owned(folder: Path, database: str = "gateway") -> None:
    """Find out whether the store is free, as a supervisor must before it binds a port.

    Raises: StoreOwned while a process owns it.
    """
    try:
        file = os.open(lock_path(folder, database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # Nobody has been here; or whoever needs the folder will say what is wrong with it.
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise owned_by(folder, file) from None
    finally:
        os.close(file)


def owned_by(folder: Path, file: int) -> StoreOwned:
    """Say who owns the store, as the open lock file names him."""
    owner = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
    return StoreOwned(f"{folder}: process {owner} owns this store; end that process, or set another `data` folder for this one")
