# SPDX-License-Identifier: Apache-2.0
"""How much of a stranger's text a track keeps: one line, so many bytes of UTF-8, a mark where it was cut.

Ordinary mail is kept as it is: within 1.5 KB without its details and within 4 KB with them. A head that is larger is
made again with the tight bounds, which keep it within `MOST_BYTES` whatever the mail brings. Recipients come on top:
they are kept whole and all, because the mail was taken for each of them, and the SMTP limits bound them.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MARK: Final = "…"
MOST_BYTES: Final = 4096
"""Of an encoded head without its recipients."""

ADDRESS: Final = 520
"""No address that SMTP takes is longer."""
MESSAGE_ID: Final = 250
"""Who searches for a longer one must cut it alike: `message_id`."""

_BREAK = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Controls, halves of surrogates, and what turns the direction of the text that follows.
_HIDDEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Bounds(NamedTuple):
    """The bounds of one head; texts in bytes of UTF-8, lists in entries."""

    subject: int = 500
    reply: int = 300
    reason: int = 300
    name: int = 255
    """HELO, rule, gateway, file names, media types."""
    authors: int = 10
    author_bytes: int = 1000
    message: int = 300
    """What one filter says, and each line of its details."""
    details: int = 10
    attachments: int = 20
    operations: int = 8
    finding: int = 300
    """A text inside an operation."""


ORDINARY: Final = Bounds()
TIGHT: Final = Bounds(
    subject=200,
    reply=150,
    reason=100,
    name=60,
    authors=1,
    author_bytes=ADDRESS,
    message=30,
    details=0,
    attachments=2,
    operations=1,
    finding=60,
)


def line(untrusted: str, most: int) -> str:
    """Give a text as one line of at most so many bytes, at least 4; what cannot be shown becomes U+FFFD."""
    size = len(untrusted)
    if size > most or (size * 4 > most and not untrusted.isascii()):
        untrusted = _cut(untrusted, most)
    if untrusted.isprintable():
        return untrusted
    shown = _HIDDEN.sub("\ufffd", _BREAK.sub(" ", untrusted))
    return shown if len(shown) * 4 <= most else _cut(shown, most)


def lines(untrusted: Sequence[str], most: int, count: int) -> tuple[str, ...]:
    """Give at most `count` texts as lines; a mark stands for the others."""
    kept = tuple([line(one, most) for one in untrusted[:count]])
    return kept if len(untrusted) <= count else (*kept, MARK)


def message_id(untrusted: str) -> str:
    """Give a Message-ID as tracks keep it."""
    return line(untrusted, MESSAGE_ID)


def _cut(text: str, most: int) -> str:
    encoded = text[:most].encode("utf-8", "replace")  # a half of a surrogate becomes '?'
    if len(encoded) <= most and len(text) <= most:
        return text
    return encoded[: most - len(MARK.encode())].decode("utf-8", "ignore") + MARK
