# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL's failures mean to us, by SQLSTATE (the manual's appendix A); none is a connection that is gone.

Full is a disk without space. Away is what passes by itself or is mended at the server: another gateway in the way included.
The rest is ours: a record that the store refuses, or a defect.
"""

import psycopg

from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.files import file_error

_DISK_FULL = "53100"
_AWAY_CLASSES = frozenset(
    {
        "08",  # connection exception
        "0A",  # a prepared statement whose table was migrated meanwhile: a new connection prepares it anew
        "25P03",  # idle in transaction for too long
        "25006",  # a standby, or a server set to read only
        "26",  # a prepared statement is gone
        "28",  # who we are is not believed
        "3D",  # there is no such database
        "40",  # rolled back: deadlock, serialization, doubt about a statement's completion
        "42501",  # a right is missing
        "53",  # insufficient resources: memory, connections
        "55P03",  # a lock was not to be had in time
        "57",  # operator intervention: shutting down, starting up, cancelled
        "58",  # input or output failed below the server
        "F0",  # its settings cannot be read
        "XX",  # internal: a page or an index is damaged
    }
)
_MENDS = {
    "password authentication failed": "mend the user or the password in the store's URL",
    "no password supplied": "put the password into the store's URL, and the URL into a file: reference",
    "no pg_hba.conf entry": "let pg_hba.conf on the server admit this machine and user",
    "does not exist": "create it, or mend the store's URL",
    "Connection refused": "start the server, or mend the host and port of the store's URL",
    "failed to resolve": "mend the host in the store's URL",
    "No such file or directory": "start the server, or mend the socket's folder in the store's URL",
    "timeout": "look whether the server is up and the network lets us through",
}
"""The server's words for what happens before a connection is there; it has no SQLSTATE for us then."""


def postgres_error(error: BaseException, where: str) -> StoreError:
    """Name a failure of PostgreSQL or of the file system as the tree of errors knows it."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, OSError):
        return file_error(error, where)
    words = _one_line(error)
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    if state == _DISK_FULL:
        return StoreFull(f"{where}: no space is left on the server: {words}")
    lost = state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    if lost or (state is not None and _is_away(state)):
        return StoreAway(f"{where}: {words}")
    return StoreError(f"{where}: the store refused the record: {words}")


def connection_error(error: psycopg.Error, where: str) -> StoreAway:
    """Say in one sentence why there is no connection and how to mend it."""
    words = _one_line(error).removeprefix("connection failed: ")
    mend = next((mend for said, mend in _MENDS.items() if said in words), "look at the server and at the store's URL")
    return StoreAway(f"{where}: {words}; {mend}")


def _is_away(state: str) -> bool:
    return state[:2] in _AWAY_CLASSES or state in _AWAY_CLASSES


def _one_line(error: BaseException) -> str:
    # Without libpq's advice, the statement's text and the mark below it.
    said = [line for line in str(error).splitlines() if not line.startswith(("\t", "LINE ", "HINT:", " "))]
    return " ".join(" ".join(said).split()) or type(error).__name__
