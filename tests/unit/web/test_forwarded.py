# SPDX-License-Identifier: Apache-2.0
"""Who comes through a reverse proxy: which word is taken, and whose."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.web.frame.forwarded import Forwarded, Proxies

OUTER, INNER, SIX = "192.0.2.10", "10.0.0.7", "2001:db8:5::7"
PROXIES = Proxies(("192.0.2.10", "10.0.0.0/8", "2001:db8:5::/64"))
VISITOR = "203.0.113.9"
LONG = b"a" * 60_000


@pytest.mark.parametrize(
    ("values", "visitor"),
    [
        ([VISITOR], VISITOR),
        ([f" \t{VISITOR}\t"], VISITOR),
        ([f"{VISITOR}:4711"], VISITOR),
        (["2001:db8:9::1"], "2001:db8:9::1"),
        (["2001:0DB8:9:0::1"], "2001:db8:9::1"),
        (["[2001:db8:9::1]"], "2001:db8:9::1"),
        (["[2001:db8:9::1]:4711"], "2001:db8:9::1"),
        ([f"::ffff:{VISITOR}"], VISITOR),
        ([f"1.2.3.4, {VISITOR}"], VISITOR),
        ([f"1.2.3.4, {VISITOR}, {INNER}"], VISITOR),
        ([f"1.2.3.4, {VISITOR}, {OUTER}, {SIX}, {INNER}"], VISITOR),
        ([f"1.2.3.4, {VISITOR}, ::ffff:{INNER}"], VISITOR),
        (["1.2.3.4", f"{VISITOR}, {OUTER}", INNER], VISITOR),
        ([VISITOR, "", " , ,"], VISITOR),
        ([f"{INNER}, {SIX}"], INNER),
        ([], OUTER),
        ([""], OUTER),
    ],
)
def test_the_rightmost_that_is_no_trusted_proxy_is_the_visitor(values, visitor):
    """Over several hops and several headers, in both families; where all are proxies it is the farthest, and without a header the peer."""
    assert PROXIES.visitor(OUTER, [one.encode() for one in values]) == visitor


@pytest.mark.parametrize(
    "garbage",
    [
        "unknown",
        "_hidden",
        "999.1.1.1",
        "1.2.3",
        "010.1.2.3",
        "1.2.3.4:",
        "1.2.3.4:x",
        "1.2.3.4:123456",
        "[::1",
        "[::1]x",
        "[1.2.3.4]:x",
        "2001:db8::1::2",
        "fe80::1%eth0",
        "fe80::1%<script>",
        "<script>alert(1)</script>",
        "a\x00b",
        "\xff\xfe",
        "'; drop table audit_entry --",
        "1.2.3.4 5.6.7.8",
        "1.2.3.4;5.6.7.8",
        "for=1.2.3.4",
        '"1.2.3.4"',
    ],
)
def test_what_is_no_address_ends_the_search_at_the_last_that_was_one(garbage):
    """Right of it counts; nothing of it, and nothing left of it, does."""
    untrusted = garbage.encode("latin-1")
    assert PROXIES.visitor(OUTER, [untrusted]) == OUTER
    assert PROXIES.visitor(OUTER, [b"1.2.3.4, " + untrusted]) == OUTER
    assert PROXIES.visitor(OUTER, [b"1.2.3.4, " + untrusted + b", " + INNER.encode()]) == INNER
    assert PROXIES.visitor(OUTER, [untrusted + b", " + VISITOR.encode()]) == VISITOR


@pytest.mark.parametrize("long", [LONG, b", ".join([b"1.2.3.4"] * 8_000), b"," * 60_000, LONG + b"," + LONG], ids=len)
def test_a_header_however_long_hides_nobody(long):
    """Of one that is long the end is read, which is the proxy's own."""
    assert PROXIES.visitor(OUTER, [long + b", " + VISITOR.encode()]) == VISITOR
    assert PROXIES.visitor(OUTER, [long, VISITOR.encode()]) == VISITOR


def test_so_many_hops_are_read_and_no_more():
    """Of a chain of proxies that does not end, the sixteenth is the visitor."""
    hops = ", ".join(f"10.0.0.{number}" for number in range(100, 0, -1)).encode()
    assert PROXIES.visitor(OUTER, [hops]) == "10.0.0.16"


@pytest.mark.parametrize(
    ("peer", "is_trusted"),
    [
        (OUTER, True),
        (f"::ffff:{OUTER}", True),
        ("10.255.255.255", True),
        (SIX, True),
        ("192.0.2.11", False),
        ("2001:db8:6::7", False),
        ("::1", False),
        ("", False),
        ("testclient", False),
        ("/run/a.sock", False),
    ],
)
def test_who_is_trusted(peer, is_trusted):
    """An address in one of the networks, however the system writes it; nothing else."""
    assert PROXIES.trusts(peer) == is_trusted
    assert not Proxies().trusts(peer)


