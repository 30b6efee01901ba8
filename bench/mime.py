# SPDX-License-Identifier: Apache-2.0
"""What parsing a mail costs: our span tree beside the standard library's parser, on 4 KB, 60 KB and 10 MB mails.

    .venv/bin/python bench/mime.py [--quick] [--json]

Prints microseconds for each parse (the best of several rounds, one process); `--json` gives one object on stdout.
The standard library builds a tree it can write back and reads only the structure here, as ours does.
"""

import argparse
import base64
import json
import random
import sys
import timeit
from email import message_from_bytes, policy

from gatepost.message.parse import parse

_RECEIVED = (
    b"Received: from mx%d.example.net (mx%d.example.net [192.0.2.%d])\r\n"
    b"\tby mail.example.org (Postfix) with ESMTPS id 4ABC%d\r\n"
    b"\tfor <user@example.org>; Wed, 25 Nov 2026 17:47:2%d +0000 (UTC)\r\n"
)


def sample(size_bytes: int) -> bytes:
    """Make a plain multipart mail of about this size: text, HTML, and one attachment once there is room."""
    chance = random.Random(size_bytes)
    words = ["gateway", "trust", "mail", "queue", "letter", "stone", "bridge", "river", "harbour", "lantern"]
    text = b"".join(b"%s\r\n" % " ".join(chance.choices(words, k=9)).encode() for _ in range(10))
    head = b"".join(_RECEIVED % (n, n, n, n, n) for n in range(3)) + (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=mail;\r\n"
        b"\th=from:to:subject:date:message-id; bh=" + b"A" * 43 + b"=;\r\n\tb=" + b"B" * 64 + b"\r\n"
        b"From: =?utf-8?q?J=C3=BCrgen?= Sender <sender@example.net>\r\nTo: User <user@example.org>\r\n"
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from the bridge\r\nDate: Wed, 25 Nov 2026 17:47:21 +0000\r\n"
        b"Message-ID: <20261125174721.1@example.net>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="=_outer_%d"\r\n\r\n' % size_bytes + b"This is a multi-part message in MIME format.\r\n"
    )
    outer = b"--=_outer_%d" % size_bytes
    parts = (
        outer + b'\r\nContent-Type: multipart/alternative; boundary="=_inner"\r\n\r\n'
        b"--=_inner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + text + b"\r\n"
        b"--=_inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>" + text + b"</p>\r\n--=_inner--\r\n"
    )
    room = max(size_bytes - len(head) - len(parts) - 200, 30)
    attached = base64.encodebytes(chance.randbytes(room * 3 // 4)).replace(b"\n", b"\r\n")
    name = b'\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    return head + parts + outer + name + b'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\n' + attached + outer + b"--\r\n"


def best_us(call, seconds: float) -> float:
    """Give the best round's time for one call."""
    timer = timeit.Timer(call)
    once = max(timer.timeit(1), 1e-6)
    number = max(1, int(seconds / 5 / once))
    return min(timer.repeat(5, number)) / number * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="a quarter of a second for each figure")
    options = parser.parse_args()
    seconds = 0.25 if options.quick else 2.0
    rows = []
    for size in (4_096, 61_440, 10_485_760):
        mail = sample(size)
        ours = best_us(lambda mail=mail: parse(mail), seconds)
        theirs = best_us(lambda mail=mail: message_from_bytes(mail, policy=policy.default), seconds)
        rows.append(
            {"size_bytes": len(mail), "gatepost_us": round(ours, 1), "stdlib_us": round(theirs, 1), "ratio": round(theirs / ours, 1)}
        )
        print(
            "{size_bytes:>10} bytes  gatepost {gatepost_us:>9} us  stdlib {stdlib_us:>9} us  {ratio:>6} x".format(**rows[-1]),
            file=sys.stderr,
        )
    if options.json:
        print(json.dumps({"benchmark": "mime", "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
