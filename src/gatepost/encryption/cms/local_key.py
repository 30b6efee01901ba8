# SPDX-License-Identifier: Apache-2.0
"""A private key in this process's memory, as the library holds it: for tests, tools, and the process that keeps the keys."""

import os

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519

from gatepost.encryption.cms.digests import HASHES
from gatepost.encryption.cms.keys import Transport
from gatepost.encryption.cms.public_key import kind_of
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signature import rsa_padding

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey

_PKCS1 = padding.PKCS1v15()


class LocalKey:
    """A `SigningKey` and a `DecryptionKey`, as far as the kind of key allows; another operation raises `TypeError`."""

    __slots__ = ("_key", "_octets", "_rsa", "kind")

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        # What kind of key it is, the library's abstract classes are slow to say, so they are asked once.
        self._rsa = key if isinstance(key, rsa.RSAPrivateKey) else None
        self._octets = 0 if self._rsa is None else -(-self._rsa.key_size // 8)
        self.kind = kind_of(key.public_key())

    def sign(self, to_be_signed: bytes, scheme: Scheme) -> bytes:
        """Sign bytes."""
        key = self._key
        if self._rsa is not None and scheme.kind in ("rsa-pkcs1", "rsa-pss"):
            return self._rsa.sign(to_be_signed, rsa_padding(scheme), HASHES[scheme.digest])
        if isinstance(key, ec.EllipticCurvePrivateKey) and scheme.kind == "ecdsa":
            return key.sign(to_be_signed, ec.ECDSA(HASHES[scheme.digest]))
        if isinstance(key, ed25519.Ed25519PrivateKey) and scheme.kind == "ed25519":
            return key.sign(to_be_signed)
        raise TypeError(f"a key of kind {self.kind} cannot sign as {scheme.kind}")

    def unwrap(self, encrypted: bytes, transport: Transport, length: int) -> bytes:
        """Decrypt a content key; random octets when there is none of this length."""
        key, other = self._rsa, os.urandom(length)
        if key is None:
            raise TypeError(f"a key of kind {self.kind} cannot unwrap")
        try:
            # Some peers drop leading zeros. PKCS#1 v1.5 with wrong padding gives random octets here, not an error (implicit rejection).
            found = key.decrypt(encrypted.rjust(self._octets, b"\0"), _transport_padding(transport))
        except (ValueError, UnsupportedAlgorithm):
            return other
        return found if len(found) == length else other

    def agree(self, public: bytes) -> bytes | None:
        """Agree on a secret with a peer's public key."""
        key = self._key
        try:
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, public))
            if isinstance(key, x25519.X25519PrivateKey):
                return key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        except (ValueError, UnsupportedAlgorithm):
            return None
        raise TypeError(f"a key of kind {self.kind} cannot agree")


def _transport_padding(transport: Transport) -> padding.AsymmetricPadding:
    if transport.kind == "pkcs1":
        return _PKCS1
    return padding.OAEP(padding.MGF1(HASHES[transport.mask_digest]), HASHES[transport.digest], transport.label or None)
