# SPDX-License-Identifier: Apache-2.0
"""Take out of a content all that can fetch or send when it is shown, so that a changed ciphertext tells nobody its plaintext (EFAIL).

HTML and its like become plain text; a body that lies elsewhere is named and not fetched. What was decrypted stays a content
of its own and is never joined with parts that came in the open. Also the detector: blocks of CBC that were tampered with
decrypt to random octets, which a header never holds.
"""

import re

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.smime.calendar_markup import without_markup
from gatepost.encryption.smime.frame import stray_field
from gatepost.encryption.smime.parts import are_doubtful, has_lone_cr_boundary, is_double
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.message import defects
from gatepost.message.decode import text_of, without_encoding
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Field
from gatepost.message.html_text import html_text
from gatepost.message.splice import Edit, splice
from gatepost.message.tree import Entity, Message

_PASSIVE_TEXTS = frozenset({"plain", "calendar", "csv", "directory", "markdown", "vcard", "x-vcard", "rfc822-headers"})
"""Of texts only these stay; a reader may take any other one for HTML."""
_ACTIVE = frozenset(
    {
        "application/xml",
        "application/rtf",
        "application/x-rtf",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/hta",
        "application/x-mimearchive",
        "image/svg",
    }
)
_ACTIVE_SUFFIXES = ("+xml", "html")
_ACTIVE_NAMES = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".hta", ".svg", ".xml", ".mht", ".mhtml", ".rtf")
MOST_MARKUP = 8 << 20
"""Bytes of active leaves that are made plain text; it takes a second, and several times their size."""
_FIRST = 1024
"""Octets, after leading blanks, that are searched for markup; readers that guess a type look at about as many."""
_HEAD = 1 << 16
"""Bytes of a body that are decoded for a look at its first octets."""
_BLANK = b" \t\r\n\f\v\0"
_BEGINS_AS_MARKUP = re.compile(rb"<[!?/A-Za-z]|\{\\rtf").match
_HOLDS_MARKUP = re.compile(
    rb"<(?:!doctype|html|head|body|title|script|style|iframe|frameset|img|image|svg|table|object|embed|link|meta|form|math)\b",
    re.IGNORECASE,
).search
_BYTE_ORDER = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)")
_control = re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)").search
_SEVERAL_TYPES = re.compile(rb"\s*+[^\s;()/]*+\s*+/?+\s*+[^\s;(),]*+\s*+[^\s;(]").match
"""A type behind which another stands, or anything else than a parameter or a comment; looked for where there is a comma."""
_PASSIVE_MESSAGES = frozenset(
    {
        "message/delivery-status",
        "message/disposition-notification",
        "message/global-delivery-status",
        "message/global-disposition-notification",
        "message/external-body",
    }
)
"""Leaves that stay where they do not begin as markup; the last one is named instead. Every other one is encoded, which a message
may not be, in part elsewhere, or of a kind that nobody looks into here and readers may."""
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_REWRITTEN = frozenset({"calendar", "ics", "external-body"})
_ONE_OCTET = re.compile(r"(?:|utf-?8|(?:us-)?ascii|iso-8859-\d+|windows-125\d)", re.IGNORECASE).fullmatch
"""Charsets in which ASCII is ASCII."""


def has_garbled_header(message: Message) -> bool:
    """Say whether a header of the content, or of a part, holds octets that no header has; of a content within all limits.

    A header may be in UTF-8 (RFC 6532 §3.2). Names of files in older charsets stand in parts, where other octets harm nobody:
    all that is active there is made plain text anyway.
    """
    for entity in message.walk():
        header = bytes(entity.raw[entity.header_start : entity.header_end])
        if is_garbled(header) if entity is message.root else _control(header) is not None:
            return True
    return False


def is_garbled(header: bytes) -> bool:
    """Say whether a content's header holds octets that no header has."""
    return _control(header) is not None or (not header.isascii() and not _is_utf8(header))


def _is_utf8(header: bytes) -> bool:
    try:
        header.decode()
    except UnicodeDecodeError:
        return False
    return True


def neutral(message: Message) -> bytes | None:
    """Give the content with active leaves as plain text; None when there is none of them. Raises: Refusal for more than `MOST_MARKUP`."""
    edits: list[Edit] = []
    done, markup = -1, 0
    for entity in message.walk():
        if entity.header_start < done:
            continue  # below one that was replaced
        if _is_doubtful(entity) or (entity.is_leaf and (_is_active(entity) or _may_be_html(entity))):
            markup += entity.end - entity.body_start
            if markup > MOST_MARKUP:
                raise Refusal("too-large", f"more than {MOST_MARKUP} bytes of it would have to be made plain text")
            edits.append(_plain(entity, html_text(text_of(entity).text)))
        elif entity.is_leaf and entity.content_type.subtype in _REWRITTEN and (edit := _rewritten(entity)) is not None:
            edits.append(edit)
        else:
            continue
        done = entity.end
    return splice(message.raw, edits) if edits else None


