# SPDX-License-Identifier: Apache-2.0
"""A next hop that answers as it is told, and what it takes to send to it."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections import defaultdict

import pytest
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

DROP, SILENT = "drop", "silent"
"""Instead of a reply: close the connection; say nothing."""

USUAL = {
    "GREETING": b"220 hop\r\n",
    "DATA": b"354 go\r\n",
    "QUIT": b"221 bye\r\n",
    "STARTTLS": b"220 go\r\n",
    "CONTENT": b"250 2.0.0 taken\r\n",
}


class Session(asyncio.Protocol):
    """One connection to the hop; keeps what it read, as it was read."""

    def __init__(self, hop):
        self.hop = hop
        self.reads, self.commands, self.mails = [], [], []
        self.rest, self.content, self.tls, self.taken, self.looked = bytearray(), False, None, 0, 0
        self.mute = False
        self.ended = asyncio.get_running_loop().create_future()
        self.at_data = asyncio.Event()

    def connection_made(self, transport):
        self.transport = transport
        self.hop.sessions.append(self)
        self.hop.reached.set()
        self.answer("GREETING")

    def connection_lost(self, exc):
        if not self.ended.done():
            self.ended.set_result(exc)

    def data_received(self, data):
        if self.tls is not None:
            try:
                data = self.tls.receive(data)
            except ssl.SSLError:
                self.transport.close()
                return
            self.flush()
        if not data:
            return
        self.reads.append(data)
        self.taken += len(data)
        self.rest += data
        while self.step():
            pass

    def step(self):
        ended_by = b"\r\n.\r\n" if self.content else b"\r\n"
        if self.mute or self.transport.is_closing():
            return False
        if self.content and self.rest.startswith(b".\r\n"):
            found, end = 0, 3
        else:
            found = self.rest.find(ended_by, self.looked)
            end = found + len(ended_by)
        if found < 0:
            self.looked = max(0, len(self.rest) - 4)
            return False
        unit = bytes(self.rest[:end])
        del self.rest[:end]
        self.looked = 0
        if self.content:
            self.content = False
            self.mails.append(unit)
            self.answer("CONTENT")
        else:
            self.commands.append(unit)
            self.answer(unit[:8] if unit == b"STARTTLS\r\n" else unit[:4])
        return True

    def answer(self, verb):
        name = verb if isinstance(verb, str) else verb.decode()
        if name == "DATA":
            self.at_data.set()
        told = self.hop.answers.get(name)
        reply = (told.pop(0) if told else None) if isinstance(told, list) else told
        if reply is None:
            reply = self.hop.offer(self.tls is not None) if name == "EHLO" else USUAL.get(name, b"250 2.1.0 ok\r\n")
        if reply == DROP:
            self.transport.close()
        elif reply == SILENT:
            self.mute = True
        else:
            self.content = reply.startswith(b"354")
            self.send(reply)
            if reply.startswith((b"421", b"221")):
                self.transport.close()
            if name == "STARTTLS" and reply.startswith(b"220"):
                self.rest.clear()
                self.tls = TlsLayer(self.hop.tls, server_side=True)

    def send(self, reply):
        step = self.hop.segment or len(reply)
        for start in range(0, len(reply), step):
            if self.tls is None:
                self.transport.write(reply[start : start + step])
            else:
                self.tls.send(reply[start : start + step])
                self.flush()

    def flush(self):
        wire = self.tls.outgoing()
        if wire:
            self.transport.write(wire)


class Hop:
    """Answers by verb: a reply, or a list of replies in turn (then the usual one)."""

    def __init__(self, *, offers=("PIPELINING",), answers=None, segment=0, tls=None):
        self.offers, self.answers, self.segment, self.tls = offers, dict(answers or {}), segment, tls
        self.sessions, self.port = [], 0
        self.reached = asyncio.Event()

    def offer(self, secured):
        words = ["hop", *self.offers, *(["STARTTLS"] if self.tls and not secured else [])]
        return b"".join(f"250{' ' if word is words[-1] else '-'}{word}\r\n".encode() for word in words)

    @property
    def mails(self):
        return [mail for session in self.sessions for mail in session.mails]

    @property
    def commands(self):
        return [command for session in self.sessions for command in session.commands]

    async def at_data(self):
        """Wait until DATA is said; gives the session."""
        await self.reached.wait()
        await self.sessions[0].at_data.wait()
        return self.sessions[0]

    def at(self, host="hop.example.com"):
        return NextHop(host, "127.0.0.1", self.port)


class Bench:
    """Everything a test needs at hand: hops, senders, claims."""

    DROP, SILENT = DROP, SILENT

    def __init__(self):
        self.hops, self.servers, self.senders = [], [], []
        self.blobs = {}
        self.pulled = defaultdict(int)

    async def hop(self, **told):
        hop = Hop(**told)
        server = await asyncio.get_running_loop().create_server(lambda: Session(hop), "127.0.0.1", 0)
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # small, so that a sender must wait
        hop.port = server.sockets[0].getsockname()[1]
        self.servers.append(server)
        self.hops.append(hop)
        return hop

    async def nobody(self, host="nobody.example.com"):
        """Give a next hop where nothing listens."""
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return NextHop(host, "127.0.0.1", port)

    def sender(self, *, contexts=None, **limits):
        sender = Sender(DeliveryLimits(**limits), "mx.example.net", self.open_blob, **(contexts or {}))
        self.senders.append(sender)
        return sender

    async def open_blob(self, name):
        for piece in self.blobs[name]:
            self.pulled[name] += len(piece)
            yield piece

    def route(self, *hops, security="none", **options):
        nexts = tuple(hop.at() if isinstance(hop, Hop) else hop for hop in hops)
        return Route("route", "test", nexts, security, **options)

    def claim(self, *addresses, inline=b"Subject: x\r\n\r\nbody\r\n", blob="", size=None, **envelope):
        asked = [Recipient(Address(*address.split("@"))) for address in addresses or ("r@example.com",)]
        body = Body(len(inline) if size is None else size, b"" if blob else inline, blob)
        sender = envelope.pop("sender", Address("s", "example.org"))
        mail = NewMail("T1", 0, "outbound", 0.0, 0.0, "", "", Envelope(sender, recipients=asked, **envelope), b"T: 1\r\n", body)
        return ClaimedMail(1, 1, mail, tuple(ClaimedRecipient(number, 1, one, 0) for number, one in enumerate(asked)))


def pytest_asyncio_loop_factories(config, item):
    """Run each test on both event loops: they differ in when they write and how they close."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def bench():
    """Give hops and senders, and end them after the test."""
    bench = Bench()
    yield bench
    for sender in bench.senders:
        await sender.close()
    for session in [session for hop in bench.hops for session in hop.sessions]:
        session.transport.abort()
        await session.ended
    for server in bench.servers:
        server.close()
    for server in bench.servers:
        await server.wait_closed()


class Certified:
    """A self-signed P-256 certificate for hop.example.com, and contexts for both ends."""

    def __init__(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hop.example.com")])
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("hop.example.com"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = folder / "hop.pem"
        pem.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(pem)
        self.trusting = ssl.create_default_context(cafile=str(pem))


@pytest.fixture(scope="session")
def certified(tmp_path_factory):
    """Give one certificate for all tests."""
    return Certified(tmp_path_factory.mktemp("tls"))
