# SPDX-License-Identifier: Apache-2.0
"""A bucket of an S3 store, or a prefix in one: objects that are put whole, read in ranges, listed, deleted.

Promises: an object is durable and whole when `put` returns, and not there before; each call ends within its time
limits; no call holds more than two parts in memory; what fails is told in one sentence. While the store cannot be
reached, calls fail at once instead of one after the other holding a thread, and one at a time tries again.
"""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from gatepost.errors import ConfigError, StoreAway, StoreOwned
from gatepost.storage.blobs import is_blob_name
from gatepost.storage.blobs_bucket_errors import NO_BUCKET, answer_code, explain
from gatepost.storage.blobs_bucket_url import BucketUrl
from gatepost.storage.files import file_error

PART_BYTES = 8_388_608
"""A blob up to this size is one request. A larger one goes up in parts, so that it need not be in memory whole."""
PARTS_AT_ONCE = 2
CONNECT_S = 5.0
SILENCE_S = 30.0
"""For a part to be sent and answered, or for the next byte of an answer."""
REQUEST_S = 60.0
RETRIES, RETRY_S = 2, 30.0
"""How often, and until when, an attempt is repeated: RFC 5321 §4.5.3.2.6 lets the client wait 10 minutes for our answer."""
PAUSE_S = 5.0
"""How long calls fail at once after the store could not be reached."""
OWNER = "owner"
"""The object that says which gateway store's blobs these are."""
_LISTED_AT_ONCE = 1000

_T = TypeVar("_T")


