# SPDX-License-Identifier: Apache-2.0
"""What is beside the content may cost so much and no more: 10 MiB over all layers, so many of each kind, each refusal with its kind.

The hostile ones are judged in a process of their own, whose time and memory are its own.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from cms_people import NOW, person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReadPolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, report
from resident_memory import resident_bytes

MEBIBYTE = 1 << 20
ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
KEYS = ring(ANNA)
CONTENT = b"Content-Type: text/plain\r\n\r\n" + b"All is well.\r\n" * 1000


def mail(cms: bytes, kind: str = "signed-data") -> bytes:
    head = f"From: anna@example.org\r\nContent-Type: application/pkcs7-mime; smime-type={kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64_lines(cms)


def signed(*extra: bytes, signers: bytes = b"", content: bytes = CONTENT) -> bytes:
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(content)))
    inside = der.sequence(der.integer(1), der.set_of(()), inner, *extra, der.element(0x31, signers))
    return der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside))


def enveloped(recipients: bytes, content: bytes = b"x" * 16) -> bytes:
    cipher = der.sequence(der.oid(oids.AES256_CBC), der.octet_string(b"x" * 16))
    held = der.sequence(der.oid(oids.DATA), cipher, der.element(0x80, content))
    inside = der.sequence(der.integer(0), der.element(0x31, recipients), held)
    return der.sequence(der.oid(oids.ENVELOPED_DATA), der.explicit(0, inside))


def recipient(padding: int = 256) -> bytes:
    algorithm = der.sequence(der.oid(oids.RSA), der.NULL)
    return der.sequence(der.integer(0), person("rsa").certificate.names[0], algorithm, der.octet_string(b"x" * padding))


def test_content_is_no_overhead():
    """A large content is read with little beside it, and what is beside it is counted."""
    large = sign_cms(bytes(12 * MEBIBYTE), [SIGNER], NOW)
    found = read_cms(large)
    assert isinstance(found, SignedData)
    assert 0 < found.overhead_bytes < 3000
    sealed = read_cms(encrypt_cms(bytes(12 * MEBIBYTE), [addressee(ANNA.certificate)]))
    assert isinstance(sealed, Enveloped)
    assert 0 < sealed.overhead_bytes < 1000


@pytest.mark.parametrize(
    "made",
    [
        lambda: signed(der.element(0xA0, ANNA.certificate.encoded), der.element(0xA1, der.octet_string(bytes(11 * MEBIBYTE)))),
        lambda: signed(der.element(0xA0, der.octet_string(bytes(11 * MEBIBYTE)))),
        lambda: enveloped(recipient(60_000) * 200),
        lambda: enveloped(der.element(0xA3, bytes(11 * MEBIBYTE))),
    ],
    ids=["lists", "certificates", "recipients", "other recipients"],
)
def test_more_than_10_mebibytes_beside_the_content_are_refused(made):
    """As too large, whatever they are."""
    found = read_cms(made())
    assert isinstance(found, Fault)
    assert found.kind == "too-large"


@pytest.mark.parametrize(
    ("limits", "made"),
    [
        (Limits(certificates=2), lambda: signed(der.element(0xA0, ANNA.certificate.encoded * 3))),
        (Limits(certificates=2), lambda: signed(der.element(0xA1, der.NULL * 3))),
        (Limits(signers=1), lambda: sign_cms(CONTENT, [SIGNER, SIGNER], NOW)),
        (Limits(recipients=2), lambda: enveloped(recipient() * 3)),
        (Limits(overhead_bytes=200), lambda: sign_cms(CONTENT, [SIGNER], NOW)),
        (Limits(overhead_bytes=200), lambda: encrypt_cms(CONTENT, [addressee(person("rsa").certificate)])),
        (Limits(size_bytes=10_000), lambda: sign_cms(CONTENT, [SIGNER], NOW)),
    ],
    ids=["certificates", "lists", "signers", "recipients", "signed overhead", "enveloped overhead", "size"],
)
def test_each_number_is_a_limit_of_its_own(limits, made):
    """One more than allowed is refused as too large; with the defaults the same object is read."""
    data = made()
    found = read_cms(data, limits)
    assert isinstance(found, Fault)
    assert found.kind == "too-large"
    assert not isinstance(read_cms(data), Fault)


def test_overhead_is_counted_over_all_layers():
    """Four layers of three mebibytes each are more than ten: the last one is refused, and says why."""
    cms = CONTENT
    for _ in range(4):
        layer = signed(der.element(0xA1, der.octet_string(bytes(3 * MEBIBYTE))), content=cms)
        cms = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: binary\r\n\r\n" + layer
    reading = read(b"From: anna@example.org\r\n" + cms)
    assert [layer.fault for layer in reading.layers[:3]] == [None] * 3
    assert reading.layers[3].fault is not None
    assert reading.layers[3].fault.kind == "too-large"
    assert "limit-exceeded" in reading.all_findings
    assert report(reading, Asked(NOBODY, NOW)).verdict == "broken"


def test_the_policy_of_one_mail_is_not_the_next_ones():
    """What one mail's layers used up is not missing for another."""
    policy = ReadPolicy()
    raw = mail(sign_cms(CONTENT, [SIGNER], NOW))
    for _ in range(3):
        assert read(raw, None, policy).layers[0].intact
    assert policy == ReadPolicy()


class Nobody:
    def beside(self, *_: object) -> object:
        raise AssertionError("nobody is asked about a broken mail")


NOBODY = Nobody()

