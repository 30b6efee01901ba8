# SPDX-License-Identifier: Apache-2.0
"""Seal what the console must read again, with a key that is not in its store: AES-256-GCM, bound to what it belongs to.

What nobody shall read, but know again, gets a mark (HMAC-SHA256, RFC 2104) with a key derived from the same one.

The key file is made at the first use, for this user alone. Without it nothing that it sealed can be read: it belongs
into the backup.
"""

import hmac
import os
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORM: Final = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class SealBroken(GatepostError):
    """What is sealed was not sealed with this key, for this purpose."""


class KeyFile:
    """A key in a file, read at its first use, by any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = b""
        self._reading = threading.Lock()
        self._cipher: AESGCM | None = None

    def seal(self, plain: bytes, bound: str) -> bytes:
        """Seal a secret for what `bound` names. Raises: GatepostError for a key file that cannot be used."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _FORM + nonce + self._key().encrypt(nonce, plain, bound.encode())

    def open(self, sealed: bytes, bound: str) -> bytes:
        """Give a secret back. Raises: SealBroken, or GatepostError for a key file that cannot be used."""
        from cryptography.exceptions import InvalidTag

        nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] == _FORM and len(nonce) == _NONCE_BYTES:
                return self._key().decrypt(nonce, content, bound.encode())
        except InvalidTag:
            pass
        raise SealBroken(f"{bound}: cannot be read with the key in {self.path}; restore that file from the backup, or set it anew")

    def mark(self, content: bytes, bound: str) -> bytes:
        """Give 32 bytes by which a content is known again for one purpose. Raises: GatepostError for a key file that cannot be used."""
        return hmac.digest(hmac.digest(self._bytes(), b"mark:" + bound.encode(), "sha256"), content, "sha256")

    def _key(self) -> "AESGCM":
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._bytes())
        return self._cipher

    def _bytes(self) -> bytes:
        with self._reading:  # Of two that make it, one would seal with a key that is gone.
            self._raw = self._raw or _read_or_make(self.path)
            return self._raw


def _read_or_make(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise GatepostError(f"{path}: others may read this key; `chmod 600` it")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as fault:
        raise GatepostError(f"{path}: the key cannot be used ({fault.strerror}); let this user read and write there") from None
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise GatepostError(f"{path}: is no key of {_KEY_BYTES} bytes in hex; restore it from the backup")
    return key


def _make(path: Path) -> None:
    """Write a new key so that it is there whole and durable, or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