class Bucket:
    """The objects below one prefix. Threads may share it; it must not be carried over a fork."""

    def __init__(self, url: BucketUrl, access_key: str = "", secret: str = "", *, silence_s: float = SILENCE_S) -> None:
        """Ask nobody yet. Without a key, the environment's or that of the machine's role signs. Raises: ConfigError."""
        self.where = url.shown
        config: dict[str, Any] = {"region": url.region, "disable_bulk_delete": True}  # which not every store knows
        if url.endpoint:
            config |= {"endpoint": url.endpoint, "aws_endpoint_url_s3": url.endpoint}
        if access_key:
            config |= {"access_key_id": access_key, "secret_access_key": secret}
        client: dict[str, Any] = {
            "allow_http": url.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=min(CONNECT_S, silence_s)),
            "read_timeout": timedelta(seconds=silence_s),
            "timeout": timedelta(seconds=REQUEST_S),
            "user_agent": "gatepost",
        }
        if url.ca:
            client["root_certificate"] = _read_ca(url.ca)
        retry: Any = {
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=min(RETRY_S, silence_s)),
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1), "base": 2},
        }
        try:
            self._store = S3Store(url.bucket, prefix=url.prefix or None, config=config, client_options=client, retry_config=retry)  # type: ignore[arg-type]
        except (BaseError, ValueError) as error:
            raise ConfigError("stores.blobs", f"the S3 library refuses {url.shown}: {_first_line(error)}", "mend the URL") from None
        self._breaker = _Breaker(CONNECT_S + REQUEST_S)

    def check(self) -> None:
        """Refuse at once while the store is known not to be reached. Raises: StoreAway."""
        self._breaker.check()

    def put(self, name: str, path: Path, size: int) -> None:
        """Put a file as an object. Raises: StoreFull, StoreAway."""
        several = size > PART_BYTES
        try:
            body = path if several else path.read_bytes()
        except OSError as error:
            raise file_error(error, str(path)) from error
        try:
            self._do(
                lambda: obstore.put(self._store, name, body, use_multipart=several, chunk_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE)
            )
        except _NotThere:
            raise StoreAway(f"{self.where}: the store has no place for a blob; see whether the bucket is there") from None

    def pieces(self, name: str) -> Iterator[memoryview]:
        """Give an object's bytes in order; all, or it raises StoreAway, also when there is none of that name."""
        size, offset = self._do(lambda: obstore.head(self._store, name))["size"], 0
        while offset < size:
            start = offset  # each range has time limits of its own, however large the object is
            piece = memoryview(self._do(lambda: obstore.get_range(self._store, name, start=start, length=min(PART_BYTES, size - start))))  # noqa: B023
            if not piece:
                raise StoreAway(f"{self.where}: {name} ends before its size; it will be tried again")
            offset += len(piece)
            yield piece

    def delete(self, names: Collection[str]) -> None:
        """Delete objects; those that are gone are no error. Raises: StoreAway."""
        try:
            self._do(lambda: obstore.delete(self._store, list(names)))
        except _NotThere:
            for name in names:  # this store complains of what is gone, and may have left others
                with contextlib.suppress(_NotThere):
                    self._do(lambda: obstore.delete(self._store, name))  # noqa: B023

    def blobs_before(self, oldest_kept: float) -> Iterator[list[str]]:
        """Give the names of blobs that were put before a time, some hundreds at once. Raises: StoreAway."""
        listed = iter(obstore.list(self._store, chunk_size=_LISTED_AT_ONCE))
        while chunk := self._do(lambda: next(listed, None)):
            yield [one["path"] for one in chunk if is_blob_name(one["path"]) and one["last_modified"].timestamp() < oldest_kept]

    def claim(self, owner: str) -> None:
        """Put the owner's name here, unless there is one. Raises: StoreOwned when it is another's; StoreAway."""
        try:
            found = self._owner()
        except _NotThere:
            try:
                self._do(lambda: obstore.put(self._store, OWNER, owner.encode(), mode="create"))
            except AlreadyExistsError:
                pass  # another gateway was faster
            except StoreAway:  # this store may not know conditions; if it is away, it says so again
                self._do(lambda: obstore.put(self._store, OWNER, owner.encode()))
            found = self._owner()
        if found != owner:
            raise StoreOwned(
                f"{self.where}: the blobs here belong to another gateway store, and each would remove the other's; "
                f"give each a prefix of its own, or delete the object {OWNER} if that one is no more"
            )

    def _owner(self) -> str:
        return bytes(self._do(lambda: obstore.get(self._store, OWNER).bytes())).decode("utf-8", "replace")

    def _do(self, work: Callable[[], _T]) -> _T:
        self._breaker.enter()
        try:
            result = work()
        except FileNotFoundError as error:
            self._breaker.worked()
            if answer_code(error) == NO_BUCKET:
                raise explain(error, self.where).error from None
            raise _NotThere(f"{self.where}: there is no such blob; it may have been removed with its mail") from None
        except AlreadyExistsError:
            self._breaker.worked()
            raise
        except OSError as error:
            raise file_error(error, self.where) from error
        except BaseError as error:
            explained = explain(error, self.where)
            if explained.unreachable:
                self._breaker.failed(str(explained.error))
            else:
                self._breaker.worked()
            raise explained.error from None
        self._breaker.worked()
        return result


class _NotThere(StoreAway):
    """There is no object of this name."""


class _Breaker:
    """Whether a store is known not to be reached: then calls fail at once, and one at a time tries again."""

    def __init__(self, attempt_s: float) -> None:
        self._attempt_s = attempt_s
        self._reason = ""
        self._closed_until = 0.0

    def check(self) -> None:
        """Raises: StoreAway while calls are to fail at once."""
        if self._reason and time.monotonic() < self._closed_until:
            raise StoreAway(self._reason)

    def enter(self) -> None:
        """Begin a call; the one that tries again keeps the others away for as long as it may take. Raises: StoreAway."""
        self.check()
        if self._reason:
            self._closed_until = time.monotonic() + self._attempt_s

    def failed(self, reason: str) -> None:
        """Note that a call could not reach the store."""
        self._reason, self._closed_until = reason, time.monotonic() + PAUSE_S

    def worked(self) -> None:
        """Note that the store has answered."""
        self._reason = ""


def _read_ca(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            "stores.blobs", f"the ca file {path} cannot be read ({error.strerror})", "mend the path or its permissions"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
