# SPDX-License-Identifier: Apache-2.0
"""The name under which the DNS keeps an address's PTR records: `1.2.0.192.in-addr.arpa` (RFC 1035 §3.5, RFC 3596 §2.5)."""

import ipaddress


def reverse_name(address: str) -> str | None:
    """Give the name to ask for an address, an IPv4-mapped one by its IPv4 address; None when it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.reverse_pointer
    return parsed.reverse_pointer if "%" not in address else None
