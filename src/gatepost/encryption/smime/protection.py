# SPDX-License-Identifier: Apache-2.0
"""Write protected header fields (RFC 9788 §2.1, §2.2, §5.2): into the content, and what of them is left outside."""

from gatepost.encryption.smime.confidentiality import Confidentiality, outside
from gatepost.encryption.smime.frame import content_of, field_bytes, is_content_field, whole_line
from gatepost.encryption.smime.header_protection import PROTECTED
from gatepost.encryption.smime.legacy_display import with_legacy_display
from gatepost.message.headers import Field
from gatepost.message.tree import Message


def signed_content(mail: Message) -> bytes:
    """Give the content with the mail's fields inside, for a signature alone."""
    return content_of(mail, _copied(mail), b'; hp="clear"')


def encrypted_content(mail: Message, confidentiality: Confidentiality, *, legacy_display: bool = False) -> tuple[bytes, bytes]:
    """Give the fields that stay outside, and the content with all of them inside.

    With a legacy display, fields that are hidden outside stand in the text too, for readers that know nothing of protected ones.
    """
    outer = outer_fields(mail, confidentiality)
    said = b"".join(
        b"HP-Outer: " + line for field in mail.headers if _is_protected(field) and (line := _outside(mail, field, confidentiality))
    )
    inside = _copied(mail) + said
    shown = with_legacy_display(mail, confidentiality) if legacy_display else mail
    return outer, content_of(shown, inside, b'; hp="cipher"')


def outer_fields(mail: Message, confidentiality: Confidentiality) -> bytes:
    """Give the fields that stay outside an encryption."""
    return b"".join(
        line
        for field in mail.headers
        if not is_content_field(field) and field.name.lower() != "mime-version" and (line := _outside(mail, field, confidentiality))
    )


def _outside(mail: Message, field: Field, confidentiality: Confidentiality) -> bytes:
    """Give the line outside, b'' where there is none."""
    value = outside(field, confidentiality, mail.root.limits)
    return b"" if value is None else field.name.encode() + b":" + whole_line(value)


def _copied(mail: Message) -> bytes:
    return b"".join(field_bytes(mail, field) for field in mail.headers if _is_protected(field))


def _is_protected(field: Field) -> bool:
    return field.name.lower() in PROTECTED
