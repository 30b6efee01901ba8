# SPDX-License-Identifier: Apache-2.0
"""What CMS needs of a certificate: who issued it, its number, its key (RFC 5280 §4.1).

Read by ourselves, because a mail may hold certificates that a strict library refuses (a negative serial number, a
malformed extension, a name of a rare kind) and the signer must still be named.
"""

import hashlib

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.ber import BIT_STRING, EXPLICIT, IMPLICIT, INTEGER, OCTET_STRING, OID, SEQUENCE, AnyBytes, Cursor, cursor_on
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.identifier import Identifier, by_issuer, by_key, issuer_and_serial
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.names import normalised

_LIMITS = Limits(size_bytes=1_048_576)
_EXTENSIONS = 200


class Certificate:
    """A certificate's bytes and the fields that tell it apart; two are equal when their bytes are."""

    __slots__ = ("_extensions", "_names", "encoded", "issuer", "public_key", "serial", "subject")

    def __init__(self, encoded: bytes) -> None:
        """Read a certificate's outline; `Refusal` when the bytes are none."""
        self.encoded = encoded
        cursor = cursor_on(encoded, _LIMITS)
        whole = cursor.enter(SEQUENCE)
        cursor.close()
        body = whole.enter(SEQUENCE)
        if body.peek() == EXPLICIT | 0:
            body.skip(EXPLICIT | 0)
        self.serial = body.value(INTEGER)
        """The contents octets of the serial number."""
        body.skip(SEQUENCE)
        self.issuer = body.raw(SEQUENCE)
        body.skip(SEQUENCE)
        self.subject = body.raw(SEQUENCE)
        self.public_key = body.raw(SEQUENCE)
        """SubjectPublicKeyInfo, encoded."""
        self._extensions = body
        self._names: tuple[Identifier, Identifier | None] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    @property
    def names(self) -> tuple[Identifier, Identifier | None]:
        """Give how a signer or recipient may name this certificate: by issuer, and by key where it has a key identifier."""
        if self._names is None:
            key = self._key_identifier()
            self._names = by_issuer(self.issuer, self.serial), None if key is None else by_key(key)
        return self._names

    def is_named(self, name: Identifier) -> bool:
        """Say whether this name is one of this certificate's, its issuer compared as RFC 5280 §7.1 says."""
        if name.startswith(b"\x30"):
            # The serial number comes last, so most strangers are told apart without writing anything.
            return name.endswith(self.serial) and (name == by_issuer(self.issuer, self.serial) or self._has_equal_issuer(name))
        return name == self.names[1]

    def digest(self, algorithm: str) -> bytes:
        """Hash the certificate; SHA-1 and SHA-256 are how others refer to it."""
        return hashlib.new(algorithm, self.encoded, usedforsecurity=False).digest()

    def _has_equal_issuer(self, name: Identifier) -> bool:
        parts = issuer_and_serial(name)
        return parts is not None and parts[1] == self.serial and normalised(parts[0]) == normalised(self.issuer)

    def _key_identifier(self) -> bytes | None:
        try:
            return _find_key_identifier(self._extensions)
        except Refusal:
            return None


def read_certificate(untrusted: AnyBytes) -> Certificate | Fault:
    """Read one certificate in DER."""
    try:
        return Certificate(bytes(untrusted))
    except Refusal as refusal:
        return refusal.fault


def _find_key_identifier(after_key: Cursor) -> bytes | None:
    for unique_identifier in (IMPLICIT | 1, IMPLICIT | 2):
        if after_key.peek() == unique_identifier:
            after_key.skip(unique_identifier)
    if after_key.peek() != EXPLICIT | 3:
        return None
    extensions = after_key.enter(EXPLICIT | 3).enter(SEQUENCE)
    for _ in range(_EXTENSIONS):
        if extensions.peek() == -1:
            break
        extension = extensions.enter(SEQUENCE)
        if extension.value(OID) == oids.SUBJECT_KEY_IDENTIFIER:
            if extension.peek() == 0x01:
                extension.skip(0x01)
            return cursor_on(extension.value(OCTET_STRING), _LIMITS).value(OCTET_STRING)
    return None


def usual_key_identifier(certificate: Certificate) -> bytes:
    """Hash the key as RFC 5280 §4.2.1.2 (1) does."""
    return hashlib.sha1(key_bits(certificate.public_key), usedforsecurity=False).digest()


def key_bits(public_key: bytes) -> bytes:
    """Give the key itself out of SubjectPublicKeyInfo: the contents of its BIT STRING."""
    inside = cursor_on(public_key, _LIMITS).enter(SEQUENCE)
    inside.skip(SEQUENCE)
    return inside.value(BIT_STRING)[1:]
