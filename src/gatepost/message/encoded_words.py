# SPDX-License-Identifier: Apache-2.0
"""Encoded words in header text (RFC 2047), read with the tolerance that real mail needs.

Promises: never raises, takes linear time; a word that cannot be decoded stays as it was written.
Adjacent words of one character set are joined before decoding, because senders split characters.
"""

import binascii
import re

from gatepost.message.charsets import codec_of, to_text

# Blanks inside a word are against RFC 2047 §2 and frequent. Each repeat stops at a '?', so the time is linear.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([BbQq])\?([^?]*)\?=")


def decode_words(text: str) -> str:
    """Give the text with its encoded words decoded."""
    if "=?" not in text:
        return text
    out: list[str] = []
    position = 0
    charset = ""
    pending = b""
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        data = _word_bytes(word[2], word[3])
        word_charset = word[1].partition("*")[0].lower()  # RFC 2231 §5: a language may follow
        if data is None or codec_of(word_charset) is None:
            continue
        if charset and (word_charset != charset or between.strip()):
            out.append(to_text(pending, charset)[0])
            pending = b""
        if not charset or between.strip():
            out.append(between)
        pending += data
        charset = word_charset
        position = word.end()
    if charset:
        out.append(to_text(pending, charset)[0])
    out.append(text[position:])
    return "".join(out)


def _word_bytes(encoding: str, content: str) -> bytes | None:
    """Give the bytes of one word's content, or None when it cannot be decoded."""
    try:
        encoded = content.encode("ascii")
        if encoding in "Bb":
            encoded = encoded.translate(None, b"= \t\r\n")
            if len(encoded) % 4 == 1:
                encoded = encoded[:-1]  # a cut word still shows what is whole in it
            return binascii.a2b_base64(encoded + b"=" * (-len(encoded) % 4))
        return binascii.a2b_qp(encoded, header=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
