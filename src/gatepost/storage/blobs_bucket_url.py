# SPDX-License-Identifier: Apache-2.0
"""The URL of an S3 bucket.

    s3://BUCKET[/PREFIX][?endpoint=https://HOST[:PORT]&region=REGION&ca=/PATH.pem&cache_mib=NUMBER]

Without an endpoint it is Amazon's, of the region; another store is addressed as ENDPOINT/BUCKET. `ca` are authorities
that the store's certificate may be of, beside the usual ones; `cache_mib` bounds the copies on this machine.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from gatepost.errors import ConfigError
from gatepost.storage.blobs_cache import LIMIT_BYTES

SCHEME = "s3://"
REGION = "us-east-1"
"""What most stores that are not Amazon's call theirs."""

_PARAMETERS = ("ca", "cache_mib", "endpoint", "region")
_MEND = "write s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9._-]{1,200}(?:/|\Z))*")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")


class BucketUrl(NamedTuple):
    """Where blobs are; an empty endpoint is Amazon's."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = REGION
    ca: str = ""
    cache_bytes: int = LIMIT_BYTES

    @property
    def shown(self) -> str:
        """What people are told: bucket, prefix, and where."""
        at = f"?endpoint={self.endpoint}" if self.endpoint else f"?region={self.region}"
        return f"{SCHEME}{self.bucket}{f'/{quote(self.prefix)}' if self.prefix else ''}{at}"


def parse_bucket_url(untrusted_url: str, key: str) -> BucketUrl:
    """Read a URL; raises ConfigError, with the setting's `key` as its path and without the URL's text, which may hold what is secret."""
    if not untrusted_url.startswith(SCHEME):
        raise ConfigError(key, "this is neither `files` nor the URL of an S3 bucket", _MEND)
    place, _, query = untrusted_url.removeprefix(SCHEME).partition("?")
    if "@" in place:
        raise ConfigError(key, "a URL is no place for the access key", "name where it is as `stores.blobs_login`, and take it away here")
    bucket, _, prefix = place.partition("/")
    prefix = unquote(prefix).strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ConfigError(key, "the URL names no bucket: 3 to 63 of a-z, 0-9, - and .", _MEND)
    if not _PREFIX.fullmatch(prefix) or {"", ".", ".."} & set(prefix.split("/") if prefix else ()):
        raise ConfigError(key, "the URL's prefix has other characters than letters, digits, . _ - and /", _MEND)
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _PARAMETERS or name in parameters:
            raise ConfigError(key, "the URL has a parameter that is not known, or one twice", f"these are: {', '.join(_PARAMETERS)}")
        parameters[name] = value
    return BucketUrl(
        bucket,
        prefix,
        _endpoint(parameters.get("endpoint", ""), key),
        _region(parameters.get("region", REGION), key),
        parameters.get("ca", ""),
        _cache_bytes(parameters.get("cache_mib", ""), key),
    )


def _endpoint(untrusted: str, key: str) -> str:
    if not untrusted:
        return ""
    mend = "write endpoint=https://HOST or https://HOST:PORT"
    try:
        parts = urlsplit(untrusted)
        host, port, login = parts.hostname, parts.port, parts.username
    except ValueError:
        raise ConfigError(key, "the endpoint is no URL", mend) from None
    if parts.scheme not in ("http", "https") or not host or login or port == 0:
        raise ConfigError(key, "the endpoint is no URL of a host", mend)
    if parts.path.strip("/") or parts.query or parts.fragment or not untrusted.isprintable() or " " in untrusted:
        raise ConfigError(key, "the endpoint goes on after its host", f"{mend}; bucket and prefix stand before the ?")
    return untrusted.rstrip("/")


def _region(untrusted: str, key: str) -> str:
    if not _REGION.fullmatch(untrusted):
        raise ConfigError(key, "the region is no name", "write it as your store calls it, as eu-central-1, or leave it out")
    return untrusted


def _cache_bytes(untrusted: str, key: str) -> int:
    if not untrusted:
        return LIMIT_BYTES
    if not (untrusted.isascii() and untrusted.isdigit() and len(untrusted) < 10 and int(untrusted)):
        raise ConfigError(key, "cache_mib is no number of MiB", "write cache_mib=1024, or leave it out")
    return int(untrusted) << 20
