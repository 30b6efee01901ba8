# SPDX-License-Identifier: Apache-2.0
"""Put together the bytes that a signature signs: the fields that h= names, then its own field without b= (RFC 6376 §3.7, §5.4.2)."""

from collections.abc import Sequence

from gatepost.message.headers import Field, Headers
from gatepost.message.raw import Raw
from gatepost.protection.mailauth.dkim.canonical import relaxed_field, simple_field


class SignedHeader:
    """A mail's header as signatures see it; a field that several of them sign is made canonical once."""

    def __init__(self, headers: Headers, raw: Raw) -> None:
        self.headers, self._raw = headers, raw
        self._relaxed: dict[int, bytes] = {}

    def data(self, names: Sequence[str], is_relaxed: bool, unsigned: bytes, own: Field | None = None) -> bytes:
        """Give the signed bytes; `unsigned` is the signature's field without b=, `own` where it stands in the mail."""
        canonical = self.relaxed if is_relaxed else self._simple
        pieces = [canonical(field) for field in select(self.headers, names, own)]
        if is_relaxed:
            pieces.append(relaxed_text(unsigned)[:-2])
        else:
            pieces.append(unsigned.removesuffix(b"\r\n"))
        return b"".join(pieces)

    def unsigned(self, field: Field, blank: tuple[int, int]) -> bytes:
        """Give a signature's field without b=, which stands at `blank` in its value."""
        return self._raw[field.start : field.value_start + blank[0]] + field.raw[blank[1] :]

    def relaxed(self, field: Field) -> bytes:
        """Give one field in relaxed form."""
        known = self._relaxed.get(field.start)
        if known is None:
            known = self._relaxed[field.start] = relaxed_field(field.name.lower().encode(), field.raw)
        return known

    def _simple(self, field: Field) -> bytes:
        return simple_field(self._raw[field.start : field.end])


def relaxed_text(field: bytes) -> bytes:
    """Give a field that stands in no mail in relaxed form."""
    name, _, value = field.partition(b":")
    return relaxed_field(name.rstrip(b" \t").lower(), value)


def select(headers: Headers, names: Sequence[str], own: Field | None = None) -> list[Field]:
    """Choose the fields that are signed: for each time a name is listed one more field of it, from the last one up.

    A name that is listed more often than it occurs adds nothing, and so forbids that another is added.
    """
    chosen: list[Field] = []
    left: dict[str, list[Field]] = {}
    for name in names:
        waiting = left.get(name)
        if waiting is None:
            waiting = left[name] = [field for field in headers.all(name) if own is None or field.start != own.start]
        if waiting:
            chosen.append(waiting.pop())
    return chosen
