# SPDX-License-Identifier: Apache-2.0
"""Domains as the wire names them: lower case, A-labels, checked (RFC 1035 §2.3.4, RFC 5321 §4.1.2, RFC 5891 §4).

Promises: the same domain in any spelling gives the same text; what cannot be a domain gives None and
never an exception. An underscore is let through, because hosts with one send and receive mail.
A dot at the end is a syntax error in a mail address (RFC 5321 §4.1.2), so it gives None.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_MAX_DOMAIN = 253
"""Characters in a domain's text form: the 255 octets of RFC 1035 §2.3.4 less the first length octet and the root."""

_ASCII_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?").fullmatch


def a_label(untrusted: str) -> str | None:
    """Give the normalised domain, or None when the text is none."""
    # The length is checked before the cache, so that no stranger's long text can fill it.
    return _a_label(untrusted) if len(untrusted) <= _MAX_DOMAIN else None


@lru_cache(maxsize=8192)
def _a_label(untrusted: str) -> str | None:
    domain = untrusted.lower() if untrusted.isascii() else _to_ascii(untrusted)
    if domain is None or len(domain) > _MAX_DOMAIN or not _ASCII_DOMAIN(domain):
        return None
    return domain


def _to_ascii(untrusted: str) -> str | None:
    """Encode a domain with other than ASCII characters (UTS 46, non-transitional)."""
    import idna  # loaded only here: most gateways see such a domain rarely, and its tables are large

    try:
        return idna.encode(untrusted, uts46=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, ValueError):
        return None


def is_address_literal(untrusted: str) -> bool:
    """Whether the text is an address literal in brackets, IPv4 or IPv6 (RFC 5321 §4.1.3)."""
    return address_literal(untrusted) is not None


def address_literal(untrusted: str) -> str | None:
    """Give an address literal in its one canonical form (`[192.0.2.1]`, `[IPv6:2001:db8::1]`), or None when it is none."""
    if len(untrusted) < 4 or untrusted[0] != "[" or untrusted[-1] != "]":
        return None
    inner = untrusted[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            return None if "%" in inner else f"[IPv6:{IPv6Address(inner[5:])}]"
        return f"[{IPv4Address(inner)}]"
    except (AddressValueError, ValueError):
        return None
