# SPDX-License-Identifier: Apache-2.0
"""Compare distinguished names as RFC 5280 §7.1 says: case and runs of blanks in printable strings make no difference.

Issuers are first compared as bytes; this is for the peers that write a name again in another form.
"""

from functools import lru_cache

from gatepost.encryption.cms import der
from gatepost.encryption.cms.ber import OID, SEQUENCE, SET, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits

_LIMITS = Limits(size_bytes=16_384)
_TEXTS = {0x0C: "utf-8", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
"""The string types of a name's values: UTF8, Printable, Teletex, IA5, BMP, Universal."""
_UTF8_STRING = 0x0C
_ATTRIBUTES = 100


def normalised(name: bytes) -> bytes:
    """Give a form that equal names share; a name that is malformed, or very large, gives itself."""
    return _normalised(name) if len(name) <= _LIMITS.size_bytes else name


@lru_cache(maxsize=1024)
def _normalised(name: bytes) -> bytes:
    try:
        cursor = cursor_on(name, _LIMITS)
        relative_names, number = cursor.enter(SEQUENCE), 0
        written = []
        while relative_names.position < relative_names.end:
            attributes, parts = relative_names.enter(SET), []
            while attributes.position < attributes.end:
                attribute = attributes.enter(SEQUENCE)
                parts.append(der.sequence(der.oid(attribute.value(OID)), _value(attribute.peek(), attribute.raw())))
                number += 1
            written.append(der.set_of(parts))
            if number > _ATTRIBUTES:
                return name
        return der.sequence(*written)
    except Refusal:
        return name


def _value(tag: int, encoded: bytes) -> bytes:
    charset = _TEXTS.get(tag)
    if charset is None:
        return encoded
    text = cursor_on(encoded, _LIMITS).value(tag).decode(charset, "replace")
    return der.element(_UTF8_STRING, " ".join(text.casefold().split()).encode())
