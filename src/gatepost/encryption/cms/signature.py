# SPDX-License-Identifier: Apache-2.0
"""Check one signature over bytes with a public key."""

from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from gatepost.encryption.cms.digests import HASHES
from gatepost.encryption.cms.public_key import PublicKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.space import AnyBytes

_PKCS1 = padding.PKCS1v15()
_ECDSA = {name: ec.ECDSA(algorithm) for name, algorithm in HASHES.items()}


class Hashed(NamedTuple):
    """What is signed, where it is large: its digest under the scheme's, so that many signers do not hash it again and again."""

    digest: bytes


def holds(key: PublicKey, scheme: Scheme, signature: bytes, signed: AnyBytes | Hashed) -> bool:
    """Say whether the key made this signature over these bytes; a key of another kind than the scheme's never did."""
    try:
        if isinstance(signed, Hashed):
            return _holds_digest(key, scheme, signature, signed.digest)
        if scheme.kind in ("rsa-pkcs1", "rsa-pss") and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, bytes(signed), rsa_padding(scheme), HASHES[scheme.digest])
        elif scheme.kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, _ECDSA[scheme.digest])
        elif scheme.kind == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _holds_digest(key: PublicKey, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    hashed = Prehashed(HASHES[scheme.digest])
    if scheme.kind in ("rsa-pkcs1", "rsa-pss") and isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, digest, rsa_padding(scheme), hashed)
    elif scheme.kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, digest, ec.ECDSA(hashed))
    else:
        return False
    return True


def rsa_padding(scheme: Scheme) -> padding.AsymmetricPadding:
    """Give the padding of an RSA scheme."""
    return _PKCS1 if scheme.kind == "rsa-pkcs1" else _pss(scheme.digest, scheme.salt_length)


@lru_cache(maxsize=64)
def _pss(digest: str, salt_length: int) -> padding.PSS:
    return padding.PSS(padding.MGF1(HASHES[digest]), salt_length)
