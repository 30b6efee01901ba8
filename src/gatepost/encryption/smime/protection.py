# SPDX-License-Identifier: Apache-2.0
"""Write protected header fields (RFC 9788 §2.1, §2.2, §3): into the content, and what of them is left outside."""

from typing import Literal

from gatepost.encryption.smime.frame import content_of, field_bytes, mail_fields
from gatepost.encryption.smime.header_protection import PROTECTED
from gatepost.message.tree import Message

Confidentiality = Literal["none", "baseline"]
"""The policy for the fields outside an encryption: all as they are, or without subject, keywords and comments (RFC 9788 §3.2.1)."""

_HIDDEN_SUBJECT = b"Subject: [...]\r\n"
_HIDDEN = ("subject", "keywords", "comments")


def signed_content(mail: Message) -> bytes:
    """Give the content with the mail's fields inside, for a signature alone."""
    return content_of(mail, _copied(mail), b'; hp="clear"')


def encrypted_content(mail: Message, confidentiality: Confidentiality) -> tuple[bytes, bytes]:
    """Give the fields that stay outside, and the content with all of them inside."""
    outside = outer_fields(mail, confidentiality)
    said = b"".join(b"HP-Outer: " + line for line in _outer_copies(mail, confidentiality))
    return outside, content_of(mail, _copied(mail) + said, b'; hp="cipher"')


def outer_fields(mail: Message, confidentiality: Confidentiality) -> bytes:
    """Give the fields that stay outside an encryption."""
    if confidentiality == "none":
        return mail_fields(mail)
    return mail_fields(mail, without=_HIDDEN) + (_HIDDEN_SUBJECT if "subject" in mail.headers else b"")


def _outer_copies(mail: Message, confidentiality: Confidentiality) -> list[bytes]:
    hidden = () if confidentiality == "none" else _HIDDEN
    lines = [field_bytes(mail, field) for field in mail.headers if field.name.lower() in PROTECTED and field.name.lower() not in hidden]
    if hidden and "subject" in mail.headers:
        lines.append(_HIDDEN_SUBJECT)
    return lines


def _copied(mail: Message) -> bytes:
    return b"".join(field_bytes(mail, field) for field in mail.headers if field.name.lower() in PROTECTED)