def test_a_zone_of_a_peer_does_not_hide_it():
    """The system writes link-local peers with their interface."""
    assert Proxies(("fe80::/10",)).trusts("fe80::1%eth0")


@given(st.lists(st.binary(max_size=80), max_size=6), st.ip_addresses())
def test_whatever_a_visitor_writes_he_is_who_the_proxy_says(untrusted, address):
    """A proxy appends the address that it sees, to the last header or as one more; if that is no proxy's, it is the answer."""
    said = str(address).partition("%")[0].encode()
    expected = str(getattr(address, "ipv4_mapped", None) or address)
    for values in ([*untrusted, said], [*untrusted[:-1], (untrusted or [b""])[-1] + b", " + said]):
        found = PROXIES.visitor(OUTER, values)
        assert found == expected or PROXIES.trusts(expected)


@given(st.lists(st.binary(max_size=80), max_size=6))
def test_what_is_found_is_an_address_as_it_is_written_by_us(untrusted):
    """Or the peer; never a text that a stranger chose."""
    found = PROXIES.visitor("peer", untrusted)
    assert found == "peer" or Proxies((found,)).trusts(found)


# --- the layer --------------------------------------------------------------------------------------------------------------------


class Seen:
    """An application that notes what it is asked."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def ask(layer: Forwarded, peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> int:
    """Send one request through the layer; gives the status."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads here")

    scope = {"type": "http", "client": (peer, 4711) if peer is not None else None, "scheme": scheme, "headers": raw, "path": "/"}
    await layer(scope, receive, send)
    return int(sent[0]["status"])


FOR, PROTO = "X-Forwarded-For", "X-Forwarded-Proto"


async def test_nobody_elses_header_is_heard():
    """A peer that is no trusted proxy is who he is, by the scheme he came by, whatever he says; so is one that has no address."""
    for proxies, peer in ((PROXIES, VISITOR), (Proxies(), OUTER), (PROXIES, None), (Proxies(), "127.0.0.1")):
        seen = Seen()
        assert await ask(Forwarded(seen, proxies, 1), peer, (FOR, "1.2.3.4"), (PROTO, "https")) == 204
        [scope] = seen.scopes
        assert (scope["client"], scope["scheme"]) == ((peer, 4711) if peer else None, "http")


@pytest.mark.parametrize(
    ("said", "own", "scheme"),
    [
        ([], "http", "http"),
        (["https"], "http", "https"),
        (["HTTPS"], "http", "https"),
        (["http"], "http", "http"),
        (["https", "http"], "http", "http"),
        (["http, https"], "http", "https"),
        (["https, nonsense"], "http", "http"),
        (["wss"], "http", "http"),
        (["\x00https"], "http", "http"),
        (["http"], "https", "https"),
        ([], "https", "https"),
    ],
)
async def test_a_trusted_proxy_may_say_that_the_visitor_came_by_tls(said, own, scheme):
    """The nearest one's word counts; nothing but `https` and `http` is one; on our own TLS it stays TLS."""
    seen = Seen()
    await ask(Forwarded(seen, PROXIES, 1), OUTER, (FOR, VISITOR), *((PROTO, one) for one in said), scheme=own)
    assert (seen.scopes[0]["client"][0], seen.scopes[0]["scheme"]) == (VISITOR, scheme)


async def test_one_visitor_has_so_many_requests_in_hand():
    """His next one is answered 503; others', and those of his that come later, are served. An IPv6 visitor is his /64."""
    seen = Seen()
    seen.go_on.clear()
    layer = Forwarded(seen, PROXIES, 2)
    first = [asyncio.create_task(ask(layer, OUTER, (FOR, f"2001:db8:9::{number}"))) for number in (1, 2)]
    await asyncio.sleep(0)
    assert await ask(layer, OUTER, (FOR, "2001:db8:9::3")) == 503
    assert await ask(layer, INNER, (FOR, f"2001:db8:9::3, {OUTER}")) == 503
    other = asyncio.create_task(ask(layer, OUTER, (FOR, VISITOR)))
    await asyncio.sleep(0)
    seen.go_on.set()
    assert [await one for one in (*first, other)] == [204, 204, 204]
    assert await ask(layer, OUTER, (FOR, "2001:db8:9::3")) == 204
    assert not layer._in_hand


async def test_networks_may_change_while_requests_come():
    """What is trusted now counts for the next request."""
    proxies, seen = Proxies(), Seen()
    layer = Forwarded(seen, proxies, 1)
    for networks in ((), (OUTER,), ()):
        proxies.trust(networks)
        await ask(layer, OUTER, (FOR, VISITOR))
    assert [scope["client"][0] for scope in seen.scopes] == [OUTER, VISITOR, OUTER]
