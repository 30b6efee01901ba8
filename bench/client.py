# SPDX-License-Identifier: Apache-2.0
"""What it costs to send a mail: CPU of the sending process for one mail on a reused connection.

A sink in a process of its own answers as fast as it can, so only the client's CPU (user and system)
is counted. Rows: mail size, connections, TLS. `--quick` is short, `--json` prints one object.
"""

import argparse
import asyncio
import datetime
import json
import multiprocessing
import os
import ssl
import sys
import tempfile
import time
from multiprocessing.connection import Connection as Pipe

import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.route import NextHop, Route
from gatepost.delivery.send.sender import Sender
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.tls import TlsLayer

_REPLIES = {b"MAIL": b"250 2.1.0 Ok\r\n", b"RCPT": b"250 2.1.5 Ok\r\n", b"RSET": b"250 2.0.0 Ok\r\n"}


def _tls() -> ssl.SSLContext:
    """Make a server context with a self-signed P-256 certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        file.flush()
        context.load_cert_chain(file.name)
    return context


class _Sink(asyncio.Protocol):
    """Take everything, check nothing but the end of data."""

    context: ssl.SSLContext

    def connection_made(self, transport):
        self.transport, self.rest, self.content, self.tls = transport, b"", False, None
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        if self.tls is not None:
            data = self.tls.receive(data)
            self.transport.write(self.tls.outgoing())
        elif data == b"STARTTLS\r\n":
            self.tls = TlsLayer(self.context, server_side=True)
            self.transport.write(b"220 go\r\n")
            return
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
                answers.append(b"250-sink\r\n250-STARTTLS\r\n250-PIPELINING\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8\r\n")
            elif verb == b"DATA":
                self.content = True
                answers.append(b"354 go\r\n")
            elif verb == b"QUIT":
                self.transport.close()
            else:
                answers.append(_REPLIES.get(verb, b"500 5.5.1 what\r\n"))
        if answers and self.tls is None:
            self.transport.write(b"".join(answers))
        elif answers:
            self.tls.send(b"".join(answers))
            self.transport.write(self.tls.outgoing())


def _serve(pipe: Pipe) -> None:
    _Sink.context = _tls()

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


async def _row(port: int, size: int, connections: int, mails: int, security: str) -> dict[str, float | str]:
    sender = Sender(DeliveryLimits(mails_per_connection=10**9), "mx.example.com", None)  # type: ignore[arg-type]
    route = Route("bench", "bench", (NextHop("sink", "127.0.0.1", port),), security)
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
        "tls": "none" if security == "none" else "P-256",
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
    plain, tls = "none", "opportunistic"
    for size, connections, security in (
        (4096, 1, plain),
        (4096, 8, plain),
        (4096, 20, plain),
        (61440, 8, plain),
        (4096, 8, tls),
        (61440, 8, tls),
    ):
        row = uvloop.run(_row(port, size, connections, mails, security))
        rows.append(row)
        print("  ".join(f"{name} {value}" for name, value in row.items()), file=sys.stderr)
    ours.send(None)
    if options.json:
        print(json.dumps({"benchmark": "client", "cpus": os.cpu_count(), "rows": rows}))


if __name__ == "__main__":
    main()
