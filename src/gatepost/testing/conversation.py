# SPDX-License-Identifier: Apache-2.0
"""The sending side of one SMTP connection, written as a conversation: say something, hear the replies.

`dialogue` is a generator without I/O that reads like the protocol; `Connection` lends it a socket and TLS.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Generator
from typing import Literal, NamedTuple, cast

import msgspec

from gatepost.testing.tls import TlsChannel


class Reply(NamedTuple):
    """One reply; `text` is all its lines."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Handover(msgspec.Struct, kw_only=True):
    """One mail to hand over. `wire` is dot-stuffed and ends with the final dot."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    wire: bytes
    sha256: str = ""
    size: int = 0
    helo: str = "load.example"
    """What the client calls itself; the first mail of a connection tells."""
    source: str = ""
    """The IP address that the client connects from; '': any."""
    started: float = 0.0
    """Monotonic time when the attempt was due."""
    reply: Reply | None = None
    """What settled it; None while nothing has."""


class Say(NamedTuple):
    """Send these bytes and wait for this many replies."""

    send: bytes
    replies: int


class StartTls(NamedTuple):
    """Shake hands now."""


Dialogue = Generator[Say | StartTls, list[Reply], None]


def dialogue(
    first: Handover,
    following: Callable[[], Handover | None],
    *,
    tls: Literal["none", "starttls", "implicit"] = "none",
    pipelines: bool = True,
    name: str = "load.example",
) -> Dialogue:
    """Greet, hand over the first mail and what `following` gives after it, say goodbye.

    A mail's `reply` is its first refusal, or else the reply to its final dot.
    """
    mail: Handover | None = first
    if tls == "implicit":
        yield StartTls()
    (greeting,) = yield Say(b"", 1)
    if greeting.code != 220:
        first.reply = greeting
        return
    (hello,) = yield Say(b"EHLO %b\r\n" % name.encode(), 1)
    if tls == "starttls" and hello.code == 250:
        (ready,) = yield Say(b"STARTTLS\r\n", 1)
        if ready.code != 220:
            first.reply = ready
            return
        yield StartTls()
        (hello,) = yield Say(b"EHLO %b\r\n" % name.encode(), 1)
    if hello.code != 250:
        first.reply = hello
        return
    pipelines = pipelines and "\nPIPELINING" in hello.text
    while mail is not None:
        yield from (_pipelined(mail) if pipelines else _in_steps(mail))
        mail = following()
    yield Say(b"QUIT\r\n", 1)


def _pipelined(mail: Handover) -> Dialogue:
    replies = yield Say(b"".join(_envelope(mail)) + b"DATA\r\n", len(mail.recipients) + 2)
    refusal = next((reply for reply in replies if reply.code >= 400), None)
    if replies[-1].code != 354:
        mail.reply = refusal
        yield Say(b"RSET\r\n", 1)
        return
    (answer,) = yield Say(mail.wire, 1)
    mail.reply = refusal or answer


def _in_steps(mail: Handover) -> Dialogue:
    for command in (*_envelope(mail), b"DATA\r\n"):
        (reply,) = yield Say(command, 1)
        if reply.code >= 400:
            mail.reply = reply
            yield Say(b"RSET\r\n", 1)
            return
    (mail.reply,) = yield Say(mail.wire, 1)


def _envelope(mail: Handover) -> list[bytes]:
    recipients = [f"RCPT TO:<{recipient}>\r\n".encode() for recipient in mail.recipients]
    return [f"MAIL FROM:<{mail.sender}>\r\n".encode(), *recipients]


class Connection(asyncio.Protocol):
    """Lend a dialogue a socket; `ended` is set when the connection is over, whatever the reason."""

    def __init__(self, conversation: Dialogue, context: ssl.SSLContext | None) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._conversation = conversation
        self._context = context
        self._channel: TlsChannel | None = None
        self._untrusted = b""
        self._lines: list[str] = []
        self._replies: list[Reply] = []
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the dialogue."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._socket = cast(socket.socket, transport.get_extra_info("socket"))
        self._advance(None)

    def data_received(self, data: bytes) -> None:
        """Hand replies to the dialogue, decrypted where TLS is on."""
        if self._channel is None:
            self._take(data)
            return
        # A server that keeps Nagle's algorithm holds its next reply back until its session tickets are
        # acknowledged; 40 ms of a delayed acknowledgement would be measured, and not the server.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        fresh = not self._channel.established
        try:
            plain, back = self._channel.receive(data)
        except ssl.SSLError:
            self._transport.abort()
            return
        if back:
            self._transport.write(back)
        if fresh and self._channel.established:
            self._advance([])
        if plain:
            self._take(plain)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the dialogue."""
        self._conversation.close()
        if not self.ended.done():
            self.ended.set_result(None)

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _take(self, untrusted_bytes: bytes) -> None:
        *lines, self._untrusted = (self._untrusted + untrusted_bytes).split(b"\r\n")
        for line in lines:
            text = line.decode("utf-8", "replace")
            self._lines.append(text[4:])
            if text[3:4] == "-":
                continue
            if not text[:3].isdigit():
                self._transport.abort()
                return
            self._replies.append(Reply(int(text[:3]), "\n".join(self._lines)))
            self._lines = []
            if len(self._replies) == self._wanted:
                heard, self._replies = self._replies, []
                self._advance(heard)

    def _advance(self, heard: list[Reply] | None) -> None:
        try:
            step = next(self._conversation) if heard is None else self._conversation.send(heard)
        except StopIteration:
            self._transport.close()
            return
        if isinstance(step, StartTls):
            assert self._context is not None, "a TLS dialogue comes with a context"
            self._channel = TlsChannel(self._context, server_side=False)
            self._transport.write(self._channel.start())
            return
        self._wanted = step.replies
        if step.send:
            self._transport.write(self._channel.send(step.send) if self._channel is not None else step.send)
