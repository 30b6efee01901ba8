# SPDX-License-Identifier: Apache-2.0
"""Fuzz whole S/MIME mails: `python tests/fuzz/fuzz_smime.py [-max_total_time=3600] [FOLDER]`.

Needs atheris. The first octet says what the others are: a mail, or an object that a mail is put around. Whatever they are, nothing
raises, nothing is called valid or authenticated but what this run's keys signed or encrypted, no line of a header is in doubt in what
is written, and nothing takes long.
"""

import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gatepost"]):
    from gatepost.encryption.cms.certificate import Certificate
    from gatepost.encryption.cms.enveloped.addressee import addressee
    from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
    from gatepost.encryption.cms.fault import Fault
    from gatepost.encryption.cms.policy import LEGACY
    from gatepost.encryption.cms.signed.signer import Signer, default_scheme
    from gatepost.encryption.paths.source import Collected
    from gatepost.encryption.paths.validator import Validator
    from gatepost.encryption.smime.canonical import canonical
    from gatepost.encryption.smime.form import form_of_mail
    from gatepost.encryption.smime.opening import open_mail
    from gatepost.encryption.smime.path_trust import PathTrust
    from gatepost.encryption.smime.policy import ReadPolicy, ReleasePolicy
    from gatepost.encryption.smime.reading import read
    from gatepost.encryption.smime.removal import without_signatures
    from gatepost.encryption.smime.verify import GOOD, Asked, report
    from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign
    from gatepost.message.decode import decoded
    from gatepost.message.parse import parse

sys.path.insert(0, str(Path(__file__).parent.parent))

from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring

HEADER = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n"
HTML = HEADER + b"Content-Type: text/html\r\n\r\n<html><body><p>All is well.</p></body></html>\r\n"
ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TO = (addressee(ANNA.certificate),)
KEYS = ring(ANNA)
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),), Collected(away="nothing was asked")))
LENIENT = ReadPolicy(algorithms=LEGACY)
PROTECTED = EncryptAs(AES256_GCM, True, "shy", True)
MOST_SECONDS = 1.0

OPAQUE = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
CLEAR = (
    b'From: anna@example.org\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n"
    b"--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n\r\n"
)
MAIL = HEADER + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
MAILS = [
    sign(MAIL, (SIGNER,), NOW),
    sign(MAIL, (SIGNER,), NOW, SignAs("opaque", header_protection=True)),
    sign(HTML, (SIGNER,), NOW, SignAs(header_protection=True)),
    encrypt(MAIL, TO),
    encrypt(HTML, TO, EncryptAs(AES256_CBC, True)),
    encrypt(HTML, TO, PROTECTED),
    seal(HTML, (SIGNER,), NOW, TO, encrypt_as=PROTECTED),
    seal(MAIL, (SIGNER,), NOW, TO, sign_as=SignAs("opaque"), encrypt_as=EncryptAs(AES256_GCM)),
]
OURS = {read(raw, KEYS).content for raw in MAILS}
"""All that was ever signed or encrypted with these keys."""


def check_one(data: bytes) -> None:
    """Do all that can be done with one input; the promises are asserted."""
    started = time.process_time()
    raw = mail_of(data)
    reading = read(raw, KEYS, LENIENT)
    found = report(reading, Asked(TRUST, NOW))
    assert found.verdict not in GOOD or reading.content in OURS, found
    assert found.bound == (found.verdict in ("valid_bound", "valid_domain"))
    for policy in (ReleasePolicy(signatures="removed"), ReleasePolicy("held")):
        opened = open_mail(raw, KEYS, policy, LENIENT)
        assert opened.release not in ("authenticated", "signed") or opened.reading.content in OURS, opened
        assert (opened.mail is None) == (opened.release in ("held", "closed"))
        assert opened.release in ("held", "closed", "plain") or not parse(opened.mail).headers.stray, opened.mail
    removed = without_signatures(raw)
    assert not removed.removed or not parse(removed.mail).headers.stray, removed.mail
    signed = sign(raw, (SIGNER,), NOW, SignAs(header_protection=True))
    assert isinstance(signed, Fault) or form_of_mail(parse(raw)) != "none" or not parse(canonical(raw)).headers.stray, signed
    encrypt(raw, TO, PROTECTED)
    assert time.process_time() - started < MOST_SECONDS * 10, "instrumented code is slow, but not that slow"


def mail_of(data: bytes) -> bytes:
    """Make a mail of an input."""
    kind, rest = data[:1], data[1:]
    if kind == b"O":
        return OPAQUE + rest
    if kind == b"C":
        return CLEAR + rest + b"\r\n--b--\r\n"
    return rest


def write_seeds(folder: Path) -> None:
    """Write each mail, and each object that lies in one."""
    for number, raw in enumerate(MAILS):
        assert isinstance(raw, bytes)
        (folder / f"mail-{number}").write_bytes(b"M" + raw)
        root = parse(raw).root
        objects = (b"O", root) if root.is_leaf else (b"C", root.children[1])
        (folder / f"object-{number}").write_bytes(objects[0] + decoded(objects[1]).data)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        atheris.Setup([*sys.argv, seeds], check_one)
        atheris.Fuzz()
