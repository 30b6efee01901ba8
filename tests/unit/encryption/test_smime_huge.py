# SPDX-License-Identifier: Apache-2.0
"""Mails of 60 MiB and more: what each operation takes beside the mail itself, and how soon and with how little a hostile one is refused.

Each is measured in a process of its own, by the most memory that it had at once. The kernel's own count of that for a child
(ru_maxrss) begins with its parent's, so it is read from /proc and counted anew before the operation.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path

import pytest

from cms_people import NOW, person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign
from resident_memory import resident_bytes

MEBIBYTE = 1 << 20
SIZE = 60 * MEBIBYTE
ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
KEYS, TO = ring(ANNA), (addressee(ANNA.certificate),)
ASKED = Asked(PathTrust(Validator(())), NOW)
OPAQUE, CBC, GCM = SignAs("opaque"), EncryptAs(AES256_CBC), EncryptAs(AES256_GCM)

LINE = b"The lantern on the bridge is lit at dusk and put out again when the river wakes.\r\n"
FROM = b"From: anna@example.org\r\nSubject: Plan\r\n"
TEXT = b"Content-Type: text/plain\r\n\r\n" + LINE * (SIZE // len(LINE))
PLAIN = FROM + TEXT
FILE = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
PARTS = (
    FROM
    + b'Content-Type: multipart/mixed; boundary="bb"\r\n\r\n--bb\r\n\r\nSee below.\r\n--bb\r\n'
    + FILE
    + base64_lines(bytes(range(256)) * 4096) * 44
    + b"--bb--\r\n"
)


def warm_up() -> None:
    """Do everything once, so that what is loaded only once does not count, and have had large mails before, as a gateway has."""
    for size in (5, 31):
        assert bytearray(size * MEBIBYTE)  # the allocator keeps memory of such sizes from here on
    for raw in (FROM + b"\r\nx\r\n", sign(FROM + b"\r\nx\r\n", (SIGNER,), NOW)):
        open_mail(encrypt(raw, TO), KEYS)
        open_mail(encrypt(raw, TO, GCM), KEYS)
        report(read(sign(raw, (SIGNER,), NOW, OPAQUE)), ASKED)
        report(read(raw), ASKED)
        without_signatures(seal(raw, (SIGNER,), NOW, TO))


def opened(raw: bytes) -> object:
    found = open_mail(raw, KEYS)
    assert found.pieces is not None, found.reason
    return found


def verified(raw: bytes) -> object:
    reading = read(raw)
    assert all(layer.intact for layer in reading.layers)
    assert reading.layers
    return reading, report(reading, ASKED)


def lines_of_lf() -> bytes:
    """Encrypt what somebody wrote without CR."""
    head = b"Content-Type: application/pkcs7-mime; smime-type=authenveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return FROM + head + base64_lines(encrypt_cms(TEXT.replace(b"\r\n", b"\n"), TO, AES256_GCM))


def pieces(kind: bytes, content: bytes) -> bytes:
    """Write a content as BER has it, in pieces of a few octets each."""
    step = 160
    return der.element(kind[0], b"".join(der.element(4, content[at : at + step]) for at in range(0, len(content), step)))


def in_pieces() -> bytes:
    """Make an intact signature over a content that lies in very many pieces."""
    whole = sign_cms(TEXT, (SIGNER,), NOW)
    before, signers = whole.partition(TEXT)[::2]
    version_and_digests = before[before.index(b"\x02\x01") : before.index(der.oid(oids.DATA))].rpartition(b"\x30")[0]
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, pieces(b"\x24", TEXT)))
    return mail(der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, der.sequence(version_and_digests, inner, signers))))


def mail(cms: bytes, kind: bytes = b"signed-data", encoding: bytes = b"base64") -> bytes:
    head = b"Content-Type: application/pkcs7-mime; smime-type=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (kind, encoding)
    return FROM + head + (base64_lines(cms) if encoding == b"base64" else cms)


Task = tuple[Callable[[], bytes], Callable[[bytes], object], float]
"""What makes the mail, what is done with it, and how many times the content that may take beside it."""

TASKS: dict[str, Task] = {
    "sign": (lambda: PARTS, lambda raw: sign(raw, (SIGNER,), NOW), 1.1),
    "sign a letter in 8 bit": (lambda: PARTS.replace(b"See below.", "Grüße".encode()), lambda raw: sign(raw, (SIGNER,), NOW), 1.1),
    "sign opaque": (lambda: PARTS, lambda raw: sign(raw, (SIGNER,), NOW, OPAQUE), 1.5),
    "encrypt under CBC": (lambda: PARTS, lambda raw: encrypt(raw, TO, CBC), 1.5),
    "encrypt under GCM": (lambda: PLAIN, lambda raw: encrypt(raw, TO, GCM), 1.5),
    "sign and encrypt": (lambda: PARTS, lambda raw: seal(raw, (SIGNER,), NOW, TO), 1.5),
    "protect the header": (lambda: PARTS, lambda raw: encrypt(raw, TO, EncryptAs(AES256_GCM, header_protection=True)), 1.5),
    "verify": (lambda: sign(PARTS, (SIGNER,), NOW), verified, 0.1),
    "verify opaque": (lambda: sign(PARTS, (SIGNER,), NOW, OPAQUE), verified, 1.1),
    "verify opaque in pieces": (in_pieces, verified, 1.1),
    "decrypt CBC": (lambda: encrypt(PLAIN, TO, CBC), opened, 1.1),
    "decrypt GCM": (lambda: encrypt(PARTS, TO, GCM), opened, 1.1),
    "decrypt a signed mail": (lambda: seal(PARTS, (SIGNER,), NOW, TO), opened, 1.1),
    "decrypt lines of LF": (lines_of_lf, opened, 1.1),
    "take a signature off": (lambda: sign(PARTS, (SIGNER,), NOW), without_signatures, 0.1),
    "take an opaque signature off": (lambda: sign(PARTS, (SIGNER,), NOW, OPAQUE), without_signatures, 1.1),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_huge_mail_takes_little_beside_itself(name):
    """An object is decoded and opened in one memory, a content that lies in the mail stays there, what is written is made once."""
    answer = measured("tasks", name)
    assert answer["mebibytes"] < TASKS[name][2] * SIZE / MEBIBYTE, answer


def our_recipient() -> bytes:
    algorithm = der.sequence(der.oid(oids.RSA), der.NULL)
    return der.sequence(der.integer(0), person("rsa").certificate.names[0], algorithm, der.octet_string(bytes(256)))


def enveloped(content: bytes) -> bytes:
    cipher = der.sequence(der.oid(oids.AES256_CBC), der.octet_string(b"x" * 16))
    held = der.element(0x30, der.oid(oids.DATA) + cipher + content)
    inside = der.sequence(der.integer(0), der.element(0x31, our_recipient()), held)
    return der.sequence(der.oid(oids.ENVELOPED_DATA), der.explicit(0, inside))


def unsigned_by(*signers: bytes, certificate: bytes = b"") -> bytes:
    """Put signers without signed attributes around the text."""
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(TEXT)))
    held = der.element(0xA0, certificate) if certificate else b""
    inside = der.sequence(der.integer(1), der.set_of(()), inner, held, der.element(0x31, b"".join(signers)))
    return der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside))


def bare_signer(kind: str, algorithm: bytes, signature: bytes) -> bytes:
    name, digest = person(kind).certificate.names[0], der.sequence(der.oid(oids.SHA512))
    return der.sequence(der.integer(1), name, digest, der.sequence(der.oid(algorithm)), der.octet_string(signature))


def changed(data: bytes, place: int) -> bytes:
    octets = bytearray(data)
    octets[place] ^= 1
    return bytes(octets)


def nested(times: int) -> bytes:
    raw = b"Content-Type: text/plain\r\n\r\n" + LINE * (58 * MEBIBYTE // len(LINE))
    for _ in range(times):
        raw = mail(unsigned_around(raw), encoding=b"binary").removeprefix(FROM)
    return FROM + raw


def unsigned_around(content: bytes) -> bytes:
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(content)))
    inside = der.sequence(der.integer(1), der.set_of(()), inner, der.set_of(()))
    return der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside))


CLEAR = FROM + b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
SIGNATURE = b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"


def in_clear(times: int) -> bytes:
    raw = TEXT
    for number in range(times):
        head = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number)
        raw = head + raw + SIGNATURE.replace(b"--b", b"--b%d" % number) + b"MIIC\r\n--b%d--\r\n" % number
    return FROM + raw


BODY = 80 * MEBIBYTE
HOSTILE: dict[str, Callable[[], bytes]] = {
    "a signature that breaks off": lambda: mail(sign_cms(TEXT, (SIGNER,), NOW))[: 60 * MEBIBYTE],
    "an encryption that breaks off": lambda: mail(encrypt_cms(TEXT, TO), b"authenveloped-data")[: 60 * MEBIBYTE],
    "wrong tags behind the content": lambda: mail(sign_cms(TEXT, (SIGNER,), NOW)[:-2000] + b"\x77" * 2000),
    "a changed content": lambda: mail(changed(sign_cms(TEXT, (SIGNER,), NOW), SIZE // 2)),
    "a changed ciphertext": lambda: mail(changed(encrypt_cms(TEXT, TO), SIZE // 2), b"authenveloped-data"),
    "a changed padding": lambda: mail(changed(encrypt_cms(TEXT, TO, AES256_CBC), -1), b"enveloped-data"),
    "a million pieces": lambda: mail(enveloped(der.element(0xA0, (b"\x04\x3a" + b"x" * 58) * 10**6))),
    "half a million endless pieces": lambda: mail(enveloped(b"\xa0\x80" + (b"\x04\x78" + b"x" * 120) * 499_900 + b"\0\0")),
    "garbage at the end": lambda: mail(sign_cms(TEXT, (SIGNER,), NOW))[: -9 * MEBIBYTE] + bytes(range(256)) * 32_768,
    "random base64": lambda: mail(b"") + bytes(product_of_bytes(BODY)),
    "paddings everywhere": lambda: mail(b"") + b"A=" * (BODY // 2),
    "paddings at each line": lambda: mail(b"") + b"AAB=\r\n" * (BODY // 6),
    "paddings alone": lambda: mail(b"") + b"=" * BODY,
    "line ends alone": lambda: mail(b"") + b"\r\n" * (BODY // 2),
    "zeros": lambda: mail(b"") + b"A" * BODY,
    "blanks in quoted-printable": lambda: mail(b"", encoding=b"quoted-printable") + b" \r\n" * (BODY // 3),
    "escapes in quoted-printable": lambda: mail(b"", encoding=b"quoted-printable") + b"=30" * (BODY // 3),
    "16 MiB of blanks in quoted-printable": lambda: mail(b"", encoding=b"quoted-printable") + b" \r\n" * (5 * MEBIBYTE),
    "no object": lambda: mail(bytes(range(256)) * 245_000, encoding=b"8bit"),
    "more than is read": lambda: mail(bytes(range(256)) * 368_640),
    "lines that double": lambda: mail(encrypt_cms(b"\r\n" + b"\n" * SIZE, TO), b"authenveloped-data"),
    "opaque signatures within each other": lambda: nested(3),
    "eight clear signatures": lambda: in_clear(8),
    "a clear signature that is none": lambda: CLEAR + b"--b\r\n" + TEXT + SIGNATURE + b"MIIC\r\n--b--\r\n",
    "a clear signature around an odd header": lambda: CLEAR + b"--b\r\nfoo bar\r\n" + TEXT + SIGNATURE + b"MIIC\r\n--b--\r\n",
    "a header without an end": lambda: FROM + b"X: y\r\n" * (BODY // 6),
    "a detached signature of 60 MiB": lambda: CLEAR + b"--b\r\n\r\nx" + SIGNATURE + base64_lines(bytes(SIZE)) + b"\r\n--b--\r\n",
    "signers over the content itself": lambda: mail(
        unsigned_by(*[bare_signer("rsa", oids.RSA, bytes(255) + b"\2")] * 32, certificate=person("rsa").certificate.encoded)
    ),
    "signers over the content itself, by a key that hashes it": lambda: mail(
        unsigned_by(*[bare_signer("ed25519", oids.ED25519, bytes(64))] * 32, certificate=person("ed25519").certificate.encoded)
    ),
}  # fmt: skip


def product_of_bytes(size: int) -> bytes:
    """Give octets of all values in an order that repeats late."""
    block = bytes(one ^ other for one, other in product(range(256), range(256)))
    return block * (size // len(block))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_huge_hostile_mail_is_answered_within_a_second_and_64_mebibytes(name):
    """No exception, nothing valid or decrypted, and for each of verifying and opening neither more time nor more memory."""
    answer = measured("hostile", name)
    assert answer["verdict"] in ("broken", "unsigned", "unverifiable"), answer
    assert answer["release"] in ("plain", "closed"), answer
    assert max(answer["seconds"]) < 1.0, answer
    assert answer["mebibytes"] < 64, answer


def measured(table: str, name: str) -> dict:
    folders = [str(Path(__file__).parents[2]), *sys.path]
    command = [sys.executable, __file__, table, name]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(folders)})
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def main(table: str, name: str) -> None:
    """Measure one operation and tell what it cost."""
    warm_up()
    told: dict[str, object] = {}
    make, do = (HOSTILE[name], None) if table == "hostile" else TASKS[name][:2]
    raw = make()
    before, spent = resident_bytes(), [time.process_time()]
    if do is not None:
        kept = do(raw)
        assert kept is not None
    else:
        told["verdict"] = report(read(raw, KEYS), ASKED).verdict
        spent.append(time.process_time())
        told["release"] = open_mail(raw, KEYS).release
    spent.append(time.process_time())
    told["seconds"] = [after - earlier for earlier, after in pairwise(spent)]
    told["mebibytes"] = (resident_bytes("VmHWM") - before) / MEBIBYTE
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
