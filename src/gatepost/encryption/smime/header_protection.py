# SPDX-License-Identifier: Apache-2.0
"""Read the header fields that are protected with the content (RFC 9788), and their forerunners.

Content-Type: text/plain; hp="cipher"           RFC 9788: the fields stand in the content's own header
Content-Type: text/plain; protected-headers=v1  the draft before it, still written
Content-Type: message/rfc822; forwarded=no      RFC 8551 §3.1: the mail itself is what is protected
"""

from typing import Literal, NamedTuple

from gatepost.encryption.smime.binding import same
from gatepost.encryption.smime.form import form_of
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Field, Headers
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Entity, Message

PROTECTED = (
    "from", "sender", "reply-to", "to", "cc", "date", "subject", "message-id", "in-reply-to", "references", "followup-to",
    "keywords", "comments",
)  # fmt: skip
"""The fields that are believed: what people see, and what binds mails together."""
_HIDDEN_WITH_SUBJECT = "thread-topic"
"""Believed too, for it is hidden outside; servers on the way write their own there, so it is compared with nothing."""
_MAY_BE_OUTSIDE = frozenset({"from", "date", "message-id"})
"""Without these no mail travels; one that has none inside shows those outside."""


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
        found = (self.headers.first(name) for name in (*PROTECTED, _HIDDEN_WITH_SUBJECT))
        return tuple(field for field in found if field is not None)


def protected_header(outer: Message, content: Message) -> ProtectedHeader | None:
    """Find the protected fields of the innermost content; None when it has none."""
    content_type = content.content_type
    parameters = content_type.parameters
    if (mode := parameters.get("hp", "").lower()) in ("clear", "cipher"):
        return ProtectedHeader("hp", "cipher" if mode == "cipher" else "clear", content.headers, content.root)
    if parameters.get("protected-headers", "").lower() == "v1":
        return ProtectedHeader("protected-headers", "", content.headers, content.root)
    if content_type.full == "message/rfc822" and content.root.children:
        inner = content.root.children[0]
        if form_of(inner) != "none":
            return None  # a mail with a protection of its own is passed on, not this mail's content (RFC 9788 §4.10.1)
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
            if from_differs(outer, protected) or _names(outer.headers, outer) != _names(protected.headers, outer):
                found.append(name)
        elif name in outer.headers and _plain(outer.headers.decoded(name)) != _plain(field.decoded):
            found.append(name)
    return tuple(found)


def from_differs(outer: Message, protected: ProtectedHeader) -> bool:
    """Say whether From has other addresses inside than outside; its names are a matter of `differing`."""
    return "from" in protected.headers and not _same_from(outer.headers, protected.headers, outer)


def only_outside(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of fields that stand outside and not inside, where RFC 9788 §4.4.4 has who writes all of them there, in lower case."""
    if protected.kind != "hp":
        return ()
    return tuple(name for name in PROTECTED if name in outer.headers and name not in protected.headers and name not in _MAY_BE_OUTSIDE)


def changed_outside(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of the fields outside that are neither what the sender left there nor what he protected, in lower case.

    Only hp="cipher" says what was left outside (RFC 9788 §2.2); of what is encrypted otherwise nobody knows.
    """
    said: dict[str, str] = {}
    for field in protected.headers.all("hp-outer") if protected.mode == "cipher" else ():
        name, _, value = field.decoded.partition(":")
        said.setdefault(name.strip().lower(), _plain(value))
    if not said:
        return ()
    return tuple(
        name
        for name in PROTECTED
        if name in outer.headers and _plain(outer.headers.decoded(name)) not in (said.get(name), _plain(protected.headers.decoded(name)))
    )


def _same_from(one: Headers, other: Headers, mail: Message) -> bool:
    limits = mail.root.limits
    first, second = (
        [address for field in headers.all("from") for address in parse_mailboxes(field.raw, limits).addresses] for headers in (one, other)
    )
    return bool(first) and len(first) == len(second) and all(same(left, right) for left, right in zip(first, second, strict=True))


def _names(headers: Headers, mail: Message) -> list[str]:
    """Give what From shows beside its addresses: names, groups and comments, however they are written."""
    read = [parse_mailboxes(field.raw, mail.root.limits) for field in headers.all("from")]
    names = [name for one in read for name in (*(mailbox.display_name for mailbox in one.mailboxes), "", *one.groups, "", *one.comments)]
    return [_plain(decode_words(name)) for name in names]


def _plain(text: str) -> str:
    return " ".join(text.split())
