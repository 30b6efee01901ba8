# SPDX-License-Identifier: Apache-2.0
"""Attributes of signers and of whole objects (RFC 5652 §5.3): signed, authenticated or neither."""

from typing import NamedTuple

from gatepost.encryption.cms import der
from gatepost.encryption.cms.ber import EXPLICIT, OID, SEQUENCE, SET, Cursor, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.measures import INDEFINITE

Values = tuple[bytes, ...]

VALUE_LIMITS = Limits(size_bytes=2_097_152)


class Attributes(NamedTuple):
    """A set of attributes."""

    values: dict[bytes, Values]
    """The encoded values of each type; those of a type that comes twice, one after the other."""
    encoded: bytes
    """The set with the tag of a SET, its attributes as they came: what a signature is over."""
    repeated: bool
    """Whether a type came twice, which no set may have (RFC 5652 §5.3)."""
    canonical: bool
    """Whether the set is in DER: a definite length, its attributes in order."""

    def only(self, kind: bytes) -> bytes | None:
        """Give the one value of an attribute that must have exactly one; None when it is absent or has another number."""
        values = self.values.get(kind, ())
        return values[0] if len(values) == 1 else None


def read_attributes(cursor: Cursor, number: int) -> Attributes:
    """Read `[number] IMPLICIT SET OF Attribute`; `Refusal` when it is malformed or has too many."""
    first = cursor.position
    inside = cursor.enter(EXPLICIT | number)
    start, limits = inside.position, cursor.measures.limits
    if inside.end - start > limits.attribute_bytes:
        raise Refusal("too-large", "the attributes are too large")
    values: dict[bytes, Values] = {}
    raws: list[bytes] = []
    repeated = False
    while (position := inside.position) < inside.end:
        attribute = inside.enter(SEQUENCE)
        raws.append(inside.data[position : inside.position])
        kind = attribute.value(OID)
        repeated = repeated or kind in values
        values[kind] = values.get(kind, ()) + _values(attribute.enter(SET))
        attribute.close()
        if len(raws) > limits.attributes:
            raise Refusal("too-large", "there are too many attributes")
    definite = cursor.data[first + 1] != INDEFINITE
    return Attributes(values, der.element(SET, inside.data[start : inside.end]), repeated, definite and raws == sorted(raws))


NONE = Attributes({}, b"", repeated=False, canonical=True)


def in_order(attributes: Attributes) -> bytes:
    """Write a set again in the order that DER demands."""
    inside, raws = cursor_on(attributes.encoded, VALUE_LIMITS).enter(SET), []
    while inside.position < inside.end:
        raws.append(inside.raw(SEQUENCE))
    return der.set_of(raws)


def _values(cursor: Cursor) -> Values:
    values: Values = ()
    while cursor.position < cursor.end:
        values += (cursor.raw(),)
        if len(values) > cursor.measures.limits.attributes:
            raise Refusal("too-large", "an attribute has too many values")
    return values
