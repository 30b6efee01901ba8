# SPDX-License-Identifier: Apache-2.0
"""Sample mails of a wanted size: the same bytes for the same size, shaped like everyday mail."""

import base64
import random
from functools import lru_cache

_PHRASES = (
    "please find our offer below",
    "the order left the warehouse on Monday",
    "tell us whether the meeting can be held",
    "the figures of the quarter are in the file",
    "with kind regards",
    "about the contract we wrote last week",
    "your customer number is 1042",
)


def _sentences(chance: random.Random, size_bytes: int) -> str:
    lines: list[str] = []
    while sum(map(len, lines)) < size_bytes:
        lines.append(", ".join(chance.choices(_PHRASES, k=2)))
    return "\r\n".join(lines)


@lru_cache(maxsize=16)
def sample_mail(size_bytes: int, seed: int = 1) -> bytes:
    """Make a mail of about this size with a text, its HTML twin and an attachment; line ends are CRLF, all is 7-bit."""
    chance = random.Random(seed)
    text = _sentences(chance, min(1200, size_bytes // 6))
    html = "<html><body><p>" + text.replace("\r\n", "</p>\r\n<p>") + "</p></body></html>"
    head = (
        "Received: from client.example.org (client.example.org [198.51.100.7]) by relay.example.org with ESMTPS id 4Qz;\r\n"
        "\tMon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{chance.getrandbits(96):024x}@example.org>\r\n"
        "Date: Mon, 23 Nov 2026 09:59:58 +0000\r\n"
        "From: =?utf-8?q?J=C3=BCrgen_Example?= <sender@example.org>\r\n"
        "To: User One <user@example.com>\r\n"
        "Subject: =?utf-8?q?Angebot_f=C3=BCr_das_Quartal?=\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="outer"\r\n\r\n'
    )
    texts = (
        '--outer\r\nContent-Type: multipart/alternative; boundary="inner"\r\n\r\n'
        f"--inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--inner--\r\n"
        '--outer\r\nContent-Type: application/pdf; name="figures.pdf"\r\n'
        'Content-Disposition: attachment; filename="figures.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    end = "--outer--\r\n"
    left = max(57, size_bytes - len(head) - len(texts) - len(end))
    # Base64 lines of 76 characters and CRLF carry 57 bytes in 78.
    attachment = base64.encodebytes(chance.randbytes(left * 57 // 78)).replace(b"\n", b"\r\n").decode("ascii")
    return (head + texts + attachment + end).encode("ascii")
