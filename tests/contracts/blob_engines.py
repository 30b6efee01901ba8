# SPDX-License-Identifier: Apache-2.0
"""The stores that keep the contract of a blob store, for tests that run on each.

from contracts.blob_engines import blob_engine, blobs
def test_something(blobs: BlobStore): ...     # once with files, once on S3
"""

import contextlib
import functools
import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.storage.blobs import BlobStore, is_blob_name
from gatepost.storage.blobs_bucket import Bucket
from gatepost.storage.blobs_bucket_url import parse_bucket_url
from gatepost.storage.blobs_cache import LIMIT_BYTES, BlobCache
from gatepost.storage.blobs_opening import open_blobs
from gatepost.storage.blobs_s3 import S3BlobStore
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.s3 import ACCESS_KEY, SECRET, S3Server, why_not
from run_end import OF_RUN

ENGINES = ("files", "s3")


@functools.cache
def s3_server() -> S3Server:
    """Give the server of this run; who wants to stop or kill one starts his own."""
    server = S3Server()
    server.start()
    OF_RUN.callback(server.stop)
    return server


def put(store: BlobStore, *pieces: bytes | bytearray | memoryview) -> str:
    """Write a blob and give its name."""
    writer = store.create()
    for piece in pieces:
        writer.write(piece)
    return writer.finish()


def read(store: BlobStore, name: str) -> bytes:
    """Read a whole blob."""
    with store.open(name) as reader:
        return b"".join(reader.pieces())


def s3_store(url: str, folder: Path, *, limit_bytes: int = LIMIT_BYTES, silence_s: float = 30.0, secret: str = SECRET) -> S3BlobStore:
    """Open a store on a bucket, with its copies in a folder."""
    bucket = Bucket(parse_bucket_url(url, "stores.blobs"), ACCESS_KEY, secret, silence_s=silence_s)
    return S3BlobStore(bucket, BlobCache(folder, limit_bytes))


class BlobEngine:
    """One place for blobs, which a test may open as several gateways."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.url = "files" if name == "files" else s3_server().create_bucket()
        self.bucket = self.url.removeprefix("s3://").partition("/")[0]
        self._opened: list[BlobStore] = []

    def open(self, gateway: str = "one") -> BlobStore:
        """Open the store; with files all gateways are processes of one machine."""
        store = open_blobs(self.url, self.folder / ("data" if self.name == "files" else gateway), login="env:TEST_BLOBS_LOGIN")
        self._opened.append(store)
        return store

    def names(self) -> set[str]:
        """Give the names of the blobs that are there, whatever a machine has copies of."""
        if self.name == "files":
            return {path.name for path in (self.folder / "data" / "blobs").iterdir() if is_blob_name(path.name)}
        return {key.removeprefix("mails/") for key in s3_server().keys(self.bucket) if is_blob_name(key.removeprefix("mails/"))}

    def parts(self) -> list[Path]:
        """Give what is being written on this machine."""
        return list(self.folder.rglob("*.part"))

    def put_other(self) -> None:
        """Put something beside the blobs that is none."""
        if self.name == "files":
            (self.folder / "data" / "blobs" / "README").touch()
        else:
            s3_server().put(self.bucket, "mails/README", b"x")

    def has_other(self) -> bool:
        """Tell whether that is still there."""
        if self.name == "files":
            return (self.folder / "data" / "blobs" / "README").exists()
        return "mails/README" in s3_server().keys(self.bucket)

    def close(self) -> None:
        """Close what a test has opened."""
        for store in self._opened:
            store.close()


def require(name: str) -> None:
    """Skip where an engine's server cannot be started."""
    if name == "s3" and (reason := why_not()):
        pytest.skip(reason)


@pytest.fixture(params=ENGINES)
def blob_engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BlobEngine]:
    """Give each engine in turn, empty."""
    require(request.param)
    monkeypatch.setenv("TEST_BLOBS_LOGIN", f"{ACCESS_KEY}:{SECRET}")
    engine = BlobEngine(request.param, tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def blobs(blob_engine: BlobEngine) -> BlobStore:
    """Give an open store on each engine in turn."""
    return blob_engine.open()


class Holding:
    """Stands before a server and lets so many bytes through in one direction, then holds them until it is closed."""

    def __init__(self, port: int, *, up: int = 1 << 60, down: int = 1 << 60) -> None:
        """`up` is from the client to the server, `down` from the server to the client; over all connections."""
        self._target = port
        self._left = {"up": up, "down": down}
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self.held = threading.Event()
        self.connections = itertools.count()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Drop every connection and take no more."""
        _hang_up(self._listener)
        self._accepting.join()
        for one in self._sockets:
            _hang_up(one)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                try:
                    server = socket.create_connection((LOOPBACK, self._target))
                except OSError:  # it was killed
                    _hang_up(client)
                    continue
                self._sockets.append(server)
                for way, source, sink in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._pass, args=(way, source, sink), daemon=True).start()

    def _pass(self, way: str, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    allowed = data[: self._left[way]]
                    self._left[way] -= len(allowed)
                sink.sendall(allowed)
                if len(allowed) < len(data):
                    self.held.set()
                    return
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)


def _hang_up(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
