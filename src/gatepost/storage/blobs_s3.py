# SPDX-License-Identifier: Apache-2.0
"""Blobs in an S3 bucket that several gateways share, with copies of what is at work on each machine.

A blob is written into the machine's cache folder as it comes, put into the bucket by `finish`, and read from the cache:
what a gateway received it need not fetch to look into or to deliver. What it did not receive is fetched first.

| step of `finish` | what a crash after it leaves |
| --- | --- |
| the part file is synced | a part file; the cache removes it after an hour |
| the object is put: durable, and there at once | an object nobody refers to; swept after a day |
| the part file becomes the copy | the same, and its copy |

An upload in several parts that a crash cut off is no object and is not listed; the bucket's rules must remove it.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Collection

from gatepost.errors import StoreAway, StoreError
from gatepost.storage.blobs import SWEEP_AGE_S, BlobReader, FileBlobReader, is_blob_name, new_name
from gatepost.storage.blobs_bucket import Bucket
from gatepost.storage.blobs_cache import BlobCache


class S3BlobWriter:
    """A part file in the cache that becomes an object, and then the object's copy."""

    def __init__(self, bucket: Bucket, cache: BlobCache) -> None:
        bucket.check()
        self._bucket = bucket
        self._cache = cache
        self._name = new_name()
        self._part = cache.begin(self._name)
        self._put = False

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append bytes. Raises: StoreFull, StoreAway; the part file is removed then."""
        self._part.write(piece)

    def finish(self) -> str:
        """Put the object. Raises: StoreFull, StoreAway; an object that is there all the same is swept after a day."""
        self._part.sync()
        try:
            self._bucket.put(self._name, self._part.path, self._part.size)
        except BaseException:
            self._part.discard()
            raise
        self._put = True
        with contextlib.suppress(StoreError):  # the blob is durable, only its copy is not to be had
            self._cache.keep(self._part, self._name)
        return self._name

    def abort(self) -> None:
        """Remove what was written; an object that was put is deleted in a thread, and if that fails it is swept after a day."""
        self._part.discard()
        if self._put:
            self._put = False
            threading.Thread(target=self._remove, name="blob-abort").start()

    def _remove(self) -> None:
        with contextlib.suppress(StoreError):
            self._cache.remove([self._name])
            self._bucket.delete([self._name])


class S3BlobStore:
    """Blobs as objects of one bucket; the folder of copies is shared by the processes of a machine."""

    def __init__(self, bucket: Bucket, cache: BlobCache) -> None:
        self.bucket = bucket
        self.cache = cache
        self._doubtful = False

    def create(self) -> S3BlobWriter:
        """Begin a blob. Raises: StoreFull, StoreAway; at once while the bucket is known not to be reached."""
        return S3BlobWriter(self.bucket, self.cache)

    def open(self, name: str) -> BlobReader:
        """Open a blob's copy, fetched where there is none. Raises: StoreFull, StoreAway, also when there is none of that name."""
        self._check_names([name])
        return self.cache.open(name) or self._fetch(name)

    def beginning(self, name: str, size: int) -> bytes:
        """Give up to `size` first bytes of a blob. Raises: StoreFull, StoreAway."""
        with self.open(name) as reader:
            return next(reader.pieces(size), b"")

    def remove(self, names: Collection[str]) -> None:
        """Delete objects and this machine's copies; those that are gone already are no error. Raises: StoreAway."""
        self._check_names(names)
        self.cache.remove(names)
        if names:
            self.bucket.delete(names)

    def sweep(self, referenced: Callable[[list[str]], Collection[str]], now: float | None = None) -> int:
        """Delete old objects that nobody refers to; gives their number. Copies that nobody used for a day go too.

        An object's age is by the store's clock, which refuses us when ours is far from it. Raises: StoreAway.
        """
        if self._doubtful:
            raise StoreAway(f"{self.bucket.where}: nothing is swept until it is known whose blobs these are; mend what kept us from asking")
        oldest_kept = (time.time() if now is None else now) - SWEEP_AGE_S
        self.cache.remove_unused(oldest_kept)
        removed = 0
        for old in self.bucket.blobs_before(oldest_kept):
            kept = set(referenced(old)) if old else set()
            unwanted = [name for name in old if name not in kept]
            self.remove(unwanted)
            removed += len(unwanted)
        return removed

    def claim(self, owner: str) -> None:
        """Make sure that only the gateway store `owner` keeps blobs here; nothing is swept after this has failed.

        Raises: StoreOwned when another does; StoreAway.
        """
        self._doubtful = True
        self.bucket.claim(owner)
        self._doubtful = False

    def close(self) -> None:
        """Do nothing: readers have their files, and connections end with the process."""

    def _fetch(self, name: str) -> FileBlobReader:
        part = self.cache.begin(name, needed=True)
        try:
            for piece in self.bucket.pieces(name):
                part.write(piece)
            part.sync()
            reader = FileBlobReader(part.path)
        except BaseException:
            part.discard()
            raise
        with contextlib.suppress(StoreError):  # it is open, whether or not it can be kept
            self.cache.keep(part, name)
        return reader

    def _check_names(self, untrusted_names: Collection[str]) -> None:
        for name in untrusted_names:
            if not is_blob_name(name):
                raise StoreAway(f"{self.bucket.where}: {name!r} is not the name of a blob")
