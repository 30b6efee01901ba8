# SPDX-License-Identifier: Apache-2.0
"""Blobs as files: what their store promises beside the contract (tests/contracts/test_blob_store.py)."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.errors import StoreAway, StoreFull
from gatepost.storage import blobs as blobs_module
from gatepost.storage.blobs import SWEEP_AGE_S, FileBlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[FileBlobStore]:
    store = FileBlobStore(tmp_path / "blobs")
    yield store
    store.close()


def put(store: FileBlobStore, *pieces: bytes) -> str:
    writer = store.create()
    for piece in pieces:
        writer.write(piece)
    return writer.finish()


def test_the_bytes_are_synced_before_the_name_and_the_name_before_the_answer(blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order: fsync of the file, rename, fsync of the folder."""
    order: list[str] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(file: int) -> None:
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{file}") else "file")
        real_fsync(file)

    def rename(old: Path, new: Path) -> None:
        order.append("rename")
        real_rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    put(blobs, b"x")
    assert order == ["file", "rename", "folder"]


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, StoreFull), (errno.EDQUOT, StoreFull), (errno.EIO, StoreAway), (errno.EROFS, StoreAway)]
)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_failing_disk_leaves_nothing(
    blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch, call: str, number: int, expected: type[Exception]
) -> None:
    """No space is StoreFull, all else StoreAway, and the part file is gone."""

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    writer = blobs.create()
    monkeypatch.setattr(blobs_module.os, call, fail)
    with pytest.raises(expected):
        writer.write(b"x")
        writer.finish()
    assert list(blobs.folder.iterdir()) == []


def test_the_sweeper_removes_only_what_is_old_and_unreferenced(blobs: FileBlobStore) -> None:
    """Young blobs, referenced ones and files of others stay; old part files go."""
    names = {which: put(blobs, which.encode()) for which in ("young", "referenced", "old")}
    blobs.create()
    (part,) = [path for path in blobs.folder.iterdir() if path.suffix == ".part"]
    other = blobs.folder / "README"
    other.touch()
    now = part.stat().st_mtime + SWEEP_AGE_S + 60
    os.utime(blobs.folder / names["young"], (now - SWEEP_AGE_S + 1, now - SWEEP_AGE_S + 1))
    asked: list[str] = []

    def referenced(names_asked: list[str]) -> list[str]:
        asked.extend(names_asked)
        return [names["referenced"]]

    assert blobs.sweep(referenced, now) == 2
    assert sorted(asked) == sorted((names["referenced"], names["old"]))
    assert {path.name for path in blobs.folder.iterdir()} == {names["young"], names["referenced"], "README"}


def test_another_process_reads_and_removes(blobs: FileBlobStore) -> None:
    """What one process wrote another can read and remove."""
    name = put(blobs, b"from here")
    program = (
        "import sys, pathlib; from gatepost.storage.blobs import FileBlobStore;"
        "s = FileBlobStore(pathlib.Path(sys.argv[1])); print(b''.join(s.open(sys.argv[2]).pieces())); s.remove([sys.argv[2]])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(blobs.folder), name], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "b'from here'"
    assert list(blobs.folder.iterdir()) == []
