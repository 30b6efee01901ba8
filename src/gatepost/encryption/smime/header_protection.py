# SPDX-License-Identifier: Apache-2.0
"""Read the header fields that are protected with the content (RFC 9788), and their forerunners.

Content-Type: text/plain; hp="cipher"           RFC 9788: the fields stand in the content's own header
Content-Type: text/plain; protected-headers=v1  the draft before it, still written
Content-Type: message/rfc822; forwarded=no      RFC 8551 §3.1: the mail itself is what is protected
"""

from typing import Literal, NamedTuple

from gatepost.encryption.smime.binding import same
from gatepost.message.headers import Field, Headers
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Entity, Message

PROTECTED = (
    "from", "sender", "reply-to", "to", "cc", "date", "subject", "message-id", "in-reply-to", "references", "followup-to",
    "keywords", "comments",
)  # fmt: skip
"""The fields that are written and believed: what people see, and what binds mails together."""


class ProtectedHeader(NamedTuple):
    """The fields that came with the content, and how."""

    kind: Literal["hp", "protected-headers", "message"]
    mode: Literal["clear", "cipher", ""]
    """What the sender meant: signed alone, or encrypted; '' where he did not say."""
    headers: Headers
    entity: Entity
    """What is the content once the fields are taken for the mail's own."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The protected fields, each name's first alone."""
        found = (self.headers.first(name) for name in PROTECTED)
        return tuple(field for field in found if field is not None)


def protected_header(outer: Message, content: Message) -> ProtectedHeader | None:
    """Find the protected fields of the innermost content; None when it has none."""
    root = content.root
    parameters = root.content_type.parameters
    if (mode := parameters.get("hp", "").lower()) in ("clear", "cipher"):
        return ProtectedHeader("hp", "cipher" if mode == "cipher" else "clear", root.headers, root)
    if parameters.get("protected-headers", "").lower() == "v1":
        return ProtectedHeader("protected-headers", "", root.headers, root)
    if root.content_type.full == "message/rfc822" and root.children:
        inner = root.children[0]
        # Without the parameter it may be a mail that was forwarded: then it has another author as a rule.
        if parameters.get("forwarded", "").lower() == "no" or _same_from(outer.headers, inner.headers, outer):
            return ProtectedHeader("message", "", inner.headers, inner)
    return None


def differing(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of the protected fields that are other ones outside, in lower case."""
    found = []
    for field in protected.fields:
        name = field.name.lower()
        if name == "from":
            if not _same_from(outer.headers, protected.headers, outer):
                found.append(name)
        elif name in outer.headers and _plain(outer.headers.decoded(name)) != _plain(field.decoded):
            found.append(name)
    return tuple(found)


def _same_from(one: Headers, other: Headers, mail: Message) -> bool:
    limits = mail.root.limits
    first, second = (
        [address for field in headers.all("from") for address in parse_mailboxes(field.raw, limits).addresses] for headers in (one, other)
    )
    return bool(first) and len(first) == len(second) and all(same(left, right) for left, right in zip(first, second, strict=True))


def _plain(text: str) -> str:
    return " ".join(text.split())
