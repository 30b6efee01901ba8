# SPDX-License-Identifier: Apache-2.0
"""The structure of encrypted objects as they were received (RFC 5652 §6.1, RFC 5083 §2.1)."""

from typing import NamedTuple

from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.attributes import NONE, Attributes, read_attributes
from gatepost.encryption.cms.ber import CONSTRUCTED, EXPLICIT, IMPLICIT, INTEGER, OID, SEQUENCE, SET, Cursor
from gatepost.encryption.cms.enveloped.recipient import Agreement, OtherRecipient, Recipient, Transported, read_agreements, read_transported
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.octets import Octets, overhead

_CONTENT = IMPLICIT | 0
_AGREEMENT = EXPLICIT | 1


class Enveloped(NamedTuple):
    """An encrypted object."""

    authenticated: bool
    """Whether it is AuthEnvelopedData: a changed ciphertext is noticed. In the other kind it is not."""
    recipients: tuple[Recipient, ...]
    content_type: bytes
    cipher: Algorithm
    content: Octets | None
    """None when the ciphertext lies outside."""
    tag: bytes
    authenticated_attributes: Attributes | None
    attributes: Attributes
    """Neither encrypted nor authenticated, and never believed."""
    overhead_bytes: int = 0
    """Bytes of all but the content."""


def read_enveloped(cursor: Cursor) -> Enveloped:
    """Read EnvelopedData; `Refusal` when it is malformed."""
    inside = cursor.enter(SEQUENCE)
    begin = inside.position
    recipients = _before_content(inside)
    content_type, cipher, content = _encrypted_content(inside.enter(SEQUENCE))
    beside = overhead(inside.end - begin, content, inside.measures.limits)
    attributes = read_attributes(inside, 1) if inside.peek() == EXPLICIT | 1 else NONE
    inside.close()
    return Enveloped(False, recipients, content_type, cipher, content, b"", None, attributes, beside)


def read_auth_enveloped(cursor: Cursor) -> Enveloped:
    """Read AuthEnvelopedData; `Refusal` when it is malformed."""
    inside = cursor.enter(SEQUENCE)
    begin = inside.position
    recipients = _before_content(inside)
    content_type, cipher, content = _encrypted_content(inside.enter(SEQUENCE))
    beside = overhead(inside.end - begin, content, inside.measures.limits)
    authenticated = read_attributes(inside, 1) if inside.peek() == EXPLICIT | 1 else None
    tag = inside.small_octets()
    attributes = read_attributes(inside, 2) if inside.peek() == EXPLICIT | 2 else NONE
    inside.close()
    return Enveloped(True, recipients, content_type, cipher, content, tag, authenticated, attributes, beside)


def _before_content(inside: Cursor) -> tuple[Recipient, ...]:
    inside.skip(INTEGER)
    if inside.peek() == EXPLICIT | 0:
        inside.skip(EXPLICIT | 0)
    entries, most = inside.enter(SET), inside.measures.limits.recipients
    overhead(entries.end - entries.position, None, inside.measures.limits)
    found: list[Transported | Agreement | OtherRecipient] = []
    while (tag := entries.peek()) != -1:
        if tag == SEQUENCE:
            found.append(read_transported(entries.enter(SEQUENCE)))
        elif tag == _AGREEMENT:
            found.extend(read_agreements(entries.enter(_AGREEMENT), most))
        elif EXPLICIT | 2 <= tag <= EXPLICIT | 4:
            entries.skip(tag)
            found.append(OtherRecipient(tag & 0x1F))
        else:
            raise Refusal("malformed", "a recipient's entry is of no known kind")
        if len(found) > most:
            raise Refusal("too-large", "there are too many recipients")
    return tuple(found)


def _encrypted_content(inside: Cursor) -> tuple[bytes, Algorithm, Octets | None]:
    content_type, cipher = inside.value(OID), read_algorithm(inside)
    content = inside.octets(_CONTENT) if inside.peek() in (_CONTENT, _CONTENT | CONSTRUCTED) else None
    inside.close()
    return content_type, cipher, content
