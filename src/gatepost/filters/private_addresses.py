# SPDX-License-Identifier: Apache-2.0
"""Addresses of which the public DNS knows nothing: private, shared, link-local and loopback ones.

Addresses of documentation (RFC 5737, RFC 3849) are not among them: the demo's clients have those.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

_PRIVATE_V4 = tuple(
    map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
)
_PRIVATE_V6 = tuple(map(IPv6Network, ("::/127", "fc00::/7", "fe80::/10")))
"""Source: RFC 1122 §3.2.1.3, RFC 1918 §3, RFC 3927, RFC 4193, RFC 4291 §2.4, RFC 6598."""


@lru_cache(maxsize=8192)
def is_private(address: str) -> bool:
    """Whether no public server can say anything about an address; what is no address counts as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return True
    if isinstance(parsed, IPv4Address):
        return any(parsed in network for network in _PRIVATE_V4)
    if parsed.ipv4_mapped is not None:
        return any(parsed.ipv4_mapped in network for network in _PRIVATE_V4)
    return parsed.scope_id is not None or any(parsed in network for network in _PRIVATE_V6)
