# SPDX-License-Identifier: Apache-2.0
"""Where a mail came from, as its own trace fields say; nothing is looked up.

from mx.partner.example (out7.partner.example [198.51.100.14])                the client's address has a name
from mx.partner.example (out7.partner.example [198.51.100.14] (may be forged))   a name that does not lead back
from mx.partner.example ([198.51.100.14])                                     no name
from out7.partner.example [198.51.100.14]                                     written by a fetchmail: the name is known
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from gatepost.message.headers import Headers

_HOP = re.compile(
    r"\s*from\s+(?P<helo>[^\s()\[\]]{1,255})\s+(?:(?P<told>\()(?:[^\s()@]{0,64}@)?(?P<host>[A-Za-z0-9.-]{0,255})\s*)?"
    r"\[(?:IPv6:)?(?P<address>[0-9A-Fa-f.:]{3,45})\](?P<forged>\s*\(may be forged\))?"
)
_IN_BRACKETS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{3,45})\]")
_PLAIN_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,15}")
_DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""RFC 5737, RFC 3849: where the clients of our own mails are."""


class Origin(NamedTuple):
    """A client: its address, what it says in EHLO, and the name of its address, '' when it has none."""

    client: str
    helo: str
    host: str
    leads_back: bool = True
    """Whether the name has the address."""


def origin(headers: Headers) -> Origin | None:
    """Give the latest hop with a public address; None where no trace field names one."""
    return next(_origins(headers), None)


def literal(client: str) -> str:
    """Write an address as a client without a name says it in EHLO (RFC 5321 §4.1.3)."""
    return f"[IPv6:{client}]" if ":" in client else f"[{client}]"


def _origins(headers: Headers) -> Iterator[Origin]:
    for field in headers.all("Received"):
        hop = _HOP.match(field.text)
        for written in _IN_BRACKETS.findall(field.text):
            address = _public(written)
            if address:
                yield _named(address, hop) if hop and hop["address"] == written else Origin(address, literal(address), "")


def _named(address: str, hop: re.Match[str]) -> Origin:
    host = hop["host"] if hop["told"] else hop["helo"]
    helo = hop["helo"] if _PLAIN_NAME.fullmatch(hop["helo"]) else literal(address)
    return Origin(address, helo, host.lower() if _PLAIN_NAME.fullmatch(host) else "", not hop["forged"])


def _public(untrusted: str) -> str:
    """Give an address in its usual form; '' for what is none, or one that only a private network knows."""
    try:
        address = ipaddress.ip_address(untrusted)
    except ValueError:
        return ""
    public = (address.is_global and not address.is_multicast) or any(address in network for network in _DOCUMENTATION)
    return str(address) if public else ""
