# SPDX-License-Identifier: Apache-2.0
"""The names that settings are written in: domains, networks and next hops, each checked for its form alone.

A check gives "" for a good name, or the cause as half a sentence. Nothing is looked up.
"""

import ipaddress
import re

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]|([^:\[\]]+))(?::([0-9]{1,5}))?\Z")
_LONGEST_NAME = 253
"""Source: RFC 1035 §2.3.4, 255 octets on the wire."""


def domain_fault(name: str) -> str:
    """Tell what is wrong with a domain name (RFC 5321 §4.1.2; U-labels as in RFC 5890 are welcome)."""
    if not name.isascii():
        import idna

        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as fault:
            return f"{name!r} is no domain name ({fault})"
    if not name or len(name) > _LONGEST_NAME or not all(_LABEL.match(label) for label in name.split(".")):
        return f"{name!r} is no domain name"
    if name.rsplit(".", 1)[-1].isdigit():
        return f"{name!r} is an IP address, not a domain name"
    return ""


def pattern_fault(pattern: str, *, any_allowed: bool) -> str:
    """Tell what is wrong with a domain, `*.domain`, or, where allowed, `*`."""
    if any_allowed and pattern == "*":
        return ""
    return domain_fault(pattern.removeprefix("*."))


def address_fault(address: str) -> str:
    """Tell what is wrong with one IP address."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return f"{address!r} is no IP address"
    return ""


def network_fault(network: str) -> str:
    """Tell what is wrong with an IP address or network; bits beyond the prefix are a fault."""
    try:
        ipaddress.ip_network(network)
    except ValueError as fault:
        if "host bits" in str(fault):
            return f"{network!r} has bits set beyond its prefix (meant {ipaddress.ip_network(network, strict=False)}?)"
        return f"{network!r} is no IP address or network"
    return ""


def name_server(server: str, port: int = 53) -> tuple[str, int]:
    """Give address and port of `address`, `address:port`, `[address]` or `[address]:port`. Raises: ValueError."""
    address, said = server, ""
    if server.startswith("["):
        address, bracket, rest = server[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{server!r} is no name server")
        said = rest[1:] if rest else str(port)
    elif server.count(":") == 1:
        address, _, said = server.partition(":")
    else:
        said = str(port)
    if fault := address_fault(address) or _port_fault(said):
        raise ValueError(fault)
    return address, int(said)


def name_server_fault(server: str) -> str:
    """Tell what is wrong with a name server."""
    try:
        name_server(server)
    except ValueError as fault:
        return str(fault)
    return ""


def next_hop_fault(host: str) -> str:
    """Tell what is wrong with `host`, `host:port`, `address`, `[address]` or `[address]:port`."""
    if host.startswith("["):
        inner, bracket, rest = host[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return f"{host!r} is no next hop"
        return address_fault(inner) or (_port_fault(rest[1:]) if rest else "")
    if host.count(":") > 1:
        return f"{host!r} is no next hop; an IPv6 address stands in brackets" if address_fault(host) else ""
    name, colon, port = host.partition(":")
    if address_fault(name) and (fault := domain_fault(name)):
        return fault
    return _port_fault(port) if colon else ""


def web_address_fault(address: str) -> str:
    """Tell what is wrong with `https://host`, or `http://`, with a port or without, and nothing behind it but a slash."""
    scheme, _, rest = address.partition("://")
    place = rest.removesuffix("/")
    if scheme.lower() in ("https", "http") and any(mark in place for mark in "/?#@"):
        return f"{address!r} has more than scheme, host and port"
    found = _HOST_AND_PORT.match(place) if address.isascii() and scheme.lower() in ("https", "http") else None
    if found is None:
        return f"{address!r} is no web address"
    bracketed, name, port = found.groups()
    wrong = address_fault(bracketed) if bracketed else address_fault(name) and domain_fault(name)
    return f"{address!r} is no web address" if wrong or (port and _port_fault(port)) else ""


def _port_fault(port: str) -> str:
    return "" if port.isascii() and port.isdigit() and 1 <= int(port) <= 65535 else f"{port!r} is no port"
