# SPDX-License-Identifier: Apache-2.0
"""The certificate and the key of the console's listeners, taken anew when their files have changed.

    look ─ as it was taken? ── yes: nothing to do
               │ no
           as at the look before? ── no: somebody is writing; the next look
               │ yes
           a context of its own ── good: handshakes from now on have it, connections that stand keep theirs
                                └─ bad: the pair so far stays, and an event says why, once for each state of the files

The live context is never loaded into: of a pair that does not fit, it would keep half. TLS is 1.2 and newer, with forward secrecy and
authenticated encryption only (RFC 9325), and speaks no other protocol than HTTP/1.1.
"""

import asyncio
import hashlib
import os
import ssl
from pathlib import Path
from typing import Final, NamedTuple

from gatepost.errors import GatepostError
from gatepost.telemetry.events import ConsoleCertificateKept, ConsoleCertificateTaken, Event
from gatepost.telemetry.log import emit, emit_unexpected

LOOK_S: Final = 10.0
"""Between two looks at the files: what was changed is taken at the second look that sees it."""
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all of this kind."""


class Identity(NamedTuple):
    """PEM files of a certificate with its chain, and of its key."""

    certificate: Path
    key: Path


_Stamp = tuple[tuple[int, ...], ...]
"""Of each file what changes with it; empty for one that cannot be looked at."""


class Certificate:
    """One identity. `context` is what the next handshake uses. Raises: GatepostError for one that is no good at the start."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._taken = self._seen = self._refused = _stamp(identity)
        self.context = tls_context(identity)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look from time to time."""
        self._task = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> Event | None:
        """Look once, and take what has changed and is good; gives what is to be told of it."""
        now, before = _stamp(self._identity), self._seen
        self._seen = now
        if now in (self._taken, self._refused) or now != before:
            return None
        try:
            context, fingerprint = tls_context(self._identity), _fingerprint(self._identity)
        except (GatepostError, OSError, ValueError) as error:
            self._refused = now
            return ConsoleCertificateKept(certificate=str(self._identity.certificate), reason=str(error))
        if _stamp(self._identity) != now:  # One of them changed while we read.
            return None
        self.context, self._taken, self._refused = context, now, now
        return ConsoleCertificateTaken(certificate=str(self._identity.certificate), sha256=fingerprint)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if event := await asyncio.to_thread(self.look):
                    emit(event)
            except Exception as defect:
                emit_unexpected("the look at the console's certificate", defect)


def tls_context(identity: Identity) -> ssl.SSLContext:
    """Make the context of a listener. Raises: GatepostError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(identity.certificate, identity.key, password="")  # None would have one that is sealed ask a terminal.
    except OSError as error:  # ssl.SSLError is one
        said = f"{identity.certificate} and {identity.key} are no certificate and its key ({error.strerror or error})"
        raise GatepostError(f"{said}; set `tls` to PEM files that belong together, the key without a password") from None
    return context


def _stamp(identity: Identity) -> _Stamp:
    stamps: list[tuple[int, ...]] = []
    for path in identity:
        try:
            found = os.stat(path)
        except OSError:
            stamps.append(())
        else:
            stamps.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode))
    return tuple(stamps)


def _fingerprint(identity: Identity) -> str:
    """Give the SHA-256 of the certificate, in hex. Raises: OSError, ValueError."""
    first = identity.certificate.read_text("latin-1").partition("-----BEGIN CERTIFICATE-----")
    whole = "".join(first[1:]).partition("-----END CERTIFICATE-----")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert("".join(whole[:2]))).hexdigest()
