# SPDX-License-Identifier: Apache-2.0
"""Write DER (X.690 §10): each function gives the whole encoding of one element."""

from collections.abc import Iterable

from gatepost.encryption.cms.ber import BIT_STRING, EXPLICIT, INTEGER, OCTET_STRING, OID, SEQUENCE, SET

NULL = b"\x05\x00"

_SHORT = 0x80


def header(tag: int, size: int) -> bytes:
    """Write the tag and the length of an element whose contents follow elsewhere."""
    if size < _SHORT:
        return bytes((tag, size))
    octets = (size.bit_length() + 7) // 8
    return bytes((tag, _SHORT | octets)) + size.to_bytes(octets)


def element(tag: int, contents: bytes) -> bytes:
    """Write one element."""
    size = len(contents)
    if size < _SHORT:
        return bytes((tag, size)) + contents
    return header(tag, size) + contents


def sequence(*parts: bytes) -> bytes:
    """Write a SEQUENCE of encoded elements."""
    return element(SEQUENCE, b"".join(parts))


def set_of(parts: Iterable[bytes], tag: int = SET) -> bytes:
    """Write a SET OF, its elements in the order DER demands (X.690 §11.6)."""
    return element(tag, b"".join(sorted(parts)))


def octet_string(value: bytes) -> bytes:
    """Write an OCTET STRING."""
    return element(OCTET_STRING, value)


def bit_string(value: bytes) -> bytes:
    """Write a BIT STRING of whole octets."""
    return element(BIT_STRING, b"\0" + value)


def oid(contents: bytes) -> bytes:
    """Write an OBJECT IDENTIFIER from its contents octets."""
    return element(OID, contents)


def integer(number: int) -> bytes:
    """Write an INTEGER."""
    bits = (number if number >= 0 else ~number).bit_length()
    return element(INTEGER, number.to_bytes(bits // 8 + 1, signed=True))


def explicit(number: int, inner: bytes) -> bytes:
    """Write an element with an explicit tag of the context."""
    return element(EXPLICIT | number, inner)
