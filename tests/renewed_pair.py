# SPDX-License-Identifier: Apache-2.0
"""A certificate and its key in the place where a process reads them, and what may be laid there over them."""

import hashlib
import shutil
import ssl
from pathlib import Path

from gatepost.smtp.certificate import Identity
from gatepost.testing.tls import CertificateFiles, self_signed


class Pair:
    """The files that are read."""

    def __init__(self, folder: Path, name: str = "console.example") -> None:
        """Lay a first pair there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self._count = 0
        self.identity = Identity(folder / "certificate.pem", folder / "key.pem")
        self.files = CertificateFiles(*self.identity)
        self.lay(self.make())

    def make(self, days: float = 10.0) -> Identity:
        """Make a certificate and its key, elsewhere."""
        self._count += 1
        return Identity(*self_signed(self._folder / str(self._count), self._name, days=days))

    def lay(self, pair: Identity) -> str:
        """Lay both where they are read; gives the certificate's fingerprint."""
        shutil.copy(pair.certificate, self.identity.certificate)
        shutil.copy(pair.key, self.identity.key)
        return fingerprint_in(pair.certificate)


def fingerprint_in(path: Path) -> str:
    """Give the SHA-256 of a certificate in a file."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(path.read_text())).hexdigest()
