# SPDX-License-Identifier: Apache-2.0
"""Recognise what a MIME entity is to S/MIME (RFC 8551 §3.2, §3.5, §3.9), old names and bare file names included."""

import re
from typing import Literal

from gatepost.encryption.smime.enclosed import Enclosed, body_of, root_of
from gatepost.message.tree import Entity, Message

Form = Literal["multipart", "opaque", "none"]

SIGNATURE_TYPES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
OPAQUE_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_MAY_BE = frozenset({"application/octet-stream", "multipart/signed"})
_BY_NAME = (".p7m", ".p7c", ".p7z")
"""RFC 8551 §3.2.1; a name counts only where the type says nothing (§3.9)."""
_names_protected_type = re.compile(rb"/[ \t\r\n]*+(?:(?:x-)?pkcs7-mime|octet-stream|signed)", re.IGNORECASE).search
"""No header has a form where this does not occur: blanks may follow a type's slash, anything else makes it another type."""
_HIDES_TYPE = frozenset({"header_bytes", "parameters", "continuations", "comment_depth"})
"""Limits behind which a Content-Type, or its protocol, was perhaps not read."""


def form_of(entity: Entity) -> Form:
    """Say how an entity is protected by its own header alone."""
    content_type = entity.content_type
    full = content_type.full
    if full in OPAQUE_TYPES:
        return "opaque"
    if full == "application/octet-stream" and entity.filename.lower().endswith(_BY_NAME):
        return "opaque"
    if full == "multipart/signed":
        protocol = content_type.parameters.get("protocol", "").strip().lower()
        if protocol in SIGNATURE_TYPES:
            return "multipart"
        # Without a protocol the second part decides (RFC 1847 §2.1 demands one, some senders forget it).
        if not protocol and len(entity.children) > 1 and entity.children[1].content_type.full in SIGNATURE_TYPES:
            return "multipart"
    return "none"


def form_of_mail(mail: Message) -> Form:
    """Say how a mail is protected; most are not, and that shows without a look at their parts."""
    full = mail.content_type.full
    if full in OPAQUE_TYPES:
        return "opaque"
    return form_of(root_of(mail)) if full in _MAY_BE else "none"


def is_unread(mail: Message) -> bool:
    """Say whether a limit kept so much of a header unread that a mail without a form may have one; of a mail that was parsed."""
    return mail.exceeded in _HIDES_TYPE


def is_protection_below(mail: Message) -> bool:
    """Say whether something signed or encrypted lies below a mail that is not."""
    outline = mail.outline
    if outline is not None and (outline.is_leaf or (not isinstance(mail, Enclosed) and _names_protected_type(body_of(mail)) is None)):
        return False
    root = root_of(mail)
    return any(form_of(entity) != "none" for entity in root.walk() if entity is not root)
