# SPDX-License-Identifier: Apache-2.0
"""Other programs that speak S/MIME, on whole mails: openssl's two commands, Bouncy Castle's mail package, gpgsm as mailers use it.

gpgsm knows no MIME, so what a mailer puts around it is here, made of Python's own library and never of ours. An operation gives bytes
or raises `PeerSaid` with the program's own words.
"""

import base64
import subprocess
from email import message_from_bytes
from pathlib import Path
from typing import Literal, Protocol

from cryptography.hazmat.primitives.serialization import Encoding

from cms_peers import HAS_BOUNCY_CASTLE, HAS_GPGSM, HAS_OPENSSL, BouncyCastle, Gpgsm, PeerSaid, started
from cms_people import Person, authority
from gatepost.encryption.cms.scheme import Scheme
from shared_corpora import wire_form

Form = Literal["clear", "opaque"]
_TIMEOUT_S = 60
_SHA256 = Scheme("rsa-pkcs1", "sha256")


class MailPeer(Protocol):
    """Another program. Contents and mails are whole MIME entities; a signed mail is from its signer."""

    name: str

    def sign(self, content: bytes, who: Person, form: Form) -> bytes: ...
    def verify(self, mail: bytes) -> bytes:
        """Give the content that was signed."""
        ...

    def encrypt(self, content: bytes, to: Person, cipher: str) -> bytes: ...
    def decrypt(self, mail: bytes, who: Person) -> bytes: ...
    def close(self) -> None: ...


class OpenSSLMail:
    """`openssl cms`; with another command `openssl smime`, which is older and knows less."""

    COMMAND = "cms"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        version = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.name = f"openssl {self.COMMAND} {version}"
        (folder / "ca.crt").write_bytes(authority()[1].public_bytes(Encoding.PEM))

    def _run(self, *arguments: str | Path, given: bytes) -> bytes:
        (self.folder / "in").write_bytes(given)
        command = ["openssl", self.COMMAND, "-in", "in", "-out", "out", *arguments]
        answer = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        if answer.returncode:
            raise PeerSaid(answer.stderr.strip().splitlines()[-1][-150:])
        return (self.folder / "out").read_bytes()

    def sign(self, content: bytes, who: Person, form: Form) -> bytes:
        certificate, key = who.files(self.folder)
        options = ["-nodetach"] if form == "opaque" else []
        command = ["-sign", "-signer", certificate, "-inkey", key, "-from", f"{who.name}@example.org", "-crlfeol", *options]
        return wire_form(self._run(*command, given=content))

    def verify(self, mail: bytes) -> bytes:
        return self._run("-verify", "-CAfile", "ca.crt", given=mail)

    def encrypt(self, content: bytes, to: Person, cipher: str) -> bytes:
        certificate, _ = to.files(self.folder)
        return wire_form(self._run("-encrypt", f"-{cipher}", "-from", "somebody@example.org", certificate, given=content))

    def decrypt(self, mail: bytes, who: Person) -> bytes:
        certificate, key = who.files(self.folder)
        return self._run("-decrypt", "-recip", certificate, "-inkey", key, given=mail)

    def close(self) -> None:
        """Nothing runs between two operations."""


class OldOpenSSLMail(OpenSSLMail):
    """`openssl smime`."""

    COMMAND = "smime"


class GpgsmMail:
    """gpgsm, and around it what a mailer does."""

    def __init__(self, folder: Path) -> None:
        self._gpgsm = Gpgsm(folder)
        self.name = self._gpgsm.name

    def sign(self, content: bytes, who: Person, form: Form) -> bytes:
        head = f"From: {who.name}@example.org\r\nMIME-Version: 1.0\r\n".encode()
        if form == "opaque":
            return head + _object("signed-data", self._gpgsm.sign(content, who, _SHA256))
        signature = self._gpgsm.sign_beside(content, who)
        head += b'Content-Type: multipart/signed; boundary="=-x-="; micalg=sha-256;\r\n protocol="application/pkcs7-signature"\r\n\r\n'
        part = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        part += base64.encodebytes(signature).replace(b"\n", b"\r\n")
        return head + b"--=-x-=\r\n" + content + b"\r\n--=-x-=\r\n" + part + b"\r\n--=-x-=--\r\n"

    def verify(self, mail: bytes) -> bytes:
        message = message_from_bytes(mail)
        if message.get_content_type() != "multipart/signed":
            return self._gpgsm.verified(message.get_payload(decode=True))
        boundary = f"--{message.get_boundary()}".encode()
        content = mail.split(b"\r\n" + boundary, 3)[1].removeprefix(b"\r\n")
        self._gpgsm.verify_beside(message.get_payload(1).get_payload(decode=True), content)
        return content

    def encrypt(self, content: bytes, to: Person, cipher: str) -> bytes:
        sealed = self._gpgsm.encrypt(content, to, cipher, "pkcs1")
        return b"From: somebody@example.org\r\nMIME-Version: 1.0\r\n" + _object("enveloped-data", sealed)

    def decrypt(self, mail: bytes, who: Person) -> bytes:
        return self._gpgsm.decrypt(message_from_bytes(mail).get_payload(decode=True), who)

    def close(self) -> None:
        self._gpgsm.close()


class BouncyCastleMail(BouncyCastle):
    """Bouncy Castle's package for JavaMail."""

    PROGRAM = "BouncyMail.java"

    def sign(self, content: bytes, who: Person, form: Form) -> bytes:  # type: ignore[override] # mails, not objects
        self._do("sign", self._file("in", content), self._file("out"), *self._keys(who), f"{who.name}@example.org", form)
        return (self.folder / "out").read_bytes()

    def verify(self, mail: bytes) -> bytes:  # type: ignore[override]
        self._do("verify", self._file("in", mail), self._file("out"))
        return (self.folder / "out").read_bytes()

    def encrypt(self, content: bytes, to: Person, cipher: str) -> bytes:  # type: ignore[override]
        self._do("encrypt", self._file("in", content), self._file("out"), self._keys(to)[0], cipher)
        return (self.folder / "out").read_bytes()


def _object(kind: str, cms: bytes) -> bytes:
    head = f"Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(cms).replace(b"\n", b"\r\n")


def mail_peers_at_hand(folder: Path) -> list[MailPeer]:
    """Start every peer for mails that this machine has."""
    kinds = (OpenSSLMail, HAS_OPENSSL), (OldOpenSSLMail, HAS_OPENSSL), (GpgsmMail, HAS_GPGSM), (BouncyCastleMail, HAS_BOUNCY_CASTLE)
    return started(folder, kinds)
