# SPDX-License-Identifier: Apache-2.0
"""Read a list of tags, `name=value; name=value`, as signatures and keys have it (RFC 6376 §3.2).

Promises: any bytes are taken and none raises; the time grows with the length alone; a list that is not
well-formed, or names a tag twice, is no list at all (None). Values keep their inner white space and know where they stand.
"""

import binascii
import re
from typing import NamedTuple

MAX_BYTES = 16_384
"""Longest list that is read: 256 names in h= and a key of 8192 bits have room many times over."""

_WSP = b" \t\r\n"
_TAG = re.compile(rb"[ \t\r\n]*+([A-Za-z][A-Za-z0-9_]*+)[ \t\r\n]*+=([^;]*+)")
_CONTROLS = bytes(code for code in range(256) if not (code < 32 and code not in _WSP) and code != 127)
_DIGITS = re.compile(rb"[0-9]{1,76}").fullmatch


class Tag(NamedTuple):
    """One tag's value without the white space around it; `start` to `end` is all between `=` and `;`."""

    value: bytes
    start: int
    end: int


Tags = dict[bytes, Tag]


def parse_tags(untrusted: bytes) -> Tags | None:
    """Read a tag list; names are compared with regard to case. None when it is malformed or too long."""
    if len(untrusted) > MAX_BYTES or untrusted.translate(None, _CONTROLS):
        return None
    tags: Tags = {}
    position, length = 0, len(untrusted)
    match_tag = _TAG.match
    while True:
        match = match_tag(untrusted, position)
        if match is None:
            # Nothing but white space may follow the last semicolon, and something must stand before it.
            return None if not tags or untrusted[position:].strip(_WSP) else tags
        name, value = match.groups()
        if name in tags:
            return None
        start, end = match.span(2)
        tags[name] = Tag(value.strip(_WSP), start, end)
        if end >= length:
            return tags
        position = end + 1


def value_of(tags: Tags, name: bytes) -> bytes:
    """Give a tag's value, b'' when the tag is absent."""
    tag = tags.get(name)
    return tag.value if tag else b""


def items_of(value: bytes) -> list[bytes]:
    """Split a value at its colons; each item is without the white space around it."""
    return [item.strip(_WSP) for item in value.split(b":")]


def without_space(value: bytes) -> bytes:
    """Give a value without any white space, as base64 is read (RFC 6376 §3.5)."""
    return value.translate(None, _WSP)


def decode_base64(value: bytes) -> bytes | None:
    """Decode a base64 value, folds allowed; None when it is none."""
    try:
        return binascii.a2b_base64(value.translate(None, _WSP), strict_mode=True)
    except ValueError:
        return None


def decode_number(value: bytes) -> int | None:
    """Read an unsigned number of at most 76 digits; None when it is none."""
    return int(value) if _DIGITS(value) else None
