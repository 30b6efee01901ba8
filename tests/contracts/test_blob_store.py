# SPDX-License-Identifier: Apache-2.0
"""What every blob store promises, with files and on S3."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.blob_engines import BlobEngine, blob_engine, blobs, put, read
from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.blobs import SWEEP_AGE_S, BlobStore
from gatepost.storage.space import Floor
from waiting import until

__all__ = ["blob_engine", "blobs"]


def floor_of(store: BlobStore) -> Floor:
    floor: Floor = getattr(store, "floor", None) or store.cache.floor  # type: ignore[attr-defined]
    return floor


def test_what_is_written_is_read(blobs: BlobStore) -> None:
    """Pieces come back as one content, in pieces of the wanted size, as a map, and its beginning alone."""
    name = put(blobs, b"ab", bytearray(b"cd"), memoryview(b"efg"))
    with blobs.open(name) as reader:
        assert reader.size == 7
        assert list(reader.pieces(3)) == [b"abc", b"def", b"g"]
        mapped = reader.mapped()
    with mapped:
        assert mapped[:] == b"abcdefg"
    assert blobs.beginning(name, 3) == b"abc"
    assert blobs.beginning(name, 30) == b"abcdefg"


def test_an_empty_blob_is_one(blob_engine: BlobEngine) -> None:
    """What has no bytes has a name and a size, and another gateway reads it."""
    name = put(blob_engine.open("one"))
    with blob_engine.open("two").open(name) as reader:
        assert reader.size == 0
        assert list(reader.pieces()) == []


@pytest.mark.parametrize("size", [8_388_608, 8_388_609, 20_000_000])
def test_a_large_blob_reaches_another_gateway_whole(blob_engine: BlobEngine, size: int) -> None:
    """Around the size where it goes up in parts, and above."""
    content = bytes(range(251)) * (size // 251 + 1)
    name = put(blob_engine.open("one"), memoryview(content)[:size])
    assert read(blob_engine.open("two"), name) == content[:size]


def test_an_unfinished_blob_has_no_name(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """Until `finish` there is only a part file; `abort` removes it, twice without harm."""
    writer = blobs.create()
    writer.write(b"x")
    assert len(blob_engine.parts()) == 1
    assert blob_engine.names() == set()
    writer.abort()
    writer.abort()
    assert blob_engine.parts() == []


async def test_a_finished_blob_that_nobody_took_is_removed(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """A client that hangs up while its mail becomes durable leaves nothing that waits for the sweep."""
    writer = blobs.create()
    writer.write(b"x")
    name = writer.finish()
    assert blob_engine.names() == {name}
    writer.abort()
    await until(lambda: not blob_engine.names(), "the blob is removed")
    await until(lambda: not [path for path in blob_engine.folder.rglob("*") if path.is_file()], "no copy is left")


def test_a_full_disk_refuses_and_leaves_nothing(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """Below the floor no blob is begun, and one that reaches it is given up as StoreFull and removed."""
    floor = floor_of(blobs)
    writer = blobs.create()
    writer.write(b"x" * 500_000)
    floor.floor_bytes = 1 << 62
    with pytest.raises(StoreFull, match="make room on this disk"):
        writer.write(b"x" * 600_000)
    with pytest.raises(StoreFull):
        blobs.create()
    assert blob_engine.parts() == []
    assert blob_engine.names() == set()


def test_a_full_disk_still_delivers(blob_engine: BlobEngine) -> None:
    """What is ours already is read below the floor too, also by a gateway that must fetch it."""
    name = put(blob_engine.open("one"), b"x" * 600_000)
    other = blob_engine.open("two")
    floor_of(other).floor_bytes = 1 << 62
    assert read(other, name) == b"x" * 600_000


def test_removing_what_is_gone_is_no_error(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """Remove may be repeated, and be asked for nothing; opening what is gone is StoreAway."""
    name, other = put(blobs, b"x"), put(blobs, b"y")
    blobs.remove([name])
    blobs.remove([name])
    blobs.remove([])
    with pytest.raises(StoreAway):
        blobs.open(name)
    with pytest.raises(StoreAway):
        blobs.beginning(name, 1)
    blobs.remove([name, other])
    assert blob_engine.names() == set()


def test_who_reads_reads_to_the_end(blobs: BlobStore) -> None:
    """A blob that is removed while it is read is read whole, and so is its map."""
    name = put(blobs, b"a" * 100_000)
    with blobs.open(name) as reader:
        pieces = reader.pieces(10_000)
        next(pieces)
        mapped = reader.mapped()
        blobs.remove([name])
        assert sum(map(len, pieces)) == 90_000
    with mapped:
        assert mapped[99_999:] == b"a"


@pytest.mark.parametrize(
    "name", ["", "..", "../owner.lock", "a" * 31, "A" * 32, "g" * 32, "a" * 32 + ".part", "a/" + "b" * 30, "owner", "é" * 32]
)
def test_a_name_that_is_none_of_ours_is_refused(blobs: BlobStore, name: str) -> None:
    """No name leads to what is no blob."""
    for use in (lambda: blobs.open(name), lambda: blobs.remove([name]), lambda: blobs.beginning(name, 1)):
        with pytest.raises(StoreAway, match="not the name of a blob"):
            use()


def test_another_gateway_reads_and_removes(blob_engine: BlobEngine) -> None:
    """Either may deliver what the other has received, and settle it."""
    one, two = blob_engine.open("one"), blob_engine.open("two")
    name = put(one, b"from one")
    assert read(two, name) == b"from one"
    assert two.beginning(name, 4) == b"from"
    two.remove([name])
    assert blob_engine.names() == set()
    one.remove([name])


def test_the_sweeper_removes_only_what_is_old_and_unreferenced(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """Young blobs are not even asked for; of old ones the referenced stay, and so does what is no blob."""
    names = {put(blobs, str(number).encode()) for number in range(5)}
    referenced = set(list(names)[:2])
    blob_engine.put_other()
    asked: list[str] = []

    def which(names_asked: list[str]) -> list[str]:
        asked.extend(names_asked)
        return [name for name in names_asked if name in referenced]

    now = time.time()
    assert blobs.sweep(which, now + SWEEP_AGE_S - 60) == 0
    assert asked == []
    assert blobs.sweep(which) == 0
    assert blob_engine.names() == names
    assert blobs.sweep(which, now + SWEEP_AGE_S + 60) == 3
    assert sorted(asked) == sorted(names)
    assert blob_engine.names() == referenced
    assert blob_engine.has_other()
    assert all(read(blobs, name) for name in referenced)


def test_the_sweeper_keeps_everything_when_it_cannot_ask(blob_engine: BlobEngine, blobs: BlobStore) -> None:
    """A store of mails that is away makes no blob unreferenced."""
    names = {put(blobs, b"x"), put(blobs, b"y")}

    def away(_: list[str]) -> list[str]:
        raise StoreAway("the database is away")

    with pytest.raises(StoreError, match="database"):
        blobs.sweep(away, time.time() + SWEEP_AGE_S + 60)
    assert blob_engine.names() == names


_MEMORY = """
import os, sys, tracemalloc
from pathlib import Path
from gatepost.storage.blobs_opening import open_blobs

