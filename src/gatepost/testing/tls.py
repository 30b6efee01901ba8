# SPDX-License-Identifier: Apache-2.0
"""TLS over memory: bytes in, bytes out, no sockets; and a throw-away P-256 certificate for loopback.

The test peers carry TLS in their own protocol objects, so that no byte can slip between the plain and
the encrypted part of a session unseen.
"""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_BLOCK = 16_384
"""A TLS record holds no more (RFC 8446 §5.1)."""


class TlsChannel:
    """One end of a TLS connection; its owner moves the bytes."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname)
        self.established = False
        self.closed = False

    @property
    def version(self) -> str:
        """The protocol's name, 'TLSv1.3' for instance; '' before the handshake is over."""
        return (self._object.version() or "") if self.established else ""

    def start(self) -> bytes:
        """Begin the handshake; gives what to send first (nothing on the server's side)."""
        self._shake_hands()
        return self._outgoing.read()

    def receive(self, untrusted_bytes: bytes) -> tuple[bytes, bytes]:
        """Take bytes from the peer; gives the plain text they hold and what to send back.

        Raises:
            ssl.SSLError: The handshake or a record is broken; the connection is of no more use.
        """
        self._incoming.write(untrusted_bytes)
        if not self.established:
            self._shake_hands()
        plain = self._read() if self.established else b""
        return plain, self._outgoing.read()

    def send(self, plain: bytes) -> bytes:
        """Encrypt; gives what to send."""
        view = memoryview(plain)
        while view:
            view = view[self._object.write(view[:_BLOCK]) :]
        return self._outgoing.read()

    def _shake_hands(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True

    def _read(self) -> bytes:
        parts: list[bytes] = []
        try:
            while part := self._object.read(_BLOCK):
                parts.append(part)
            self.closed = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        return b"".join(parts)


class CertificateFiles(NamedTuple):
    """PEM files of a certificate and its private key."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Give a context that a server shows this certificate with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def unchecked_client_context() -> ssl.SSLContext:
    """Give a client context that takes any certificate: what a sender with opportunistic TLS does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def self_signed(folder: Path, *names: str, days: float = 10.0) -> CertificateFiles:
    """Make a P-256 certificate for these names and 127.0.0.1, valid for so many days; it is its own authority."""
    names = names or ("gateway.example", "localhost")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files