COUNT = 40_000
HOSTILE = {
    "lists of eleven mebibytes": lambda: mail(signed(der.element(0xA1, der.octet_string(bytes(11 * MEBIBYTE))))),
    "lists of nine mebibytes, signed": lambda: mail(_signed_with(der.element(0xA1, _vast_list(9 * MEBIBYTE)))),
    "a thousand certificates": lambda: mail(signed(der.element(0xA0, ANNA.certificate.encoded * 1000))),
    "five hundred certificates": lambda: mail(_signed_with(b"", extra=ANNA.certificate.encoded * 499)),
    "thousands of signers": lambda: mail(signed(signers=b"\x30\x00" * COUNT)),
    "thousands of recipients": lambda: mail(enveloped(recipient() * 5001), "enveloped-data"),
    "recipients of sixty kilobytes": lambda: mail(enveloped(recipient(60_000) * 160), "enveloped-data"),
    "an agreement of thousands": lambda: mail(enveloped(der.element(0xA1, b"\x02\x01\x03" + bytes(9 * MEBIBYTE))), "enveloped-data"),
    "layers without end": lambda: _wrapped(400),
    "layers of overhead": lambda: _wrapped(8, der.element(0xA1, der.octet_string(bytes(MEBIBYTE)))),
    "eleven mebibytes that open": lambda: mail(b"\x30\x80" * (11 * MEBIBYTE // 2)),
    "eleven mebibytes of pieces": lambda: mail(_in_pieces(11 * MEBIBYTE // 6)),
    "a detached signature of eleven mebibytes": lambda: _detached(der.element(0xA1, der.octet_string(bytes(11 * MEBIBYTE)))),
    "base64 that is none": lambda: mail(b"")[:-2] + b"=" * (8 * MEBIBYTE),
    "a certificate of nine mebibytes": lambda: mail(signed(der.element(0xA0, der.sequence(bytes(9 * MEBIBYTE))))),
}


def _vast_list(size: int) -> bytes:
    issuer = x509.load_der_x509_certificate(ANNA.certificate.encoded).issuer.public_bytes()
    algorithm = der.sequence(der.oid(oids.SHA256_WITH_RSA), der.NULL)
    time_ = b"\x17\x0d261124120000Z"
    entry = der.sequence(der.integer(7), time_)
    body = der.sequence(der.integer(1), algorithm, issuer, time_, b"\x17\x0d271124120000Z", der.sequence(entry * (size // len(entry))))
    return der.sequence(body, algorithm, der.bit_string(bytes(256)))


def _signed_with(lists: bytes, extra: bytes = b"") -> bytes:
    """Put lists and certificates into a signature that is intact."""
    outer = cursor_on(sign_cms(CONTENT, [SIGNER], NOW), Limits()).enter(0x30)
    outer.skip(6)
    inside = outer.enter(0xA0).enter(0x30)
    version, digests, content, _, signers = (inside.raw() for _ in range(5))
    whole = der.sequence(version, digests, content, der.element(0xA0, ANNA.certificate.encoded + extra), lists, signers)
    return der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, whole))


def _wrapped(times: int, *extra: bytes) -> bytes:
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    raw = CONTENT
    for _ in range(times):
        raw = head + signed(*extra, content=raw)
    return b"From: anna@example.org\r\n" + raw


def _in_pieces(count: int) -> bytes:
    cipher = der.sequence(der.oid(oids.AES256_CBC), der.octet_string(b"x" * 16))
    held = der.sequence(der.oid(oids.DATA), cipher, der.element(0xA0, b"\x04\x04xxxx" * count))
    key = der.sequence(der.integer(0), ANNA.certificate.names[0], der.sequence(der.oid(oids.RSA), der.NULL), der.octet_string(bytes(256)))
    inside = der.sequence(der.integer(0), der.element(0x31, key), held)
    return der.sequence(der.oid(oids.ENVELOPED_DATA), der.explicit(0, inside))


def _detached(extra: bytes) -> bytes:
    inside = der.sequence(der.integer(1), der.set_of(()), der.sequence(der.oid(oids.DATA)), extra, der.set_of(()))
    cms = der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside))
    head = b'From: anna@example.org\r\nContent-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n--b\r\n'
    part = b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + CONTENT + part + base64_lines(cms) + b"\r\n--b--\r\n"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_answered_within_a_second_and_64_mebibytes(name, tmp_path):
    """In a process of its own: no exception, nothing valid or decrypted, and neither time nor memory beyond the mail's own."""
    path = tmp_path / "mail"
    path.write_bytes(HOSTILE[name]())
    command = [sys.executable, __file__, str(path)]
    folders = [str(Path(__file__).parents[2]), *sys.path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(folders)})
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["verdict"] in ("broken", "unsigned", "unverifiable", "valid_untrusted"), found
    assert found["release"] in ("plain", "closed"), found
    assert found["seconds"] < 1.0, found
    assert found["mebibytes"] < 64, found


def measure(path: Path) -> dict[str, object]:
    """Judge one mail and tell what it cost, the first use of everything left out."""
    trust = PathTrust(Validator(()))
    small = read(mail(sign_cms(CONTENT, [SIGNER], NOW)), KEYS)
    report(small, Asked(trust, NOW))
    raw = path.read_bytes()
    before, started = resident_bytes(), time.process_time()
    verdict = report(read(raw, KEYS), Asked(trust, NOW)).verdict
    release = open_mail(raw, KEYS).release
    spent, peak = time.process_time() - started, resident_bytes("VmHWM")
    return {"verdict": verdict, "release": release, "seconds": spent, "mebibytes": (peak - before) / MEBIBYTE}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
