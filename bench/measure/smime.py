# SPDX-License-Identifier: Apache-2.0
"""What a whole S/MIME mail costs: signed, encrypted, decrypted and verified, beside the bare key and other ways to do it, in one run.

    bench/smime [--quick] [--json]

DESCRIPTION. Bytes of a mail in, bytes of a mail or a verdict out, in one process on one core; RSA-2048, SHA-256, AES-256-GCM; mails of
4 KB, once a plain letter and once text, HTML and an attachment, eight of each by turns so that no mail is seen twice in a row; and 5 MB.
A certificate's path is remembered, its revocation good. `ours` and another take turns in short rounds; of each the time per call that
a tenth of its rounds keep within, for load from others only slows. `key` is the bare RSA operation in the library, `openssl speed`
what the machine's openssl does alone, `process` one `openssl cms` for each mail (elapsed time). `peer` is for encrypting the library's
own PKCS#7 envelope (AES-256-CBC, the only kind it has, and no mail around it); for verifying a program on the standard library's mail
parser, asn1crypto and the library's key, `peer cms` that program without the mail: content and signature are handed to it.
"""

import argparse
import datetime
import email
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_GCM
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, sign
from mime import sample

NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(1)
SMALL, LARGE = 4_096, 5_242_880
GOALS = {"sign": ("openssl speed", 0.85), "decrypt": ("key", 0.90), "encrypt": ("peer", 0.70), "verify": ("peer", 1.0)}
"""At 4 KB: how fast we are at least, as a part of the other's speed."""
LARGE_GOAL = 100e6
"""Bytes a second of 5 MB, each task."""
_MAILS = 8
_PKCS1, _SHA256 = padding.PKCS1v15(), hashes.SHA256()
_GCM = EncryptAs(AES256_GCM)
_OPAQUE = SignAs("opaque")
Calls = dict[str, Callable[[], object]]


class Bench:
    """A sender with his key, certificate and authority, for ourselves and for the others."""

    def __init__(self, folder: Path) -> None:
        authority, self.key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        root, self.library = _certificates(authority, self.key)
        self.certificate = Certificate(self.library.public_bytes(Encoding.DER))
        self.signer = Signer(LocalKey(self.key), self.certificate, Scheme("rsa-pkcs1", "sha256"))
        made = addressee(self.certificate)
        assert isinstance(made, Addressee)
        self.addressee = made
        self.ring = KeyIndex()
        self.ring.add(self.certificate, LocalKey(self.key))
        source = Collected([_revocation_list(root, authority)])
        self.asked = Asked(PathTrust(Validator([Certificate(root.public_bytes(Encoding.DER))], source)), NOW)
        self.folder = folder
        (folder / "crt").write_bytes(self.library.public_bytes(Encoding.PEM))
        (folder / "key").write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def tasks(self, mails: list[bytes]) -> dict[str, Calls]:
        """Give for each task who does it."""
        signed = [_bytes(sign(mail, [self.signer], NOW)) for mail in mails]
        opaque = [_bytes(sign(mail, [self.signer], NOW, _OPAQUE)) for mail in mails]
        sealed = [_bytes(encrypt(mail, [self.addressee], _GCM)) for mail in mails]
        public = self.key.public_key()
        wrapped, signature = public.encrypt(b"k" * 32, _PKCS1), self.key.sign(b"x" * 300, _PKCS1, _SHA256)
        for name, content in (("content", mails[0]), ("signed", signed[0]), ("sealed", sealed[0])):
            (self.folder / name).write_bytes(content)
        envelope = pkcs7.PKCS7EnvelopeBuilder().add_recipient(self.library).set_content_encryption_algorithm(algorithms.AES256)

        def key_signs() -> object:
            return self.key.sign(b"x" * 300, _PKCS1, _SHA256)

        tasks: dict[str, Calls] = {
            "sign": {"ours": _over(mails, lambda mail: sign(mail, [self.signer], NOW)), "key": key_signs},
            "sign opaque": {"ours": _over(mails, lambda mail: sign(mail, [self.signer], NOW, _OPAQUE)), "key": key_signs},
            "verify": {"ours": _over(signed, self.verify), "key": lambda: public.verify(signature, b"x" * 300, _PKCS1, _SHA256)},
            "verify opaque": {"ours": _over(opaque, self.verify)},
            "encrypt": {
                "ours": _over(mails, lambda mail: encrypt(mail, [self.addressee], _GCM)),
                "key": lambda: public.encrypt(b"k" * 32, _PKCS1),
                "peer": _over(mails, lambda mail: envelope.set_data(mail).encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])),
            },
            "decrypt": {"ours": _over(sealed, self.decrypt), "key": lambda: self.key.decrypt(wrapped, _PKCS1)},
        }
        if _hasasn1crypto_verifies():
            apart = [_apart(mail) for mail in signed]
            tasks["verify"]["peer"] = _over(signed, lambda mail: asn1crypto_verifies(*_apart(mail), public))
            tasks["verify"]["peer cms"] = _over(apart, lambda both: asn1crypto_verifies(*both, public))
        return tasks

    def verify(self, mail: bytes) -> None:
        """Judge a mail, down to the verdict."""
        found = report(read(mail), self.asked)
        assert found.verdict == "valid_bound" and found.revocation == "good", found

    def decrypt(self, mail: bytes) -> None:
        """Open a mail."""
        found = open_mail(mail, self.ring)
        assert found.release == "authenticated", found.reason

    def process_us(self, task: str, rounds: int) -> float:
        """Give the best elapsed time of one process for one mail."""
        signer, reader = ["-signer", "crt", "-inkey", "key"], ["-recip", "crt", "-inkey", "key"]
        arguments = {
            "sign": ["-sign", "-binary", "-in", "content", *signer],
            "sign opaque": ["-sign", "-nodetach", "-binary", "-in", "content", *signer],
            "verify": ["-verify", "-noverify", "-in", "signed"],
            "verify opaque": ["-verify", "-noverify", "-in", "signed"],
            "encrypt": ["-encrypt", "-binary", "-in", "content", "-aes-256-gcm", "-recip", "crt"],
            "decrypt": ["-decrypt", "-in", "sealed", *reader],
        }[task]
        best = float("inf")
        for _ in range(rounds):
            started = time.perf_counter()
            subprocess.run(["openssl", "cms", *arguments, "-out", "out"], cwd=self.folder, check=True, capture_output=True)
            best = min(best, time.perf_counter() - started)
        return best * 1e6


