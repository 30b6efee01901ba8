# SPDX-License-Identifier: Apache-2.0
"""The trace field that we put on every mail: Received (RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3).

Promises: whatever a client says, the field stays one field with the same clauses: nothing it sends can end
a line, open a comment or forge a clause. Lines are at most 78 characters where a name allows it, and never more than 998.
"""

import re
from functools import lru_cache

from gatepost.message.addresses import Address
from gatepost.message.dates import mail_date

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_NOT_IN_A_PATH = re.compile(r"[\x00-\x20\x7f<>]")

_LONGEST_NAME = 255
_LONGEST_PATH = 320


def received(
    *,
    untrusted_helo: str,
    client: str,
    hostname: str,
    protocol: str,
    track: str,
    at: float,
    recipient: Address | None = None,
) -> bytes:
    """Build the field, CRLF included. `client` is the IP address; give `recipient` only when it is the only one."""
    clauses = _session_clauses(untrusted_helo, client, hostname, protocol)
    to = f"\r\n\tfor <{recipient}>" if recipient is not None and _may_be_named(recipient) else ""
    return f"{clauses} id {track}{to};\r\n\t{mail_date(at)}\r\n".encode()


def with_protocol(*, extended: bool, tls: bool = False, authenticated: bool = False, utf8: bool = False) -> str:
    """Name the protocol of the `with` clause (RFC 3848, RFC 6531 §4.3)."""
    if not extended:
        return "SMTP"
    return f"{'UTF8SMTP' if utf8 else 'ESMTP'}{'S' if tls else ''}{'A' if authenticated else ''}"


@lru_cache(maxsize=1024)
def _session_clauses(untrusted_helo: str, client: str, hostname: str, protocol: str) -> str:
    """Build what is the same for every mail of a session."""
    helo = _NOT_IN_A_NAME.sub("?", untrusted_helo[:_LONGEST_NAME]) or "unknown"
    literal = f"[IPv6:{client}]" if ":" in client else f"[{client}]"
    fold = " " if len(helo) + len(literal) <= 60 else "\r\n\t"
    second_fold = " " if len(hostname) + len(protocol) <= 40 else "\r\n\t"
    return f"Received: from {helo}{fold}({literal})\r\n\tby {hostname}{second_fold}with {protocol}"


def _may_be_named(recipient: Address) -> bool:
    text = str(recipient)
    return len(text) <= _LONGEST_PATH and _NOT_IN_A_PATH.search(text) is None
