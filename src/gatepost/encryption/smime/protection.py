# SPDX-License-Identifier: Apache-2.0
"""Write protected header fields (RFC 9788 §2.1, §2.2, §5.2): into the content, and what of them is left outside.

All of the author's go inside. What the way of the mail wrote is not his, changes under way, and stays outside; so does Bcc, which
inside would tell all recipients.
"""

from gatepost.encryption.smime.confidentiality import Confidentiality, outside
from gatepost.encryption.smime.frame import Pieces, content_pieces, field_bytes, is_content_field, whole_line
from gatepost.encryption.smime.legacy_display import with_legacy_display
from gatepost.message.headers import Field
from gatepost.message.tree import Message

SIGNED, ENCRYPTED = b'; hp="clear"', b'; hp="cipher"'
_NOT_THE_AUTHORS = frozenset(
    {
        "mime-version",
        "hp-outer",
        "bcc",
        "received",
        "x-received",
        "received-spf",
        "return-path",
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "dkim-signature",
        "x-google-dkim-signature",
        "domainkey-signature",
        "authentication-results",
    }
)
_NOT_THE_AUTHORS_BEGIN = ("content-", "resent-", "arc-")


def signed_content(mail: Message) -> Pieces:
    """Give the content with the mail's fields inside, for a signature alone."""
    return content_pieces(mail, _copied(mail), SIGNED)


def encrypted_content(mail: Message, confidentiality: Confidentiality, *, legacy_display: bool = False) -> tuple[bytes, Pieces]:
    """Give the fields that stay outside, and the content with all of them inside.

    With a legacy display, fields that are hidden outside stand in the text too, for readers that know nothing of protected ones.
    """
    outer = outer_fields(mail, confidentiality)
    said = b"".join(
        b"HP-Outer: " + line for field in mail.headers if _is_authors(field) and (line := _outside(mail, field, confidentiality))
    )
    inside = _copied(mail) + said
    shown = with_legacy_display(mail, confidentiality) if legacy_display else mail
    return outer, content_pieces(shown, inside, ENCRYPTED)


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
    return b"".join(field_bytes(mail, field) for field in mail.headers if _is_authors(field))


def _is_authors(field: Field) -> bool:
    name = field.name.lower()
    return name not in _NOT_THE_AUTHORS and not name.startswith(_NOT_THE_AUTHORS_BEGIN)