def _certificates(authority: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey) -> tuple[x509.Certificate, x509.Certificate]:
    issuer, of_issuer = _name("Bench Root"), x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    builder = x509.CertificateBuilder(issuer, issuer, authority.public_key(), 1, NOW - DAY, NOW + 900 * DAY)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), False)
    root = builder.add_extension(x509.BasicConstraints(True, None), True).sign(authority, _SHA256)
    builder = x509.CertificateBuilder(issuer, _name("Bench Sender"), key.public_key(), 2, NOW - DAY, NOW + 900 * DAY)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False).add_extension(of_issuer, False)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name("sender@example.net")]), False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return root, builder.sign(authority, _SHA256)


def _revocation_list(root: x509.Certificate, authority: rsa.RSAPrivateKey) -> bytes:
    builder = x509.CertificateRevocationListBuilder(root.subject, NOW - DAY, NOW + DAY).add_extension(x509.CRLNumber(1), False)
    return builder.sign(authority, _SHA256).public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def letter(size_bytes: int) -> bytes:
    """Make a plain mail of about this size, with the header of a sender and one relay."""
    head = sample(SMALL).split(b"Received:")[-1].partition(b"\r\nDKIM-Signature")
    addressed = head[2][head[2].index(b"\r\nFrom:") : head[2].index(b"Content-Type")]
    head_bytes = b"Received:" + head[0] + addressed + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    line = b"The lantern on the bridge is lit at dusk and put out again when the river wakes.\r\n"
    return head_bytes + line * ((size_bytes - len(head_bytes)) // len(line))


def _varied(mail: bytes, number: int) -> bytes:
    """Give a mail that differs where mails of one sender do: in identifier, boundary and text."""
    varied = mail.replace(b"Message-ID: <2026", b"Message-ID: <%d2026" % number).replace(b"=_outer_", b"=_%d_" % number)
    return varied.replace(b"lantern", b"candle%d" % number, 1)


def _over(things: list, call: Callable) -> Callable[[], object]:
    """Give a call that takes the next of these each time."""
    following = cycle(things).__next__
    return lambda: call(following())


def _bytes(written: object) -> bytes:
    assert isinstance(written, bytes), written
    return written


def _hasasn1crypto_verifies() -> bool:
    try:
        import asn1crypto.cms  # noqa: F401
    except ImportError:
        return False
    return True


def _apart(mail: bytes) -> tuple[bytes, bytes]:
    """Do what a program on the standard library does: the signed content's octets, and the signature."""
    parsed = email.message_from_bytes(mail)
    _, signature = parsed.get_payload()
    boundary = b"\r\n--" + parsed.get_boundary().encode()
    start = mail.index(boundary) + len(boundary) + 2
    return mail[start : mail.index(boundary, start)], signature.get_payload(decode=True)


def asn1crypto_verifies(content: bytes, signature: bytes, key: rsa.RSAPublicKey) -> None:
    """Do what a program on asn1crypto does to verify."""
    from asn1crypto import cms

    data = cms.ContentInfo.load(signature)["content"]
    [info] = data["signer_infos"]
    name = info["sid"].chosen
    [certificate] = [one.chosen for one in data["certificates"] if one.chosen.serial_number == name["serial_number"].native]
    assert certificate.issuer.dump() == name["issuer"].dump()
    attributes = {one["type"].native: one["values"] for one in info["signed_attrs"]}
    assert attributes["message_digest"][0].native == hashlib.sha256(content).digest()
    assert attributes["content_type"][0].native == "data"
    key.verify(info["signature"].native, info["signed_attrs"].untag().dump(), _PKCS1, _SHA256)


def speed_us() -> float:
    """Give what `openssl speed` takes for one signature; the best of three, as load from others only slows."""
    best = float("inf")
    for _ in range(3):
        said = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"rsa +2048 bits +\S+ +\S+ +([0-9.]+)", said)
        assert found, said
        best = min(best, 1e6 / float(found[1]))
    return best


