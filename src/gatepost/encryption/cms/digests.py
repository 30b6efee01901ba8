# SPDX-License-Identifier: Apache-2.0
"""Message digests: SHA-256, SHA-384 and SHA-512 (RFC 5754); SHA-1 is known so that policy can speak of it."""

import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import Algorithm
from gatepost.encryption.cms.ber import AnyBytes
from gatepost.encryption.cms.fault import Refusal

NAMES = {oids.SHA1: "sha1", oids.SHA256: "sha256", oids.SHA384: "sha384", oids.SHA512: "sha512"}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 -- verified where policy says so, and in OAEP and key derivation, where collisions do not matter
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
IDENTIFIERS = {name: oid for oid, name in NAMES.items()}
ENCODED = {name: der.sequence(der.oid(oid)) for name, oid in IDENTIFIERS.items()}
"""AlgorithmIdentifier of each, parameters absent (RFC 5754 §2)."""


def name_of(algorithm: Algorithm) -> str:
    """Give a digest's name; `Refusal` when it is none of these."""
    name = NAMES.get(algorithm.oid)
    if name is None or not algorithm.plain:
        raise Refusal("unsupported", f"digest algorithm {oids.dotted(algorithm.oid)} is not supported")
    return name


def digest(name: str, pieces: Iterable[AnyBytes]) -> bytes:
    """Hash bytes that lie in pieces."""
    state = hashlib.new(name, usedforsecurity=False)
    for piece in pieces:
        state.update(piece)
    return state.digest()
