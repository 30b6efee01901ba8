# SPDX-License-Identifier: Apache-2.0
"""Blobs on S3: the copies of a machine, several gateways on one bucket, crashes in the middle."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from contracts.blob_engines import Holding, put, read, require, s3_server, s3_store
from gatepost.errors import StoreAway, StoreOwned
from gatepost.storage import blobs_bucket
from gatepost.storage.blobs import SWEEP_AGE_S, is_blob_name
from gatepost.testing.s3 import ACCESS_KEY, SECRET, S3Server
from waiting import PATIENCE_S


@pytest.fixture(autouse=True, scope="module")
def _server() -> None:
    require("s3")


@pytest.fixture
def url() -> str:
    return s3_server().create_bucket()


def bucket_of(url: str) -> str:
    return url.removeprefix("s3://").partition("/")[0]


def copies(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if is_blob_name(path.name)}


def away(url: str) -> str:
    """Give the same bucket at a port where nobody listens."""
    return f"{url.rpartition(':')[0]}:1"


# The copies of a machine


def test_what_was_received_is_not_fetched(url: str, tmp_path: Path) -> None:
    """A blob just written is read, mapped and begun from the machine's copy, by another process too, while the store is away."""
    name = put(s3_store(url, tmp_path), b"mail" * 50_000)
    other_process = s3_store(away(url), tmp_path)
    assert read(other_process, name) == b"mail" * 50_000
    assert other_process.beginning(name, 4) == b"mail"
    with other_process.open(name) as reader, reader.mapped() as mapped:
        assert mapped.find(b"lm") == 3


def test_what_was_fetched_is_fetched_once(url: str, tmp_path: Path) -> None:
    """A gateway that did not receive a mail keeps what it fetched."""
    name = put(s3_store(url, tmp_path / "one"), b"mail")
    assert read(s3_store(url, tmp_path / "two"), name) == b"mail"
    assert copies(tmp_path / "two") == {name}
    assert read(s3_store(away(url), tmp_path / "two"), name) == b"mail"


def test_the_copies_keep_to_their_limit(url: str, tmp_path: Path) -> None:
    """What was used longest ago goes first; what has gone is fetched again."""
    store = s3_store(url, tmp_path, limit_bytes=1_000_000)
    names = []
    for number in range(3):
        names.append(put(store, bytes([number]) * 300_000))
        os.utime(tmp_path / names[-1], (1000 + number, 1000 + number))
    read(store, names[0])
    names.append(put(store, b"x" * 300_000))
    assert copies(tmp_path) == {names[0], names[2], names[3]}
    assert read(store, names[1]) == bytes([1]) * 300_000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1_000_000


def test_a_process_keeps_to_the_limit_with_what_others_left(url: str, tmp_path: Path) -> None:
    """The first blob of a new process makes room among the copies that are there."""
    earlier = [put(s3_store(url, tmp_path), b"x" * 400_000) for _ in range(3)]
    newer = put(s3_store(url, tmp_path, limit_bytes=900_000), b"y" * 400_000)
    assert newer in copies(tmp_path)
    assert len(copies(tmp_path) & set(earlier)) == 1


def test_a_reader_outlives_its_copy(url: str, tmp_path: Path) -> None:
    """A copy that goes while it is read, and mapped, is read to its end."""
    store = s3_store(url, tmp_path, limit_bytes=1_000_000)
    name = put(store, b"a" * 600_000)
    with store.open(name) as reader:
        pieces = reader.pieces(100_000)
        next(pieces)
        mapped = reader.mapped()
        put(store, b"b" * 600_000)
        assert name not in copies(tmp_path)
        assert b"".join(pieces) == b"a" * 500_000
    with mapped:
        assert mapped[:] == b"a" * 600_000


def test_a_blob_larger_than_the_limit_is_served(url: str, tmp_path: Path) -> None:
    """It is written and read, and leaves no copy."""
    store = s3_store(url, tmp_path, limit_bytes=1000)
    name = put(store, b"x" * 200_000)
    assert read(store, name) == b"x" * 200_000
    assert copies(tmp_path) == set()


