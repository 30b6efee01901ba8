# SPDX-License-Identifier: Apache-2.0
"""A mail's header parted at a glance: the fields of its content, all others, and where the body begins.

For who puts mails together and takes them apart as wholes, and needs no single field. Only a header without any oddity has an
outline: each line a field or the continuation of one, no blank before a colon, an empty line with CRLF at its end, within all
limits. For every other one `parse` says what it is; of what has an outline it says the same.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.content_type import TEXT_PLAIN, ContentType
from gatepost.message.inspect_header import exceeded_limit, inspect_content
from gatepost.message.raw import Raw

# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_regular = re.compile(rb"(?:[!-9;-~]++:[^\n]*+\n(?:[ \t][^\n]*+\n)*+)*").match
_parted = re.compile(rb"\n((?:content-[!-9;-~]*+|mime-version):[^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE).split
_SHORT = 192
_DOUBLE = frozenset((defects.DUPLICATE_CONTENT_TYPE, defects.DUPLICATE_TRANSFER_ENCODING))


class Outline(NamedTuple):
    """A header in two."""

    other_fields: bytes
    """All fields but the content's and MIME-Version, as they stand."""
    content_fields: bytes
    """The Content-* fields, as they stand and in their order."""
    header_end: int
    content_type: ContentType
    """What the first Content-Type says, or text/plain."""
    encoding: str
    is_typed: bool
    """Whether there is a Content-Type."""
    is_double: bool
    """Whether there is a second Content-Type or Content-Transfer-Encoding."""

    @property
    def body_start(self) -> int:
        """Where the body begins, behind the empty line."""
        return self.header_end + 2

    @property
    def is_leaf(self) -> bool:
        """Whether the type has nothing below it."""
        return self.content_type[0] not in ("multipart", "message")


def outline(raw: Raw, limits: MessageLimits) -> Outline | None:
    """Part a header; None when it is not a regular one."""
    match = _regular(raw, 0, limits.header_bytes + 2)  # the expression keeps a little of each line
    end = match.end() if match else 0
    if raw[end : end + 2] != b"\r\n" or end > limits.header_bytes:
        return None
    header = raw[:end]
    # A content inside another has a short header, and mostly one of a few.
    return _remembered(header, limits) if end < _SHORT and b"oundary" not in header else _outline(header, limits)


def _outline(header: bytes, limits: MessageLimits) -> Outline | None:
    parts = _parted(b"\n" + header[:-1])
    others = b"".join(parts[::2])[1:]
    content = b"\n".join([field for field in parts[1::2] if field[0] not in b"Mm"])
    content = content + b"\n" if content else b""
    content_type, encoding, found, exceeded = inspect_content(content, limits)
    if exceeded or exceeded_limit(header, limits):
        return None
    return Outline(
        others + b"\n" if others else b"",
        content,
        len(header),
        content_type or TEXT_PLAIN,
        encoding or "7bit",
        content_type is not None,
        not _DOUBLE.isdisjoint(found),
    )


_remembered = lru_cache(maxsize=1024)(_outline)
