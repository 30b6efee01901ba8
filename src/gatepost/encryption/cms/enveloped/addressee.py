# SPDX-License-Identifier: Apache-2.0
"""One who is written to: his certificate's key, and how the content key goes to it. What never changes is written once."""

from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import EXPLICIT
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.digests import HASHES
from gatepost.encryption.cms.enveloped.agreement import WRAPS, Derivation, Scheme, wrap, wrapping_key
from gatepost.encryption.cms.enveloped.transport import write_transport
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.identifier import Identifier, key_identifier
from gatepost.encryption.cms.keys import OAEP, PKCS1, Transport
from gatepost.encryption.cms.public_key import PublicKey, is_bound_to, kind_of, load, too_short

_AGREEMENTS = {
    "p256": (oids.STD_DH_SHA256_KDF, Derivation("x963", "sha256")),
    "p384": (oids.STD_DH_SHA384_KDF, Derivation("x963", "sha384")),
    "p521": (oids.STD_DH_SHA512_KDF, Derivation("x963", "sha512")),
    "brainpoolP256r1": (oids.STD_DH_SHA256_KDF, Derivation("x963", "sha256")),
    "brainpoolP384r1": (oids.STD_DH_SHA384_KDF, Derivation("x963", "sha384")),
    "brainpoolP512r1": (oids.STD_DH_SHA512_KDF, Derivation("x963", "sha512")),
    "x25519": (oids.STD_DH_HKDF_SHA256, Derivation("hkdf", "sha256")),
}
_VERSION_TRANSPORT, _VERSION_TRANSPORT_BY_KEY, _VERSION_AGREEMENT = der.integer(0), der.integer(2), der.integer(3)
_AGREEMENT = EXPLICIT | 1


class Addressee(NamedTuple):
    """A recipient to be; use it for any number of mails."""

    name: Identifier
    kind: str
    simple: bool
    """Whether the entry is of the first version of the syntax, which the version of the whole object depends on."""
    entry: Callable[[bytes], bytes]
    """Write the entry for a content key."""


def addressee(certificate: Certificate, *, transport: Transport = PKCS1, by_key: bool = False) -> Addressee | Fault:
    """Prepare to write to a certificate; `transport` matters for RSA keys alone, `by_key` names it by key identifier if it has one."""
    key = load(certificate.public_key)
    if isinstance(key, Fault):
        return key
    if (objection := too_short(key)) is not None:
        return objection
    by_issuer, key_name = certificate.names
    name = key_name if by_key and key_name is not None else by_issuer
    kind = kind_of(key)
    if isinstance(key, rsa.RSAPublicKey):
        if is_bound_to(certificate.public_key, oids.RSA_PSS):
            return Fault("unsupported", "the certificate's key is for signatures alone")
        if transport.kind == "pkcs1" and is_bound_to(certificate.public_key, oids.RSA_OAEP):
            transport = OAEP
        return Addressee(name, kind, key_identifier(name) is None, _transported(key, name, transport))
    if kind not in _AGREEMENTS:
        return Fault("unsupported", f"a key of kind {kind} cannot be written to")
    if kind == "x25519":
        try:
            _fresh(key)
        except ValueError:
            # Points of small order give everybody the same secret (RFC 7748 §6.1); on the other curves a key is no such point.
            return Fault("unsupported", "the certificate's key is none: no secret can be agreed with it")
    return Addressee(name, kind, False, _agreed(key, kind, name))


def _transported(key: rsa.RSAPublicKey, name: Identifier, transport: Transport) -> Callable[[bytes], bytes]:
    version = _VERSION_TRANSPORT if key_identifier(name) is None else _VERSION_TRANSPORT_BY_KEY
    head = version + name + write_transport(transport)
    padded: padding.AsymmetricPadding = padding.PKCS1v15()
    if transport.kind == "oaep":
        padded = padding.OAEP(padding.MGF1(HASHES[transport.mask_digest]), HASHES[transport.digest], transport.label or None)

    def entry(content_key: bytes) -> bytes:
        return der.sequence(head, der.octet_string(key.encrypt(content_key, padded)))

    return entry


def _agreed(key: PublicKey, kind: str, name: Identifier) -> Callable[[bytes], bytes]:
    oid, derivation = _AGREEMENTS[kind]
    named = key_identifier(name)
    # A key identifier stands in a sequence here, where a date may follow it (RFC 5652 §6.2.2).
    written = bytes(name) if named is None else der.element(EXPLICIT | 0, der.octet_string(named))
    originator_kind = der.sequence(der.oid(oids.X25519 if kind == "x25519" else oids.EC_PUBLIC_KEY))

    def entry(content_key: bytes) -> bytes:
        public, secret = _fresh(key)
        scheme = Scheme(derivation, WRAPS[len(content_key)])
        wrapped = wrap(wrapping_key(secret, scheme, None), content_key)
        originator = der.element(EXPLICIT | 1, originator_kind + der.bit_string(public))
        algorithm = der.sequence(der.oid(oid), scheme.wrap.encoded)
        keys = der.sequence(der.sequence(written, der.octet_string(wrapped)))
        return der.element(_AGREEMENT, b"".join((_VERSION_AGREEMENT, der.explicit(0, originator), algorithm, keys)))

    return entry


def _fresh(key: PublicKey) -> tuple[bytes, bytes]:
    """Make a key for this mail alone; give its public half and the secret agreed with the recipient's."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if isinstance(key, ec.EllipticCurvePublicKey):
        own = ec.generate_private_key(key.curve)
        return own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), own.exchange(ec.ECDH(), key)
    assert isinstance(key, x25519.X25519PublicKey)
    fresh = x25519.X25519PrivateKey.generate()
    return fresh.public_key().public_bytes_raw(), fresh.exchange(key)
