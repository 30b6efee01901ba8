# SPDX-License-Identifier: Apache-2.0
"""Part a mail into its envelope's fields and its content, and put such parts together again (RFC 8551 §3.1).

The content is a MIME entity: the Content-* fields and the body. All other fields stay with the mail. A large body is a view of where
it lies, one piece among others, and copied once, by who puts them together.
"""

import re
from collections.abc import Collection, Hashable, Iterable, Iterator

from gatepost.encryption.cms.space import LARGE, AnyBytes
from gatepost.encryption.smime.confidentiality import KEPT
from gatepost.encryption.smime.enclosed import body_of, span
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.header_protection import ProtectedHeader, changed_on_the_way, only_outside
from gatepost.encryption.smime.marks import PROTECTED_MARKS, with_mark, without
from gatepost.encryption.smime.meaning import meaning, meanings
from gatepost.message.headers import Field, Headers
from gatepost.message.outline import Outline
from gatepost.message.tree import Entity, Message

# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_HEADER = re.compile(rb"(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+)*").fullmatch
_ODD, _LONE_LF = re.compile(rb"\0|\r(?!\n)").sub, re.compile(rb"(?<!\r)\n").sub
_TEXT = b"Content-Type: text/plain\r\n"
_STRUCTURE = frozenset({"mime-version", "hp-outer"})

Pieces = tuple[AnyBytes, ...]
"""What follows one upon the other; a small whole is one piece."""


def field_bytes(mail: Message, field: Field) -> bytes:
    """Give a field as it stands, its line end added where the mail breaks off."""
    return whole_line(bytes(mail.raw[field.start : field.end]))


def whole_line(line: bytes) -> bytes:
    """End a line that has no end."""
    return line if line.endswith(b"\n") else line + b"\r\n"


def is_odd(header: bytes) -> bool:
    """Say whether a header has a CR without LF or a NUL, which end a line or a text for some readers."""
    return b"\0" in header or header.count(b"\r") != header.count(b"\r\n")


def harmless(header: bytes) -> bytes:
    """Give fields with a blank for each of these."""
    return _ODD(b" ", header) if is_odd(header) else header


def mail_fields(mail: Message, *, without: Collection[str] = ()) -> bytes:
    """Give the fields that are not the content's, and lines that are none; `without` are further names, in lower case."""
    if mail.outline is not None and not without:
        return mail.outline.other_fields
    left_out = frozenset((*without, "mime-version"))
    fields = [field_bytes(mail, field) for field in mail.headers if not is_content_field(field) and field.name.lower() not in left_out]
    return b"".join(fields if mail.outline is not None else (*fields, stray_field(mail.headers)))


def stray_field(headers: Headers) -> bytes:
    """Give the lines of a header that are no field as one that all readers read alike; b'' when there are none."""
    lines = [text for _, line in headers.stray if (text := harmless(line).strip())]
    return b"X-Stray-Lines: " + b"\r\n ".join(lines) + b"\r\n" if lines else b""


def is_content_field(field: Field) -> bool:
    """Say whether a field belongs to the content."""
    return field.name[:8].lower() == "content-"


def content_of(mail: Message, extra: bytes = b"", mark: bytes = b"") -> bytes:
    """Give the mail's content as an entity of its own; `extra` are fields to put into it, `mark` a parameter for its Content-Type."""
    return b"".join(content_pieces(mail, extra, mark))


def content_pieces(mail: Message, extra: bytes = b"", mark: bytes = b"") -> Pieces:
    """Give the same in pieces."""
    seen, raw = mail.outline, mail.raw
    if seen is not None and not mark and len(raw) <= LARGE:
        return (b"".join((extra, seen.content_fields, b"" if seen.is_typed else _TEXT, b"\r\n", raw[seen.body_start :])),)
    pieces = _entity(mail, mail.root, extra, mark) if seen is None or mark else (extra, *_outlined(mail, seen, seen.content_fields))
    return (b"".join(pieces),) if len(pieces[-1]) <= LARGE else pieces


def framed(mail: Message, inside: Message, protected: ProtectedHeader | None = None, names: Iterable[str] | None = None) -> bytes:
    """Put a content into a mail's envelope, in one."""
    return b"".join(framed_pieces(mail, inside, protected, names))


def framed_pieces(
    mail: Message,
    inside: Message,
    protected: ProtectedHeader | None = None,
    names: Iterable[str] | None = None,
    but: Collection[str] = (),
    *,
    taken_off: Iterable[Message] = (),
    is_clean: bool = False,
) -> Pieces:
    """Put a content into a mail's envelope; protected fields take the place of those outside.

    Fields that are replaced by others stay readable as X-Outer-*, and so do those that RFC 9788 would have inside and that are not:
    whoever added a Cc on the way is answered by nobody. Those inside that are not taken, and say what is not said outside, stay as
    X-Inner-*, those of layers between that were `taken_off` too. `names`, in lower case, are the only ones that are taken, those in `but`
    stay as they are outside. Controls that would end a line for some readers become blanks; a content whose own fields are known to have
    none `is_clean`.
    """
    around = mail_fields(mail) if protected is None else _protected_fields(mail, protected, names, but)
    around += b"".join(_left_between(mail, one) for one in taken_off)
    seen = inside.outline
    if (seen is None or seen.other_fields) and _has_its_own(inside, protected) and not inside.headers.stray:
        around += b"".join(_left_inside(mail, inside.headers))
    if seen is not None and protected is None:
        content = _outlined(inside, seen, seen.content_fields if is_clean else harmless(seen.content_fields))
    else:
        content = _unmarked(inside, protected)
    pieces = (around, b"MIME-Version: 1.0\r\n", *content)
    return (b"".join(pieces),) if len(pieces[-1]) <= LARGE else pieces


