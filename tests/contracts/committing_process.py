# SPDX-License-Identifier: Apache-2.0
"""A process that commits and settles in a loop until it is killed; it says on stdout what was acknowledged.

Lines: `committed TRACK` after the commit returned; `settling TRACK` before a settlement is handed over, `settled TRACK` after.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from gatepost.delivery.queue.queue import SqliteQueue, open_queue
from gatepost.delivery.queue.record import Body, NewMail, Outcome, Settlement
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient


def say(*words: str) -> None:
    os.write(1, f"{' '.join(words)}\n".encode())


async def work(queue: SqliteQueue, name: str) -> None:
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
        claimed = await queue.commit(NewMail(track, 0, "inbound", now, now + 1e5, "", "", envelope, b"", body)).committed()
        assert claimed is not None
        say("committed", track)
        if number % 3 == 0:
            say("settling", track)
            await queue.settle(Settlement(claimed.mail_id, claimed.variant_id, (Outcome(claimed.recipients[0].id, 1, "delivered"),)))
            say("settled", track)


async def main() -> None:
    queue = await open_queue(Path(sys.argv[1]))
    await asyncio.gather(*(work(queue, f"s{number}") for number in range(int(sys.argv[2]))))


if __name__ == "__main__":
    asyncio.run(main())
