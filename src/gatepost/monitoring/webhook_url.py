# SPDX-License-Identifier: Apache-2.0
"""The URL of a webhook: what may be one, and how it is shown to people.

Path and query are a secret, as many receivers know by them alone who may post. Promises: `shortened` gives scheme, host and port as they
were written, and of the rest a mark from which it cannot be found; the same URL has the same mark.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from gatepost.errors import UsageError

HIDDEN: Final = "…"
"""Stands in no URL, only where one is shortened."""
_LONGEST: Final = 1000
_MARK_DIGITS: Final = 8
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_KEY: Final = secrets.token_bytes(32)

Mark = Callable[[bytes], bytes]
"""Gives a digest with a key that no reader of it has."""


def process_mark(content: bytes) -> bytes:
    """Mark with a key that ends with this process: where there is no key file."""
    return hmac.digest(_KEY, content, "sha256")


def checked_url(untrusted: str) -> str:
    """Give a URL that may be posted to. Raises: UsageError, which does not repeat it."""
    if HIDDEN in untrusted:
        raise UsageError("url: is a shortened one; write it whole, or leave it out to keep the one so far")
    try:
        parts = urlsplit(untrusted)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not (untrusted.isascii() and untrusted.isprintable() and " " not in untrusted and len(untrusted) <= _LONGEST and host):
        raise UsageError("url: is no URL; write https://HOST/PATH")
    if parts.username is not None or parts.fragment:
        raise UsageError("url: has a user or a fragment; leave both out, the signature says who calls")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise UsageError("url: must begin with https://; http:// is for this machine's own loopback alone")
    return untrusted


def shortened(url: str, mark: Mark) -> str:
    """Give a checked URL as it is shown; one that is shortened already, or hides nothing, stays as it is."""
    parts = urlsplit(url)
    if HIDDEN in url or not (parts.path.strip("/") or parts.query):
        return url
    return f"{parts.scheme}://{parts.netloc}/{HIDDEN} ({mark(url.encode()).hex()[:_MARK_DIGITS]})"


def veiled(value: Any, mark: Mark) -> Any:
    """Give what an entry of the audit tells of a webhook, with its URL shortened: older entries hold it whole."""
    if isinstance(value, dict) and isinstance(url := value.get("url"), str):
        return {**value, "url": shortened(url, mark)}
    return value