def turns_us(calls: Calls, seconds: float, size: int) -> dict[str, float]:
    """Give each call's time, all by turns in rounds of about two milliseconds: the tenth part of them that were quickest."""
    number, clock = 8 if size == SMALL else 1, time.perf_counter_ns
    found: dict[str, list[int]] = {name: [] for name in calls}
    ends = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < ends or len(found["ours"]) < 10:
        for name, call in calls.items():
            started = clock()
            for _ in range(number):
                call()
            found[name].append(clock() - started)
    return {name: sorted(times)[len(times) // 10] / number / 1e3 for name, times in found.items()}


def judged(task: str, kind: str, size: int, found: dict[str, float]) -> dict[str, object]:
    """Put a row together and compare it with its goal."""
    row: dict[str, object] = {"task": task, "mail": kind, "size_bytes": size}
    row.update({f"{who.replace(' ', '_')}_us": round(us, 1) for who, us in found.items()})
    row["bytes_per_s"], row["reached"] = round(size / found["ours"] * 1e6), None
    against, goal = GOALS.get(task, ("", 0.0))
    if size >= LARGE // 2:
        row.update(against="bytes/s", goal=LARGE_GOAL, reached=size / found["ours"] * 1e6 >= LARGE_GOAL)
    elif against in found:
        ratio = found[against] / found["ours"]
        row.update(against=against, ratio=round(ratio, 3), goal=goal, reached=ratio >= goal)
    return row


def told(row: dict[str, object]) -> str:
    """Write a row for people."""
    times = "  ".join(f"{name[:-3]} {value}" for name, value in row.items() if name.endswith("_us"))
    goal = ""
    if row["reached"] is not None:
        have, want = (row["ratio"], row["goal"]) if "ratio" in row else (f"{row['bytes_per_s'] / 1e6:.0f}", "100 MB/s")  # type: ignore[operator]
        goal = f"  {have} of {want} ({row['against']}): {'reached' if row['reached'] else 'short'}"
    return f"{row['task']:>13} {row['mail']:>6} {row['size_bytes']:>8} bytes  us: {times}{goal}"


def main() -> int:
    """Print the rows; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for kind, make in (("letter", letter), ("parts", sample)):
            for size in (SMALL, LARGE):
                mails = [_varied(make(size), number) for number in range(_MAILS if size == SMALL else 1)]
                for task, calls in bench.tasks(mails).items():
                    found = turns_us(calls, 0.4 if options.quick else 2.0, size)
                    if task == "sign" and size == SMALL:
                        found["openssl speed"] = speed_us()
                    found["process"] = bench.process_us(task, 3 if options.quick else 15)
                    rows.append(judged(task, kind, len(mails[0]), found))
                    print(told(rows[-1]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"benchmark": "smime", "rows": rows}))
    return 0 if all(row["reached"] is not False for row in rows) else 1
