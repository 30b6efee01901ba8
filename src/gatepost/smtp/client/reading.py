# SPDX-License-Identifier: Apache-2.0
"""Read a next hop's replies from bytes in any segmentation (RFC 5321 §4.2), within bounds.

Lines may end with a lone LF: that harms nobody in a reply. Text is cleaned of control characters, for
it goes to logs and reports. What is no reply makes the reader `malformed`, and it reads no more.
"""

import re
from functools import lru_cache

from gatepost.smtp.replies import Reply

LINE_BYTES = 4096
"""Longest reply line; RFC 5321 §4.5.3.1.5 allows 512, EHLO extensions and long reasons exceed it."""
LINES = 100
"""Most lines of one reply."""

_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")
_CODE = re.compile(rb"[2-5][0-9][0-9](?:[ -]|$)")


@lru_cache(maxsize=512)
def _parse(untrusted_line: bytes) -> Reply:
    """Parse the only line of a reply whose code was checked."""
    return _reply(int(untrusted_line[:3]), [_text(untrusted_line)])


def _text(untrusted_line: bytes) -> str:
    text = untrusted_line[4:].decode("utf-8", "replace")
    return text if text.isprintable() else "".join([sign if sign.isprintable() else " " for sign in text])


def _reply(code: int, texts: list[str]) -> Reply:
    """Take the enhanced code off the text (RFC 2034 §3); one of another class than the reply's is only text."""
    found = _ENHANCED.match(texts[0])
    if found is None or texts[0][0] != str(code)[0]:
        return Reply(code, "", "\n".join(texts), closes=code == 421)
    enhanced = found.group(1)
    lead = len(enhanced) + 1
    return Reply(code, enhanced, "\n".join(text[lead:] if text.startswith(enhanced) else text for text in texts), closes=code == 421)


class ReplyReader:
    """Turns bytes into replies; keeps at most one unfinished reply."""

    __slots__ = ("_code", "_rest", "_texts", "malformed")

    def __init__(self) -> None:
        self._rest = b""
        self._texts: list[str] = []
        self._code = b""
        self.malformed = ""
        """Why the next hop's bytes are no SMTP reply; "" while they are."""

    @property
    def unfinished(self) -> bool:
        """Tell whether a part of a reply is held."""
        return bool(self._rest or self._texts)

    def clear(self) -> None:
        """Forget what came before TLS began (RFC 3207 §4.2)."""
        self._rest = b""
        self._texts = []

    def feed(self, untrusted: bytes) -> list[Reply]:
        """Give the replies that these bytes complete."""
        lines = (self._rest + untrusted if self._rest else untrusted).split(b"\n")
        self._rest = lines.pop()
        replies: list[Reply] = []
        for untrusted_line in lines:
            line = untrusted_line[:-1] if untrusted_line.endswith(b"\r") else untrusted_line
            if not self._sound(line):
                return replies
            if line[3:4] == b"-":
                self._code = line[:3]
                self._texts.append(_text(line))
            elif self._texts:
                replies.append(_reply(int(line[:3]), [*self._texts, _text(line)]))
                self._texts = []
            else:
                replies.append(_parse(line))
        if len(self._rest) > LINE_BYTES:
            self.malformed = "a reply line is too long"
        return replies

    def _sound(self, line: bytes) -> bool:
        if len(line) > LINE_BYTES:
            self.malformed = "a reply line is too long"
        elif not _CODE.match(line):
            self.malformed = "a line is no SMTP reply"
        elif self._texts and line[:3] != self._code:
            self.malformed = "a reply changes its code between lines"
        elif len(self._texts) >= LINES:
            self.malformed = "a reply has too many lines"
        return not self.malformed
