# SPDX-License-Identifier: Apache-2.0
"""What no single key of the configuration can show: names that clash, mail with no way, doors left open.

Each check yields its faults in the file's order; the first is what stops a start or an apply.
"""

import ipaddress
import math
import re
from collections.abc import Iterator

import msgspec

from gatepost.config.configuration import Configuration, CorporateServer, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.names import domain_fault, name_server_fault, network_fault, next_hop_fault, pattern_fault, web_address_fault
from gatepost.config.retention import Retention
from gatepost.config.secret_marks import reference_fault
from gatepost.errors import ConfigError

_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}\Z")
_ARGON2ID = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+\Z")


_HEADER = re.compile(r"[!-9;-~]+:[ \t]*[ -~]*[!-~]")
_QUOTED = re.compile(r'"[^\x00-\x1f\x7f]+"\Z')
_LOCAL_PART = re.compile(r"[^\s\"(),.:;<>@\[\\\]\x00-\x1f\x7f]+(?:\.[^\s\"(),.:;<>@\[\\\]\x00-\x1f\x7f]+)*\Z")


def configuration_faults(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """Yield all that is wrong with a configuration beyond the form of its keys."""
    yield from _domain_faults(configuration, source)
    yield from _notice_faults(configuration, source)
    yield from _server_faults(configuration.corporate_servers, source)
    yield from _address_faults(configuration.corporate_users, source)
    yield from _user_faults(configuration.submission_users, source)
    yield from _connector_faults(configuration.send_connectors, source)
    yield from _unserved(configuration, source)
    yield from _name_server_faults(configuration.dns.servers, source)
    yield from _proxy_faults(configuration.console.trusted_proxies, source)
    yield from _public_address_faults(configuration.console.public_address, source)
    yield from _endless(configuration, source)
    yield from _retention_faults(configuration.retention, source)


def _domain_faults(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for number, domain in enumerate(configuration.owned_domains):
        where = f"{source}: owned_domains[{number}].name"
        if fault := pattern_fault(domain.name, any_allowed=False):
            yield ConfigError(where, fault, "write a domain, as example.com or *.example.com")
        first = seen.setdefault(domain.name.lower(), number)
        if first != number:
            yield ConfigError(where, f"{domain.name} is owned_domains[{first}] already", "remove one of them")


def _notice_faults(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    places: list[tuple[msgspec.Struct, str]] = [(configuration.notices, "notices")]
    places += [(domain, f"owned_domains[{number}]") for number, domain in enumerate(configuration.owned_domains)]
    for settings, place in places:
        for key in ("administrative_address", "notice_sender"):
            if fault := _mailbox_fault(getattr(settings, key)):
                yield ConfigError(f"{source}: {place}.{key}", fault, "write one address, as postmaster@example.com")


def _mailbox_fault(address: str) -> str:
    """Tell what is wrong with one mail address; an empty one is none and is right."""
    if not address:
        return ""
    local, at, domain = address.rpartition("@")
    if not at or not (_LOCAL_PART.match(local) or _QUOTED.match(local)):
        return f"{address!r} is no mail address"
    return domain_fault(domain)


def _server_faults(servers: tuple[CorporateServer, ...], source: str) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for number, server in enumerate(servers):
        where = f"{source}: corporate_servers[{number}]"
        first = seen.setdefault(server.name, number)
        if first != number:
            yield ConfigError(f"{where}.name", f"{server.name!r} is corporate_servers[{first}] already", "name it otherwise")
        if not (server.networks or server.certificate_sha256 or server.provider_header):
            cause = "nothing says how to know this server"
            yield ConfigError(f"{where}.networks", cause, "give networks, certificate_sha256 or provider_header")
        if bool(server.provider_networks) != bool(server.provider_header):
            absent = "provider_header" if server.provider_networks else "provider_networks"
            yield ConfigError(f"{where}.{absent}", "only one of provider_networks and provider_header is given", "give both or none")
        if server.provider_header and not _HEADER.fullmatch(server.provider_header):
            yield ConfigError(f"{where}.provider_header", "this is no header field", "write it as `Name: value`")
        if server.certificate_sha256 and not _SHA256_HEX.match(server.certificate_sha256):
            yield ConfigError(f"{where}.certificate_sha256", "is not a SHA-256 in hex", "write its 64 hex digits without colons")
        for index, network in enumerate(server.networks):
            if fault := network_fault(network):
                yield ConfigError(f"{where}.networks[{index}]", fault, "write an address or a network, as 192.0.2.0/24")
            elif ipaddress.ip_network(network).prefixlen == 0:
                cause = "is the whole internet, which would make this an open relay"
                yield ConfigError(f"{where}.networks[{index}]", cause, "write only the servers' own addresses")


def _address_faults(addresses: tuple[str, ...], source: str) -> Iterator[ConfigError]:
    for number, address in enumerate(addresses):
        if fault := _mailbox_fault(address) if address else "the address is empty":
            yield ConfigError(f"{source}: corporate_users[{number}]", fault, "write one address, as user@example.com")


def _user_faults(users: tuple[SubmissionUser, ...], source: str) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for number, user in enumerate(users):
        where = f"{source}: submission_users[{number}]"
        first = seen.setdefault(user.name, number)
        if first != number:
            yield ConfigError(f"{where}.name", f"{user.name!r} is submission_users[{first}] already", "name it otherwise")
        if not _ARGON2ID.match(user.password):
            yield ConfigError(f"{where}.password", "is not a whole argon2id hash", "write $argon2id$v=...$m=...,t=...,p=...$salt$hash")


def _connector_faults(connectors: tuple[SendConnector, ...], source: str) -> Iterator[ConfigError]:
    seen: dict[tuple[str, str], int] = {}
    for number, connector in enumerate(connectors):
        where = f"{source}: send_connectors[{number}]"
        first = seen.setdefault((connector.direction, connector.name), number)
        if first != number:
            cause = f"{connector.direction} {connector.name!r} is send_connectors[{first}] already"
            yield ConfigError(f"{where}.name", cause, "name it otherwise")
        for index, domain in enumerate(connector.domains):
            if fault := pattern_fault(domain, any_allowed=True):
                yield ConfigError(f"{where}.domains[{index}]", fault, "write a domain, *.example.com, or * for all")
        for index, host in enumerate(connector.smart_hosts):
            if fault := next_hop_fault(host):
                yield ConfigError(f"{where}.smart_hosts[{index}]", fault, "write host, host:port or [address]:port")
        if connector.direction == "inbound" and not connector.smart_hosts:
            cause = "is empty, but the MX of an owned domain is this gateway, so mail would run in a circle"
            yield ConfigError(f"{where}.smart_hosts", cause, "name the mail server that has the mailboxes")
        yield from _login_faults(connector, where)


def _login_faults(connector: SendConnector, where: str) -> Iterator[ConfigError]:
    if bool(connector.user) != bool(connector.password):
        given, absent = ("user", "password") if connector.user else ("password", "user")
        yield ConfigError(f"{where}.{absent}", f"is empty, but {given} is given", "give both, or neither")
    if connector.password and (fault := reference_fault(connector.password)):
        yield ConfigError(f"{where}.password", fault, "write file:/PATH or env:NAME, never the password itself")
    if connector.user and connector.security == "none":
        yield ConfigError(f"{where}.security", "a login without TLS would show the password", 'write security = "required"')


def _unserved(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    inbound = [connector for connector in configuration.send_connectors if connector.direction == "inbound"]
    for number, domain in enumerate(configuration.owned_domains):
        if not any(_serves(connector, domain) for connector in inbound):
            cause = f"no inbound connector serves {domain.name}, so its mail could go nowhere"
            yield ConfigError(f"{source}: owned_domains[{number}].name", cause, 'add [[send_connectors]] with direction = "inbound"')


def _name_server_faults(servers: tuple[str, ...], source: str) -> Iterator[ConfigError]:
    for index, server in enumerate(servers):
        if fault := name_server_fault(server):
            yield ConfigError(f"{source}: dns.servers[{index}]", fault, "write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")


def _proxy_faults(networks: tuple[str, ...], source: str) -> Iterator[ConfigError]:
    for index, network in enumerate(networks):
        where = f"{source}: console.trusted_proxies[{index}]"
        if fault := network_fault(network):
            yield ConfigError(where, fault, "write an address or a network, as 192.0.2.0/24")
        elif ipaddress.ip_network(network).prefixlen == 0:
            cause = "is the whole internet, so everybody could say himself where he comes from"
            yield ConfigError(where, cause, "write only the proxies' own addresses")


def _public_address_faults(address: str, source: str) -> Iterator[ConfigError]:
    if address and (fault := web_address_fault(address)):
        yield ConfigError(f"{source}: console.public_address", fault, "write it as https://console.example.com")


def _endless(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """TOML knows `inf` and `nan`; a time that never comes would take the limit away."""
    for section in ("receive", "delivery"):
        for key, value in msgspec.structs.asdict(getattr(configuration, section)).items():
            if isinstance(value, float) and not math.isfinite(value):
                yield ConfigError(f"{source}: {section}.{key}", f"{value} is no limit", "write a finite number")


def _retention_faults(retention: Retention, source: str) -> Iterator[ConfigError]:
    if retention.details_days > retention.summaries_days:
        cause = f"details cannot be kept longer than the summaries, which are kept for {retention.summaries_days} days"
        yield ConfigError(f"{source}: retention.details_days", cause, f"write a whole number from 1 to {retention.summaries_days}")


def _serves(connector: SendConnector, domain: OwnedDomain) -> bool:
    if connector.tenant not in (None, domain.tenant):
        return False
    wanted = domain.name.lower()
    for pattern in map(str.lower, connector.domains):
        if pattern in ("*", wanted, f"*.{wanted}") or (pattern.startswith("*.") and wanted.endswith(pattern[1:])):
            return True
    return False
