# SPDX-License-Identifier: Apache-2.0
"""Two hundred made-up sending domains, each with a client address of its own, and all that the DNS says of them.

The domains are below `.example` and the addresses are RFC 5737's: nothing of it exists outside a benchmark.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

DOMAINS = 200
NETWORK = IPv4Address("203.0.113.0")
SELECTOR = "s2026"
BLOCKLISTS = ("first.blocklist.example", "second.blocklist.example")
KEY_BITS = 2048
_POLICIES = ("none", "quarantine", "reject")
_END = b"-----END PRIVATE KEY-----\n"


class Sender(NamedTuple):
    """One sending domain."""

    domain: str
    address: str
    """Of its one mail server."""
    host: str
    policy: str
    """What its DMARC record asks for."""
    listed: bool
    """Whether the first blocklist has its address."""
    number: int


class Record(NamedTuple):
    """One record; `value` is as a zone file has it, without quotes."""

    name: str
    kind: str
    value: str


def senders() -> list[Sender]:
    """Give the senders."""
    found = []
    for number in range(DOMAINS):
        domain = f"sender-{number:03}.example"
        address = str(NETWORK + number + 1)
        found.append(Sender(domain, address, f"mail.{domain}", _POLICIES[number % 3], number % 20 == 7, number))
    return found


def records(keys: list[RSAPrivateKey]) -> Iterator[Record]:
    """Give all that the DNS knows; half the domains have their SPF record include another."""
    for sender, key in zip(senders(), keys, strict=True):
        domain, address = sender.domain, sender.address
        own = f"v=spf1 ip4:{address} -all"
        if sender.number % 2:
            yield Record(domain, "TXT", f"v=spf1 include:_spf.{domain} -all")
            yield Record(f"_spf.{domain}", "TXT", own)
        else:
            yield Record(domain, "TXT", own)
        yield Record(domain, "MX", f"10 {sender.host}.")
        yield Record(domain, "A", address)
        yield Record(f"www.{domain}", "A", address)
        yield Record(sender.host, "A", address)
        yield Record(sender.host, "TXT", "v=spf1 a -all")
        yield Record(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={sender.policy}")
        yield Record(f"{SELECTOR}._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={_public(key)}")
        reverse = IPv4Address(address).reverse_pointer
        yield Record(reverse, "PTR", f"{sender.host}.")
        if sender.listed:
            yield Record(f"{reverse.removesuffix('.in-addr.arpa')}.{BLOCKLISTS[0]}", "A", "127.0.0.2")


def zone(found: Iterator[Record]) -> str:
    """Write records as the zone file that Gatepost's in-memory DNS reads."""
    return "".join(f"{one.name}. {one.kind} {_quoted(one.value) if one.kind == 'TXT' else one.value}\n" for one in found)


def keys(file: Path) -> list[RSAPrivateKey]:
    """Give each domain's DKIM key, from this file where it is there."""
    if file.exists():
        pems = [pem + _END for pem in file.read_bytes().split(_END) if pem.strip()]
        if len(pems) == DOMAINS:
            return [_private(pem) for pem in pems]
    made = [generate_private_key(65537, KEY_BITS) for _ in range(DOMAINS)]
    new = file.with_suffix(".new")
    new.write_bytes(b"".join(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in made))
    new.rename(file)
    return made


def _private(pem: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _public(key: RSAPrivateKey) -> str:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    return "".join(pem.split("-----")[2].split())


def _quoted(text: str) -> str:
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
