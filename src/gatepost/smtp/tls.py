# SPDX-License-Identifier: Apache-2.0
"""TLS as a layer of bytes, without I/O: what the wire brought goes in, plaintext comes out.

Server and client use the same layer over memory buffers, so nothing depends on how an event loop swaps
transports: bytes that came before the handshake can be seen (and refused), and each segmentation of
the wire can be replayed in a test. One layer serves one connection.
"""

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

from gatepost.errors import GatepostError

AskTls = Callable[[], ssl.SSLContext]
"""Is asked for each handshake: a renewed certificate is in force from the next one on."""
_READ_BYTES = 16_384  # a read gives one record at most (RFC 8446 §5.1)


class TlsLayer:
    """One end of a TLS connection. `receive` first, then write what `outgoing` gives."""

    __slots__ = ("_from_wire", "_to_wire", "_unsent", "closed", "handshake_done", "ssl_object")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None) -> None:
        self._from_wire = ssl.MemoryBIO()
        self._to_wire = ssl.MemoryBIO()
        self._unsent = bytearray()
        self.ssl_object = context.wrap_bio(self._from_wire, self._to_wire, server_side=server_side, server_hostname=server_hostname)
        self.handshake_done = False
        self.closed = False
        """Whether the peer has ended the TLS stream in order (close_notify)."""

    def receive(self, untrusted: bytes) -> bytes:
        """Take bytes from the wire and give the plaintext they hold.

        Raises ssl.SSLError when the peer broke the protocol or its certificate does not hold. Call it
        with b"" to begin a client's handshake.
        """
        if untrusted:
            self._from_wire.write(untrusted)
        if not self.handshake_done:
            try:
                self.ssl_object.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.handshake_done = True
            if self._unsent:
                self.ssl_object.write(self._unsent)
                self._unsent.clear()
        return self._read()

    def _read(self) -> bytes:
        pieces = []
        while True:
            try:
                piece = self.ssl_object.read(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:
                self.closed = True
                break
            pieces.append(piece)
            if not self._from_wire.pending and not self.ssl_object.pending():
                break  # the next read would only raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def send(self, plaintext: bytes) -> None:
        """Encrypt plaintext; before the handshake is done it waits for it."""
        if not self.handshake_done:
            self._unsent += plaintext
        elif plaintext:
            self.ssl_object.write(plaintext)

    def close(self) -> None:
        """Say close_notify to the peer; `outgoing` then holds it."""
        if self.handshake_done:
            try:
                self.ssl_object.unwrap()
            except ssl.SSLError:
                self.closed = True  # the peer has not answered yet, and need not

    def outgoing(self) -> bytes:
        """Give the bytes to write to the wire; b"" when there are none."""
        return self._to_wire.read() if self._to_wire.pending else b""

    @property
    def description(self) -> str:
        """Tell version and cipher, as trace headers show them; "" before the handshake is done."""
        cipher = self.ssl_object.cipher() if self.handshake_done else None
        return f"{self.ssl_object.version()} {cipher[0]}" if cipher else ""

    @property
    def peer_certificate_sha256(self) -> str:
        """Give the fingerprint of the certificate that the peer has proven to hold, in lower-case hex; "" for none."""
        certificate = self.ssl_object.getpeercert(binary_form=True) if self.handshake_done else None
        return hashlib.sha256(certificate).hexdigest() if certificate else ""


def server_context(certificate: str | Path, key: str | Path, *, client_ca: str = "") -> ssl.SSLContext:
    """Make the context of a listener: TLS 1.2 and newer (RFC 8997), resumption by ticket.

    `client_ca` is a PEM file: then a client certificate is asked for, and one that does not chain to
    it ends the handshake. Raises: GatepostError for a file that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate, key, password="")  # None would have one that is sealed ask a terminal.
    except OSError as error:  # ssl.SSLError is one
        said = f"{certificate} and {key} are no certificate and its key ({error.strerror or error})"
        raise GatepostError(f"{said}; set `tls` to PEM files that belong together, the key without a password") from None
    if client_ca:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            said = f"{client_ca} holds no certificates of authorities ({error.strerror or error})"
            raise GatepostError(f"{said}; set `client_ca` to a PEM file of those whose client certificates are asked for") from None
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(*, verified: bool) -> ssl.SSLContext:
    """Make the context for next hops: `verified` checks chain and name, else encryption alone (RFC 7435)."""
    context = ssl.create_default_context() if verified else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
