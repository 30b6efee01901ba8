# SPDX-License-Identifier: Apache-2.0
"""The part of a report that gives the mail back: its headers, or all of it where the sender asked for that.

RET=FULL is honoured up to 1 MiB and only when something failed (RFC 3461 §6.2); a larger mail comes back as
its headers, because half a mail is no message. Without RET the headers are enough to know the mail again, and a
report that went astray then shows nobody the content.
"""

from typing import NamedTuple

from gatepost.delivery.queue.record import NewMail

FULL_BYTES = 1_048_576
HEADER_BYTES = 65_536


class Returned(NamedTuple):
    """What comes back of a mail; `full` says whether that is all of it."""

    content_type: str
    content: bytes
    full: bool

    @property
    def encoding(self) -> str:
        """The part's Content-Transfer-Encoding."""
        return "7bit" if self.content.isascii() else "8bit"


def header_block(untrusted_body: bytes) -> bytes:
    """Give a mail's headers, CRLF-ended, without the blank line; very long ones are cut at the end of a line."""
    if untrusted_body.startswith(b"\r\n"):
        return b""
    end = untrusted_body.find(b"\r\n\r\n", 0, HEADER_BYTES)
    if end >= 0:
        return untrusted_body[: end + 2]
    cut = untrusted_body[:HEADER_BYTES].rfind(b"\r\n")
    return untrusted_body[: cut + 2] if cut >= 0 else b""


def returned(mail: NewMail, untrusted_body: bytes, *, may_be_full: bool) -> Returned:
    """Choose what comes back; `untrusted_body` is the mail's body, or as much of it as is at hand."""
    international = mail.envelope.smtputf8
    complete = len(untrusted_body) == mail.body.size and mail.body.size + len(mail.trace) <= FULL_BYTES
    if may_be_full and complete and mail.envelope.ret == "FULL":
        return Returned("message/global" if international else "message/rfc822", mail.trace + untrusted_body, True)
    headers = mail.trace + header_block(untrusted_body)
    return Returned("message/global-headers" if international else "text/rfc822-headers", headers, False)
