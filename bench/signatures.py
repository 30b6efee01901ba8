# SPDX-License-Identifier: Apache-2.0
"""What DKIM costs: verifying and signing beside dkimpy, RSA-2048, relaxed/relaxed, at 4 KB and 60 KB, in one run.

    .venv/bin/python bench/signatures.py [--quick] [--json]

Prints CPU microseconds of one call (best of several rounds, ours and theirs by turns) and the goals; `--json` gives one
object on stdout. Both read the same signed mail and get the key's record without a look-up. `verify` finds the mail
parsed, as all filters do, but lists its header fields anew; `parse` builds the MIME tree too, which dkimpy never does.
`base64` is a mail with an attachment, `text` one of words with a run of blanks in each line.
"""

import argparse
import json
import logging
import sys
import time

sys.path.append(sys.path.pop(0))  # dkimpy's module is called as this file is

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatepost.dns.answers import Answer
from gatepost.message.parse import parse
from gatepost.message.tree import Message
from gatepost.protection.mailauth.dkim.sign import sign
from gatepost.protection.mailauth.dkim.verify import verify
from mime import sample

NAMES = ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"]
GOALS = {"verify": 3.5, "sign": 8.0}
"""How many times dearer dkimpy is at 4 KB, at least."""


class OneKey:
    """A resolver that knows one record."""

    def __init__(self, record: bytes) -> None:
        self._answer = Answer("found", (record,), 60.0)

    async def txt(self, name: str) -> Answer[bytes]:
        return self._answer


def text_mail(size_bytes: int) -> bytes:
    """Make a mail of plain words of about this size."""
    head = unsigned(sample(4096)).partition(b"MIME-Version")[0]
    line = b"The lantern  on the bridge is lit at dusk and put out again when the river wakes.\r\n"
    return head + b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" + line * ((size_bytes - len(head)) // len(line))


def unsigned(mail: bytes) -> bytes:
    """Take the sample's made-up signature away."""
    before, _, rest = mail.partition(b"DKIM-Signature:")
    return before + rest[rest.index(b"From:") :] if rest else mail


def best_us(calls, seconds: float) -> list[float]:
    """Give each call's best CPU time of five rounds, the calls by turns."""
    best = [float("inf")] * len(calls)
    numbers = []
    for call in calls:
        started = time.process_time()
        call()
        numbers.append(max(1, int(seconds / 5 / max(time.process_time() - started, 1e-6))))
    for _ in range(5):
        for place, (call, number) in enumerate(zip(calls, numbers, strict=True)):
            started = time.process_time()
            for _ in range(number):
                call()
            best[place] = min(best[place], (time.process_time() - started) / number * 1e6)
    return best


def measure(mail: bytes, seconds: float) -> dict[str, tuple[float, float]]:
    """Give our and dkimpy's time for each task."""
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).split(b"-----")[2]
    record = b"v=DKIM1; k=rsa; p=" + public.replace(b"\n", b"")
    resolver, now, names = OneKey(record), time.time(), [name.encode() for name in NAMES]
    signed = sign(mail, domain="example.net", selector="s", key=key, now=now, headers=NAMES, oversigned=()) + mail

    parsed = parse(signed)

    def check(message: Message) -> None:
        try:
            verify(resolver, message, now).send(None)  # nothing in it waits, so no loop's cost is counted
        except StopIteration as done:
            [found] = done.value
            assert found.result == "pass", found

    def ours_verify() -> None:
        parsed.root._headers = None
        check(parsed)

    def ours_parse() -> None:
        check(parse(signed))

    def theirs_verify() -> None:
        assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record, logger=SILENT)

    def ours_sign() -> None:
        sign(mail, domain="example.net", selector="s", key=key, now=now, headers=NAMES, oversigned=())

    def theirs_sign() -> None:
        dkim.sign(mail, b"s", b"example.net", pem, canonicalize=(b"relaxed", b"relaxed"), include_headers=names, logger=SILENT)

    verified, parsed_too, theirs, signed_by_us, signed_by_them = best_us(
        [ours_verify, ours_parse, theirs_verify, ours_sign, theirs_sign], seconds
    )
    return {"verify": (verified, theirs), "parse": (parsed_too, theirs), "sign": (signed_by_us, signed_by_them)}


SILENT = logging.getLogger("silent")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="a quarter of a second for each figure")
    options = parser.parse_args()
    SILENT.addHandler(logging.NullHandler())
    SILENT.propagate = False
    rows = []
    for kind, make in (("base64", lambda size: unsigned(sample(size))), ("text", text_mail)):
        for size in (4_096, 61_440):
            mail = make(size)
            for task, (ours, theirs) in measure(mail, 0.25 if options.quick else 2.0).items():
                goal = GOALS.get(task) if size == 4_096 else None
                row = {"task": task, "kind": kind, "size_bytes": len(mail), "gatepost_us": round(ours, 1), "dkimpy_us": round(theirs, 1)}
                rows.append(
                    {**row, "ratio": round(theirs / ours, 1), "goal": goal, "reached": None if goal is None else theirs / ours >= goal}
                )
                said = "" if goal is None else f"  goal {goal} x: {'reached' if rows[-1]['reached'] else 'MISSED'}"
                print(f"{task:>6} {kind:>6} {len(mail):>7} bytes  gatepost {ours:>8.1f} us", end="  ", file=sys.stderr)
                print(f"dkimpy {theirs:>9.1f} us  {theirs / ours:>5.1f} x{said}", file=sys.stderr)
    if options.json:
        print(json.dumps({"benchmark": "dkim", "rows": rows}))
    return 0 if all(row["reached"] is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
