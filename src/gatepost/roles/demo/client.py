# SPDX-License-Identifier: Apache-2.0
"""The sending side of one try: a blocking SMTP client that can speak for another address (PROXY protocol 2)."""

import base64
import contextlib
import ipaddress
import re
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Self

from gatepost.roles.demo.attempt import Attempt
from gatepost.roles.demo.settings import HOST, PROXY, USER, Ports
from gatepost.smtp.server.proxy import SIGNATURE_V2
from gatepost.testing.conversation import Reply
from gatepost.testing.tls import unchecked_client_context

_TIMEOUT_S = 30.0
_STARTTLS = b"STARTTLS\r\n"
_TRACK = re.compile(r"(?:queued as |\()([0-9A-V]{24})\)?$")
_CONTEXT = unchecked_client_context()


def hand_over(attempt: Attempt, ports: Ports, password: str) -> Reply:
    """Carry out an attempt and give the reply that ended it: the first refusal, or what the mail's end was answered."""
    steps = _steps(attempt, password if attempt.login == "right" else "a guess")
    with _Wire(getattr(ports, attempt.door), attempt.client, tls=attempt.door == "submissions") as wire:
        reply = wire.hear()
        while reply.code < 400:
            step = next(steps, None)
            if step is None:
                break
            reply = wire.say(step)
            if step == _STARTTLS and reply.code == 220:
                wire.encrypt()
        wire.leave()
    return reply


def takes_mail(ports: Ports) -> bool:
    """Tell whether the gateway takes mail now: its processes have started and found each other."""
    try:
        with _Wire(ports.smtp, "", tls=False) as wire:
            ready = wire.hear().code == 220 and wire.say(b"EHLO client.example\r\n").code == 250
            ready = ready and wire.say(b"MAIL FROM:<>\r\n").code == 250
            wire.leave()
    except OSError:
        return False
    return ready


def track_of(reply: Reply) -> str:
    """Give the track id that a reply names, of a mail that was taken or of one that filters refused; '' where there is none."""
    found = _TRACK.search(reply.text)
    return found[1] if found else ""


def proxy_header(client: str) -> bytes:
    """Build the version 2 header that says for whom we speak."""
    address = ipaddress.ip_address(client)
    here = ipaddress.ip_address(HOST if address.version == 4 else "::1")
    ends = address.packed + here.packed + struct.pack("!HH", 49152, 25)
    return SIGNATURE_V2 + struct.pack("!BBH", 0x21, 0x11 if address.version == 4 else 0x21, len(ends)) + ends


def _steps(attempt: Attempt, password: str) -> Iterator[bytes]:
    """Yield what is said, one reply each."""
    greeting = f"EHLO {attempt.helo}\r\n".encode()
    yield greeting
    if attempt.starttls:
        yield _STARTTLS
        yield greeting
    if attempt.login:
        yield b"AUTH PLAIN %b\r\n" % base64.b64encode(f"\0{USER}\0{password}".encode())
    yield f"MAIL FROM:<{attempt.sender}>{_parameters(attempt)}\r\n".encode()
    for recipient in attempt.recipients:
        yield f"RCPT TO:<{recipient}>\r\n".encode()
    if attempt.chunks:
        yield from _chunks(attempt.content, attempt.chunks)
    else:
        yield b"DATA\r\n"
        yield (b"\r\n" + attempt.content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def _parameters(attempt: Attempt) -> str:
    said = f" SIZE={attempt.declared_bytes}" if attempt.declared_bytes else ""
    if not attempt.content.isascii():
        said += " BODY=8BITMIME"
    return said if all(map(str.isascii, (attempt.sender, *attempt.recipients))) else said + " SMTPUTF8"


def _chunks(content: bytes, number: int) -> Iterator[bytes]:
    size = -(-len(content) // number)
    for start in range(0, len(content), size):
        chunk = content[start : start + size]
        yield b"BDAT %d%b\r\n%b" % (len(chunk), b" LAST" if start + size >= len(content) else b"", chunk)


class _Wire:
    """One connection; a client that is named is told to the gateway in a PROXY header first."""

    def __init__(self, port: int, client: str, *, tls: bool) -> None:
        self._socket = socket.create_connection((HOST, port), _TIMEOUT_S, source_address=(PROXY, 0) if client else None)
        self._heard = b""
        if client:
            self._socket.sendall(proxy_header(client))
        if tls:
            self.encrypt()

    def encrypt(self) -> None:
        """Shake hands."""
        self._socket = _CONTEXT.wrap_socket(self._socket)

    def say(self, words: bytes) -> Reply:
        """Send, and wait for one reply. A server may refuse and close before it has read all."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self._socket.sendall(words)
        return self.hear()

    def hear(self) -> Reply:
        """Wait for one reply, all its lines."""
        lines: list[str] = []
        while True:
            line, end, rest = self._heard.partition(b"\r\n")
            if not end:
                received = self._socket.recv(65_536)
                if not received:
                    return Reply(421, "the connection was closed without a reply")
                self._heard += received
                continue
            self._heard = rest
            lines.append(line[4:].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                return Reply(int(line[:3]), "\n".join(lines))

    def leave(self) -> None:
        """Say goodbye, unless the server has gone first."""
        with contextlib.suppress(OSError, ValueError):
            self.say(b"QUIT\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
