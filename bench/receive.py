# SPDX-License-Identifier: Apache-2.0
"""What receiving costs before anybody decides or stores: the pure session, and its reading of content alone.

    .venv/bin/python bench/receive.py [--quick] [--json]

DESCRIPTION. One process and no sockets: a mail is fed as a plain client sends it, step by step (MAIL, RCPT, DATA,
content with its dot, each a segment of its own; longer content in blocks of 64 KiB), and each question is answered
yes at once. `content` is the reading of the content block alone, `counts` the mere search for bare line ends in it.
Figures are microseconds of CPU for one mail, the best of several rounds.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.session.content import Content, has_bare_line_end
from gatepost.smtp.session.events import ContentBegins, ContentEnds
from gatepost.smtp.session.machine import Session
from gatepost.smtp.session.terms import Terms

SIZES = (4_096, 61_440)
_BLOCK = 65_536
_TERMS = Terms(hostname="gate.example.com", limits=ReceiveLimits())
_TAKEN = replies.queued("0123456789abcdef")


def mail(size_bytes: int) -> bytes:
    """Make content of about this size in lines of 78 octets, some of which begin with a dot, with its final dot."""
    head = b"From: <sender@example.org>\r\nTo: <user@example.com>\r\nSubject: a mail of some size\r\n\r\n"
    lines = [b"..a line that begins with a dot\r\n" if number % 50 == 7 else b"X" * 76 + b"\r\n" for number in range(size_bytes // 78)]
    return head + b"".join(lines)[: size_bytes - len(head) - 2].rstrip(b"\r\n") + b"\r\n.\r\n"


def transaction(session: Session, segments: list[bytes]) -> None:
    """Carry one mail through a session that has greeted."""
    taken = 0
    for segment in segments:
        session.feed(segment)
        while (event := session.advance()) is not None:
            kind = type(event)
            if kind is ContentEnds:
                taken += 1
                assert session.content is not None
                session.content.take()
                session.answer(_TAKEN)
            else:
                session.answer(replies.SEND_CONTENT if kind is ContentBegins else replies.OK)
        session.out.clear()
    assert taken == 1


def whole_session(content: bytes) -> Callable[[], None]:
    """Give what carries one mail, again and again over one session."""
    session = Session(_TERMS)
    session.feed(b"EHLO client.example.org\r\n")
    session.advance()
    blocks = [content[start : start + _BLOCK] for start in range(0, len(content), _BLOCK)]
    segments = [b"MAIL FROM:<sender@example.org>\r\n", b"RCPT TO:<user@example.com>\r\n", b"DATA\r\n", *blocks]
    return lambda: transaction(session, segments)


def content_alone(content: bytes) -> Callable[[], None]:
    """Give what reads one mail's content, as one segment."""

    def read() -> None:
        reader = Content(104_857_600)
        reader.begin_data()
        assert reader.read_data(content) == b""

    return read


def best_us(call: Callable[[], object], seconds: float) -> float:
    """Give the best round's CPU time for one call."""
    clock = time.process_time
    began, number = clock(), 0
    while clock() - began < seconds / 10:
        call()
        number += 1
    rounds = []
    for _ in range(9):
        began = clock()
        for _ in range(number):
            call()
        rounds.append((clock() - began) / number)
    return min(rounds) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="half a second for each figure")
    options = parser.parse_args()
    seconds = 0.5 if options.quick else 5.0
    rows = []
    for size in SIZES:
        content = mail(size)
        row = {
            "size_bytes": len(content),
            "session_us": round(best_us(whole_session(content), seconds), 1),
            "content_us": round(best_us(content_alone(content), seconds), 1),
            "counts_us": round(best_us(lambda content=content: has_bare_line_end(content), seconds), 1),
        }
        rows.append(row)
        print("  ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr)
    if options.json:
        print(json.dumps({"benchmark": "receive", "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
