# SPDX-License-Identifier: Apache-2.0
"""Key agreement: a secret agreed on a curve becomes a key that wraps the content key (RFC 5753; X25519: RFC 8418).

Two derivations are in use: ANSI X9.63 and, for X25519, HKDF. Both take the ECC-CMS-SharedInfo (RFC 5753 §7.2) with the
key wrap's algorithm just as it stands in the message. The wrap is AES key wrap (RFC 3394), which notices a wrong key;
another one, from before AES, is only read (`old_wrap.py`).
"""

from typing import Literal, NamedTuple

from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import Algorithm, algorithm, read_algorithm
from gatepost.encryption.cms.digests import HASHES
from gatepost.encryption.cms.enveloped import old_wrap
from gatepost.encryption.cms.fault import Refusal


class Derivation(NamedTuple):
    """How a secret becomes a key."""

    function: Literal["x963", "hkdf"]
    digest: str


_DERIVATIONS = {
    oids.STD_DH_SHA1_KDF: Derivation("x963", "sha1"),
    oids.STD_DH_SHA256_KDF: Derivation("x963", "sha256"),
    oids.STD_DH_SHA384_KDF: Derivation("x963", "sha384"),
    oids.STD_DH_SHA512_KDF: Derivation("x963", "sha512"),
    oids.STD_DH_HKDF_SHA256: Derivation("hkdf", "sha256"),
    oids.STD_DH_HKDF_SHA384: Derivation("hkdf", "sha384"),
    oids.STD_DH_HKDF_SHA512: Derivation("hkdf", "sha512"),
    # On curves with cofactor 1, which are all of ours but X25519, this is the same agreement.
    oids.COFACTOR_DH_SHA1_KDF: Derivation("x963", "sha1"),
    oids.COFACTOR_DH_SHA256_KDF: Derivation("x963", "sha256"),
    oids.COFACTOR_DH_SHA384_KDF: Derivation("x963", "sha384"),
    oids.COFACTOR_DH_SHA512_KDF: Derivation("x963", "sha512"),
}
WRAP_KEYS = {oids.AES128_WRAP: 16, oids.AES192_WRAP: 24, oids.AES256_WRAP: 32}
WRAPS = {length: algorithm(oid) for oid, length in WRAP_KEYS.items()}
"""The wraps that we write with, by the length of the content key."""
_READ = {**WRAP_KEYS, oids.TRIPLE_DES_WRAP: old_wrap.KEY_LENGTH}


class Scheme(NamedTuple):
    """A whole way of key agreement."""

    derivation: Derivation
    wrap: Algorithm


def read_agreement(algorithm: Algorithm) -> Scheme:
    """Read how the content key was wrapped; `Refusal` when it is not one of these ways."""
    derivation = _DERIVATIONS.get(algorithm.oid)
    if derivation is None:
        raise Refusal("unsupported", f"key agreement algorithm {oids.dotted(algorithm.oid)} is not supported")
    cursor = algorithm.inside()
    wrap = read_algorithm(cursor)
    cursor.close()
    if wrap.oid not in _READ or not wrap.plain:
        raise Refusal("unsupported", f"key wrap algorithm {oids.dotted(wrap.oid)} is not supported")
    return Scheme(derivation, wrap)


def wrapping_key(secret: bytes, scheme: Scheme, material: bytes | None) -> bytes:
    """Derive the key that wraps from the agreed secret; `material` is the sender's, where he gave some."""
    length = _READ[scheme.wrap.oid]
    entity = b"" if material is None else der.explicit(0, der.octet_string(material))
    bits = der.explicit(2, der.octet_string((length * 8).to_bytes(4)))
    shared = der.sequence(scheme.wrap.encoded, entity, bits)
    hashed = HASHES[scheme.derivation.digest]
    if scheme.derivation.function == "x963":
        return X963KDF(hashed, length, shared).derive(secret)
    return HKDF(hashed, length, material, shared).derive(secret)


def unwrap(key: bytes, wrapped: bytes, by: bytes = oids.AES256_WRAP) -> bytes | None:
    """Unwrap a content key by the algorithm of this identifier; None when the key is wrong."""
    if by == oids.TRIPLE_DES_WRAP:
        return old_wrap.unwrap_triple_des(key, wrapped)
    try:
        return aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        return None


def wrap(key: bytes, content_key: bytes) -> bytes:
    """Wrap a content key."""
    return aes_key_wrap(key, content_key)
