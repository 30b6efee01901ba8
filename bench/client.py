# SPDX-License-Identifier: Apache-2.0
"""What it costs to send a mail: CPU of the sending process for one mail on a reused connection.

A sink in a process of its own answers as fast as it can, so only the client's CPU (user and system)
is counted. Rows: mail size, connections, TLS. `--quick` is short, `--json` prints one object.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import time
from multiprocessing.connection import Connection as Pipe

import uvloop

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.route import NextHop, Route
from gatepost.delivery.send.sender import Sender
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

_REPLIES = {b"MAIL": b"250 2.1.0 Ok\r\n", b"RCPT": b"250 2.1.5 Ok\r\n", b"RSET": b"250 2.0.0 Ok\r\n"}


class _Sink(asyncio.Protocol):
    """Take everything, check nothing but the end of data."""

    def connection_made(self, transport):
        self.transport, self.rest, self.content = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        self.rest += data
        answers = []
        while self.rest:
            if self.content:
                end = self.rest.find(b"\r\n.\r\n")
                if end < 0:
                    break
                self.rest, self.content = self.rest[end + 5 :], False
                answers.append(b"250 2.0.0 Ok: queued as 4WxYz12345\r\n")
                continue
            line, found, rest = self.rest.partition(b"\r\n")
            if not found:
                break
            self.rest = rest
            verb = line[:4].upper()
            if verb == b"EHLO":
                answers.append(b"250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n")
            elif verb == b"DATA":
                self.content = True
                answers.append(b"354 go\r\n")
            elif verb == b"QUIT":
                self.transport.write(b"221 bye\r\n")
                self.transport.close()
            else:
                answers.append(_REPLIES.get(verb, b"500 5.5.1 what\r\n"))
        if answers:
            self.transport.write(b"".join(answers))


def _serve(pipe: Pipe) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    uvloop.run(main())


def _claim(size: int) -> ClaimedMail:
    line = b"A line of an ordinary mail, as long as such lines are.\r\n"
    whole = line * (size // len(line))
    body = whole[:-2] + b"." * (size - len(whole)) + b"\r\n"
    recipient = Recipient(Address("someone", "example.com"))
    envelope = Envelope(Address("sender", "example.org"), recipients=[recipient])
    trace = b"Received: from client.example.org (client.example.org [192.0.2.1])\r\n\tby mx.example.com; now\r\n"
    mail = NewMail("T1", 0, "inbound", 0.0, 0.0, "192.0.2.1", "client", envelope, trace, Body(len(body), body))
    return ClaimedMail(1, 1, mail, (ClaimedRecipient(1, 1, recipient, 0),))


async def _row(port: int, size: int, connections: int, mails: int) -> dict[str, float]:
    sender = Sender(DeliveryLimits(mails_per_connection=10**9), "mx.example.com", None)  # type: ignore[arg-type]
    route = Route("bench", "bench", (NextHop("sink", "127.0.0.1", port),), "none")
    claim = _claim(size)
    left = mails

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            result = await sender.send(claim, route)
            assert result.recipients[0].status == "accepted", result

    await asyncio.gather(*[worker() for _ in range(connections)])
    left = mails
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*[worker() for _ in range(connections)])
    cpu, elapsed = time.process_time() - cpu, time.perf_counter() - began
    await sender.close()
    return {
        "size_bytes": size,
        "connections": connections,
        "mails": mails,
        "mails_per_s": round(mails / elapsed),
        "cpu_us_per_mail": round(cpu / mails * 1e6, 1),
    }


def main() -> None:
    """Run the rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds instead of a minute")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    options = parser.parse_args()
    mails = 3000 if options.quick else 20000
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    sink.start()
    port = ours.recv()
    rows = []
    for size, connections in ((4096, 1), (4096, 8), (4096, 20), (61440, 8)):
        row = uvloop.run(_row(port, size, connections, mails))
        rows.append(row)
        print("  ".join(f"{name} {value}" for name, value in row.items()), file=sys.stderr)
    ours.send(None)
    if options.json:
        print(json.dumps({"benchmark": "client", "cpus": os.cpu_count(), "rows": rows}))


if __name__ == "__main__":
    main()
