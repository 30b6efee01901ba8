# SPDX-License-Identifier: Apache-2.0
"""What one attempt to send came to, for each recipient and for the route."""

from typing import NamedTuple

from gatepost.smtp.client.terms import Status


class RecipientResult(NamedTuple):
    """What became of one claimed recipient."""

    status: Status
    reply: str
    """One line: the next hop's last reply, or what went wrong without one."""
    enhanced: str = ""
    """Enhanced status code (RFC 3463); '' where the next hop gave none."""
    host: str = ""
    """Name of the next hop that decided; '' when none was reached."""
    code: int = 0
    """The next hop's reply code; 0 when the failure is ours or the network's (RFC 3464 §2.3.6 then has no diagnostic)."""


class SendResult(NamedTuple):
    """One attempt's results, in the order of the claim's recipients."""

    recipients: tuple[RecipientResult, ...]
    host: str = ""
    tls: str = ""
    """TLS version and cipher; '' when the mail went in the clear."""
    dsn_supported: bool = False
    """Whether the next hop reports to the sender itself; if not, success may need a relay report (RFC 3461 §5.2.2)."""
    host_failed: bool = False
    """Whether no connection of the route held until the end: a matter of the network or the host, not of this mail."""
