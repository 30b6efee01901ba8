# SPDX-License-Identifier: Apache-2.0
"""Measure the durable queue alone: commit and settle of one mail, by the number of mails that share a group.

    python bench/durable_queue.py [--quick] [--json] [--size BYTES]

DESCRIPTION. `sessions` tasks each commit a mail of one recipient, wait for it, settle it as delivered, and
begin again: what `deliver` does for mail that goes on at once. All threads' CPU is counted. The store is on
the disk below the project (`.state/`), not on tmpfs, because a commit is an fsync.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from gatepost.delivery.queue.queue import DurableQueue, close_queue, open_queue
from gatepost.delivery.queue.record import Body, NewMail, Outcome, Settlement
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

TRACE = b"Received: from sender.example.org (sender.example.org [192.0.2.1])\r\n\tby gate.example.com with ESMTP;\r\n" * 2
STATE = Path(__file__).resolve().parent.parent / ".state"


def mail(number: int, body: bytes) -> NewMail:
    now = time.time()
    envelope = Envelope(Address("sender", "example.org"), recipients=[Recipient(Address("user", "example.com"))])
    track = f"{number:08d}bench"
    return NewMail(track, 0, "inbound", now, now + 432_000, "192.0.2.1", "sender.example.org", envelope, TRACE, Body(len(body), body))


async def session(queue: DurableQueue, numbers: "list[int]", body: bytes) -> None:
    while numbers:
        claimed = await queue.commit(mail(numbers.pop(), body)).committed()
        assert claimed is not None
        outcome = Outcome(claimed.recipients[0].id, claimed.recipients[0].fence, "delivered")
        stale = await queue.settle(Settlement(claimed.mail_id, claimed.variant_id, (outcome,)))
        assert not stale


async def cell(sessions: int, mails: int, size: int) -> dict[str, float | int]:
    STATE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-queue-", dir=STATE))
    queue = await open_queue(folder)
    try:
        body = os.urandom(size)
        await asyncio.gather(*(session(queue, list(range(n * 100, n * 100 + 50)), body) for n in range(1, sessions + 1)))
        commits, wall, cpu = queue.store.writer.commits, time.perf_counter(), time.process_time()
        numbers = list(range(10_000_000, 10_000_000 + mails))
        await asyncio.gather(*(session(queue, numbers, body) for _ in range(sessions)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        commits = queue.store.writer.commits - commits
    finally:
        await close_queue(queue)
        shutil.rmtree(folder)
    return {
        "sessions": sessions,
        "size_bytes": size,
        "mails": mails,
        "operations_per_commit": round(2 * mails / commits, 1),
        "cpu_us_per_mail": round(cpu / mails * 1e6, 1),
        "mails_per_s": round(mails / wall),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure commit and settle of the durable queue.")
    parser.add_argument("--quick", action="store_true", help="fewer mails and sizes")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--size", type=int, help="one body size in bytes")
    options = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    sizes = [options.size] if options.size else [4096] if options.quick else [4096, 61_440]
    rows = []
    for size in sizes:
        for sessions in (1, 8, 32, 128):
            mails = (2_000 if options.quick else 10_000) * (1 if sessions > 1 else 0) or 1_000
            row = run(cell(sessions, mails, size))
            rows.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), file=sys.stderr)
    if options.json:
        print(json.dumps({"benchmark": "queue", "rows": rows}))


if __name__ == "__main__":
    main()
