# SPDX-License-Identifier: Apache-2.0
"""Tell a webhook: POST of one JSON document, signed with the webhook's secret.

    POST PATH HTTP/1.1
    Content-Type: application/json
    Gatepost-Signature: t=1764093000,v1=5257a869...

`v1` is HMAC-SHA256 (RFC 2104), in hex, with the secret's characters as the key, over `t`, a full stop and the body as it came.
The receiver compares it in constant time, refuses a `t` that is minutes old, and may see one `id` more than once.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from gatepost.errors import UsageError
from gatepost.monitoring.kinds import kind_of
from gatepost.monitoring.notice_mail import House
from gatepost.monitoring.notice_rows import told_of
from gatepost.monitoring.record import Notice

LIMIT_S = 10.0
_LONGEST_URL = 1000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Target(NamedTuple):
    """Where to post to."""

    url: str
    secret: bytes


Post = Callable[[Target, bytes, float], Awaitable[str]]
"""target, body, Unix time -> '' when it was told, else why not."""


def checked_url(untrusted: str) -> str:
    """Give a URL that may be posted to. Raises: UsageError."""
    try:
        parts = urlsplit(untrusted)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"url: {untrusted[:60]!r} is no URL") from None
    if not (untrusted.isascii() and untrusted.isprintable() and " " not in untrusted and len(untrusted) <= _LONGEST_URL and host):
        raise UsageError(f"url: {untrusted[:60]!r} is no URL; write https://HOST/PATH")
    if parts.username is not None or parts.fragment:
        raise UsageError("url: has a user or a fragment; leave both out, the signature says who calls")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise UsageError("url: must begin with https://; http:// is for this machine's own loopback alone")
    return untrusted


def body(notice: Notice, house: House) -> bytes:
    """Give the document that tells a notice."""
    told = told_of(notice)
    kind = kind_of(told.kind)
    return msgspec.json.encode(
        {
            "id": str(notice.id),
            "event": told.event,
            "incident": notice.incident_id,
            "kind": told.kind,
            "subject": told.subject,
            "level": told.level,
            "title": kind.title,
            "what_to_do": kind.what_to_do,
            "details": told.details,
            "opened_at": told.opened_at,
            "at": told.at,
            "link": house.link(notice.incident_id),
        }
    )


def signature(secret: bytes, content: bytes, at: float) -> str:
    """Give the header's value."""
    moment = int(at)
    mark = hmac.new(secret, b"%d." % moment + content, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mark}"


async def post(target: Target, content: bytes, at: float) -> str:
    """Post once: no redirect is followed, no proxy is taken from the environment, nothing is read but the status."""
    import httpx2

    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Gatepost",
        "Gatepost-Signature": signature(target.secret, content, at),
    }
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=LIMIT_S) as client,
            client.stream("POST", target.url, content=content, headers=headers) as response,
        ):
            status = response.status_code
    except TimeoutError:
        return f"no answer within {LIMIT_S:g} s"
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return f"cannot be reached ({type(error).__name__}: {error})" if str(error) else f"cannot be reached ({type(error).__name__})"
    if 200 <= status < 300:
        return ""
    return f"answered {status}" + ("; redirects are not followed" if 300 <= status < 400 else "")
