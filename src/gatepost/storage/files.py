# SPDX-License-Identifier: Apache-2.0
"""Name what a file system can do to us, without loading a database engine: `receive` writes blobs and opens no store."""

import errno

from gatepost.errors import StoreAway, StoreError, StoreFull

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


def file_error(error: OSError | StoreError, where: str) -> StoreError:
    """Give StoreFull when no space or quota is left, else StoreAway; what has its name already keeps it."""
    if isinstance(error, StoreError):
        return error
    if error.errno in _NO_SPACE:
        return StoreFull(f"{where}: no space is left: {error.strerror}")
    return StoreAway(f"{where}: {error.strerror or error}")
