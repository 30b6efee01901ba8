# SPDX-License-Identifier: Apache-2.0
"""`openssl cms` and `openssl smime` as the peers for whole mails, both ways: signed, encrypted, and both."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, Person, authority, authority_file, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.keys import OAEP, PKCS1
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

CONTENT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
CONTENT += b"Gr\xc3\xbc\xc3\x9fe \t\r\n\r\nFrom here.\r\n.\r\n\r\n"
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))


def mail_of(one: Person) -> bytes:
    return f"From: {one.name}@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n".encode() + CONTENT


def openssl(folder: Path, *arguments: str | Path, given: bytes) -> bytes:
    """Let openssl do one operation on a mail; what it says when it cannot is the test's failure."""
    (folder / "in").write_bytes(given)
    command, *options = arguments
    answer = subprocess.run(["openssl", command, "-in", folder / "in", "-out", folder / "out", *options], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    return (folder / "out").read_bytes()


def signer(one: Person, *, pss: bool = False) -> Signer:
    scheme = Scheme("rsa-pss", "sha256", 32) if pss else default_scheme(one.certificate)
    return Signer(one.private, one.certificate, scheme)


@pytest.mark.parametrize("form", ["multipart", "opaque"])
@pytest.mark.parametrize("kind", ["rsa", "pss", "p256", "p384", "p521"])
def test_openssl_verifies_what_we_sign(kind, form, tmp_path):
    """The content that it gives is ours, octet by octet, in a clear signature as well as in an opaque one."""
    one = person("rsa" if kind == "pss" else kind)
    written = sign(mail_of(one), (signer(one, pss=kind == "pss"),), NOW, SignAs(form))
    assert isinstance(written, bytes)
    verified = openssl(tmp_path, "cms", "-verify", "-CAfile", authority_file(tmp_path), "-attime", str(int(NOW.timestamp())), given=written)
    assert verified == read(written).content


@pytest.mark.parametrize("command", ["cms", "smime"])
@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_we_verify_what_openssl_signs(kind, opaque, command, tmp_path):
    """Both of its commands, clear and opaque; it is bound to the From that it writes."""
    one = person(kind)
    certificate, key = one.files(tmp_path)
    how = ["-nodetach"] if opaque else []
    content = b"Content-Type: text/plain\r\n\r\nGreetings.\r\n"
    written = openssl(
        tmp_path,
        command,
        "-sign",
        "-signer",
        certificate,
        "-inkey",
        key,
        "-from",
        f"{one.name}@example.org",
        "-crlfeol",
        *how,
        given=content,
    )
    found = report(read(written.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")), Asked(TRUST, NOW.replace(year=2030)))
    assert found.verdict == "valid_bound", found


@pytest.mark.parametrize("cipher", sorted(WRITTEN))
@pytest.mark.parametrize("kind", ["rsa", "oaep", "p256", "p384", "p521"])
def test_openssl_decrypts_what_we_encrypt(kind, cipher, tmp_path):
    """Each cipher to each kind of key."""
    one = person("rsa" if kind == "oaep" else kind)
    certificate, key = one.files(tmp_path)
    to = [addressee(one.certificate, transport=OAEP if kind == "oaep" else PKCS1)]
    written = encrypt(mail_of(one), to, EncryptAs(WRITTEN[cipher]))
    assert isinstance(written, bytes)
    assert openssl(tmp_path, "cms", "-decrypt", "-recip", certificate, "-inkey", key, "-binary", given=written) == CONTENT


BY_OPENSSL = [("cms", cipher, kind) for cipher in ("aes-128-cbc", "aes-256-cbc", "aes-256-gcm") for kind in ("rsa", "p256", "p384")]


@pytest.mark.parametrize(("command", "cipher", "kind"), [*BY_OPENSSL, ("smime", "aes-256-cbc", "rsa")])  # the older command knows no more
def test_we_decrypt_what_openssl_encrypts(kind, command, cipher, tmp_path):
    """CBC is released neutralised, GCM as authenticated."""
    one = person(kind)
    certificate, _ = one.files(tmp_path)
    written = openssl(tmp_path, command, "-encrypt", f"-{cipher}", "-from", "anna@example.org", certificate, given=CONTENT)
    opened = open_mail(written.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), ring(one))
    assert opened.release == ("authenticated" if "gcm" in cipher else "neutralised")
    assert opened.mail.endswith(CONTENT.partition(b"\r\n\r\n")[2])


def test_openssl_opens_and_verifies_a_sealed_mail(tmp_path):
    """Signed, then encrypted, with the header inside: it takes off both layers and finds our content."""
    one = person("rsa")
    certificate, key = one.files(tmp_path)
    written = seal(mail_of(one), (signer(one),), NOW, [addressee(one.certificate)], encrypt_as=EncryptAs(WRITTEN["aes-256-gcm"], True))
    assert isinstance(written, bytes)
    inside = openssl(tmp_path, "cms", "-decrypt", "-recip", certificate, "-inkey", key, "-binary", given=written)
    verified = openssl(tmp_path, "cms", "-verify", "-CAfile", authority_file(tmp_path), "-attime", str(int(NOW.timestamp())), given=inside)
    assert b"Subject: Plan\r\n" in verified
    assert b'hp="cipher"' in verified


def test_openssl_finds_the_same_change(tmp_path):
    """One octet of the text changed: it refuses, and so do we."""
    one = person("p256")
    written = sign(mail_of(one), (signer(one),), NOW)
    assert isinstance(written, bytes)
    changed = written.replace(b"From here", b"From Here")
    assert changed != written
    with pytest.raises(AssertionError, match="content verify error"):
        openssl(tmp_path, "cms", "-verify", "-CAfile", authority_file(tmp_path), "-attime", str(int(NOW.timestamp())), given=changed)
    assert report(read(changed), Asked(TRUST, NOW)).verdict == "broken"
