# SPDX-License-Identifier: Apache-2.0
"""The legacy display: hidden fields once more in the text, for readers that can decrypt and know nothing of protected fields.

Written (RFC 9788 §5.2.2, §5.2.3) it stands before the text, and before all else in an HTML body; the part is marked hp-legacy-display="1".
It goes into main body parts alone (RFC 9787 §7.1). Read (§4.5.3), it is taken out again of parts with the mark; a part where it
does not stand as the RFC writes it stays as it is.
"""

import html
import re
from collections.abc import Iterator

from gatepost.encryption.smime.confidentiality import Confidentiality, outside
from gatepost.encryption.smime.marks import without
from gatepost.encryption.smime.seven_bit import base64_lines, is_fit, quoted_printable
from gatepost.message.decode import decoded
from gatepost.message.parse import parse
from gatepost.message.splice import Edit, append_headers, replace_body, replace_field, splice
from gatepost.message.tree import Entity, Message

_USER_FACING = ("subject", "from", "to", "cc", "date", "reply-to", "followup-to", "sender")
"""What readers show (RFC 9787 §1.1.2), of the fields that are protected."""
_PARAMETER = "hp-legacy-display"
_BLANK_LINE = re.compile(rb"^\r?\n", re.MULTILINE)
_BODY = re.compile(rb"""<body(?:\s(?:[^<>"']|"[^"]*+"|'[^']*+')*+)?>""", re.IGNORECASE)
_ELEMENT = re.compile(
    rb"""\s*+<div\s(?:[^<>]*?\s)?class\s*+=\s*+(?P<quote>["']?)header-protection-legacy-display(?P=quote)(?:\s[^<>]*+)?>"""
    rb"""\s*+<pre\s*+>[^<]*+</pre\s*+>\s*+</div\s*+>(?:\r?\n)?""",
    re.IGNORECASE,
)
_PLAIN_CHARSETS = ("", "us-ascii", "ascii")


def with_legacy_display(mail: Message, policy: Confidentiality) -> Message:
    """Give the mail with its hidden fields in its main texts; a text whose charset cannot hold them stays as it is."""
    lines = _hidden_lines(mail, policy)
    if not lines:
        return mail
    edits = [
        edit for entity in _main_texts(mail.root) if _PARAMETER not in entity.content_type.parameters for edit in _added(entity, lines)
    ]
    return parse(splice(mail.raw, edits), mail.root.limits) if edits else mail


def without_legacy_display(content: Message) -> Message:
    """Give a content without the elements in its main texts; ask for it only where hp="cipher" was encrypted."""
    edits = [edit for entity in _main_texts(content.root) if _PARAMETER in entity.content_type.parameters for edit in _removed(entity)]
    return parse(splice(content.raw, edits), content.root.limits) if edits else content


def _hidden_lines(mail: Message, policy: Confidentiality) -> list[str]:
    fields = [field for name in _USER_FACING for field in mail.headers.all(name)]
    changed = [field for field in fields if (outside(field, policy, mail.root.limits) or b"").strip() != field.raw.strip()]
    return [f"{field.name}: {' '.join(field.decoded.split())}" for field in changed]


def _main_texts(entity: Entity) -> Iterator[Entity]:
    """Give the texts that readers show as the mail itself: of alternatives each, of other multiparts the first."""
    waiting = [entity]
    while waiting:
        one = waiting.pop()
        if one.content_type.maintype == "multipart":
            waiting.extend(one.children if one.content_type.subtype == "alternative" else one.children[:1])
        elif one.content_type.full in ("text/plain", "text/html") and one.disposition.value != "attachment":
            yield one


def _added(entity: Entity, lines: list[str]) -> list[Edit]:
    body = decoded(entity)
    charset = entity.content_type.parameters.get("charset", "").strip().lower()
    is_html = entity.content_type.subtype == "html"
    text = "\r\n".join(lines)
    if is_html:
        text = f'<div class="header-protection-legacy-display">\r\n<pre>{html.escape(text, quote=False)}</pre>\r\n</div>\r\n'
    else:
        text += "\r\n\r\n"
    element = _encoded(text, charset)
    if element is None or body.defects or entity.content_type.defects or (charset in _PLAIN_CHARSETS and not body.data.isascii()):
        return []
    found = _BODY.search(body.data) if is_html else None
    place = 0 if found is None else found.end()
    written = body.data[:place] + (b"" if found is None else b"\r\n") + element + body.data[place:]
    marked = _type(entity, utf8=charset in _PLAIN_CHARSETS and not element.isascii())
    return [] if marked is None else [*marked, *_body(entity, written)]


def _encoded(text: str, charset: str) -> bytes | None:
    """Encode for a part's charset; None where it cannot be, or is not written as ASCII is."""
    try:
        return text.encode("utf-8" if charset in _PLAIN_CHARSETS else charset) if "<".encode(charset or "ascii") == b"<" else None
    except (UnicodeEncodeError, LookupError):
        return None


def _type(entity: Entity, *, utf8: bool) -> list[Edit] | None:
    """Give the edit of a part's type; None where the charset cannot be exchanged."""
    mark = (b'; charset="utf-8"' if utf8 else b"") + b'; hp-legacy-display="1"'
    field = entity.headers.first("content-type")
    if field is None:
        return [append_headers(entity, b"Content-Type: text/plain" + mark + b"\r\n")]
    value = without(field.raw, ("charset",), entity.limits) if utf8 else field.raw
    if value is None:
        return None
    return [replace_field(field, value.strip().rstrip(b"; \t") + mark)]


def _body(entity: Entity, data: bytes) -> list[Edit]:
    """Write a text's octets in the encoding that the part has; 7bit becomes quoted-printable where they need it."""
    if entity.encoding == "base64":
        return [replace_body(entity, base64_lines(data))]
    if entity.encoding == "quoted-printable":
        return [replace_body(entity, quoted_printable(data))]
    if entity.encoding in ("8bit", "binary") or is_fit(data):
        return [replace_body(entity, data)]
    word, field = b"quoted-printable", entity.headers.first("content-transfer-encoding")
    head = append_headers(entity, b"Content-Transfer-Encoding: " + word + b"\r\n") if field is None else replace_field(field, word)
    return [head, replace_body(entity, quoted_printable(data))]


def _removed(entity: Entity) -> list[Edit]:
    body, field = decoded(entity), entity.headers.first("content-type")
    if body.defects or field is None or entity.content_type.parameters[_PARAMETER].strip() != "1":
        return []
    if entity.content_type.subtype == "html":
        opened = _BODY.search(body.data)
        start = 0 if opened is None else opened.end()
        found = _ELEMENT.match(body.data, start)
    else:
        start, found = 0, _BLANK_LINE.search(body.data)
    if found is None:
        return []
    value = without(field.raw, (_PARAMETER,), entity.limits)
    if value is None:
        return []
    return [replace_field(field, value.strip()), *_body(entity, body.data[:start] + body.data[found.end() :])]
