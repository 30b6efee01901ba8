# SPDX-License-Identifier: Apache-2.0
"""A distinguished name for people (RFC 4514), whatever string types its issuer wrote it in.

A strict reader refuses what issuers do write (umlauts in a TeletexString, a country of seven letters); the signer is named all the same.
"""

import re
from collections.abc import Iterator

from gatepost.encryption.cms.ber import OID, SEQUENCE, SET, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.names import LIMITS, text_of
from gatepost.encryption.cms.oids import dotted, encoded

COMMON_NAME = encoded("2.5.4.3")
PSEUDONYM = encoded("2.5.4.65")

_SHORT = {
    COMMON_NAME: "CN",
    encoded("2.5.4.7"): "L",
    encoded("2.5.4.8"): "ST",
    encoded("2.5.4.9"): "STREET",
    encoded("2.5.4.10"): "O",
    encoded("2.5.4.11"): "OU",
    encoded("2.5.4.6"): "C",
    encoded("0.9.2342.19200300.100.1.25"): "DC",
    encoded("0.9.2342.19200300.100.1.1"): "UID",
}
"""RFC 4514 §3; others are written as their numbers."""
_ATTRIBUTES = 1000
_SPECIAL = re.compile(r'[\\"+,;<>]|\A[# ]| \Z')


def name_for_people(name: bytes) -> str:
    """Write an encoded name, the last of its parts first; as far as it can be read."""
    return ",".join("+".join(f"{_kind(oid)}={_value(tag, encoded)}" for oid, tag, encoded in part) for part in reversed(_parts(name)))


def texts_in(name: bytes, kind: bytes) -> tuple[str, ...]:
    """Give the texts of one kind of attribute that stand in an encoded name."""
    found = (text_of(tag, encoded) for part in _parts(name) for oid, tag, encoded in part if oid == kind)
    return tuple(text for text in found if text is not None)


_Part = list[tuple[bytes, int, bytes]]
"""A relative name's attributes: kind, tag and encoding of the value."""


def _parts(name: bytes) -> list[_Part]:
    parts: list[_Part] = []
    try:
        for part in _relative_names(name):
            parts.append(part)
    except Refusal:
        pass
    return parts


def _relative_names(name: bytes) -> Iterator[_Part]:
    cursor, left = cursor_on(name, LIMITS).enter(SEQUENCE), _ATTRIBUTES
    while cursor.position < cursor.end:
        attributes, part = cursor.enter(SET), []
        while attributes.position < attributes.end:
            attribute = attributes.enter(SEQUENCE)
            part.append((attribute.value(OID), attribute.peek(), attribute.raw()))
            left -= 1
            if left < 0:
                raise Refusal("too-large", "a name has too many attributes")
        yield part


def _kind(oid: bytes) -> str:
    return _SHORT.get(oid) or dotted(oid)


def _value(tag: int, encoded_value: bytes) -> str:
    text = text_of(tag, encoded_value)
    if text is None:
        return "#" + encoded_value.hex()
    text = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return "".join(f"\\{octet:02X}" for octet in character.encode("utf-8", "replace"))
