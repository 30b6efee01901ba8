# SPDX-License-Identifier: Apache-2.0
"""Open the blob store by what the settings say of it: `files`, or the URL of an S3 bucket."""

from pathlib import Path

from gatepost.config.secret_marks import reference_fault
from gatepost.config.secrets import resolve
from gatepost.errors import ConfigError
from gatepost.storage.blobs import BlobStore, FileBlobStore

FILES = "files"


def open_blobs(url: str, folder: Path, *, login: str = "", key: str = "stores.blobs", cache_bytes: int = 0) -> BlobStore:
    """Open a blob store; nobody is asked over the network yet. Call it in the process that uses it, never before a fork.

    `url` is `files` (the folder `blobs` in `folder`), an S3 URL (copies in `blob-cache` in `folder`), or a reference (`file:`,
    `env:`) to either. `login` refers to ACCESS_KEY:SECRET; without, the environment's key or that of the machine's role signs.
    `key` is the setting that errors name; `cache_bytes` bounds the copies in place of what the URL says.
    Raises: ConfigError, StoreFull, StoreAway.
    """
    if not reference_fault(url):
        url = resolve(url, key)
    if url in ("", FILES):
        return FileBlobStore(folder / "blobs")
    from gatepost.storage.blobs_bucket import Bucket  # the library is loaded only where it is used
    from gatepost.storage.blobs_bucket_url import parse_bucket_url
    from gatepost.storage.blobs_cache import BlobCache
    from gatepost.storage.blobs_s3 import S3BlobStore

    target = parse_bucket_url(url, key)
    access_key, secret = _read_login(login, f"{key}_login")
    return S3BlobStore(Bucket(target, access_key, secret), BlobCache(folder / "blob-cache", cache_bytes or target.cache_bytes))


def _read_login(reference: str, key: str) -> tuple[str, str]:
    if not reference:
        return "", ""
    access_key, colon, secret = resolve(reference, key).strip().partition(":")
    if not (access_key and colon and secret):
        raise ConfigError(key, "what it names is no login", "write the access key, a colon and the secret there, on one line")
    return access_key, secret
