# SPDX-License-Identifier: Apache-2.0
"""Where the parts of a multipart are, and whether programs agree on it; and what stands around those of a clear-signed mail.

A header around a signature is nobody's, so who passes a mail on may write one that two programs read in two ways: one sees the
parts that were signed, the other his own.
"""

import re

from gatepost.encryption.smime.layer import Finding
from gatepost.message import defects
from gatepost.message.headers import Headers
from gatepost.message.raw import Raw
from gatepost.message.tree import Entity

_IDENTITIES = frozenset({"7bit", "8bit", "binary", "7-bit", "8-bit"})
"""A multipart may have no other encoding (RFC 2045 §6.4)."""
_DOUBTS = frozenset({defects.DUPLICATE_PARAMETER, defects.MALFORMED_PARAMETER, defects.UNCLOSED_QUOTE, defects.UNCLOSED_COMMENT})
_BEGINNINGS = re.compile(rb"(?<![!#$%&'*+.^`{|}~\w-])(boundary|protocol)(?:\*0?\*?)?\s*+=", re.IGNORECASE).findall
"""Each parameter of RFC 2231 §3 and §4 that begins one of these names."""
_ASIDE = re.compile(rb'"(?:[^"\\]|\\.)*+"?+|\((?:[^()\\]|\\.)*+\)', re.DOTALL)
_ASIDE_COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*+\)", re.DOTALL).sub
_GIVEN = re.compile(rb';\s*+(boundary|protocol)\s*+=\s*+(?:"([^"]*+)"|([^\s;"]*+))', re.IGNORECASE).findall
_QUOTE, _OPEN, _CLOSE = b'"()'
_SEPARATORS = b";="
_NOT_BLANK = re.compile(rb"[^ \t\n\r\x0b\f]").search
_LONGEST_USUAL = 512
_USUAL = re.compile(
    rb"(?:This (?:is an? (?:(?:S/MIME|cryptographically|digitally) signed )?(?:multi-?part )?(?:MIME )?message(?: in MIME[ -]format)?"
    rb"|is a MIME-(?:encapsulated|formatted) message|message is in MIME[ -]format)[.]{0,3}"
    rb"(?: If you see this, your mail reader does not support this format[.]"
    rb"| Since your mail reader does not understand this format, some or all of this message may not be legible[.]"
    rb"| Your mail reader does not understand MIME message format[.])?)?",
    re.IGNORECASE,
).fullmatch
"""What programs write before the first boundary, for readers without MIME; blanks in it are single."""


def are_doubtful(multipart: Entity) -> bool:
    """Say whether programs may differ in where the parts are: by a boundary that is named twice or oddly, or by an encoding."""
    found = _DOUBTS.intersection(multipart.content_type.defects)
    if multipart.encoding not in _IDENTITIES or found - {defects.DUPLICATE_PARAMETER}:
        return True
    header = multipart.raw[multipart.header_start : multipart.header_end]
    if not found and b"*" not in header and b"\\" not in header and b"(" not in header:
        return False  # what is named twice without such a mark is a defect already
    field = multipart.headers.first("content-type")
    if field is None:
        return False
    if _has_telling_comment(field.raw):
        return True
    if found and b"*" not in field.raw and b"\\" not in field.raw:
        return _differ(field.raw)
    names = [name.lower() for name in _BEGINNINGS(_ASIDE.sub(b" ", field.raw))]
    return len(set(names)) < len(names) or b"\\" in field.raw


def _differ(value: bytes) -> bool:
    """Say whether one of the parameters that say where the parts are is given two values; equal ones leave no doubt."""
    given: dict[bytes, set[bytes]] = {}
    found = _GIVEN(_ASIDE_COMMENT(b" ", value))
    for name, quoted, token in found:
        given.setdefault(name.lower(), set()).add(quoted or token)
    # One that no semicolon precedes, or that stands within quotes, is left to no guess.
    return len(found) != len(_BEGINNINGS(_ASIDE.sub(b" ", value))) or any(len(values) > 1 for values in given.values())


def _has_telling_comment(value: bytes) -> bool:
    """Say whether a comment holds what readers that know no comments take for a parameter."""
    if b"(" not in value:
        return False
    depth, quoted = 0, False
    for byte in value:
        if not depth and byte == _QUOTE:
            quoted = not quoted
        elif not quoted and byte == _OPEN:
            depth += 1
        elif not quoted and byte == _CLOSE:
            depth = max(depth - 1, 0)
        elif depth and byte in _SEPARATORS:
            return True
    return False


def has_lone_cr_boundary(multipart: Entity, start: int, end: int) -> bool:
    """Say whether a CR alone stands before a boundary: readers for which it ends a line see a part there."""
    return multipart.raw.find(b"\r--" + multipart.content_type.boundary, start, end) >= 0


def are_different(headers: Headers, name: str) -> bool:
    """Say whether a field stands there more than once, and not alike."""
    values = {b" ".join(field.raw.split()) for field in headers.all(name)}
    return len(values) > 1 and (name != "content-transfer-encoding" or len({value.lower() for value in values}) > 1)


def is_double(entity: Entity) -> bool:
    """Say whether an entity names two types or two encodings."""
    header = entity.raw[entity.header_start : entity.header_end].lower()
    if header.count(b"content-type") < 2 and header.count(b"content-transfer-encoding") < 2:
        return False
    return are_different(entity.headers, "content-type") or are_different(entity.headers, "content-transfer-encoding")


def around(multipart: Entity) -> list[Finding]:
    """Name what stands around the parts: a text before them that programs do not write there, one behind them, or what may be a part."""
    if not multipart.children:
        return []
    found: list[Finding] = []
    raw, first, second = multipart.raw, multipart.children[0], multipart.children[1:2]
    line = b"\n--" + multipart.content_type.boundary
    start, end = multipart.body_start, multipart.end
    closing = raw.find(line, (second[0] if second else first).header_start, end)
    is_plain = first.header_start - start == len(line) + 1 and 0 <= closing == end - len(line) - 4
    if is_plain and not (second and has_lone_cr_boundary(multipart, second[0].header_start, closing)):
        return []  # the two boundary lines and nothing else, as nearly always
    opening = raw.rfind(line, 0, first.header_start)
    if opening > start and not _is_usual(raw, start, opening):
        found.append("text-before-parts")
    line_end = raw.find(b"\n", closing + 1, end) if closing >= 0 else -1
    if line_end >= 0 and len(multipart.children) < 3 and _NOT_BLANK(raw, line_end, end) is not None:
        found.append("text-after-parts")
    is_hidden = has_lone_cr_boundary(multipart, start - 1, first.header_start) or (
        bool(second) and has_lone_cr_boundary(multipart, second[0].header_start, end)
    )
    if is_hidden or raw.find(line, start - 1, opening) >= 0 or (line_end >= 0 and raw.find(line, line_end, end) >= 0):
        found.append("outside-signature")
    return found


def _is_usual(raw: Raw, start: int, end: int) -> bool:
    text = _NOT_BLANK(raw, start, end)
    if text is None:
        return True
    most = min(text.start() + _LONGEST_USUAL, end)
    return _NOT_BLANK(raw, most, end) is None and _USUAL(b" ".join(raw[text.start() : most].split())) is not None
