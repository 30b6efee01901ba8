# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end of a request, and how a session shows itself: one cookie that scripts cannot read."""

from collections.abc import Awaitable
from typing import Final, NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response

from gatepost.contracts.actor import Actor, Via

COOKIE: Final = "gatepost-session"
_HOUSE: Final = 0
_THE_HOUSES: Final = "configuration:"


class Visitor(NamedTuple):
    """An administrator who has signed in."""

    name: str
    display_name: str
    rights: frozenset[str]
    language: str
    form_token: str
    """What each form of the session carries, so that no other site can send one."""
    session: str
    """Names the session for who lists and ends them; it does not open it."""
    client: str
    tenant_id: int = 0

    def may(self, right: str) -> bool:
        """Tell whether a right is among his; `` needs none. The configuration is the house's, so no other tenant's right reaches it."""
        return not right or (right in self.rights and (self.tenant_id == _HOUSE or not right.startswith(_THE_HOUSES)))

    def actor(self, via: Via = "console") -> Actor:
        """Give him as the one who changes something."""
        return Actor(self.name, via, self.client, self.tenant_id)


class Sessions(Protocol):
    """Finds who belongs to a cookie."""

    def visitor(self, secret: str, client: str, *, active: bool = True) -> Awaitable[Visitor | None]:
        """Give the visitor; None when the session has ended or never was. `active` is off for what a page asks by itself."""


def cookie_name(request: Request) -> str:
    """Name the cookie; on TLS with the prefix by which browsers bind it to this host (RFC 6265 section 4.1, and its successor)."""
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def let_in(request: Request, response: Response, secret: str) -> None:
    """Give a browser its session."""
    response.set_cookie(cookie_name(request), secret, path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")


def let_out(request: Request, response: Response) -> None:
    """Have a browser forget its session."""
    response.delete_cookie(cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="lax")


def client_of(request: Request) -> str:
    """Give the address that calls."""
    return request.client.host if request.client else ""
