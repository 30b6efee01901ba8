# SPDX-License-Identifier: Apache-2.0
"""A client that sends exactly the bytes a test gives it and reads one reply at a time."""

import socket
import ssl
from types import TracebackType
from typing import Self


class WireClient:
    """One SMTP connection, blocking, over plain TCP or TLS."""

    def __init__(self, port: int, *, source: str = "127.0.0.1", greet: bool = True, timeout_s: float = 60.0) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout_s, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        self.greeting = self.reply() if greet else ""

    def reply(self) -> str:
        """Read one whole reply, its lines joined by a line feed; '' when the server has hung up."""
        lines = []
        while True:
            while b"\r\n" not in self._unread:
                try:
                    piece = self.socket.recv(65536)
                except ConnectionResetError:
                    piece = b""
                if not piece:
                    return "\n".join(lines)
                self._unread += piece
            line, self._unread = self._unread.split(b"\r\n", 1)
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    def raw(self, wire: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(wire)

    def say(self, command: str) -> str:
        """Send a command and read its reply."""
        self.raw(command.encode() + b"\r\n")
        return self.reply()

    def starttls(self) -> None:
        """Upgrade without checking the certificate."""
        assert self.say("STARTTLS").startswith("220")
        self.wrap()

    def wrap(self) -> None:
        """Begin TLS on this connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)

    def send(self, sender: str, recipients: list[str], content: bytes, *, chunked: bool = False, options: str = "") -> str:
        """Carry one mail through a transaction and give the reply to its end; a missing last CRLF is added for DATA."""
        replies = [self.say(f"MAIL FROM:<{sender}>{options}")]
        replies += [self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]
        bad = [reply for reply in replies if not reply.startswith("250")]
        if bad:
            return bad[0]
        if chunked:
            self.raw(b"BDAT %d LAST\r\n" % len(content) + content)
            return self.reply()
        reply = self.say("DATA")
        if not reply.startswith("354"):
            return reply
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if stuffed and not stuffed.endswith(b"\r\n"):
            stuffed += b"\r\n"
        self.raw((b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n")
        return self.reply()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
