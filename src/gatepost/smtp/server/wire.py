# SPDX-License-Identifier: Apache-2.0
"""The bytes of one connection: a transport and, once it has begun, TLS above it.

Whoever holds a `Wire` deals in plaintext alone. Nothing is written once it closes, and nothing that
was said in plain can be taken as said under TLS: the layers change in one place, `start_tls`.
"""

import asyncio
import contextlib
import ssl

from gatepost.smtp.peer import Peer, unmapped
from gatepost.smtp.tls import TlsLayer


class Wire:
    """One connection's transport with its layers; `transport` is what the event loop gave."""

    __slots__ = ("_paused", "_tls", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._tls: TlsLayer | None = None
        self._paused = False

    @property
    def client(self) -> tuple[str, int]:
        """Give the address and port at the other end."""
        name = self._transport.get_extra_info("peername") or ("", 0)
        return unmapped(name[0]), name[1]

    @property
    def has_tls(self) -> bool:
        """Whether what arrives now belongs to TLS, handshake included."""
        return self._tls is not None

    @property
    def handshaking(self) -> bool:
        """Whether a TLS handshake has begun and is not done."""
        return self._tls is not None and not self._tls.handshake_done

    @property
    def is_closing(self) -> bool:
        """Whether the connection ends; it may still owe the client bytes."""
        return self._transport.is_closing()

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Take all that arrives from now on as TLS."""
        self._tls = TlsLayer(context, server_side=True)

    def decrypt(self, untrusted: bytes) -> bytes:
        """Give the plaintext of what arrived. Raises ssl.SSLError; the client was told why then."""
        assert self._tls is not None
        try:
            plaintext = self._tls.receive(untrusted)
        finally:
            self._write(self._tls.outgoing())
        if self._tls.closed:
            self._transport.close()
        return plaintext

    def describe(self, peer: Peer) -> None:
        """Note in `peer` what TLS has shown of it."""
        assert self._tls is not None
        peer.tls = self._tls.description
        peer.certificate_sha256 = self._tls.peer_certificate_sha256

    def send(self, plaintext: bytes) -> None:
        """Send; under a handshake, once it is done."""
        if self._tls is None:
            self._write(plaintext)
        elif not self._transport.is_closing():
            self._tls.send(plaintext)
            self._write(self._tls.outgoing())

    def close(self) -> None:
        """End the connection in order: what was sent before still goes out."""
        if self._transport.is_closing():
            return
        if self._tls is not None:
            self._tls.close()
            self._write(self._tls.outgoing())
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        with contextlib.suppress(RuntimeError):
            self._transport.abort()

    def set_reading(self, wanted: bool) -> None:
        """Read from the client or let it wait."""
        if wanted == self._paused and not self._transport.is_closing():
            self._paused = not wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _write(self, wire: bytes) -> None:
        if wire and not self._transport.is_closing():
            self._transport.write(wire)
