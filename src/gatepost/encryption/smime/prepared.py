# SPDX-License-Identifier: Apache-2.0
"""Make a mail ready to be signed or encrypted: what would be read otherwise than its author wrote it is mended, or refused.

A line of its header that is no field is refused, for some readers end the header there; so is a CR alone that begins one. Marks of
protected fields (RFC 9788) in a mail that nothing protects are taken off, or its reader would look inside for fields that stand outside.
A mail that is nothing but another one says that it is passed on, or the other's header would be taken for its own (RFC 8551 §3.1).
"""

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.smime.hidden import shows_behind_cr
from gatepost.encryption.smime.marks import PROTECTED_MARKS, with_mark, without
from gatepost.message.content_type import MESSAGE_RFC822, parse_content_type
from gatepost.message.glance import glance
from gatepost.message.splice import replace_field, splice
from gatepost.message.tree import Message

_LIMITS = MessageLimits()
_OURS = 4096
"""Bytes of the fields that are added; a few."""
_RECORD = len(b"HP-Outer: ")
_NO_PLACE = Fault("unsupported", "the mail's Content-Type is so odd that its header cannot be protected")
_ODD_MARK = Fault("malformed", "the mail's Content-Type says, in an odd way, that its header is protected, and it is not")
_TWO_TYPES = Fault("malformed", "the mail has two Content-Types, and readers differ in which of them says whether its header is protected")
_CR_ALONE = Fault("malformed", "the mail's header holds a CR alone, behind which some readers begin a line of their own")


def unfit(mail: Message, *, parts_matter: bool) -> Fault | None:
    """Refuse a mail that was not read whole; where its parts do not matter, one whose header was not."""
    if mail.outline is not None and not parts_matter:
        return None
    return Fault("too-large", f"the mail exceeds the limit message.{mail.exceeded}") if mail.exceeded else None


def unparted(mail: Message, *, times: int = 1) -> Fault | None:
    """Refuse a mail whose header cannot be parted, or could not be read again where each field stands so many times in one."""
    if mail.outline is None and (stray := mail.headers.stray):
        # Nobody knows where its author meant the body to begin.
        return Fault("malformed", f"line {stray[0][0]} of the mail's header is no header field")
    size = mail.root.header_end if mail.outline is None else mail.outline.header_end
    header = mail.raw[:size]
    if header.count(b"\r") != header.count(b"\r\n") and shows_behind_cr(header):
        return _CR_ALONE
    if size <= _LIMITS.headers:
        return None  # no field is so short
    fields = len(mail.headers)
    if times * fields + 16 > _LIMITS.headers or times * (size + _RECORD * fields) + _OURS > _LIMITS.header_bytes:
        return Fault("too-large", "the mail's header has so many fields, or bytes, that it could not be read again")
    return None


def prepared(mail: Message, *, mark: bytes, times: int = 1) -> Message | Fault:
    """Give a mail that nothing protects, ready for this mark of its own; what needs nothing is the very mail."""
    if fault := unparted(mail, times=times):
        return fault
    if (mail.outline is None or mail.outline.is_double) and _is_typed_in_doubt(mail, mark):
        return _TWO_TYPES
    content_type = mail.content_type
    is_marked, is_passed_on = not PROTECTED_MARKS.isdisjoint(content_type.parameters), content_type[:2] == MESSAGE_RFC822[:2]
    field = mail.headers.first("content-type") if is_marked or is_passed_on or mark else None
    if field is None:
        return mail
    passes_on = is_passed_on and content_type.parameters.get("forwarded", "").lower() != "yes"
    value = without(field.raw, (*PROTECTED_MARKS, "forwarded") if passes_on else PROTECTED_MARKS, _LIMITS)
    if value is None:
        return _ODD_MARK
    if passes_on:
        value = _marked(value, b"; forwarded=yes")
    if mark and "hp" not in parse_content_type(_marked(value, mark), _LIMITS).parameters:
        return _NO_PLACE
    return mail if value == field.raw else glance(splice(mail.raw, (replace_field(field, value.strip()),)), _LIMITS)


def _marked(value: bytes, mark: bytes) -> bytes:
    return with_mark(b"Content-Type:" + value, mark).partition(b":")[2]


def _is_typed_in_doubt(mail: Message, mark: bytes) -> bool:
    """Say whether there are several types, and one of them is, or would be, marked: readers differ in which of them counts."""
    types = mail.headers.all("content-type")
    if len(types) < 2:
        return False
    return bool(mark) or any(not PROTECTED_MARKS.isdisjoint(parse_content_type(one.raw, _LIMITS).parameters) for one in types)
