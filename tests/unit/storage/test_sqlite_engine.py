# SPDX-License-Identifier: Apache-2.0
"""The engine's settings and the owner's lock."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatepost.errors import StoreAway, StoreError, StoreFull, StoreOwned
from gatepost.storage.owner import OwnerLock
from gatepost.storage.sqlite import check_version, connect, connect_reader, engine, store_error


def test_the_writing_connection_is_durable(tmp_path: Path) -> None:
    """WAL, synchronous FULL, pages of 8 KiB, a checkpoint each 4000 pages, no foreign keys."""
    connection = connect(tmp_path / "s.sqlite", owned=True)
    connection.execute("CREATE TABLE t (n)")
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "page_size", "wal_autocheckpoint", "foreign_keys")
    }
    connection.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "page_size": 8192, "wal_autocheckpoint": 4000, "foreign_keys": 0}


def test_a_reader_cannot_write_and_never_checkpoints(tmp_path: Path) -> None:
    """The second connection is query_only and has no automatic checkpoint."""
    writer = connect(tmp_path / "s.sqlite", owned=True)
    writer.execute("CREATE TABLE t (n)")
    reader = connect_reader(tmp_path / "s.sqlite")
    with pytest.raises(engine.OperationalError):
        reader.execute("INSERT INTO t VALUES (1)")
    assert reader.execute("PRAGMA wal_autocheckpoint").fetchone()[0] == 0
    reader.close()
    writer.close()


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2)])
def test_an_unsafe_library_needs_a_sole_owner(version: tuple[int, int, int]) -> None:
    """SQLite with the WAL-reset defect is refused unless one process owns the store."""
    with pytest.raises(StoreError, match=r"SQLite 3\.\d+\.\d+ may corrupt .* install pysqlite3"):
        check_version(version, owned=False)
    check_version(version, owned=True)
    check_version((3, 51, 3), owned=False)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), StoreFull),
        (OSError(122, "Disk quota exceeded"), StoreFull),
        (OSError(5, "Input/output error"), StoreAway),
        (OSError(30, "Read-only file system"), StoreAway),
    ],
)
def test_failures_of_the_file_system_have_names(error: OSError, expected: type[StoreError]) -> None:
    """No space and no quota are StoreFull, all else StoreAway."""
    assert type(store_error(error, "here")) is expected


def test_a_file_that_is_no_store_is_away(tmp_path: Path) -> None:
    """A foreign file, and a folder that is not there, are StoreAway."""
    (tmp_path / "s.sqlite").write_bytes(b"not a database at all" * 1000)
    for path in (tmp_path / "s.sqlite", tmp_path / "none" / "s.sqlite"):
        with pytest.raises(StoreAway):
            connect(path, owned=True)


def test_a_second_owner_is_refused_with_the_first_ones_number(tmp_path: Path) -> None:
    """Another process gets a sentence with the owner's pid; once the owner is gone, it gets the store."""
    program = (
        "import sys, pathlib; from gatepost.storage.owner import OwnerLock; from gatepost.errors import StoreOwned\n"
        "try: OwnerLock(pathlib.Path(sys.argv[1])); print('mine')\n"
        "except StoreOwned as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    lock = OwnerLock(tmp_path)
    refused = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"process {os.getpid()} owns this store; end that process" in refused
    with pytest.raises(StoreOwned):
        OwnerLock(tmp_path)
    lock.release()
    lock.release()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "mine"
