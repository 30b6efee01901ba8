# SPDX-License-Identifier: Apache-2.0
"""Take out of a content all that can fetch or send when it is shown, so that a changed ciphertext tells nobody its plaintext (EFAIL).

HTML and its like become plain text; a body that lies elsewhere is named and not fetched. What was decrypted stays a content
of its own and is never joined with parts that came in the open. Also the detector: blocks of CBC that were tampered with
decrypt to random octets, which a header never holds.
"""

import re

from gatepost.encryption.smime.parts import are_doubtful, is_double
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.message import defects
from gatepost.message.decode import text_of, without_encoding
from gatepost.message.encoded_words import decode_words
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
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
"""A leaf of these is encoded, which it may not be: it is not looked into here, and readers may."""
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
_HEADER_OCTETS = re.compile(rb"[^\t\r\n -~]|\r(?!\n)")


def has_garbled_header(message: Message) -> bool:
    """Say whether a header of the content, or of a part, holds octets that no header has; of a content within all limits."""
    return any(_HEADER_OCTETS.search(bytes(entity.raw[entity.header_start : entity.header_end])) is not None for entity in message.walk())


def neutral(message: Message) -> bytes | None:
    """Give the content with active leaves as plain text; None when there is none of them."""
    edits: list[Edit] = []
    done = -1
    for entity in message.walk():
        if entity.header_start < done:
            continue  # below one that was replaced
        if _is_doubtful(entity) or (entity.is_leaf and (_is_active(entity) or _may_be_html(entity))):
            edits.append(_plain(entity, html_text(text_of(entity).text)))
        elif entity.is_leaf and entity.content_type.full == "message/external-body":
            edits.append(_plain(entity, "This part lay elsewhere and was not fetched."))
        else:
            continue
        done = entity.end
    return splice(message.raw, edits) if edits else None


def _is_doubtful(entity: Entity) -> bool:
    """Say whether readers differ in what an entity is, or in where its parts are: some of them may show what others do not see."""
    content_type = entity.content_type
    if is_double(entity) or defects.MALFORMED_CONTENT_TYPE in content_type.defects:
        return True
    return content_type.maintype == "multipart" and (entity.is_leaf or are_doubtful(entity))


def _is_active(entity: Entity) -> bool:
    content_type = entity.content_type
    if content_type.maintype == "text":
        return content_type.subtype not in _PASSIVE_TEXTS
    full = content_type.full
    return full in _ACTIVE or content_type.subtype.endswith(_ACTIVE_SUFFIXES) or full in _MESSAGES


def _may_be_html(entity: Entity) -> bool:
    """Say whether readers that look at one of the names or at the first octets would take the leaf for markup."""
    names = entity.filename, decode_words(entity.content_type.parameters.get("name", ""))
    if any(name.lower().rstrip(" .").endswith(_ACTIVE_NAMES) for name in names):
        return True
    if entity.content_type.maintype in ("text", "multipart", "message"):
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
    kept = b"".join(
        field.name.encode() + b":" + (field.raw if field.raw.endswith(b"\n") else field.raw + b"\r\n")
        for field in entity.headers
        if field.name[:8].lower() != "content-"
    )
    body = base64_lines("\r\n".join(text.splitlines()).encode("utf-8", "replace"))
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    end = entity.end
    cut_short = entity.raw[end : end + 2] == b"--"
    lead = b"" if entity.header_start == 0 or entity.raw[entity.header_start - 1] == 10 else b"\r\n"
    return entity.header_start, end, lead + kept + head + body + (b"\r\n" if cut_short else b"")
