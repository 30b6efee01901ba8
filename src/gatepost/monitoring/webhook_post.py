# SPDX-License-Identifier: Apache-2.0
"""Tell a webhook: POST of one JSON document, signed with the webhook's secret.

    POST PATH HTTP/1.1
    Content-Type: application/json
    Gatepost-Signature: t=1764093000,v1=5257a869...

`v1` is HMAC-SHA256 (RFC 2104), in hex, with the secret's characters as the key, over `t`, a full stop and the body as it came.
The receiver compares it in constant time, refuses a `t` that is minutes old, and may see one `id` more than once.

Path and query of the URL are a secret (`webhook_url`): no sentence and no log says them, nor what the receiver may have made of them.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from gatepost.monitoring.kinds import kind_of
from gatepost.monitoring.notice_mail import House
from gatepost.monitoring.notice_rows import told_of
from gatepost.monitoring.record import Notice

LIMIT_S = 10.0
_TALKATIVE = ("httpx2", "httpcore2")
"""Libraries that log which URL they ask."""


class Target(NamedTuple):
    """Where to post to."""

    url: str
    secret: bytes

    def __repr__(self) -> str:
        """Say neither."""
        return "Target(...)"


Post = Callable[[Target, bytes, float], Awaitable[str]]
"""target, body, Unix time -> '' when it was told, else why not."""


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

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
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
        said = str(error) if isinstance(error, httpx2.ConnectError) else ""  # Later, it may be what the receiver says of the request.
        return f"cannot be reached ({type(error).__name__}: {said})" if said else f"cannot be reached ({type(error).__name__})"
    if 200 <= status < 300:
        return ""
    return f"answered {status}" + ("; redirects are not followed" if 300 <= status < 400 else "")
