# SPDX-License-Identifier: Apache-2.0
"""Disks of a test's own, so that what a gateway says of its disk depends on the test alone, and not on the machine's.

with disk(folder, 160 << 20): ...        # a small one, to be filled
with roomy(tmp_path / "data"): ...       # so large that nobody speaks of it
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOMY_BYTES = 1 << 30
FULL = 0.65
"""Of the machine's disk: from here on an incident may be near."""


@contextlib.contextmanager
def disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """Mount an empty disk on a folder, in memory; skips the test where that may not be done."""
    if not _mount(folder, size_bytes):
        pytest.skip("only root can mount a disk, and only where mounting is allowed")
    with _mounted(folder):
        yield folder


@contextlib.contextmanager
def roomy(folder: Path) -> Iterator[Path]:
    """Give a folder a disk with room; where that may not be done the machine's will do, if it has room itself."""
    if _mount(folder, ROOMY_BYTES):
        with _mounted(folder):
            yield folder
        return
    of_machine = shutil.disk_usage(folder)
    if 1 - of_machine.free / of_machine.total > FULL:
        pytest.skip(f"{folder}: its disk is nearly full, which is an incident; make room, or let root run the tests")
    yield folder


def _mount(folder: Path, size_bytes: int) -> bool:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = f"size={size_bytes},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode


@contextlib.contextmanager
def _mounted(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
