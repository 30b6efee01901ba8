# SPDX-License-Identifier: Apache-2.0
"""A process that commits and settles in a loop until it is killed; it says on stdout what was acknowledged.

    python committing_process.py FOLDER SESSIONS URL LEASE_S

Lines: `committed TRACK` after the commit returned; `settling TRACK` before a settlement is handed over, `settled TRACK` after.
Each mail's head and outcome are its track. While the store is away, a mail is given up and the next one tried.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from msgspec.msgpack import encode

from gatepost.delivery.queue.queue import DurableQueue, open_queue
from gatepost.delivery.queue.record import Body, NewMail, Outcome, Settlement
from gatepost.errors import StoreAway
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient


def say(*words: str) -> None:
    os.write(1, f"{' '.join(words)}\n".encode())


async def work(queue: DurableQueue, name: str) -> None:
    number = 0
    while True:
        number += 1
        track = f"{name}-{number}"
        blob = ""
        if number % 5 == 0:
            writer = queue.blobs.create()
            writer.write(b"x" * 200)
            blob = writer.finish()
        envelope = Envelope(Address("a", "x.example"), recipients=[Recipient(Address("b", "y.example"))])
        body = Body(200, b"", blob) if blob else Body(200, track.encode() * 20)
        now = time.time()
        told = encode(track)
        try:
            claimed = await queue.commit(NewMail(track, 0, "inbound", now, now + 1e5, "", "", envelope, b"", body, head=told)).committed()
            assert claimed is not None
            say("committed", track)
            if number % 3 == 0:
                say("settling", track)
                outcome = Outcome(claimed.recipients[0].id, 1, "delivered")
                await queue.settle(Settlement(claimed.mail_id, claimed.variant_id, (outcome,), (), told))
                say("settled", track)
        except StoreAway:
            await asyncio.sleep(0.05)


async def main() -> None:
    queue = await open_queue(Path(sys.argv[1]), store_url=sys.argv[3], lease_s=float(sys.argv[4]))
    await asyncio.gather(*(work(queue, f"s{number}") for number in range(int(sys.argv[2]))))


if __name__ == "__main__":
    asyncio.run(main())
