# SPDX-License-Identifier: Apache-2.0
"""The reading of PROXY headers: a verdict or a named error, whatever the bytes."""

import ipaddress
import struct

from hypothesis import given
from hypothesis import strategies as st

from gatepost.smtp.peer import unmapped
from gatepost.smtp.server.proxy import SIGNATURE_V2, MalformedProxyHeader, ProxyHeader, read_header

STARTS = st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN", SIGNATURE_V2, SIGNATURE_V2 + b"\x21\x11"])
WORDS = st.sampled_from(
    [b"192.0.2.1", b"2001:db8::1", b"::ffff:192.0.2.1", b"25", b"65536", b"%", b"\xff", b" ", b"\r", b"\n", b"TCP4", b"\0"]
)


def judged(untrusted: bytes) -> ProxyHeader | str | None:
    try:
        return read_header(untrusted)
    except MalformedProxyHeader as error:
        return str(error)


@given(STARTS, st.lists(WORDS | st.binary(max_size=8), max_size=12), st.sampled_from([b"", b"\r\n", b"\r\nEHLO c\r\n"]))
def test_no_bytes_raise_anything_else(start, words, end):
    """It is a header, a malformed one, or not whole yet; what it says is an address."""
    found = judged(start + b" ".join(words) + end)
    if isinstance(found, ProxyHeader):
        assert found.address == "" or str(ipaddress.ip_address(found.address)) == found.address
        assert 0 <= found.port <= 65535
        assert found.length <= len(start + b" ".join(words) + end)


@given(STARTS, st.binary(max_size=300))
def test_more_bytes_never_change_a_verdict(start, rest):
    """A prefix that was judged keeps its verdict, so that segments cannot matter."""
    whole = start + rest
    verdicts = [judged(whole[:length]) for length in range(len(whole) + 1)]
    first = next((verdict for verdict in verdicts if verdict is not None), None)
    known = verdicts.index(first) if first is not None else len(verdicts)
    assert verdicts[:known] == [None] * known
    assert all((type(verdict), verdict) == (type(first), first) or isinstance(first, str) for verdict in verdicts[known:])


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=40))
def test_both_versions_say_the_same(client, proxy, port, more):
    """A client's address and port come through as they are; what follows is not touched."""
    if client.version != proxy.version:
        proxy = client
    words = f"PROXY TCP{client.version} {client} {proxy} {port} 25\r\n".encode()
    body = client.packed + proxy.packed + struct.pack("!HH", port, 25)
    binary = SIGNATURE_V2 + struct.pack("!BBH", 0x21, 0x11 if client.version == 4 else 0x21, len(body)) + body
    for header in (words, binary):
        assert read_header(header + more) == ProxyHeader(unmapped(str(client)), port, len(header))
        assert all(read_header(header[:length]) is None for length in range(len(header)))


def test_only_mapped_addresses_are_unmapped():
    """Others stay as they are."""
    assert unmapped("::ffff:192.0.2.1") == unmapped("::ffff:c000:201") == "192.0.2.1"
    for address in ("192.0.2.1", "2001:db8::1", "::1", "fe80::1%eth0", "::ffff:0:192.0.2.1", ""):
        assert unmapped(address) == address
