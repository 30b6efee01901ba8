# SPDX-License-Identifier: Apache-2.0
"""What the parser must know of each header block at once: type, encoding, defects, limits.

Promises: one look of a few microseconds over the block; the list of fields is built only when a limit is
near. Most parts begin with one of a few header blocks, so a short block's answer is remembered.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.content_type import ContentType, parse_content_type, parse_disposition

ENCODINGS_THAT_HIDE: Final = frozenset(("base64", "quoted-printable"))
"""Encodings in which the bytes as they stand are not the content."""

_ENCODINGS: Final = {word.encode(): word for word in ("7bit", "8bit", "binary", "base64", "quoted-printable")}
_OLD_ENCODINGS: Final = frozenset(("x-uuencode", "uuencode", "x-uue"))

# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_well_formed = re.compile(rb"(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+)*").fullmatch
_content_fields = re.compile(
    rb"\n(content-(?:type|transfer-encoding|disposition))[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE
).findall
# The fields of RFC 5322 §3.6 that may stand once, Bcc excepted: it says nothing to anybody.
_single_fields = re.compile(
    rb"\n(from|sender|reply-to|to|cc|message-id|in-reply-to|references|subject|date)[ \t]*+:", re.IGNORECASE
).findall
_address_fields = re.compile(
    rb"\n(?:resent-)?(?:from|sender|reply-to|to|cc|bcc)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE
).findall
_field_starts = re.compile(rb"(?m)^[!-9;-~]").findall
_marks = re.compile(rb'"(?:[^"\\]|\\.)*+"?+|\\.|[(),;]', re.DOTALL).findall
_comment = re.compile(rb"\((?:[^()\\]|\\.)*+\)", re.DOTALL)


class Inspection(NamedTuple):
    """What a header block says; a type or encoding that it does not name is None."""

    content_type: ContentType | None
    encoding: str | None
    defects: tuple[str, ...]
    exceeded: str | None


def inspect_header(block: bytes, limits: MessageLimits, whole: bool) -> Inspection:
    """Look over a header block, its fields' line ends included.

    `whole` says that it is the header of a mail, for which RFC 5322 §3.6 holds, and not of a part of one.
    """
    if len(block) < 192 and not whole and b"oundary" not in block:
        return _remembered(block, limits, whole)
    return _inspect(block, limits, whole)


def _inspect(block: bytes, limits: MessageLimits, whole: bool) -> Inspection:
    found: dict[str, None] = {}
    if not _well_formed(block):
        found[defects.MBOX_FROM_LINE if whole and block.startswith(b"From ") else defects.HEADER_WITHOUT_COLON] = None
    if not block.isascii():
        found[defects.EIGHT_BIT_HEADER] = None
    lined = b"\n" + block
    if whole:
        names = _single_fields(lined)
        if len({name.lower() for name in names}) < len(names):
            found[defects.DUPLICATE_FIELD] = None
        if not block:
            found[defects.NO_HEADER] = None
    content_type, encoding, exceeded = _content(lined, limits, found)
    if exceeded is None and (whole or len(block) > 2 * limits.headers):
        exceeded = exceeded_limit(block, limits)
    return Inspection(content_type, encoding, tuple(found), exceeded)


_remembered = lru_cache(maxsize=1024)(_inspect)


def inspect_content(fields: bytes, limits: MessageLimits) -> Inspection:
    """Look over content fields that are known to be well-formed and of the root of a mail."""
    if len(fields) < 320 and b"oundary" not in fields:
        return _remembered_content(fields, limits)
    return _inspect_content(fields, limits)


def _inspect_content(fields: bytes, limits: MessageLimits) -> Inspection:
    found: dict[str, None] = {}
    content_type, encoding, exceeded = _content(b"\n" + fields, limits, found)
    return Inspection(content_type, encoding, tuple(found), exceeded)


_remembered_content = lru_cache(maxsize=1024)(_inspect_content)


def _content(lined: bytes, limits: MessageLimits, found: dict[str, None]) -> tuple[ContentType | None, str | None, str | None]:
    """Read the content fields; the first of each name counts."""
    content_type = encoding = exceeded = None
    for name, value in _content_fields(lined):
        if len(name) == 12:  # Content-Type
            if content_type is not None:
                found[defects.DUPLICATE_CONTENT_TYPE] = None
                continue
            content_type = parse_content_type(value, limits)
            exceeded = exceeded or content_type.exceeded
            for defect in content_type.defects:
                found[defect] = None
        elif len(name) == 25:  # Content-Transfer-Encoding
            if encoding is not None:
                found[defects.DUPLICATE_TRANSFER_ENCODING] = None
                continue
            encoding = _encoding(value, found)
        elif len(value) > min(3 * limits.parameters, 5 * limits.continuations, 2 * limits.comment_depth):
            exceeded = exceeded or parse_disposition(value, limits).exceeded
    return content_type, encoding, exceeded


def _encoding(untrusted: bytes, found: dict[str, None]) -> str:
    word = untrusted.strip(b" \t\r\n").lower()
    known = _ENCODINGS.get(word)
    if known is not None:
        return known
    # A comment, a stray semicolon, quote or blank is frequent, and every reader looks past it.
    word = _comment.sub(b"", word).strip(b" \t\r\n;\"'").replace(b" ", b"")
    encoding = _ENCODINGS.get(word) or word.decode("latin-1")
    if word not in _ENCODINGS and encoding not in _OLD_ENCODINGS:
        found[defects.UNKNOWN_TRANSFER_ENCODING] = None
    return encoding


def exceeded_limit(block: bytes, limits: MessageLimits) -> str | None:
    """Give the limit of fields, addresses or comments that the block exceeds; counts in full only what comes near."""
    if len(block) > 2 * limits.headers and len(_field_starts(block)) > limits.headers:  # a field takes two bytes at the least
        return "headers"
    if len(block) <= limits.addresses and block.count(b"(") <= limits.comment_depth:
        return None
    for field in _address_fields(b"\n" + block):
        commas = field.count(b",") + field.count(b";")
        if commas >= limits.addresses or field.count(b"(") > limits.comment_depth:
            exceeded = _exceeded_by_addresses(field, limits)
            if exceeded is not None:
                return exceeded
    return None


def _exceeded_by_addresses(field: bytes, limits: MessageLimits) -> str | None:
    """Count the addresses and the depth of comments, without reading them."""
    depth = 0
    commas = 0
    for mark in _marks(field):
        if mark == b"(":
            depth += 1
            if depth > limits.comment_depth:
                return "comment_depth"
        elif mark == b")":
            depth = max(depth - 1, 0)
        elif depth == 0 and mark in b",;":
            commas += 1
            if commas >= limits.addresses:
                return "addresses"
    return None
