# SPDX-License-Identifier: Apache-2.0
"""Read the PROXY protocol header, versions 1 and 2 (haproxy's proxy-protocol.txt, 2020-03-05).

Only connections from listed networks may, and then must, begin with one. It names the client that the
proxy speaks for. A header that cannot be read ends the connection: guessing would let a client choose
its own address.
"""

import ipaddress
import re
import struct
from typing import NamedTuple

from gatepost.smtp.peer import unmapped

SIGNATURE_V2 = b"\r\n\r\n\x00\r\nQUIT\n"
_PORT = re.compile(r"[0-9]{1,5}\Z")
_V1_LONGEST = 107
_V2_LONGEST = 16 + 4096


class ProxyHeader(NamedTuple):
    """Whom the proxy speaks for; `address` is '' when it speaks for itself (LOCAL, UNKNOWN)."""

    address: str
    port: int
    length: int
    """Bytes of the header; what follows is the client's."""


class MalformedProxyHeader(ValueError):
    """The bytes cannot become a PROXY header, whatever follows."""


def read_header(untrusted: bytes) -> ProxyHeader | None:
    """Read a header from the start of a connection; None while more bytes are needed. Raises MalformedProxyHeader."""
    if untrusted.startswith(SIGNATURE_V2[: len(untrusted)]) or untrusted.startswith(SIGNATURE_V2):
        return _read_v2(untrusted)
    if untrusted.startswith(b"PROXY "[: len(untrusted)]) or untrusted.startswith(b"PROXY "):
        return _read_v1(untrusted)
    raise MalformedProxyHeader("no PROXY signature")


def _read_v1(untrusted: bytes) -> ProxyHeader | None:
    end = untrusted.find(b"\r\n", 0, _V1_LONGEST)
    if end < 0:
        if len(untrusted) >= _V1_LONGEST:
            raise MalformedProxyHeader("version 1 header without an end")
        return None
    words = untrusted[:end].decode("ascii", "replace").split(" ")
    if words[1] == "UNKNOWN":
        return ProxyHeader("", 0, end + 2)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise MalformedProxyHeader("version 1 header with wrong words")
    family = ipaddress.IPv4Address if words[1] == "TCP4" else ipaddress.IPv6Address
    try:
        client, _proxy = family(words[2]), family(words[3])
    except ValueError:
        raise MalformedProxyHeader("version 1 header with a wrong address") from None
    if "%" in words[2] or not all(_PORT.match(port) and int(port) <= 65535 for port in words[4:]):
        raise MalformedProxyHeader("version 1 header with a wrong address or port")
    return ProxyHeader(unmapped(str(client)), int(words[4]), end + 2)


def _read_v2(untrusted: bytes) -> ProxyHeader | None:
    if len(untrusted) < 16:
        return None
    version_command, family, length = struct.unpack_from("!BBH", untrusted, 12)
    if version_command >> 4 != 2 or 16 + length > _V2_LONGEST:
        raise MalformedProxyHeader("version 2 header with a wrong version or length")
    if len(untrusted) < 16 + length:
        return None
    command = version_command & 0x0F
    if command == 0:
        return ProxyHeader("", 0, 16 + length)
    if command != 1:
        raise MalformedProxyHeader("version 2 header with a wrong command")
    body = untrusted[16 : 16 + length]
    if family == 0x11 and length >= 12:
        return ProxyHeader(str(ipaddress.IPv4Address(body[:4])), struct.unpack_from("!H", body, 8)[0], 16 + length)
    if family == 0x21 and length >= 36:
        return ProxyHeader(unmapped(str(ipaddress.IPv6Address(body[:16]))), struct.unpack_from("!H", body, 32)[0], 16 + length)
    if family == 0x00:
        return ProxyHeader("", 0, 16 + length)
    raise MalformedProxyHeader("version 2 header with a wrong address family")
