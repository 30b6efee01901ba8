# SPDX-License-Identifier: Apache-2.0
"""Read the header fields that are protected with the content (RFC 9788), and their forerunners.

Content-Type: text/plain; hp="cipher"           RFC 9788: the fields stand in the content's own header
Content-Type: text/plain; protected-headers=v1  the draft before it, still written
Content-Type: message/rfc822; forwarded=no      RFC 8551 §3.1: the mail itself is what is protected
"""

from collections.abc import Hashable
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.paths.mailbox import folded
from gatepost.encryption.smime.binding import same
from gatepost.encryption.smime.form import form_of
from gatepost.encryption.smime.meaning import meaning, meanings
from gatepost.message.addresses import Address
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
ExchangeFinding = Literal["from-differs", "answers-elsewhere", "header-differs"]
_LEADING: tuple[tuple[str, ExchangeFinding], ...] = (("reply-to", "answers-elsewhere"), ("sender", "header-differs"))
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
    def is_parted(self) -> bool:
        """Whether each line of its header is a field: else readers differ in where it ends, and none of it is taken."""
        return not self.headers.stray

    @property
    def fields(self) -> tuple[Field, ...]:
        """The protected fields; what the author wrote twice is there twice."""
        return tuple(field for name in (*PROTECTED, _HIDDEN_WITH_SUBJECT) for field in self.headers.all(name))


def protected_header(outer: Message, content: Message) -> ProtectedHeader | None:
    """Find the protected fields of the innermost content; None when it has none."""
    content_type = content.content_type
    parameters = content_type.parameters
    if (mode := parameters.get("hp", "").lower()) in ("clear", "cipher"):
        return ProtectedHeader("hp", "cipher" if mode == "cipher" else "clear", content.headers, content.root)
    if parameters.get("protected-headers", "").lower() == "v1":
        return ProtectedHeader("protected-headers", "", content.headers, content.root)
    if content_type[:2] == ("message", "rfc822") and content.root.children:
        inner = content.root.children[0]
        if parameters.get("forwarded", "").lower() == "yes" or form_of(inner) != "none":
            return None  # a mail that is passed on, not this mail's content (RFC 9788 §4.10.1 says so of one with a protection of its own)
        # Without the parameter it may be a mail that was forwarded: then it has another author as a rule.
        if parameters.get("forwarded", "").lower() == "no" or _same_from(outer.headers, inner.headers, outer):
            return ProtectedHeader("message", "", inner.headers, inner)
    return None


def differing(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of the protected fields that are other ones outside, in lower case."""
    found, limits = [], outer.root.limits
    for name in dict.fromkeys(field.name.lower() for field in protected.fields):
        if name == "from":
            if from_differs(outer, protected) or meanings(outer.headers, name, limits) != meanings(protected.headers, name, limits):
                found.append(name)
        elif name in outer.headers and meanings(outer.headers, name, limits) != meanings(protected.headers, name, limits):
            found.append(name)
    return tuple(found)


def from_differs(outer: Message, protected: ProtectedHeader) -> bool:
    """Say whether From has other addresses inside than outside; its names are a matter of `differing`."""
    inside = protected.headers.all("from")
    if not inside or [field.raw for field in inside] == [field.raw for field in outer.headers.all("from")]:
        return False
    return not _same_from(outer.headers, protected.headers, outer)


def exchanged(outer: Message, protected: ProtectedHeader, *, is_signed: bool) -> dict[str, ExchangeFinding]:
    """Give the protected fields that are not taken for the mail's own, in lower case, and what is to be told of each (RFC 9788 §4.4).

    Others checked the From outside. Whose a signature is nobody knows here, so another author inside is never shown; without one,
    Reply-To and Sender inside count only where they name whom the header outside names.
    """
    found: dict[str, ExchangeFinding] = {}
    if from_differs(outer, protected) or _names_unread(outer, protected):
        found["from"] = "from-differs"
    if not is_signed:
        for name, finding in _LEADING:
            if name in protected.headers and not _leads_where(outer, protected, name):
                found[name] = finding
    return found


def _leads_where(outer: Message, protected: ProtectedHeader, name: str) -> bool:
    """Say whether a field inside names nobody but whom it, or From, names outside."""
    inside, limits = protected.headers.all(name), outer.root.limits
    if [field.raw for field in inside] == [field.raw for field in outer.headers.all(name)]:
        return True
    if any(_is_unread(field, limits) for field in inside):
        return False
    # Looked up in a set: a stranger chooses how many there are.
    known = {_key(one) for field in (*outer.headers.all("from"), *outer.headers.all(name)) for one in _addresses(field, limits)}
    return all(_key(one) in known for field in inside for one in _addresses(field, limits))


def _names_unread(outer: Message, protected: ProtectedHeader) -> bool:
    """Say whether From inside, other than outside, holds something that some readers may take for an address."""
    here = {field.raw for field in outer.headers.all("from")}
    return any(field.raw not in here and _is_unread(field, outer.root.limits) for field in protected.headers.all("from"))


def _is_unread(field: Field, limits: MessageLimits) -> bool:
    read = parse_mailboxes(field.raw, limits)
    return bool(read.exceeded) or any(mailbox.address is None for mailbox in read.mailboxes)


def only_outside(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of fields that stand outside and not inside, where RFC 9788 §4.4.4 has who writes all of them there, in lower case."""
    if protected.kind != "hp":
        return ()
    return tuple(name for name in PROTECTED if name in outer.headers and name not in protected.headers and name not in _MAY_BE_OUTSIDE)


def changed_outside(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of the fields outside that are neither what the sender left there nor what he protected, in lower case.

    Only hp="cipher" says what was left outside (RFC 9788 §2.2); of what is encrypted otherwise nobody knows.
    """
    said: dict[str, list[Hashable]] = {}
    limits = outer.root.limits
    for field in protected.headers.all("hp-outer") if protected.mode == "cipher" else ():
        name, _, value = field.raw.partition(b":")
        one = Field(name.strip().decode("latin-1"), field.start, field.value_start, field.end, value)
        said.setdefault(one.name.lower(), []).append(meaning(one, limits))
    if not said:
        return ()
    return tuple(
        name
        for name in PROTECTED
        if name in outer.headers
        and meanings(outer.headers, name, limits) not in (said.get(name), meanings(protected.headers, name, limits))
    )


def changed_on_the_way(outer: Message, protected: ProtectedHeader) -> tuple[str, ...]:
    """Give the names of the protected fields that are other ones outside, and not what the sender is known to have left there."""
    found = differing(outer, protected)
    if protected.mode != "cipher" or "hp-outer" not in protected.headers:
        return found
    changed = changed_outside(outer, protected)
    return tuple(name for name in found if name in changed or name == _HIDDEN_WITH_SUBJECT)


def _same_from(one: Headers, other: Headers, mail: Message) -> bool:
    limits = mail.root.limits
    first, second = ([address for field in headers.all("from") for address in _addresses(field, limits)] for headers in (one, other))
    return bool(first) and len(first) == len(second) and all(same(left, right) for left, right in zip(first, second, strict=True))


def _addresses(field: Field, limits: MessageLimits) -> tuple[Address, ...]:
    return tuple(parse_mailboxes(field.raw, limits).addresses)


def _key(address: Address) -> tuple[str, str]:
    return folded(address.local), address.domain
