# SPDX-License-Identifier: Apache-2.0
"""AlgorithmIdentifier (RFC 5280 §4.1.1.2): an identifier and parameters whose form depends on it."""

import msgspec

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import OID, SEQUENCE, Cursor, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.measures import INDEFINITE

_LIMITS = Limits(size_bytes=65_536)


class Algorithm(msgspec.Struct, frozen=True):
    """An algorithm as it stands in an object."""

    oid: bytes
    parameters: bytes
    """Their encoding, b'' when there are none."""
    encoded: bytes
    """The whole element; key derivation and signed attributes take it as it came."""

    @property
    def plain(self) -> bool:
        """Whether the parameters say nothing: absent or NULL."""
        return self.parameters in (b"", der.NULL)

    def inside(self) -> Cursor:
        """Give a cursor on the parameters."""
        return cursor_on(self.parameters, _LIMITS)


def algorithm(oid: bytes, parameters: bytes = b"") -> Algorithm:
    """Make an algorithm of its parts."""
    return Algorithm(oid, parameters, der.sequence(der.oid(oid), parameters))


_USUAL = {
    known.encoded: known
    for oid in (
        oids.SHA256, oids.SHA384, oids.SHA512, oids.RSA, oids.SHA256_WITH_RSA, oids.SHA384_WITH_RSA, oids.SHA512_WITH_RSA,
        oids.ECDSA_WITH_SHA256, oids.ECDSA_WITH_SHA384, oids.ECDSA_WITH_SHA512, oids.ED25519,
        oids.AES128_WRAP, oids.AES192_WRAP, oids.AES256_WRAP,
    )
    for known in (algorithm(oid), algorithm(oid, der.NULL))
}  # fmt: skip


def read_algorithm(cursor: Cursor, tag: int = SEQUENCE) -> Algorithm:
    """Read an algorithm; `tag` is another one where it is tagged implicitly."""
    first = cursor.position
    inside = cursor.enter(tag)
    if cursor.position - first > _LIMITS.size_bytes:
        raise Refusal("too-large", "an algorithm's parameters are too large")
    encoded = cursor.data[first : cursor.position]
    usual = _USUAL.get(encoded)
    if usual is not None:
        return usual
    oid = inside.value(OID)
    parameters = inside.raw() if inside.position < inside.end else b""
    inside.close()
    # Key derivation hashes the element, and always in DER: no indefinite length, whatever the message has.
    return Algorithm(oid, parameters, encoded) if encoded[1] != INDEFINITE else algorithm(oid, parameters)
