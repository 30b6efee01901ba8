# SPDX-License-Identifier: Apache-2.0
"""The canonical form of text: every line ends in CRLF (RFC 8551 §3.1.1).

What arrived signed is never changed. What was encrypted may have been written with bare LF by its sender, and becomes a mail
on the wire once it is decrypted; a clear signature inside was made over the canonical form.
"""

import re

_BARE_LF = re.compile(rb"(?<!\r)\n")


def is_paired(content: bytes) -> bool:
    """Say whether CR and LF stand in pairs alone."""
    # Both replacements run at the speed of memchr; counting pairs takes twice as long.
    return content.replace(b"\r", b"").replace(b"\n", b"\r\n") == content


def canonical(content: bytes) -> bytes:
    """Give the content with CRLF for each bare LF; the very bytes when there is none."""
    return content if is_paired(content) or content.count(b"\n") == content.count(b"\r\n") else _BARE_LF.sub(b"\r\n", content)
