# SPDX-License-Identifier: Apache-2.0
"""Load the public key of a certificate, whatever the rest of the certificate is like.

RSA keys of the kinds `rsaEncryption`, `id-RSASSA-PSS` and `id-RSAES-OAEP` (RFC 4055), the NIST and Brainpool curves, Ed25519 and X25519.
"""

from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import algorithm, read_algorithm
from gatepost.encryption.cms.ber import SEQUENCE, cursor_on
from gatepost.encryption.cms.certificate import key_bits
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.policy import LEAST_RSA_BITS

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey

CURVES: dict[str, str] = {
    "secp256r1": "p256",
    "secp384r1": "p384",
    "secp521r1": "p521",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpoolP384r1": "brainpoolP384r1",
    "brainpoolP512r1": "brainpoolP512r1",
}
"""The curves that are used, by the library's name, with ours."""

_LIMITS = Limits(size_bytes=16_384)
_RSA = algorithm(oids.RSA, der.NULL).encoded
_MOST_RSA_BITS = 16_384
_TOO_LARGE = Fault("too-large", f"the certificate's key has more than {_LIMITS.size_bytes} bytes")


def load(subject_public_key_info: bytes) -> PublicKey | Fault:
    """Load a key; one that is malformed, weak beyond use, or of a kind that is not used gives a fault."""
    # The size is checked before the cache, so that no stranger's large key can fill it.
    return _load(subject_public_key_info) if len(subject_public_key_info) <= _LIMITS.size_bytes else _TOO_LARGE


@lru_cache(maxsize=2048)
def _load(subject_public_key_info: bytes) -> PublicKey | Fault:
    try:
        encoded = _plain(subject_public_key_info)
        key = load_der_public_key(encoded)
    except Refusal as refusal:
        return refusal.fault
    except (ValueError, UnsupportedAlgorithm):
        return Fault("unsupported", "the certificate's key is malformed or of an unknown kind")
    if isinstance(key, rsa.RSAPublicKey):
        exponent, modulus = key.public_numbers().e, key.public_numbers().n
        if not exponent & modulus & 1:
            return Fault("unsupported", "the certificate's RSA key is none: its modulus or its exponent is even")
        if key.key_size > _MOST_RSA_BITS or exponent < 3 or exponent.bit_length() > 64:
            return Fault("unsupported", "the certificate's RSA key has a size or an exponent that is not used")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key if key.curve.name in CURVES else Fault("unsupported", f"curve {key.curve.name} is not used")
    if isinstance(key, ed25519.Ed25519PublicKey | x25519.X25519PublicKey):
        return key
    return Fault("unsupported", "the certificate's key is of a kind that is not used")


def kind_of(key: PublicKey) -> str:
    """Name a key's kind: rsa, ed25519, x25519 or a curve; one that is not used has the library's name."""
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES.get(key.curve.name, key.curve.name)
    return "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "x25519"


def too_short(key: PublicKey) -> Fault | None:
    """Say why nobody writes with or to a key: it can be computed from the certificate (RFC 8550 §4.3). None when it is long enough."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        return Fault("forbidden", f"an RSA key of {key.key_size} bits is too short")
    return None


def is_bound_to(subject_public_key_info: bytes, scheme: bytes) -> bool:
    """Say whether a certificate binds its RSA key to RSASSA-PSS or RSAES-OAEP alone (RFC 4055 §1.2); of a key that was loaded."""
    return read_algorithm(cursor_on(subject_public_key_info, _LIMITS).enter(SEQUENCE)).oid == scheme


def _plain(encoded: bytes) -> bytes:
    """Write an RSA key that its certificate binds to one scheme as one that is bound to none."""
    kind = read_algorithm(cursor_on(encoded, _LIMITS).enter(SEQUENCE)).oid
    if kind in (oids.RSA_PSS, oids.RSA_OAEP):
        return der.sequence(_RSA, der.bit_string(key_bits(encoded)))
    return encoded
