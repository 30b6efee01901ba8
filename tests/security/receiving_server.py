# SPDX-License-Identifier: Apache-2.0
"""A receiving server on loopback with a house that records, and a client that decides how its bytes are cut."""

import asyncio
import contextlib
import functools
import inspect
import random
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

import pytest
import uvloop

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.gate import Gate
from gatepost.smtp.server.listener import Reception
from gatepost.smtp.server.service import Received
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.tls import AskTls
from gatepost.testing.tls import TlsChannel, unchecked_client_context
from waiting import PATIENCE_S

_TURNS = 2  # of the event loop, until the server at its other end has read what was written


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on both event loops."""

    @functools.wraps(test)
    def run(loop: str, **arguments: Any) -> None:
        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(test(**arguments))

    first = inspect.Parameter("loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = inspect.Signature([first, *inspect.signature(test).parameters.values()])  # type: ignore[attr-defined]
    return pytest.mark.parametrize("loop", LOOPS)(run)


class Taken(NamedTuple):
    """A mail that the house took."""

    sender: str
    recipients: list[str]
    content: bytes
    eight_bit: bool
    peer: Peer


class RecordingSpool:
    """A spool in memory; `trouble` is raised at the call it is named for, `slow` holds a write until it is set."""

    def __init__(self, trouble: dict[str, Exception], slow: threading.Event | None) -> None:
        self.pieces: list[bytes] = []
        self.finished = self.aborted = False
        self.writing = threading.Event()
        self.aborted_while_writing = False
        self._busy = False
        self._trouble = trouble
        self._slow = slow

    def write(self, piece: bytes) -> None:
        self._busy = True
        self.writing.set()
        if self._slow is not None:
            assert self._slow.wait(PATIENCE_S)
        if "write" in self._trouble:
            raise self._trouble["write"]
        self.pieces.append(bytes(piece))
        self._busy = False

    def finish(self) -> str:
        if "finish" in self._trouble:
            raise self._trouble["finish"]
        self.finished = True
        return "blob"

    def abort(self) -> None:
        self.aborted = True
        self.aborted_while_writing |= self._busy and "write" not in self._trouble

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


@dataclass
class House:
    """Says yes, unless `answers` says otherwise ('MAIL', 'RCPT', 'DATA', 'CONTENT', 'AUTH' to a reply or an exception)."""

    answers: dict[str, Any] = field(default_factory=dict)
    spool_trouble: dict[str, Exception] = field(default_factory=dict)
    slow: threading.Event | None = None
    hold: asyncio.Event | None = None
    """A mail is not answered before this is set."""
    said: list[str] = field(default_factory=list)
    mails: list[Taken] = field(default_factory=list)
    refused: list[Reply] = field(default_factory=list)
    spools: list[RecordingSpool] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)

    def _answer(self, verb: str, said: str, yes: Reply) -> Reply:
        self.said.append(said)
        answer = self.answers.get(verb, yes)
        answer = answer(said) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Reply)
        return answer

    def mail_from(self, peer: Peer, envelope: Envelope) -> Reply:
        return self._answer("MAIL", f"MAIL {envelope.sender or ''}", replies.SENDER_OK)

    def rcpt_to(self, peer: Peer, envelope: Envelope, recipient: Recipient) -> Reply:
        return self._answer("RCPT", f"RCPT {recipient.address}", replies.RECIPIENT_OK)

    def content_begins(self, peer: Peer, envelope: Envelope) -> Reply:
        return self._answer("DATA", "DATA", replies.SEND_CONTENT)

    async def message(self, peer: Peer, envelope: Envelope, received: Received) -> Reply:
        self.asked.set()
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.withdrawn.set()
                raise
        reply = self._answer("CONTENT", "CONTENT", replies.queued(f"t{len(self.mails)}"))
        if reply.accepts:
            content = self.spools[-1].content if received.blob else received.inline
            assert len(content) == received.size
            recipients = [str(recipient.address) for recipient in envelope.recipients]
            self.mails.append(Taken(str(envelope.sender or ""), recipients, content, received.eight_bit, peer))
        return reply

    async def authenticate(self, peer: Peer, user: str, password: str) -> Reply:
        reply = self._answer("AUTH", f"AUTH {user}", replies.AUTH_OK if password == "good" else replies.AUTH_FAILED)
        if reply.accepts:
            peer.user = user
        return reply

    def may_be_blocked(self, peer: Peer) -> bool:
        return True

    def content_refused(self, peer: Peer, envelope: Envelope, reply: Reply) -> None:
        self.refused.append(reply)

    def spool(self) -> RecordingSpool:
        if "open" in self.spool_trouble:
            raise self.spool_trouble["open"]
        self.spools.append(RecordingSpool(self.spool_trouble, self.slow))
        return self.spools[-1]


class Running(NamedTuple):
    """A server at work."""

    reception: Reception
    house: House
    gate: Gate
    address: tuple[str, int]


def showing(tls: AskTls | ssl.SSLContext | None) -> AskTls | None:
    """Give what a listener asks for each handshake: always the same where it is a context."""
    return (lambda: tls) if isinstance(tls, ssl.SSLContext) else tls


@asynccontextmanager
async def receiving(
    house: House | None = None,
    *,
    tls: AskTls | ssl.SSLContext | None = None,
    implicit: bool = False,
    submission: bool = False,
    tls_required: bool = False,
    proxy_from: tuple[str, ...] = (),
    clock: Callable[[], float] | None = None,
    family: int = socket.AF_INET,
    **limits: Any,
) -> AsyncIterator[Running]:
    """Serve a port of loopback; limits not named are the defaults, but nobody is blocked and the drain is short."""
    chosen = ReceiveLimits(**{"block_suspicious_clients": False, "drain_s": 0.2, **limits})
    terms = Terms(
        hostname="gate.example", limits=chosen, starttls=tls is not None and not implicit, tls_required=tls_required, submission=submission
    )
    gate = Gate(chosen, clock) if clock else Gate(chosen)
    house = house or House()
    reception = Reception(
        name="test", terms=terms, service=house, gate=gate, tls=showing(tls), implicit_tls=implicit, proxy_from=proxy_from
    )
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY on these alone
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listening.bind(("127.0.0.1" if family == socket.AF_INET else "::", 0))
    listening.listen(256)
    listening.setblocking(False)
    await reception.open(listening)
    try:
        yield Running(reception, house, gate, ("127.0.0.1", listening.getsockname()[1]))
    finally:
        await reception.drain()
        for client in list(Client.open):
            await client.close()


Cuts = str | random.Random
"""How bytes are cut into segments: 'whole', 'bytes' (one at a time), or at random."""


def segments(wire: bytes, cuts: Cuts) -> list[bytes]:
    """Cut."""
    if cuts == "whole":
        return [wire]
    if cuts == "bytes":
        return [wire[at : at + 1] for at in range(len(wire))]
    assert isinstance(cuts, random.Random)
    edges = sorted({0, len(wire), *(cuts.randrange(len(wire) + 1) for _ in range(cuts.randrange(1, 9)))})
    return [wire[a:b] for a, b in pairwise(edges)]


class Client:
    """A client that sends what it is told; over TLS each segment is a record of its own."""

    open: ClassVar[set["Client"]] = set()

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._tls: TlsChannel | None = None
        self._unread = b""
        self.greeting = ""
        self.open.add(self)

    @classmethod
    async def connect(cls, address: tuple[str, int], *, tls: bool = False, greet: bool = True, source: str = "127.0.0.1") -> Self:
        """Connect; `tls` begins a handshake at once."""
        client = cls(*await asyncio.open_connection(*address, local_addr=(source, 0)))
        client._writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            await client.wrap()
        if greet:
            client.greeting = await client.reply()
        return client

    async def wrap(self) -> None:
        """Shake hands."""
        tls = TlsChannel(unchecked_client_context(), server_side=False)
        self._writer.write(tls.start())
        while not tls.established:
            wire = await self._read()
            if not wire:
                raise ConnectionError("hung up in the handshake")
            plain, answer = tls.receive(wire)
            self._unread += plain
            self._writer.write(answer)
        self._tls = tls

    async def _read(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self._reader.read(65536)
            except ConnectionError:
                return b""

    async def send(self, wire: bytes, cuts: Cuts = "whole") -> None:
        """Send, cut into segments; the server sees each on its own."""
        for segment in segments(wire, cuts):
            if self._writer.is_closing():
                return
            self._writer.write(self._tls.send(segment) if self._tls else segment)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def reply(self) -> str:
        """Read one whole reply, its lines joined by a line feed; '' when the server has hung up."""
        lines = []
        while True:
            while b"\r\n" not in self._unread:
                wire = await self._read()
                if not wire:
                    return "\n".join(lines)
                self._unread += self._tls.receive(wire)[0] if self._tls else wire
            line, self._unread = self._unread.split(b"\r\n", 1)
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    async def say(self, line: bytes, cuts: Cuts = "whole") -> str:
        """Send a line and read the reply."""
        await self.send(line + b"\r\n", cuts)
        return await self.reply()

    async def rest(self) -> list[str]:
        """Read replies until the server hangs up."""
        said = []
        while reply := await self.reply():
            said.append(reply)
        return said

    async def envelope(self, sender: bytes = b"a@example.org", recipient: bytes = b"b@example.com") -> None:
        """Say EHLO, MAIL and RCPT."""
        await self.send(b"EHLO client.example\r\nMAIL FROM:<" + sender + b">\r\nRCPT TO:<" + recipient + b">\r\n")
        said = [await self.reply() for _ in range(3)]
        assert [reply[:3] for reply in said] == ["250"] * 3, said

    async def starttls(self) -> None:
        """Upgrade."""
        assert (await self.say(b"STARTTLS"))[:3] == "220"
        await self.wrap()

    async def close(self) -> None:
        """Hang up."""
        self.open.discard(self)
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Hang up without a word."""
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        """Leave what the server says in the socket."""
        self._writer.transport.pause_reading()
