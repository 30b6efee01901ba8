# SPDX-License-Identifier: Apache-2.0
"""Lines of a header that only some readers see: behind a CR alone (RFC 5322 §2.2 has none), or under a name that is nearly From.

Promises: linear time, and nothing is said of a line that shows nobody and nothing.
"""

import re

_NEARLY = rb"[^!-~\r\n\t ]*+"
_BEHIND_CR = re.compile(
    rb"\r(?!\n)(?:(?!\r\n\Z|[ \t]|[!-9;-~]++[ \t]*+:)|(?:from|sender|reply-to|content-[!-9;-~]++)[ \t]*+:)|(?:\A|\n)\r(?!\n)", re.IGNORECASE
)
"""What begins there is a field that is shown or says how, or it is none, and ends the header."""
_FROM = _NEARLY.join((b"f", b"r", b"o", b"m"))
_NEARLY_FROM = re.compile(rb"(?:\A[^!-~\r\n]*+|[\r\n]" + _NEARLY + rb")" + _FROM + rb"[^!-~\r\n]*+:", re.IGNORECASE)


def shows_behind_cr(untrusted_header: bytes) -> bool:
    """Say whether a reader who ends a line at a CR alone sees another sender, other answers, or another content."""
    return _BEHIND_CR.search(untrusted_header) is not None


def has_nearly_from(untrusted_header: bytes) -> bool:
    """Say whether a line may be taken for From that is not written as RFC 5322 §3.6.2 has it."""
    return _NEARLY_FROM.search(untrusted_header) is not None
