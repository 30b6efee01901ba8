# SPDX-License-Identifier: Apache-2.0
"""Where benchmarks run: a folder below `.state/bench` of this checkout, on a disk that can sync, never a memory file system."""

import argparse
import fcntl
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_MEMORY = ("tmpfs", "ramfs")


def folder(name: str) -> Path:
    """Give an empty folder for this benchmark.

    Raises:
        SystemExit: Somebody runs this benchmark already, or the folder would lie in memory, where a commit costs nothing.
    """
    place = ROOT / ".state" / "bench" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(place.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        # Held until this process ends; two runs in one folder would ruin each other.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"bench/{name} runs already in this checkout")
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    system = file_system(place)
    if system in _MEMORY:
        sys.exit(f"{place} is on {system}, where a commit costs nothing; put the checkout on a disk")
    return place


def file_system(path: Path) -> str:
    """Name the file system that holds a path."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind = line.split()[:3]
        if path.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def arguments(description: str) -> argparse.ArgumentParser:
    """Give a parser with the two options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a short run for continuous integration")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output; progress stays on standard error")
    return parser


def tell(sentence: str) -> None:
    """Report progress on standard error."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()
