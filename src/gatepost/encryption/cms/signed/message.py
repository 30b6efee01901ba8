# SPDX-License-Identifier: Apache-2.0
"""The structure of SignedData as it was received; nothing in it is believed yet (RFC 5652 §5.1, §5.3)."""

from functools import lru_cache
from typing import NamedTuple

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.attributes import NONE, Attributes, read_attributes
from gatepost.encryption.cms.ber import CONSTRUCTED, EXPLICIT, INTEGER, OCTET_STRING, OID, SEQUENCE, SET, Cursor
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.identifier import Identifier, read_identifier
from gatepost.encryption.cms.octets import Octets, overhead

_SMALL = 4096
"""Bytes of a certificate that is remembered; nearly all are half as large."""


class SignerInfo(NamedTuple):
    """What one signer left."""

    name: Identifier
    digest: Algorithm
    signed: Attributes | None
    algorithm: Algorithm
    signature: bytes
    unsigned: Attributes
    """Not signed and never believed; countersignatures and time stamps are kept here as they came."""

    @property
    def countersignatures(self) -> tuple[bytes, ...]:
        """Give the countersignatures, each an encoded SignerInfo (RFC 5652 §11.4)."""
        return self.unsigned.values.get(oids.COUNTERSIGNATURE, ())


class SignedData(NamedTuple):
    """A signed object, or with no signers a bag of certificates."""

    content_type: bytes
    content: Octets | None
    """None when the content is detached: it lies outside, as in multipart/signed."""
    digests: tuple[Algorithm, ...]
    encoded_certificates: tuple[bytes, ...]
    revocations: tuple[bytes, ...]
    """CRLs and other revocation data, encoded, unread."""
    signers: tuple[SignerInfo, ...]
    overhead_bytes: int = 0
    """Bytes of all but the content."""

    def certificates(self) -> tuple[Certificate | Fault, ...]:
        """Read the certificates' outlines; one that is malformed is a fault in its place."""
        return tuple(_outline(encoded) for encoded in self.encoded_certificates)


def read_signed_data(cursor: Cursor) -> SignedData:
    """Read SignedData; `Refusal` when it is malformed."""
    inside, limits = cursor.enter(SEQUENCE), cursor.measures.limits
    begin = inside.position
    inside.skip(INTEGER)
    digests = _algorithms(inside.enter(SET), limits.signers)
    content_type, content = _encapsulated(inside.enter(SEQUENCE))
    beside = overhead(inside.end - begin, content, limits)
    certificates = _raw_elements(inside.enter(EXPLICIT | 0), limits.certificates) if inside.peek() == EXPLICIT | 0 else ()
    revocations = _raw_elements(inside.enter(EXPLICIT | 1), limits.certificates) if inside.peek() == EXPLICIT | 1 else ()
    signers, infos = inside.enter(SET), []
    while signers.position < signers.end:
        infos.append(_read_signer(signers.enter(SEQUENCE)))
        if len(infos) > limits.signers:
            raise Refusal("too-large", "there are too many signers")
    inside.close()
    # Only X.509 certificates are kept; attribute certificates and other kinds (RFC 5652 §10.2.2) have other tags.
    kept = tuple(encoded for encoded in certificates if encoded[0] == SEQUENCE)
    return SignedData(content_type, content, digests, kept, revocations, tuple(infos), beside)


def _read_signer(inside: Cursor) -> SignerInfo:
    inside.skip(INTEGER)
    name = read_identifier(inside)
    digest = read_algorithm(inside)
    signed = read_attributes(inside, 0) if inside.peek() == EXPLICIT | 0 else None
    algorithm = read_algorithm(inside)
    signature = inside.small_octets()
    unsigned = read_attributes(inside, 1) if inside.peek() == EXPLICIT | 1 else NONE
    inside.close()
    return SignerInfo(name, digest, signed, algorithm, signature, unsigned)


def _encapsulated(inside: Cursor) -> tuple[bytes, Octets | None]:
    content_type = inside.value(OID)
    if inside.peek() == -1:
        return content_type, None
    held = inside.enter(EXPLICIT | 0)
    inside.close()
    if held.peek() & ~CONSTRUCTED != OCTET_STRING:
        raise Refusal("unsupported", "the content is no octet string, as it was before CMS (RFC 5652 §5.2.1)")
    content = held.octets()
    held.close()
    return content_type, content


def _algorithms(cursor: Cursor, most: int) -> tuple[Algorithm, ...]:
    found = []
    while cursor.position < cursor.end:
        found.append(read_algorithm(cursor))
        if len(found) > most:
            raise Refusal("too-large", "there are too many digest algorithms")
    return tuple(found)


def _raw_elements(cursor: Cursor, most: int) -> tuple[bytes, ...]:
    found = []
    while cursor.position < cursor.end:
        found.append(cursor.raw())
        if len(found) > most:
            raise Refusal("too-large", "there are too many certificates or lists")
    return tuple(found)


def _outline(encoded: bytes) -> Certificate | Fault:
    # A sender's certificate comes with each of his mails; what is large is read each time rather than kept.
    return _remembered(encoded) if len(encoded) <= _SMALL else _read_outline(encoded)


def _read_outline(encoded: bytes) -> Certificate | Fault:
    try:
        return Certificate(encoded)
    except Refusal as refusal:
        return refusal.fault


_remembered = lru_cache(maxsize=1024)(_read_outline)
