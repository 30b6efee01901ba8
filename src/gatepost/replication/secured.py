# SPDX-License-Identifier: Apache-2.0
"""The listener's end of a TLS connection between roles, over plain streams.

An event loop's own TLS hangs up on a failed handshake without a word. Here the alert is sent, so that the other role can
tell its administrator why.
"""

import asyncio
import contextlib
import ssl

from gatepost.smtp.tls import TlsLayer

_READ_BYTES = 262_144
_LINGER_S = 1.0


class SecuredStream:
    """Reads and writes plain text; `shake_hands` first."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self._reader = reader
        self._writer = writer
        self._tls = TlsLayer(context, server_side=True)
        self._plain = bytearray()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the certificate that the peer has proven to hold; '' for none."""
        return self._tls.peer_certificate_sha256

    async def shake_hands(self) -> None:
        """Open the connection. Raises: ssl.SSLError, after the peer was told; ConnectionError."""
        while not self._tls.handshake_done:
            try:
                await self._take()
            except ssl.SSLError:
                await self._linger()
                raise

    async def readexactly(self, count: int) -> bytes:
        """Read so many bytes. Raises: asyncio.IncompleteReadError, ssl.SSLError, ConnectionError."""
        while len(self._plain) < count:
            try:
                await self._take()
            except ConnectionAbortedError:
                raise asyncio.IncompleteReadError(bytes(self._plain), count) from None
        taken = bytes(memoryview(self._plain)[:count])
        del self._plain[:count]
        return taken

    def write(self, plain: bytes) -> None:
        """Send bytes."""
        self._tls.send(plain)
        self._writer.write(self._tls.outgoing())

    async def drain(self) -> None:
        """Wait until what was written has left, but for a buffer."""
        await self._writer.drain()

    def close(self) -> None:
        """Hang up."""
        if self._tls.handshake_done:
            with contextlib.suppress(ssl.SSLError):
                self._tls.close()
            if out := self._tls.outgoing():
                self._writer.write(out)
        self._writer.close()

    async def _take(self) -> None:
        """Take what the wire brings. Raises: ConnectionAbortedError at its end."""
        untrusted = b"" if self._tls.closed else await self._reader.read(_READ_BYTES)
        if not untrusted:
            raise ConnectionAbortedError("the other end hung up")
        try:
            self._plain += self._tls.receive(untrusted)
        finally:
            if out := self._tls.outgoing():
                self._writer.write(out)

    async def _linger(self) -> None:
        """Let the alert arrive: a connection that is closed with bytes unread is reset."""
        with contextlib.suppress(OSError, TimeoutError):
            await self._writer.drain()
            if self._writer.can_write_eof():
                self._writer.write_eof()
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(_READ_BYTES):
                    pass
