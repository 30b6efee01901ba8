# SPDX-License-Identifier: Apache-2.0
"""Read BER, and with it DER (X.690), one element after the other, as a structure expects them.

A `Cursor` stands before an element and knows where the one that holds it ends; nothing is read past that. There is no tree and
no recursion: who reads a structure says which tag comes next, so hostile nesting is never followed. Every malformed
byte is a `Refusal`.
"""

from gatepost.encryption.cms import space
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.measures import INDEFINITE, MANY_OCTET_TAG, Measures
from gatepost.encryption.cms.octets import Octets

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
OCTET_STRING = 0x04
CONSTRUCTED = 0x20
"""Set in the tag of an element that holds others."""
OID = 0x06
BIT_STRING = 0x03
EXPLICIT = 0xA0
"""Added to a number it is the tag of a constructed element of the context, explicit or implicit."""
IMPLICIT = 0x80
"""The same for a primitive one."""

_TWO_OCTETS = INDEFINITE | 2
"""A length in two octets, as the larger elements of a certificate and of a small mail have it: measured here, without a call."""

AnyBytes = space.AnyBytes


class Cursor:
    """A place in an object's bytes, before an element or at the end of those that one element holds."""

    __slots__ = ("data", "end", "measures", "position")

    def __init__(self, measures: Measures, position: int, end: int) -> None:
        self.data = measures.data
        self.measures = measures
        self.position = position
        self.end = end

    def peek(self) -> int:
        """Give the tag of the next element, -1 when there is none."""
        return self.data[self.position] if self.position < self.end else -1

    def enter(self, tag: int) -> "Cursor":
        """Pass over the next element, which must have this tag, and give a cursor on what it holds."""
        start, stop = self._pass(tag)
        return Cursor(self.measures, start, stop)

    def skip(self, tag: int) -> None:
        """Pass over the next element, which must have this tag."""
        self._pass(tag)

    def value(self, tag: int) -> bytes:
        """Read the contents of a small primitive element."""
        position, data = self.position, self.data
        start = position + 2
        if start <= self.end and data[position] == tag and (length := data[position + 1]) < INDEFINITE:
            stop = start + length
            if stop <= self.end:
                self.position = stop
                return data[start:stop]
        start, stop = self._pass(tag)
        if stop - start > self.measures.limits.small_bytes:
            raise Refusal("too-large", "a small value is too large")
        return data[start:stop]

    def raw(self, tag: int | None = None) -> bytes:
        """Read the next element as it is, header and all; any tag unless one is given."""
        first = self.position
        self._pass(self._any_tag() if tag is None else tag)
        return self.data[first : self.position]

    def octets(self, tag: int = OCTET_STRING) -> Octets:
        """Take an octet string of any size, in one piece or in many; its pieces are read by who uses it."""
        constructed = self.peek() == tag | CONSTRUCTED
        start, stop = self._pass(tag | CONSTRUCTED if constructed else tag)
        return Octets(self.measures, start, stop, constructed)

    def small_octets(self, tag: int = OCTET_STRING) -> bytes:
        """Read a small octet string, in one piece or in many."""
        if self.position < self.end and self.data[self.position] == tag:
            return self.value(tag)
        octets = self.octets(tag)
        if octets.bound > self.measures.limits.small_bytes:
            raise Refusal("too-large", "a small value is too large")
        return bytes(octets.whole())

    def number(self) -> int:
        """Read a version or another integer that is never large."""
        value = self.value(INTEGER)
        if not 1 <= len(value) <= 8:
            raise Refusal("malformed", "a small integer is empty or large")
        return int.from_bytes(value, signed=True)

    def close(self) -> None:
        """Say that nothing may follow."""
        if self.position != self.end:
            raise Refusal("malformed", f"something follows where nothing may: element {self.peek():#04x}")

    def _any_tag(self) -> int:
        tag = self.peek()
        if tag & MANY_OCTET_TAG == MANY_OCTET_TAG or tag == 0:
            raise Refusal("malformed", "an element is missing, or its tag has several octets")
        return tag

    def _pass(self, tag: int) -> tuple[int, int]:
        """Pass over an element; give where its contents start and stop."""
        position, data, end = self.position, self.data, self.end
        start = position + 2
        if start > end or data[position] != tag:
            raise Refusal("malformed", f"expected element {tag:#04x}, found {self._found()}")
        length = data[position + 1]
        if length < INDEFINITE:
            stop = after = start + length
        elif length == _TWO_OCTETS and start + 2 <= end:
            stop = after = start + 2 + (data[start] << 8 | data[start + 1])
            start += 2
        else:
            start, stop, after = self.measures.element(position, end)
        if after > end:
            raise Refusal("malformed", "an element ends behind the one that holds it")
        self.position = after
        return start, stop

    def _found(self) -> str:
        return f"{self.peek():#04x}" if self.position < self.end else "the end"


def cursor_on(untrusted: AnyBytes | space.Space, limits: Limits) -> Cursor:
    """Give a cursor before the first element of some bytes; an object in a space of its own is used up by what is taken from it."""
    return Cursor(measured(untrusted, limits), 0, len(untrusted))


def measured(untrusted: AnyBytes | space.Space, limits: Limits) -> Measures:
    """Begin the measuring of some bytes."""
    if len(untrusted) > limits.size_bytes:
        raise Refusal("too-large", f"{len(untrusted)} bytes are more than the {limits.size_bytes} that are read")
    if type(untrusted) is bytes:
        return Measures(untrusted, limits)
    if isinstance(untrusted, space.Space):
        return Measures(untrusted.octets(), limits, untrusted)
    return Measures(bytes(untrusted), limits)
