# SPDX-License-Identifier: Apache-2.0
"""Decrypt a mail, and release of it what policy allows.

EFAIL's answer: content under CBC can be changed by whoever passes it on. It is released as it is only when it is signed inside and
that signature is intact; else it is neutralised, or held. Content under GCM was checked whole before this room sees it.
"""

from functools import lru_cache
from typing import Literal

import msgspec

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.keys import KeyRing
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.frame import Pieces, framed_pieces, is_content_field, is_odd
from gatepost.encryption.smime.header_protection import ExchangeFinding, ProtectedHeader, exchanged, from_differs, protected_header
from gatepost.encryption.smime.layer import BREAKING, SignedLayer
from gatepost.encryption.smime.legacy_display import without_legacy_display
from gatepost.encryption.smime.neutral import has_garbled_header, neutral
from gatepost.encryption.smime.policy import READ, RELEASE, ReadPolicy, ReleasePolicy
from gatepost.encryption.smime.reading import Reading, has_stray_line, read
from gatepost.message.parse import parse
from gatepost.message.tree import Message

Release = Literal[
    "authenticated",  # the cipher vouches for the content
    "signed",  # an intact signature inside does
    "neutralised",  # nobody does; all that is active was made plain text
    "held",  # nobody does, and policy or a garbled header keeps it back
    "closed",  # it could not be opened
    "plain",  # the mail as a whole is not encrypted
]


_NOBODY_IS_ANSWERED_BY = ("subject", "keywords", "comments", "thread-topic")
_is_odd = lru_cache(maxsize=1024)(is_odd)


class Opened(msgspec.Struct, frozen=True):
    """A mail that was opened, or why it was not."""

    release: Release
    pieces: Pieces | None
    """The mail in clear, to be written one piece after the other; None when it is held or closed. As it came, when it was not encrypted."""
    reading: Reading
    findings: tuple[str, ...]
    reason: str
    """One sentence; empty when the mail is released."""

    @property
    def mail(self) -> bytes | None:
        """The mail in clear, in one: a large one is put together whenever this is asked for."""
        return None if self.pieces is None else b"".join(self.pieces)


def open_mail(untrusted_raw: bytes, keys: KeyRing, policy: ReleasePolicy = RELEASE, how: ReadPolicy = READ) -> Opened:
    """Open a mail with our keys."""
    reading = read(untrusted_raw, keys, how)
    findings: tuple[str, ...] = reading.all_findings
    innermost = reading.innermost_encryption
    if innermost is None and reading.limit and form_of_mail(reading.inner) == "opaque":
        return Opened("closed", None, reading, findings, f"the mail {reading.limit}, so it was not read whole")
    if innermost is None:
        return Opened("plain", (untrusted_raw,), reading, findings, "nothing in this mail is encrypted as a whole")
    place, last = innermost
    if last.fault is not None:
        return Opened("closed", None, reading, findings, last.fault.reason)
    signed = _is_signed_inside(reading, place)
    if last.authenticated or signed:
        release: Release = "authenticated" if last.authenticated else "signed"
        pieces, told = _released(reading, place, policy, is_signed=signed)
        return Opened(release, pieces, reading, _once(findings, *told) if told else findings, "")
    limits = how.message
    if (exceeded := _exceeded(reading, place)) is not None:
        return Opened(
            "held", None, reading, _once(findings, "limit-exceeded"), f"the decrypted content exceeds the limit message.{exceeded}"
        )
    if has_garbled_header(reading.contents[place]):
        return Opened("held", None, reading, (*findings, "garbled-header"), "the decrypted header is garbled, as after tampering")
    if policy.unauthenticated == "held":
        return Opened("held", None, reading, findings, "nobody vouches for the decrypted content, and policy keeps such content back")
    try:
        # A content whose header has a line that is no field is written as one plain text already.
        neutralised = None if has_stray_line(reading.inner) else neutral(reading.inner)
    except Refusal as refusal:
        reason = f"nobody vouches for the decrypted content, and {refusal.fault.reason}"
        return Opened("held", None, reading, _once(findings, "limit-exceeded"), reason)
    inner = reading.inner if neutralised is None else parse(neutralised, limits)
    # The fields as they came: what is made plain text has lost its mark.
    protected = _believed(reading)
    # Of protected fields only these are taken: a changed Reply-To would send the answer, and the text in it, to a stranger.
    mail = framed_pieces(reading.mail, inner, protected, _NOBODY_IS_ANSWERED_BY, taken_off=reading.contents[:-1], is_clean=True)
    if protected is not None and from_differs(reading.mail, protected):
        findings = _once(findings, "from-differs")
    return Opened("neutralised", mail, reading, findings if neutralised is None else (*findings, "neutralised"), "")


def _exceeded(reading: Reading, place: int) -> str | None:
    """Give the limit that hides structure of a decrypted content, which then cannot be made harmless."""
    return reading.contents[place].exceeded or reading.inner.exceeded


def _once(findings: tuple[str, ...], *words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*findings, *words)))


def _is_signed_inside(reading: Reading, place: int) -> bool:
    inside = reading.layers[place + 1 :]
    if not inside or BREAKING.intersection(reading.findings):
        return False
    return all(isinstance(layer, SignedLayer) and layer.intact for layer in inside)


def _released(reading: Reading, place: int, policy: ReleasePolicy, *, is_signed: bool) -> tuple[Pieces, tuple[str, ...]]:
    """Give the mail, and what is to be told of it."""
    protected = _believed(reading)
    taken_off = reading.contents[:-1]
    if policy.signatures == "kept" and reading.layers[place + 1 :]:
        content, taken_off = reading.contents[place], reading.contents[:place]  # its signature is over the content as it is
    elif protected is not None and protected.kind == "hp" and protected.mode == "cipher":
        content = without_legacy_display(reading.inner)
    else:
        content = reading.inner
    told: tuple[str, ...] = ()
    but: dict[str, ExchangeFinding] = {}
    if protected is not None:
        but = exchanged(reading.mail, protected, is_signed=is_signed)
        told = (*but.values(), *(("garbled-header",) if any(is_odd(field.raw) for field in protected.fields) else ()))
    if is_strange := _is_odd_content(content):
        told = (*told, "garbled-header")
    return framed_pieces(reading.mail, content, protected, None, but, taken_off=taken_off, is_clean=not is_strange), told


def _believed(reading: Reading) -> ProtectedHeader | None:
    """Give the protected fields, if there are any that all readers part alike."""
    protected = protected_header(reading.mail, reading.inner)
    return protected if protected is not None and protected.is_parted else None


def _is_odd_content(content: Message) -> bool:
    """Say whether the content's own fields had to be cleaned."""
    if (seen := content.outline) is not None:
        # Short fields without a boundary are one of a few.
        return is_odd(seen.content_fields) if seen.content_type.boundary else _is_odd(seen.content_fields)
    return any(is_odd(field.raw) for field in content.headers if is_content_field(field))
