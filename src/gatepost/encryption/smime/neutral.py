# SPDX-License-Identifier: Apache-2.0
"""Take out of a content all that can fetch or send when it is shown, so that a changed ciphertext tells nobody its plaintext (EFAIL).

HTML and its like become plain text; a body that lies elsewhere is named and not fetched. What was decrypted stays a content
of its own and is never joined with parts that came in the open. Also the detector: blocks of CBC that were tampered with
decrypt to random octets, which a header never holds.
"""

import re

from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.message.decode import text_of
from gatepost.message.html_text import html_text
from gatepost.message.splice import Edit, splice
from gatepost.message.tree import Entity, Message

_PASSIVE_TEXTS = frozenset({"plain", "calendar", "csv", "directory", "markdown", "vcard", "x-vcard", "rfc822-headers"})
"""Of texts only these stay; a reader may take any other one for HTML."""
_ACTIVE = frozenset(
    {
        "application/xhtml+xml",
        "image/svg+xml",
        "image/svg",
        "application/xml",
        "application/rtf",
        "application/mathml+xml",
        "application/javascript",
    }
)
_HEADER_OCTETS = re.compile(rb"[^\t\r\n -~]|\r(?!\n)")


def has_garbled_header(message: Message) -> bool:
    """Say whether a header of the content, or of a part, holds octets that no header has; too much structure counts as well."""
    return message.exceeded is not None or any(
        _HEADER_OCTETS.search(bytes(entity.raw[entity.header_start : entity.header_end])) is not None for entity in message.walk()
    )


def neutral(message: Message) -> tuple[bytes, bool]:
    """Give the content with active leaves as plain text, and whether there was one."""
    edits: list[Edit] = []
    for entity in message.leaves():
        if _is_active(entity) or _may_be_html(entity):
            edits.append(_plain(entity, html_text(text_of(entity).text)))
        elif entity.content_type.full == "message/external-body":
            edits.append(_plain(entity, "This part lay elsewhere and was not fetched."))
    return splice(message.raw, edits), bool(edits)


def _is_active(entity: Entity) -> bool:
    content_type = entity.content_type
    return content_type.full in _ACTIVE or (content_type.maintype == "text" and content_type.subtype not in _PASSIVE_TEXTS)


def _may_be_html(entity: Entity) -> bool:
    """Say whether readers that look at the name or the first octets would take the leaf for HTML."""
    if entity.filename.lower().endswith((".html", ".htm", ".xhtml", ".shtml", ".svg", ".xml", ".mht", ".mhtml")):
        return True
    return entity.content_type.maintype not in ("text", "multipart", "message") and b"<html" in entity.body[:1024].lower()


def _plain(entity: Entity, text: str) -> Edit:
    body = base64_lines("\r\n".join(text.splitlines()).encode("utf-8", "replace"))
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    end = entity.end
    cut_short = entity.raw[end : end + 2] == b"--"
    lead = b"" if entity.header_start == 0 or entity.raw[entity.header_start - 1] == 10 else b"\r\n"
    return entity.header_start, end, lead + head + body + (b"\r\n" if cut_short else b"")
