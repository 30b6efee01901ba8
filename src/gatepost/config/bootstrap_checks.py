# SPDX-License-Identifier: Apache-2.0
"""What no single key of the bootstrap file can show: listeners that collide, TLS without its files.

Each check yields its faults in the file's order; the first is what stops a start.
"""

import os
import pwd
from collections.abc import Iterator
from ipaddress import ip_address

from gatepost.config.bootstrap import Bootstrap, Link, Listener, Stores
from gatepost.config.names import address_fault, domain_fault, network_fault
from gatepost.config.secret_marks import reference_fault
from gatepost.errors import ConfigError


def bootstrap_faults(bootstrap: Bootstrap, source: str) -> Iterator[ConfigError]:
    """Yield all that is wrong with a bootstrap file beyond the form of its keys."""
    if bootstrap.hostname and (fault := domain_fault(bootstrap.hostname)):
        yield ConfigError(f"{source}: hostname", fault, "write the machine's fully qualified name, as mail.example.com")
    if bootstrap.user and not _user_exists(bootstrap.user):
        yield ConfigError(f"{source}: user", f"this machine has no user {bootstrap.user!r}", "create it, or name another")
    yield from _store_faults(bootstrap.stores, f"{source}: stores")
    listeners = bootstrap.listeners_of_role
    if bootstrap.role != "intranet":
        yield from _link_faults(bootstrap.link, f"{source}: link.listen")
        if not bootstrap.mail_listeners:
            yield ConfigError(f"{source}: listeners", "there is none for mail, so none can come in", "add a [[listeners]] table")
    seen: dict[tuple[str, int], int] = {}
    for number, listener in listeners.items():
        where = f"{source}: listeners[{number}]"
        yield from _listener_faults(listener, where)
        first = seen.setdefault((listener.address, listener.port), number)
        if first != number:
            yield ConfigError(where, f"listens where listeners[{first}] does", "give one of them another address or port")
    yield from _tls_faults(bootstrap, listeners, source)


def _store_faults(stores: Stores, where: str) -> Iterator[ConfigError]:
    for key, value, plain in (
        ("gateway", stores.gateway, "sqlite"),
        ("intranet", stores.intranet, "sqlite"),
        ("blobs", stores.blobs, "files"),
    ):
        schemes = ("s3://",) if plain == "files" else ("postgresql://", "postgres://")
        if value != plain and not value.startswith(schemes) and reference_fault(value):
            yield ConfigError(
                f"{where}.{key}", "names no store that Gatepost knows", f'write "{plain}", or a URL that begins with {schemes[0]}'
            )
    if stores.blobs_login and (fault := reference_fault(stores.blobs_login)):
        yield ConfigError(f"{where}.blobs_login", fault, "write file:/PATH or env:NAME")
    if stores.blobs_login and stores.blobs == "files":
        yield ConfigError(f"{where}.blobs_login", "files need no login", "take it away, or name a bucket as `blobs`")


def _link_faults(link: Link, where: str) -> Iterator[ConfigError]:
    if not link.listen:
        return
    address, port = split_listen(link.listen)
    if not 1 <= port <= 65535:
        yield ConfigError(where, f"{link.listen!r} has no port", "write address:port, as 192.0.2.1:6061 or [2001:db8::1]:6061")
    elif fault := address_fault(address):
        yield ConfigError(where, fault, "write an address of this machine, or 0.0.0.0 or [::] for all, and a port")


def split_listen(listen: str) -> tuple[str, int]:
    """Give address and port of `address:port`, an IPv6 address in brackets; port 0 where there is none."""
    address, _, port = listen.rpartition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    elif ":" in address:
        return listen, 0
    return (address, int(port)) if address and port.isascii() and port.isdigit() else (listen, 0)


def _listener_faults(listener: Listener, where: str) -> Iterator[ConfigError]:
    if fault := address_fault(listener.address):
        yield ConfigError(f"{where}.address", fault, "write an address of this machine, or 0.0.0.0 or :: for all")
    for index, network in enumerate(listener.proxy_from):
        if fault := network_fault(network):
            yield ConfigError(f"{where}.proxy_from[{index}]", fault, "write the proxy's address or network, as 192.0.2.0/24")
    if listener.serves == "console":
        yield from _console_faults(listener, where)
        return
    if listener.serves == "submission" and listener.tls == "none":
        yield ConfigError(f"{where}.tls", "submission without TLS would show passwords", 'write tls = "required" or "implicit"')
    if listener.client_ca and listener.tls == "none":
        yield ConfigError(f"{where}.client_ca", "client certificates need TLS", 'write another tls than "none"')
    elif listener.client_ca:
        yield from _file_faults(listener.client_ca, f"{where}.client_ca")


def _console_faults(listener: Listener, where: str) -> Iterator[ConfigError]:
    if listener.tls in ("offered", "required"):
        yield ConfigError(f"{where}.tls", "HTTP has no STARTTLS", 'write tls = "implicit", or "none" on a loopback address')
    if listener.tls == "none" and not address_fault(listener.address) and not ip_address(listener.address).is_loopback:
        yield ConfigError(
            f"{where}.tls", "passwords would cross the network in plain", 'write tls = "implicit", or listen on 127.0.0.1 behind a proxy'
        )
    for key, value in (("proxy_from", listener.proxy_from), ("client_ca", listener.client_ca)):
        if value:
            yield ConfigError(f"{where}.{key}", "is for mail only", "take it away")


def _tls_faults(bootstrap: Bootstrap, listeners: dict[int, Listener], source: str) -> Iterator[ConfigError]:
    wanting = next((number for number, listener in listeners.items() if listener.tls != "none"), None)
    for key, file in (("certificate", bootstrap.tls.certificate), ("key", bootstrap.tls.key)):
        where = f"{source}: tls.{key}"
        if file:
            yield from _file_faults(file, where)
        elif wanting is not None:
            cause = f"is empty, but listeners[{wanting}] has TLS"
            yield ConfigError(where, cause, 'name the PEM file, or write tls = "none" for each listener')


def _file_faults(file: str, where: str) -> Iterator[ConfigError]:
    if not os.path.isfile(file):
        yield ConfigError(where, f"there is no file {file}", "mend the path")
    elif not os.access(file, os.R_OK):
        yield ConfigError(where, f"{file} cannot be read", "mend its permissions")


def _user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
