# SPDX-License-Identifier: Apache-2.0
"""What the parser must know of each header block at once: type, encoding, defects, limits.

Promises: one look of a few microseconds over the block; the list of fields is built only when a limit is near.
"""

import re
from typing import Final

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.content_type import parse_content_type, parse_disposition
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Entity

ENCODINGS_THAT_HIDE: Final = frozenset(("base64", "quoted-printable"))
"""Encodings in which the bytes as they stand are not the content."""

_ENCODINGS: Final = frozenset(("7bit", "8bit", "binary", "base64", "quoted-printable"))
_KNOWN_ENCODINGS: Final = _ENCODINGS | {"x-uuencode", "uuencode", "x-uue"}

_ADDRESS_FIELDS: Final = ("from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to", "resent-cc")

_well_formed = re.compile(rb"\n(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+)*+").fullmatch
_content_fields = re.compile(
    rb"\n(content-(?:type|transfer-encoding|disposition))[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE
).finditer
# The fields of RFC 5322 §3.6 that may stand once, Bcc excepted: it says nothing to anybody.
_single_fields = re.compile(
    rb"\n(from|sender|reply-to|to|cc|message-id|in-reply-to|references|subject|date)[ \t]*+:", re.IGNORECASE
).findall
_comment = re.compile(rb"\((?:[^()\\]|\\.)*+\)", re.DOTALL)


def inspect_header(entity: Entity, found: dict[str, None], whole: bool) -> str | None:
    """Set the entity's type and encoding, add its defects, and give the name of a limit that it exceeds.

    `whole` says that the entity is a mail, for which RFC 5322 §3.6 holds, and not a part of one.
    """
    block = b"\n" + entity.raw[entity.header_start : entity.header_end]
    limits = entity.limits
    if not _well_formed(block):
        from_line = block.startswith((b"\nFrom ", b"\n>From "))
        found[defects.MBOX_FROM_LINE if from_line and entity.header_start == 0 else defects.HEADER_WITHOUT_COLON] = None
    if not block.isascii():
        found[defects.EIGHT_BIT_HEADER] = None
    if whole:
        names = _single_fields(block)
        if len(names) > 1 and len({name.lower() for name in names}) < len(names):
            found[defects.DUPLICATE_FIELD] = None
        if len(block) == 1:
            found[defects.NO_HEADER] = None
    exceeded = _content(entity, block, found) if len(block) > 1 else None
    # Four bytes a field, two an address, one a comment: below that no limit can be exceeded.
    if exceeded is None and len(block) > min(4 * limits.headers, 2 * limits.addresses, 8 * limits.comment_depth):
        exceeded = _near_limit(entity, block)
    return exceeded


def _content(entity: Entity, block: bytes, found: dict[str, None]) -> str | None:
    """Read the content fields; the first of each name counts."""
    seen_type = seen_encoding = False
    limits = entity.limits
    for match in _content_fields(block):
        name = match[1]
        exceeded = None
        if len(name) == 12:  # Content-Type
            if seen_type:
                found[defects.DUPLICATE_CONTENT_TYPE] = None
                continue
            seen_type = True
            entity.content_type = parse_content_type(match[2], limits)
            found.update(dict.fromkeys(entity.content_type.defects))
            exceeded = entity.content_type.exceeded
        elif len(name) == 25:  # Content-Transfer-Encoding
            if seen_encoding:
                found[defects.DUPLICATE_TRANSFER_ENCODING] = None
                continue
            seen_encoding = True
            _set_encoding(entity, match[2], found)
        elif len(match[2]) > min(3 * limits.parameters, 5 * limits.continuations, 2 * limits.comment_depth):
            exceeded = parse_disposition(match[2], limits).exceeded
        if exceeded is not None:
            return exceeded
    return None


def _set_encoding(entity: Entity, untrusted: bytes, found: dict[str, None]) -> None:
    word = untrusted.strip(b" \t\r\n").lower()
    if b"(" in word:
        word = _comment.sub(b"", word).strip()
    encoding = word.decode("latin-1")
    if encoding not in _ENCODINGS:
        # A stray semicolon, quote or blank is frequent and every reader looks past it.
        encoding = encoding.strip(" \t;\"'").replace(" ", "")
        if encoding not in _KNOWN_ENCODINGS:
            found[defects.UNKNOWN_TRANSFER_ENCODING] = None
    entity.encoding = encoding


def _near_limit(entity: Entity, block: bytes) -> str | None:
    """Count what may exceed a limit, field by field."""
    limits: MessageLimits = entity.limits
    if block.count(b"\n") > limits.headers and len(entity.headers) > limits.headers:
        return "headers"
    if block.count(b",") + block.count(b";") < limits.addresses and block.count(b"(") <= limits.comment_depth:
        return None
    for name in _ADDRESS_FIELDS:
        for field in entity.headers.all(name):
            exceeded = parse_mailboxes(field.raw, limits).exceeded
            if exceeded is not None:
                return exceeded
    return None
