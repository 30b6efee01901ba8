# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end of a session, as far as it has shown."""

from dataclasses import dataclass
from ipaddress import IPv6Address


def unmapped(address: str) -> str:
    """Give an IPv4 address that a socket for both families shows as `::ffff:192.0.2.1` as what it is."""
    mapped = IPv6Address(address).ipv4_mapped if address.startswith("::ffff:") else None
    return address if mapped is None else str(mapped)


@dataclass(slots=True)
class Peer:
    """One connected client. What it claims (`helo`) and what was proven are separate fields."""

    address: str
    """IP address; behind a listed proxy, the one the PROXY header named."""
    port: int
    listener: str
    """`address:port` of the listener that took the connection."""
    helo: str = ""
    extended: bool = False
    """Whether it said EHLO rather than HELO."""
    tls: str = ""
    """Version and cipher; '' on a plain connection."""
    certificate_sha256: str = ""
    """Of a client certificate that chained to the listener's `client_ca`; lower-case hex."""
    user: str = ""
    """Authenticated name (RFC 4954); '' before."""
    tenant_id: int | None = None
    """The authenticated user's tenant."""
    transaction: object = None
    """What the house keeps about the mail transaction at hand; set at MAIL."""
