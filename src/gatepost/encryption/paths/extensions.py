# SPDX-License-Identifier: Apache-2.0
"""Extensions: an identifier, whether it is critical, and octets (RFC 5280 §4.2); in certificates, lists, entries and responses."""

from gatepost.encryption.cms.ber import OCTET_STRING, OID, SEQUENCE, AnyBytes, Cursor, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.oids import dotted

BOOLEAN = 0x01

Extensions = dict[bytes, tuple[bool, bytes]]
"""By identifier: whether it is critical, and its value."""

_MOST = 100
_LIMITS = Limits(size_bytes=1_048_576, small_bytes=1_048_576)


def inside(untrusted: AnyBytes) -> Cursor:
    """Give a cursor on a small structure."""
    return cursor_on(untrusted, _LIMITS)


def read_boolean(cursor: Cursor, tag: int = BOOLEAN) -> bool:
    """Read a BOOLEAN, False when the next element is another one (its default everywhere here)."""
    if cursor.peek() != tag:
        return False
    value = cursor.value(tag)
    if len(value) != 1:
        raise Refusal("malformed", "a boolean has not one octet")
    return value != b"\0"


def read_extensions(holder: Cursor) -> Extensions:
    """Read a SEQUENCE OF Extension; one that occurs twice is refused."""
    found: Extensions = {}
    extensions = holder.enter(SEQUENCE)
    while extensions.position < extensions.end:
        extension = extensions.enter(SEQUENCE)
        oid = extension.value(OID)
        if oid in found:
            raise Refusal("malformed", f"extension {dotted(oid)} occurs twice")
        critical = read_boolean(extension)
        found[oid] = critical, extension.value(OCTET_STRING)
        extension.close()
        if len(found) > _MOST:
            raise Refusal("too-large", f"there are more than {_MOST} extensions")
    return found


def unknown_critical(extensions: Extensions, known: frozenset[bytes]) -> str:
    """Name the first critical extension that is none of these, dotted; '' when there is none."""
    for oid, (critical, _) in extensions.items():
        if critical and oid not in known:
            return dotted(oid)
    return ""


def read_bits(encoded: bytes) -> int:
    """Read named bits (the contents of a BIT STRING): the first named bit is bit 0 of the number."""
    if not encoded or encoded[0] > 7 or len(encoded) > 9:
        raise Refusal("malformed", "named bits are malformed")
    number = 0
    for place, octet in enumerate(encoded[1:]):
        for bit in range(8):
            if octet & (0x80 >> bit):
                number |= 1 << (place * 8 + bit)
    return number