def _has_its_own(inside: Message, protected: ProtectedHeader | None) -> bool:
    """Say whether a content's header is another one than the protected one."""
    return protected is None or protected.kind == "message" or form_of_mail(inside) != "none"


def _left_between(mail: Message, layer: Message) -> bytes:
    """Give what else than the content's fields stands in the header of a layer that was taken off."""
    if layer.outline is not None and not layer.outline.other_fields:
        return b""
    return b"".join((*_left_inside(mail, layer.headers), stray_field(layer.headers)))


def _protected_fields(mail: Message, protected: ProtectedHeader, names: Iterable[str] | None, but: Collection[str]) -> bytes:
    """Give the mail's fields, the protected ones in their places."""
    allowed = None if names is None else frozenset(names)
    fields = [field for field in protected.fields if (allowed is None or field.name.lower() in allowed) and field.name.lower() not in but]
    taken = frozenset(field.name.lower() for field in fields)
    added = only_outside(mail, protected) if allowed is None else ()
    lines = [mail_fields(mail, without=(*taken, *added))]
    for name in (*changed_on_the_way(mail, protected), *added):
        if name in taken or name in added:
            lines.extend(b"X-Outer-" + field_bytes(mail, field) for field in mail.headers.all(name))
    lines.extend(map(_written, fields))
    return b"".join((*lines, *_left_inside(mail, protected.headers, taken)))


def _left_inside(mail: Message, headers: Headers, taken: Collection[str] = ()) -> Iterator[bytes]:
    """Give the fields of a content that are not taken, and that say what is said nowhere outside, under names that mean nothing."""
    limits = mail.root.limits
    raw = {(field.name.lower(), field.raw) for field in mail.headers}
    shown: dict[str, frozenset[Hashable]] = {}
    for field in headers:
        name = field.name.lower()
        if name in taken or is_content_field(field) or name in _STRUCTURE or (name, field.raw) in raw:
            continue
        if name not in shown:
            shown[name] = frozenset(meanings(mail.headers, name, limits))
        if meaning(field, limits) not in shown[name]:
            yield (b"" if name.startswith(KEPT) else b"X-Inner-") + _written(field)


def _written(field: Field) -> bytes:
    return field.name.encode() + b":" + _LONE_LF(b"\r\n", harmless(whole_line(field.raw)))


def _unmarked(inside: Message, protected: ProtectedHeader | None) -> Pieces:
    """Give the pieces of a content without the marks of protected fields; text where it has no header that could stand in a mail."""
    entity = inside.root
    if not _HEADER(bytes(inside.raw[: entity.header_end])) or not (len(inside.headers) or inside.raw[:2] in (b"\r\n", b"")):
        return _TEXT, b"\r\n", bytes(inside.raw)
    if protected is not None and protected.kind == "message" and entity.content_type.full == "message/rfc822" and entity.children:
        entity = entity.children[0]
    pieces = _entity(inside, entity, b"", b"", unmarked=protected is not None)
    return (*map(harmless, map(bytes, pieces[:-1])), pieces[-1])


def _unmarked_type(field: Field, entity: Entity) -> bytes:
    """Give a Content-Type without the marks of protected fields; one that cannot be had so stays as it is."""
    value = without(field.raw, PROTECTED_MARKS, entity.limits)
    return field.name.encode() + b":" + whole_line(field.raw if value is None else value)


def _outlined(mail: Message, outline: Outline, fields: bytes) -> Pieces:
    """Give the pieces of a content whose header is known in two, with these fields of it."""
    return fields, b"" if outline.is_typed else _TEXT, b"\r\n", body_of(mail)


def _entity(mail: Message, entity: Entity, extra: bytes, mark: bytes, *, unmarked: bool = False) -> Pieces:
    pieces, typed = [extra], False
    for field in entity.headers:
        if not is_content_field(field):
            continue
        line = field_bytes(mail, field)
        if field.name.lower() == "content-type" and not typed:
            typed = True
            line = _unmarked_type(field, entity) if unmarked else line
            line = with_mark(line, mark) if mark else line
        pieces.append(line)
    if not typed:
        pieces.append(_TEXT[:-2] + mark + b"\r\n")
    return (*pieces, b"\r\n", span(mail.raw, entity.body_start, entity.end))
