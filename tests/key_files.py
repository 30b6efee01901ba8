# SPDX-License-Identifier: Apache-2.0
"""PKCS#12 files for tests, made by hand: with any keys and certificates in them, which no library writes."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from gatepost.encryption.cms import der, oids

PASSWORD = "open sesame"
_BAGS = "1.2.840.113549.1.12.10.1."
_X509 = der.oid(oids.encoded("1.2.840.113549.1.9.22.1"))


def key_file(secrets: Sequence[object], certificates: Sequence[bytes], *, shrouded: bool = True, password: str = PASSWORD) -> bytes:
    """Write keys, each encrypted where `shrouded`, and certificates in DER, under one password (RFC 7292 §4)."""
    bags = [_key_bag(secret, shrouded, password) for secret in secrets]
    bags += [_bag("3", der.sequence(_X509, der.explicit(0, der.octet_string(one)))) for one in certificates]
    safes = der.sequence(_data(der.sequence(*bags)))
    salt = b"saltsalt"
    seal = hmac.new(_key_of(password, salt), safes, "sha1").digest()
    mac = der.sequence(der.sequence(der.sequence(der.oid(oids.SHA1), der.NULL), der.octet_string(seal)), der.octet_string(salt))
    return der.sequence(der.integer(3), _data(safes), mac)


def _key_bag(secret: object, shrouded: bool, password: str) -> bytes:
    encryption = BestAvailableEncryption(password.encode()) if shrouded else NoEncryption()
    return _bag("2" if shrouded else "1", secret.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption))


def _bag(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oids.encoded(_BAGS + kind)), der.explicit(0, value))


def _data(content: bytes) -> bytes:
    return der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(content)))


def _key_of(password: str, salt: bytes) -> bytes:
    """Derive the key of the seal, with one iteration (RFC 7292 §B.2)."""

    def filled(octets: bytes) -> bytes:
        size = -(-len(octets) // 64) * 64
        return (octets * 64)[:size]

    return hashlib.sha1(b"\3" * 64 + filled(salt) + filled(password.encode("utf-16-be") + b"\0\0")).digest()