def test_copies_go_before_mail_is_refused(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that is short the copies make room first."""
    store = s3_store(url, tmp_path)
    put(store, b"x")
    real = os.statvfs

    def statvfs(folder: Path) -> os.statvfs_result:
        fields = list(real(folder))
        fields[4] = 0 if copies(tmp_path) else fields[4]
        return os.statvfs_result(fields)

    monkeypatch.setattr(os, "statvfs", statvfs)
    writer = store.create()
    assert copies(tmp_path) == set()
    writer.abort()


def test_what_a_crash_left_in_the_folder_goes(url: str, tmp_path: Path) -> None:
    """A part file that nobody has written to for an hour is removed; a younger one, and what is no blob's, stay."""
    name = "a" * 32
    for file in (f"{name}.00000000.part", f"{name}.11111111.part", "README"):
        (tmp_path / file).write_bytes(b"x")
    hour_ago = time.time() - 3700
    for file in (f"{name}.00000000.part", "README"):
        os.utime(tmp_path / file, (hour_ago, hour_ago))
    put(s3_store(url, tmp_path), b"y")
    assert {path.name for path in tmp_path.iterdir() if not is_blob_name(path.name)} == {f"{name}.11111111.part", "README"}


def test_a_copy_that_nobody_used_for_a_day_goes(url: str, tmp_path: Path) -> None:
    """Its blob may have been removed by another gateway; the sweep looks at none but this machine's copies for that."""
    store, other = s3_store(url, tmp_path / "one"), s3_store(url, tmp_path / "two")
    removed, kept = put(store, b"x"), put(store, b"y")
    other.remove([removed])
    assert copies(tmp_path / "one") == {removed, kept}
    store.sweep(lambda names: names, time.time() + SWEEP_AGE_S + 60)
    assert copies(tmp_path / "one") == set()
    assert read(store, kept) == b"y"


# Several gateways on one bucket


def test_what_another_gateway_removed_is_not_there(url: str, tmp_path: Path) -> None:
    """Without a copy it is StoreAway, and says so; removing it again is no error."""
    one, two = s3_store(url, tmp_path / "one"), s3_store(url, tmp_path / "two")
    name = put(one, b"x")
    one.remove([name])
    with pytest.raises(StoreAway, match="there is no such blob"):
        two.open(name)
    assert list((tmp_path / "two").iterdir()) == []
    two.remove([name])


def test_many_gateways_write_at_once(url: str, tmp_path: Path) -> None:
    """Twelve threads of three gateways: every blob is whole, whoever reads it."""
    stores = [s3_store(url, tmp_path / str(number)) for number in range(3)]
    names: dict[str, bytes] = {}

    def work(number: int) -> None:
        content = bytes([number]) * (200_000 + number)
        names[put(stores[number % 3], content)] = content

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 12
    assert all(read(store, name) == content for name, content in names.items() for store in stores)


def test_a_prefix_is_of_one_gateway_store(url: str, tmp_path: Path) -> None:
    """Gateways of one store share a prefix; one of another store is refused before its sweep removes what is not its own."""
    one, two = s3_store(url, tmp_path / "one"), s3_store(url, tmp_path / "two")
    one.claim("store-1")
    one.claim("store-1")
    two.claim("store-1")
    other = s3_store(url, tmp_path / "three")
    with pytest.raises(StoreOwned, match="a prefix of its own"):
        other.claim("store-2")
    put(one, b"x")
    with pytest.raises(StoreAway, match="nothing is swept until"):
        other.sweep(lambda names: [], time.time() + SWEEP_AGE_S + 60)
    s3_store(url.replace("/mails", "/others"), tmp_path / "three").claim("store-2")
    assert one.sweep(lambda names: [], time.time() + SWEEP_AGE_S + 60) == 1
    two.claim("store-1")


def test_prefixes_do_not_see_each_other(url: str, tmp_path: Path) -> None:
    """The sweep of one that holds another removes nothing in it."""
    inner = s3_store(url.replace("/mails", "/mails/inner"), tmp_path / "inner")
    name = put(inner, b"x")
    assert s3_store(url, tmp_path / "outer").sweep(lambda names: [], time.time() + SWEEP_AGE_S + 60) == 0
    inner.cache.remove([name])
    assert read(inner, name) == b"x"


def test_the_sweep_asks_in_slices(url: str, tmp_path: Path) -> None:
    """With more blobs than one answer lists, all are asked for, each once."""
    store = s3_store(url, tmp_path)
    names = {f"{number:032x}" for number in range(1100)}
    server, bucket = s3_server(), bucket_of(url)
    for name in names:
        server.put(bucket, f"mails/{name}", b"")
    asked: list[list[str]] = []

    def all_but_two(slice_: list[str]) -> list[str]:
        asked.append(slice_)
        return [name for name in slice_ if int(name, 16) not in (3, 1050)]

    assert store.sweep(all_but_two, time.time() + SWEEP_AGE_S + 60) == 2
    assert len(asked) > 1
    assert sorted(name for slice_ in asked for name in slice_) == sorted(names)


# Crashes in the middle

LARGE = 24_000_000
"""Three parts."""


def test_a_server_that_dies_in_the_middle_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`finish` says so, leaves no copy and no part file; once the server is back the same store works."""
    monkeypatch.setattr(blobs_bucket, "PAUSE_S", 0.0)
    with S3Server() as server:
        url = server.create_bucket("mid")
        gate = Holding(server.port, up=10_000_000)
        store = s3_store(server.url("mid", port=gate.port), tmp_path)
        writer = store.create()
        writer.write(bytes(LARGE))
        outcome: list[BaseException] = []

        def finish() -> None:
            try:
                writer.finish()
            except StoreAway as error:
                outcome.append(error)

        thread = threading.Thread(target=finish)
        thread.start()
        assert gate.held.wait(PATIENCE_S)
        server.kill()
        gate.close()
        thread.join(PATIENCE_S)
        assert outcome
        assert str(outcome[0]).startswith(f"s3://mid/mails?endpoint=http://127.0.0.1:{gate.port}: ")
        assert list(tmp_path.iterdir()) == []
        server.start()
        server.create_bucket("mid")
        again = s3_store(url, tmp_path)
        assert read(again, put(again, b"x")) == b"x"


_WRITE = """
import sys
from pathlib import Path
from gatepost.storage.blobs_opening import open_blobs
writer = open_blobs(sys.argv[1], Path(sys.argv[2]), login="env:TEST_BLOBS_LOGIN").create()
writer.write(bytes(int(sys.argv[3])))
print(writer.finish(), flush=True)
"""


@pytest.mark.parametrize("size", [2_000_000, LARGE])
def test_a_gateway_that_dies_in_the_middle_leaves_no_blob(url: str, tmp_path: Path, size: int) -> None:
    """Killed while it uploads, as one request or in parts: nothing has a name, and nothing is a copy."""
    server = s3_server()
    bucket = bucket_of(url)
    gate = Holding(server.port, up=size // 2)
    command = [sys.executable, "-c", _WRITE, server.url(bucket, port=gate.port), str(tmp_path), str(size)]
    process = subprocess.Popen(command, env={**os.environ, "TEST_BLOBS_LOGIN": f"{ACCESS_KEY}:{SECRET}"}, stdout=subprocess.PIPE)
    try:
        assert gate.held.wait(PATIENCE_S)
    finally:
        process.kill()
        said, _ = process.communicate(timeout=PATIENCE_S)
    gate.close()
    assert said == b""
    assert server.keys(bucket) == set()
    assert copies(tmp_path / "blob-cache") == set()
    assert len(list((tmp_path / "blob-cache").glob("*.part"))) == 1


def test_an_upload_that_fails_is_taken_back(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that the store refuses leaves no upload that costs room unseen."""
    server, bucket = s3_server(), bucket_of(url)
    store = s3_store(url, tmp_path)
    monkeypatch.setattr(blobs_bucket, "PART_BYTES", 1_000_000)  # less than a part may have, so its end is refused
    writer = store.create()
    writer.write(bytes(3_500_000))
    with pytest.raises(StoreAway, match="EntityTooSmall"):
        writer.finish()
    assert server.keys(bucket) == set()
    assert server.uploads(bucket) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_blob_that_comes_by_half_is_not_there(url: str, tmp_path: Path) -> None:
    """A connection that is lost while fetching is StoreAway, and leaves nothing that could be taken for the blob."""
    server = s3_server()
    name = put(s3_store(url, tmp_path / "one"), bytes(20_000_000))
    gate = Holding(server.port, down=12_000_000)
    store = s3_store(server.url(bucket_of(url), port=gate.port), tmp_path / "two")
    closing = threading.Thread(target=lambda: gate.held.wait(PATIENCE_S) and gate.close())
    closing.start()
    with pytest.raises(StoreAway):
        store.open(name)
    closing.join()
    assert list((tmp_path / "two").iterdir()) == []
