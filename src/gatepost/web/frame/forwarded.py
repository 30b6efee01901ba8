# SPDX-License-Identifier: Apache-2.0
"""Who comes through a reverse proxy: the outermost layer puts the visitor's address and scheme in the place of the proxy's.

Promises: nobody's word is taken but that of a trusted proxy; what a visitor writes into X-Forwarded-For himself never counts, since it
stands left of what the proxies write; a header that cannot be read leaves the last address that could; of a long one only the end is
read. One visitor has at most `of_one_client` requests in hand, as he would have connections without a proxy.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_HOPS: Final = 16
"""Addresses of one request that are read, from the right."""
_LONGEST_ADDRESS: Final = 60
_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"
_SCHEMES: Final = (b"http", b"https")
_TOO_MANY: Final = b"Too many requests from there at one time; try again.\n"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Proxies:
    """The networks that are trusted now; none at first."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self.trust(networks)

    def trust(self, networks: Iterable[str]) -> None:
        """Trust these from now on, and no others. Raises: ValueError for what is no network."""
        self._networks = tuple(ipaddress.ip_network(one) for one in networks)

    def trusts(self, peer: str) -> bool:
        """Tell whether the other end of a connection is a trusted proxy."""
        address = _read(peer.partition("%")[0]) if self._networks else None
        return address is not None and self._has(address)

    def visitor(self, peer: str, untrusted_values: Iterable[bytes]) -> str:
        """Give who comes through a trusted peer that has handed on these values of X-Forwarded-For, in their order."""
        known = peer
        for count, part in enumerate(_from_the_right(untrusted_values)):
            address = _read(part)
            if address is None or count >= _HOPS:
                break
            known = str(address)
            if not self._has(address):
                break
        return known

    def _has(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)


def client_key(address: str) -> str:
    """Give what counts as one client: an IPv4 address, the /64 of an IPv6 address, which one customer has as a whole."""
    try:
        read = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return address
    return str(ipaddress.ip_network((read, 64), strict=False) if isinstance(read, ipaddress.IPv6Address) else read)


class Forwarded:
    """Wraps an application."""

    def __init__(self, application: "ASGIApp", proxies: Proxies, of_one_client: int) -> None:
        self._application, self._proxies, self._of_one_client = application, proxies, of_one_client
        self._in_hand: Counter[str] = Counter()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        peer = scope["client"][0] if scope.get("client") else ""
        if scope["type"] != "http" or not self._proxies.trusts(peer):
            await self._application(scope, receive, send)
            return
        visitor = self._proxies.visitor(peer, _values(scope, _FOR))
        key = client_key(visitor)
        if visitor != peer and self._in_hand[key] >= self._of_one_client:
            await _refuse(send)
            return
        self._in_hand[key] += 1
        try:
            await self._application({**scope, "client": (visitor, 0), "scheme": _scheme(scope)}, receive, send)
        finally:
            self._in_hand[key] -= 1
            if not self._in_hand[key]:
                del self._in_hand[key]


def _values(scope: "Scope", name: bytes) -> list[bytes]:
    return [value for known, value in scope["headers"] if known == name]


def _scheme(scope: "Scope") -> str:
    """Give the visitor's scheme: our own where it is TLS, else what the nearest proxy says."""
    said = _values(scope, _PROTO)
    last = said[-1].rpartition(b",")[2].strip().lower() if said else b""
    own = str(scope.get("scheme", "http"))
    return last.decode("ascii") if own == "http" and last in _SCHEMES else own


def _from_the_right(untrusted_values: Iterable[bytes]) -> Iterator[str]:
    """Yield what stands between commas, the last first; several headers are one list (RFC 9110 section 5.3), what is empty is left out."""
    for value in reversed(list(untrusted_values)):
        for part in reversed(value.rsplit(b",", _HOPS)):
            if text := part.strip(b" \t").decode("latin-1"):
                yield text


def _read(untrusted: str) -> _Address | None:
    """Read an address: bare, in brackets, or with a port; None where it is none. An IPv4 address within IPv6 is what it is."""
    if len(untrusted) > _LONGEST_ADDRESS or "%" in untrusted:  # A zone could hold any sign.
        return None
    text = untrusted
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not _is_port(rest.removeprefix(":"))):
            return None
    elif text.count(":") == 1:
        text, _colon, port = text.partition(":")
        if not _is_port(port):
            return None
    try:
        return _unmapped(ipaddress.ip_address(text))
    except ValueError:
        return None


def _unmapped(address: _Address) -> _Address:
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5


async def _refuse(send: "Send") -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_TOO_MANY)), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_MANY})
