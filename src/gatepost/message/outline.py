# SPDX-License-Identifier: Apache-2.0
"""A mail's header parted at a glance: the fields of its content, all others, and where the body begins.

For who puts mails together and takes them apart as wholes, and needs no single field. Only a header without any oddity has an
outline: each line a field or the continuation of one, no blank before a colon, an empty line with CRLF at its end, within all
limits. For every other one `parse` says what it is; of what has an outline it says the same.
"""

import re
from functools import lru_cache

import msgspec

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.content_type import TEXT_PLAIN, ContentType
from gatepost.message.inspect_header import exceeded_limit, inspect_content
from gatepost.message.raw import Raw

_REST = rb":[^\n]*+\n(?:[ \t][^\n]*+\n)*+"
"""Of a field, behind its name."""
# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_run = re.compile(
    rb"((?:(?!(?i:content-|mime-version:))[!-9;-~]++" + _REST + rb")*)(?:(?i:mime-version)" + _REST + rb")?"
    rb"((?:(?i:content-)[!-9;-~]*+" + _REST + rb")*)"
).match
"""Fields as they mostly follow one another: others, MIME-Version, the content's; any of these may be missing."""
_SHORT = 192
_DOUBLE = frozenset((defects.DUPLICATE_CONTENT_TYPE, defects.DUPLICATE_TRANSFER_ENCODING))


class Outline(msgspec.Struct, frozen=True):
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
        return self.content_type.maintype not in ("multipart", "message")


def outline(raw: Raw, limits: MessageLimits) -> Outline | None:
    """Part a header; None when it is not a regular one."""
    # A content inside another has a short header, and mostly one of a few.
    end = raw.find(b"\r\n\r\n", 0, _SHORT)
    return _outline(raw, limits) if end < 0 or b"oundary" in (header := raw[: end + 4]) else _remembered(header, limits)


def _outline(raw: Raw, limits: MessageLimits) -> Outline | None:
    others: list[bytes] = []
    content: list[bytes] = []
    end, most = 0, limits.header_bytes + 2  # the expression keeps a little of each line
    while (run := _run(raw, end, most)) is not None and run.end() > end:
        others.append(run[1])
        content.append(run[2])
        end = run.end()
    if raw[end : end + 2] != b"\r\n" or end > limits.header_bytes:
        return None
    content_fields = b"".join(content)
    content_type, encoding, found, exceeded = inspect_content(content_fields, limits)
    if exceeded or exceeded_limit(raw[:end], limits):
        return None
    return Outline(
        b"".join(others),
        content_fields,
        end,
        content_type or TEXT_PLAIN,
        encoding or "7bit",
        content_type is not None,
        not _DOUBLE.isdisjoint(found),
    )


_remembered = lru_cache(maxsize=1024)(_outline)
