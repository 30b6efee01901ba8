# SPDX-License-Identifier: Apache-2.0
"""A certificate read whole, as validation needs it (RFC 5280 §4); reading is remembered by its bytes."""

from functools import lru_cache

from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.ber import BIT_STRING, EXPLICIT, IMPLICIT, INTEGER, OCTET_STRING, OID, SEQUENCE, Cursor
from gatepost.encryption.cms.certificate import Certificate, key_bits
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.cms.times import read_time
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.extensions import Extensions, inside, read_bits, read_boolean, read_extensions
from gatepost.encryption.paths.general_names import GeneralName, addresses_in, read_general_names

DIGITAL_SIGNATURE, NON_REPUDIATION, KEY_ENCIPHERMENT, KEY_AGREEMENT, CERT_SIGN, CRL_SIGN = 1, 2, 4, 16, 32, 64
"""Bits of `usage`."""

_MOST_BYTES = 1_048_576
_SMALL = 8_192
_USAGES = 100
_TIME_BYTES = {0x17: 15, 0x18: 17}
"""Of an encoded UTCTime and GeneralizedTime."""


class Credential:
    """The fields of a certificate; `issuer` and `subject` are normalised, so that equal names are equal bytes."""

    __slots__ = (
        "algorithm", "authority_key", "certificate", "extensions", "is_ca", "issuer", "key", "names", "not_after", "not_before",
        "path_length", "purposes", "signature", "signed", "subject", "subject_key", "usage", "version",
    )  # fmt: skip

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        whole = inside(certificate.encoded).enter(SEQUENCE)
        self.signed = whole.raw(SEQUENCE)
        self.algorithm: Algorithm = read_algorithm(whole)
        self.signature = read_signature(whole)
        whole.close()
        body = inside(self.signed).enter(SEQUENCE)
        self._read_body(body)
        self._read_extensions()

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same."""
        return self.issuer == self.subject

    def _read_body(self, body: Cursor) -> None:
        self.version = body.enter(EXPLICIT | 0).number() + 1 if body.peek() == EXPLICIT | 0 else 1
        if not 1 <= self.version <= 3:
            raise Refusal("malformed", f"there is no version {self.version} of certificates")
        body.skip(INTEGER)
        if read_algorithm(body) != self.algorithm:
            raise Refusal("malformed", "the two names of the signature's algorithm differ")
        self.issuer = normalised(body.raw(SEQUENCE))
        validity = body.enter(SEQUENCE)
        self.not_before, self.not_after = _read_bound(validity), _read_bound(validity)
        self.subject = normalised(body.raw(SEQUENCE))
        self.key = body.raw(SEQUENCE)
        key_bits(self.key)  # that it has any is relied on
        for unique_identifier in (IMPLICIT | 1, IMPLICIT | 2):
            if body.peek() == unique_identifier:
                body.skip(unique_identifier)
        self.extensions: Extensions = {}
        if body.position < body.end:
            self.extensions = read_extensions(body.enter(EXPLICIT | 3))
        body.close()
        if self.extensions and self.version != 3:
            raise Refusal("malformed", "a certificate that is not of version 3 has extensions")

    def _read_extensions(self) -> None:
        self.is_ca, self.path_length = self._basic_constraints()
        usage = self.value(oids.KEY_USAGE)
        self.usage: int | None = None if usage is None else read_bits(usage.value(BIT_STRING))
        """Named bits of keyUsage; None where it does not say."""
        self.purposes = self._purposes()
        key = self.value(oids.SUBJECT_KEY)
        self.subject_key = b"" if key is None else key.value(OCTET_STRING)
        self.authority_key = read_authority_key(self.extensions)
        names = self.value(oids.SUBJECT_NAMES)
        self.names: tuple[GeneralName, ...] = () if names is None else read_general_names(names.enter(SEQUENCE))
        """Subject alternative names."""

    def value(self, oid: bytes) -> Cursor | None:
        """Give a cursor on an extension's value, None where there is no such extension."""
        found = self.extensions.get(oid)
        return None if found is None else inside(found[1])

    def is_critical(self, oid: bytes) -> bool:
        """Say whether the certificate has this extension and says that it is critical."""
        return self.extensions.get(oid, (False, b""))[0]

    def constrained_names(self) -> tuple[GeneralName, ...]:
        """Give every name that a name constraint applies to: the subject, the addresses in it, and the alternative names."""
        subject = self.certificate.subject
        own = () if self.subject == b"\x30\0" else (GeneralName("directory", self.subject), *addresses_in(subject))
        return own + self.names

    def allows(self, bits: int) -> bool:
        """Say whether keyUsage has one of these bits, or says nothing."""
        return self.usage is None or self.usage & bits != 0

    def _basic_constraints(self) -> tuple[bool, int | None]:
        cursor = self.value(oids.BASIC_CONSTRAINTS)
        if cursor is None:
            return False, None
        held = cursor.enter(SEQUENCE)
        is_ca = read_boolean(held)
        length = held.number() if held.peek() == INTEGER else None
        held.close()
        if length is not None and length < 0:
            raise Refusal("malformed", "a path length is negative")
        return is_ca, length

    def _purposes(self) -> frozenset[bytes] | None:
        cursor = self.value(oids.EXTENDED_USAGE)
        if cursor is None:
            return None
        held, found = cursor.enter(SEQUENCE), set[bytes]()
        while held.position < held.end and len(found) < _USAGES:
            found.add(held.value(OID))
        return frozenset(found)


def read_credential(certificate: Certificate) -> Credential | Fault:
    """Read a certificate whole, a fault when something in it is malformed; what is small is remembered."""
    if len(certificate.encoded) > _MOST_BYTES:
        return Fault("too-large", f"the certificate has more than {_MOST_BYTES} bytes")
    return _read(certificate) if len(certificate.encoded) > _SMALL else _remembered(certificate)


def _read(certificate: Certificate) -> Credential | Fault:
    try:
        return Credential(certificate)
    except Refusal as refusal:
        return refusal.fault


_remembered = lru_cache(maxsize=1024)(_read)


def read_signature(holder: Cursor) -> bytes:
    """Read a signature, a BIT STRING of whole octets."""
    bits = holder.value(BIT_STRING)
    if bits[:1] != b"\0":
        raise Refusal("malformed", "a signature is not of whole octets")
    return bits[1:]


def read_second(holder: Cursor) -> int:
    """Read a time as a second of Unix time."""
    moment = read_time(holder.raw())
    if moment is None:
        raise Refusal("malformed", "a time is malformed")
    return int(moment.timestamp())


def _read_bound(validity: Cursor) -> int:
    """Read a time in the one form that a certificate's may have: with seconds, and without parts of them (RFC 5280 §4.1.2.5)."""
    start = validity.position
    second = read_second(validity)
    if validity.position - start != _TIME_BYTES.get(validity.data[start]):
        raise Refusal("malformed", "a time of the certificate's validity is malformed")
    return second


def read_authority_key(extensions: Extensions) -> bytes:
    """Give the key identifier of an authorityKeyIdentifier, b'' when there is none."""
    found = extensions.get(oids.AUTHORITY_KEY)
    if found is None:
        return b""
    held = inside(found[1]).enter(SEQUENCE)
    return held.value(IMPLICIT | 0) if held.peek() == IMPLICIT | 0 else b""
