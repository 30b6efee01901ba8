# SPDX-License-Identifier: Apache-2.0
"""The client's address in the forms that SPF asks for: a number to match, texts for macros (RFC 7208 §5, §7.3)."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple


class Client(NamedTuple):
    """An IPv4-mapped IPv6 address is held as the IPv4 address that it is (RFC 7208 §5)."""

    address: str
    """Canonical text; macro c."""
    number: int
    version: int

    @property
    def dotted(self) -> str:
        """Macro i: an IPv6 address as its 32 hexadecimal digits."""
        return self.address if self.version == 4 else ".".join(f"{self.number:032x}")

    def in_network(self, network: int, bits: int) -> bool:
        """Whether the address and another of the same version share their first `bits`."""
        return (self.number ^ network) >> ((32 if self.version == 4 else 128) - bits) == 0

    def in_any(self, untrusted_addresses: Iterable[str], bits: int) -> bool:
        """Whether the address shares its first `bits` with one of those that a resolver gave for its version."""
        return any(
            parsed is not None and parsed.version == self.version and self.in_network(parsed.number, bits)
            for parsed in map(_parsed, untrusted_addresses)
        )


def read_client(text: str) -> Client | None:
    """Read an IP address; None when it is none."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return Client(str(parsed), int(parsed), parsed.version)


@lru_cache(maxsize=8192)
def _parsed(untrusted_address: str) -> Client | None:
    """Read what a resolver gave; a mapped address stays IPv6, since only an AAAA record can hold it."""
    try:
        parsed = ipaddress.ip_address(untrusted_address)
    except ValueError:
        return None
    return Client("", int(parsed), parsed.version)
