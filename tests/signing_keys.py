# SPDX-License-Identifier: Apache-2.0
"""Keys for signatures in tests, and a resolver that knows their records and no others."""

import base64
import random
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatepost.dns.answers import Answer


class KeyZone:
    """A resolver that answers TXT from a dictionary; None is a server that does not answer. It counts questions."""

    def __init__(self, records: dict[str, str | list[str] | None]) -> None:
        self.records = records
        self.asked: list[str] = []

    async def txt(self, name: str) -> Answer[bytes]:
        self.asked.append(name)
        if name not in self.records:
            return Answer("nxdomain")
        record = self.records[name]
        if record is None:
            return Answer("failed")
        texts = [record] if isinstance(record, str) else record
        return Answer("found", tuple(text.encode() for text in texts), 60.0)


@cache
def rsa_key(bits: int = 1024) -> RSAPrivateKey:
    """Make an RSA key once in a run; short ones are quick to sign with."""
    return generate_private_key(65537, bits)


@cache
def short_rsa_key(bits: int) -> RSAPrivateKey:
    """Make an RSA key that is shorter than the library makes any; its primes are only probably prime."""
    chance = random.Random(bits)
    primes: list[int] = []
    while len(primes) < 2:
        number = chance.getrandbits(bits // 2) | 3 << (bits // 2 - 2) | 1
        if pow(2, number - 1, number) == 1 and (number - 1) % 65537:
            primes.append(number)
    p, q = primes
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), RSAPublicNumbers(65537, p * q))
    return numbers.private_key()


@cache
def ed25519_key() -> Ed25519PrivateKey:
    """Make an Ed25519 key once in a run."""
    return Ed25519PrivateKey.generate()


def record_of(key: RSAPrivateKey | Ed25519PrivateKey, more: str = "") -> str:
    """Write a key's record."""
    public = key.public_key()
    if isinstance(key, RSAPrivateKey):
        return f"v=DKIM1; k=rsa;{more} p=" + base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return f"v=DKIM1; k=ed25519;{more} p=" + base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def pem_of(key: RSAPrivateKey) -> bytes:
    """Write an RSA key as dkimpy reads it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def seed_of(key: Ed25519PrivateKey) -> bytes:
    """Write an Ed25519 key as dkimpy reads it."""
    return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
