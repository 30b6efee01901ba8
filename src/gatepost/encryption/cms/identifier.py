# SPDX-License-Identifier: Apache-2.0
"""How a signer or a recipient is named: by issuer and serial number, or by subject key identifier (RFC 5652 §5.3, §6.2).

An `Identifier` is the DER of that choice: a SEQUENCE, or `[0]` with the key identifier. So names are compared and looked up as bytes.
"""

from typing import NewType

from gatepost.encryption.cms import der
from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, INTEGER, SEQUENCE, Cursor, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits

Identifier = NewType("Identifier", bytes)

_LIMITS = Limits(size_bytes=65_536)
_KEY_IDENTIFIER = IMPLICIT | 0


def by_issuer(issuer: bytes, serial: bytes) -> Identifier:
    """Name by the encoded issuer and the contents octets of the serial number."""
    return Identifier(der.sequence(issuer, der.element(INTEGER, serial)))


def by_key(key_identifier: bytes) -> Identifier:
    """Name by subject key identifier."""
    return Identifier(der.element(_KEY_IDENTIFIER, key_identifier))


def read_identifier(cursor: Cursor) -> Identifier:
    """Read a signer's or recipient's name; one in BER is written again in DER."""
    first = cursor.position
    tag = cursor.peek()
    if tag == SEQUENCE:
        cursor.skip(SEQUENCE)
        encoded = cursor.data[first : cursor.position]
        if len(encoded) > _LIMITS.size_bytes:
            raise Refusal("too-large", "a name is too large")
        return Identifier(encoded) if _shortest(encoded) else by_issuer(*_issuer_and_serial(encoded))
    if tag in (_KEY_IDENTIFIER, EXPLICIT | 0):
        return by_key(cursor.small_octets(_KEY_IDENTIFIER))
    raise Refusal("malformed", "a signer or recipient has no name")


def issuer_and_serial(identifier: Identifier) -> tuple[bytes, bytes] | None:
    """Give the encoded issuer and the serial number's contents octets; None for a key identifier, or when malformed."""
    if identifier[:1] != b"\x30":
        return None
    try:
        return _issuer_and_serial(identifier)
    except Refusal:
        return None


def key_identifier(identifier: Identifier) -> bytes | None:
    """Give the subject key identifier; None when the name is an issuer's."""
    if identifier[:1] != bytes((_KEY_IDENTIFIER,)):
        return None
    return cursor_on(identifier, _LIMITS).value(_KEY_IDENTIFIER)


def _shortest(encoded: bytes) -> bool:
    """Say whether a length is written in the fewest octets; names are shorter than 64 KiB."""
    first = encoded[1]
    return first < 0x80 or (first == 0x81 and encoded[2] >= 0x80) or (first == 0x82 and encoded[2] > 0)


def _issuer_and_serial(encoded: bytes) -> tuple[bytes, bytes]:
    inside = cursor_on(encoded, _LIMITS).enter(SEQUENCE)
    issuer, serial = inside.raw(SEQUENCE), inside.value(INTEGER)
    inside.close()
    return issuer, serial
