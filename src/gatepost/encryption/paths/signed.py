# SPDX-License-Identifier: Apache-2.0
"""Check who signed a certificate, a list or a response: the schemes of mail signatures, and DSA where old chains are allowed."""

from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatepost.encryption.cms import oids as cms_oids
from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.ber import EXPLICIT, SEQUENCE
from gatepost.encryption.cms.digests import HASHES, name_of
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.public_key import load
from gatepost.encryption.cms.scheme import read_scheme
from gatepost.encryption.cms.signature import holds
from gatepost.encryption.paths import oids

_SMALL = 8192
Check = Literal["holds", "broken", "weak", "unsupported"]

_DIGESTS = {
    cms_oids.SHA1_WITH_RSA: "sha1",
    cms_oids.SHA256_WITH_RSA: "sha256",
    cms_oids.SHA384_WITH_RSA: "sha384",
    cms_oids.SHA512_WITH_RSA: "sha512",
    cms_oids.ECDSA_WITH_SHA1: "sha1",
    cms_oids.ECDSA_WITH_SHA256: "sha256",
    cms_oids.ECDSA_WITH_SHA384: "sha384",
    cms_oids.ECDSA_WITH_SHA512: "sha512",
    cms_oids.ED25519: "sha512",
}


def check_signature(key: bytes, algorithm: Algorithm, signature: bytes, signed: bytes, sha1: bool) -> Check:
    """Say whether the key (a SubjectPublicKeyInfo) made this signature; with SHA-1 and DSA only where that is allowed."""
    try:
        return _check(key, algorithm, signature, signed, sha1)
    except Refusal:
        return "unsupported"


def remembered_signature(key: bytes, algorithm: Algorithm, signature: bytes, signed: bytes, sha1: bool) -> Check:
    """Do the same, and remember what is small: certificates and responses come again."""
    check = check_signature if len(signed) > _SMALL else _remembered
    return check(key, algorithm, signature, signed, sha1)


_remembered = lru_cache(maxsize=1024)(check_signature)


def is_short(key: bytes, least_rsa_bits: int) -> bool:
    """Say whether a key (a SubjectPublicKeyInfo) is an RSA key of fewer bits."""
    loaded = load(key)
    return isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < least_rsa_bits


def _check(key: bytes, algorithm: Algorithm, signature: bytes, signed: bytes, sha1: bool) -> Check:
    if algorithm.oid in oids.DSA_WITH:
        return _check_dsa(key, oids.DSA_WITH[algorithm.oid], signature, signed) if sha1 else "weak"
    digest = _pss_digest(algorithm) if algorithm.oid == cms_oids.RSA_PSS else _DIGESTS.get(algorithm.oid, "")
    if not digest:
        return "unsupported"
    if digest == "sha1" and not sha1:
        return "weak"
    loaded = load(key)
    if isinstance(loaded, Fault):
        return "unsupported"
    return "holds" if holds(loaded, read_scheme(algorithm, digest), signature, signed) else "broken"


def _pss_digest(algorithm: Algorithm) -> str:
    parameters = algorithm.inside().enter(SEQUENCE)
    return name_of(read_algorithm(parameters.enter(EXPLICIT | 0))) if parameters.peek() == EXPLICIT | 0 else "sha1"


def _check_dsa(key: bytes, digest: str, signature: bytes, signed: bytes) -> Check:
    try:
        loaded = load_der_public_key(key)
        if not isinstance(loaded, dsa.DSAPublicKey):
            return "broken"
        loaded.verify(signature, signed, HASHES[digest])
    except InvalidSignature:
        return "broken"
    except (ValueError, UnsupportedAlgorithm):
        return "unsupported"
    return "holds"
