# SPDX-License-Identifier: Apache-2.0
"""What MAIL and RCPT said: sender, recipients and their parameters (RFC 5321 §3.3, RFC 3461)."""

import msgspec

from gatepost.message.addresses import Address


class Recipient(msgspec.Struct, array_like=True, frozen=True):
    """One RCPT: `notify` and `orcpt` are kept as written (RFC 3461 §4.1, §4.2)."""

    address: Address
    notify: str = ""
    """'' (not said), 'NEVER', or a comma list of SUCCESS, FAILURE, DELAY in capitals."""
    orcpt: str = ""
    """xtext as written, type included ('rfc822;user@example.com'); '' when not said."""


class Envelope(msgspec.Struct, array_like=True):
    """One mail transaction's MAIL and its accepted RCPTs, in order."""

    sender: Address | None
    """None is the null reverse-path `<>`."""
    size_declared: int = 0
    body: str = ""
    """'' (not said), '7BIT' or '8BITMIME' (RFC 6152)."""
    smtputf8: bool = False
    ret: str = ""
    """'' (not said), 'FULL' or 'HDRS' (RFC 3461 §4.3)."""
    envid: str = ""
    """xtext as written; '' when not said (RFC 3461 §4.4)."""
    recipients: list[Recipient] = msgspec.field(default_factory=list)
