# SPDX-License-Identifier: Apache-2.0
"""The door of the API: who has no good token learns nothing, not even which paths there are.

The token stands in `Authorization: Bearer gp_...` (RFC 6750 section 2.1) and nowhere else; no cookie is read. Promises: no token, one
that never was, one that has ended and one whose owner is gone answer the same; a client's failures are counted, and beyond
`PER_MINUTE` it is told to wait (RFC 6585 section 4), while good tokens from there are served.
"""

from typing import Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost.access.rates import Rates
from gatepost.access.record import TokenUse
from gatepost.access.tokens import Tokens
from gatepost.errors import StoreError
from gatepost.telemetry.events import TokenRefused
from gatepost.telemetry.log import emit
from gatepost.web.api.problem import AWAY, MEDIA_TYPE, Problem

USE: Final = "gatepost.token_use"
"""Where the token's use stands in the scope."""
PER_MINUTE: Final = 30.0
BURST: Final = 30
_SCHEME = b"bearer "
_LONGEST = 200
UNKNOWN: Final = Problem.said(401, "This needs a token that is good: Authorization: Bearer gp_...")
TOO_OFTEN: Final = Problem.said(429, "Too many calls without a good token came from there; wait.")


class Door:
    """Stands before the API's application."""

    def __init__(self, application: ASGIApp, tokens: Tokens, rates: Rates | None = None) -> None:
        self._application = application
        self._tokens = tokens
        self._rates = rates if rates is not None else Rates(PER_MINUTE, BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            use = await self._use(scope)
        except StoreError:
            await answer(send, AWAY, {"Retry-After": "5"})
            return
        if use is not None:
            await self._application({**scope, USE: use}, receive, send)
            return
        client = scope["client"][0] if scope.get("client") else ""
        wait_s = self._rates.take(client)
        if wait_s:
            await answer(send, TOO_OFTEN, {"Retry-After": str(int(wait_s) + 1)})
            return
        emit(TokenRefused(client=client))
        await answer(send, UNKNOWN, {"WWW-Authenticate": 'Bearer realm="Gatepost"'})

    async def _use(self, scope: Scope) -> TokenUse | None:
        said = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(said) != 1 or said[0][: len(_SCHEME)].lower() != _SCHEME or len(said[0]) > _LONGEST:
            return None
        return await self._tokens.check(said[0][len(_SCHEME) :].decode("latin-1").strip())


async def answer(send: Send, problem: Problem, headers: dict[str, str]) -> None:
    """Answer with a problem where there is no application yet."""
    content = msgspec.json.encode(problem)
    told = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(content)), **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