def _rewritten(entity: Entity) -> Edit | None:
    """Give the edit that names a body which lies elsewhere, or takes the markup out of a calendar."""
    full = entity.content_type.full
    if full == "message/external-body":
        return _plain(entity, "This part lay elsewhere and was not fetched.")
    calendar = without_markup(_data(entity)) if full in _CALENDARS else None
    return None if calendar is None else _replaced(entity, calendar)


def _is_doubtful(entity: Entity) -> bool:
    """Say whether readers differ in what an entity is, or in where its parts are: some of them may show what others do not see."""
    content_type = entity.content_type
    if is_double(entity) or defects.MALFORMED_CONTENT_TYPE in content_type.defects:
        return True
    if content_type.maintype == "multipart":
        return entity.is_leaf or are_doubtful(entity) or has_lone_cr_boundary(entity, entity.body_start, entity.end)
    if b"," not in entity.raw[entity.header_start : entity.header_end]:
        return False
    said = entity.headers.first("content-type")
    return said is not None and _SEVERAL_TYPES(said.raw) is not None


def _is_active(entity: Entity) -> bool:
    content_type = entity.content_type
    if content_type.subtype in _REWRITTEN and _ONE_OCTET(content_type.parameters.get("charset", "").strip()) is None:
        return content_type.maintype != "message"
    if content_type.maintype == "text":
        return content_type.subtype not in _PASSIVE_TEXTS
    full = content_type.full
    if content_type.maintype == "message" and full not in _PASSIVE_MESSAGES:
        return True
    return full in _ACTIVE or content_type.subtype.endswith(_ACTIVE_SUFFIXES)


def _may_be_html(entity: Entity) -> bool:
    """Say whether readers that look at one of the names or at the first octets would take the leaf for markup."""
    names = entity.filename, decode_words(entity.content_type.parameters.get("name", ""))
    if any(name.lower().rstrip(" .").endswith(_ACTIVE_NAMES) for name in names):
        return True
    if entity.content_type.maintype in ("text", "multipart") or entity.content_type.full == "message/external-body":
        return False
    end = min(entity.end, entity.body_start + _HEAD)
    head = without_encoding(entity.encoding, entity.raw[entity.body_start : end]).data
    # An encoding that is nearly empty in so many bytes is nobody's: what follows may be anything.
    return _reads_as_markup(head) or (len(head) < _FIRST and end < entity.end)


def _reads_as_markup(head: bytes) -> bool:
    # Text in two octets is looked at without its empty ones.
    first = head.lstrip(_BLANK)[: 2 * _FIRST].replace(b"\0", b"")
    start = _BYTE_ORDER.sub(b"", first).lstrip(_BLANK)
    return _BEGINS_AS_MARKUP(start) is not None or _HOLDS_MARKUP(start, 0, _FIRST) is not None


def _plain(entity: Entity, text: str) -> Edit:
    """Give the edit that makes plain text of a leaf; the fields that are not its content's stay, as a mail's that it is the content of."""
    kept = b"".join(_line(field) for field in entity.headers if field.name[:8].lower() != "content-") + stray_field(entity.headers)
    data = "\r\n".join(text.splitlines()).encode("utf-8", "replace")
    return _edit(entity, kept + b"Content-Type: text/plain; charset=utf-8\r\n", data)


def _replaced(entity: Entity, data: bytes) -> Edit:
    """Give the edit that puts another content into a leaf, whose other fields stay."""
    fields = b"".join(_line(field) for field in entity.headers if field.name.lower() != "content-transfer-encoding")
    return _edit(entity, fields + stray_field(entity.headers), data)


def _line(field: Field) -> bytes:
    return field.name.encode() + b":" + (field.raw if field.raw.endswith(b"\n") else field.raw + b"\r\n")


def _data(entity: Entity) -> bytes:
    return without_encoding(entity.encoding, entity.raw[entity.body_start : entity.end]).data


def _edit(entity: Entity, fields: bytes, data: bytes) -> Edit:
    """Give the edit that writes a leaf anew."""
    head, body = fields + b"Content-Transfer-Encoding: base64\r\n\r\n", base64_lines(data)
    end = entity.end
    cut_short = entity.raw[end : end + 2] == b"--"
    lead = b"" if entity.header_start == 0 or entity.raw[entity.header_start - 1] == 10 else b"\r\n"
    return entity.header_start, end, lead + head + body + (b"\r\n" if cut_short else b"")