def peak():
    # not ru_maxrss, which begins with what the process that started this one had
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
store = open_blobs(url, folder, login="env:TEST_BLOBS_LOGIN")
writer = store.create()
writer.write(b"x" * 200_000)
small = writer.finish()
with store.open(small) as reader:
    list(reader.pieces())
before = peak()
tracemalloc.start()
piece = os.urandom(32_768)
if not name:
    writer = store.create()
    for _ in range(1600):
        writer.write(piece)
    name = writer.finish()
with store.open(name) as reader:
    assert reader.size == 1600 * 32_768
    assert sum(map(len, reader.pieces())) == reader.size
print(name, peak() - before, tracemalloc.get_traced_memory()[1] / 1048576)
"""


@pytest.mark.parametrize("does", ["writes", "fetches"])
def test_a_blob_of_50_mb_needs_little_memory(blob_engine: BlobEngine, tmp_path: Path, does: str) -> None:
    """Writing one piece by piece, and reading one that another gateway wrote: less than 40 MiB more than a small one, of Python's 2."""
    name = put(blob_engine.open("one"), bytes(1600 * 32_768)) if does == "fetches" else ""
    folder = tmp_path / ("data" if blob_engine.name == "files" else "two")
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, blob_engine.url, str(folder), name], capture_output=True, text=True, check=True, timeout=60
    )
    name, resident, traced = done.stdout.split()
    print(f"{blob_engine.name} {does}: {resident} MiB resident, {traced} MiB of Python's")
    assert blob_engine.names() >= {name}
    assert float(resident) < 40
    assert float(traced) < 2
