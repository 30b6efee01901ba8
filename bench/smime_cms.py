# SPDX-License-Identifier: Apache-2.0
"""What CMS costs: signing, verifying, encrypting and decrypting beside the bare key and other ways to do it, in one run.

    .venv/bin/python bench/smime_cms.py [--quick] [--json]

DESCRIPTION. RSA-2048, SHA-256, AES-256-GCM; 4 KB, 60 KB and 5 MB of content; one process, the calls by turns, of each the time
that a tenth of its calls keep within. `key` is the bare RSA operation in the library, `openssl speed` what the machine's openssl does
alone, `process` one `openssl cms` for each mail (elapsed time). `peer` is for encrypting the library's own PKCS#7 envelope
(AES-256-CBC, the only kind it has), for verifying asn1crypto with the library's key; without asn1crypto that row has no
goal. Verifying parses the object and checks digest, attributes and signature; the certificate's key is loaded once.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.signed.write import sign
from measure.smime import asn1crypto_verifies

SIZES = (4_096, 61_440, 5_242_880)
NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
GOALS = {"sign": ("openssl speed", 0.85), "decrypt": ("key", 0.90), "encrypt": ("peer", 0.70), "verify": ("peer", 1.0)}
"""At 4 KB: how fast we are at least, as a part of the other's speed."""
LARGE_GOAL = 100e6
"""Bytes a second of 5 MB, each task."""
_PKCS1, _SHA256 = padding.PKCS1v15(), hashes.SHA256()


class Bench:
    """A key with its certificate, for ourselves and for the others."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), 7, NOW, NOW + datetime.timedelta(900))
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
        self.library = builder.sign(self.key, _SHA256)
        self.certificate = Certificate(self.library.public_bytes(Encoding.DER))
        self.signer = Signer(LocalKey(self.key), self.certificate, Scheme("rsa-pkcs1", "sha256"))
        made = addressee(self.certificate)
        assert isinstance(made, Addressee)
        self.addressee = made
        self.ring = KeyIndex()
        self.ring.add(self.certificate, LocalKey(self.key))
        self.folder = folder
        (folder / "crt").write_bytes(self.library.public_bytes(Encoding.PEM))
        (folder / "key").write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def tasks(self, content: bytes) -> dict[str, dict[str, Callable[[], object]]]:
        """Give for each task who does it."""
        signed, sealed = sign(content, [self.signer], NOW, detached=True), encrypt(content, [self.addressee])
        wrapped, signature = self.key.public_key().encrypt(b"k" * 32, _PKCS1), self.key.sign(b"x" * 300, _PKCS1, _SHA256)
        public = self.key.public_key()
        (self.folder / "content").write_bytes(content)
        (self.folder / "signed").write_bytes(signed)
        (self.folder / "sealed").write_bytes(sealed)

        def ours_verify() -> None:
            data = read(signed)
            assert isinstance(data, SignedData)
            [judgement] = verify(data, content)
            assert judgement.verdict == "intact", judgement.reason

        def ours_decrypt() -> None:
            data = read(sealed)
            assert isinstance(data, Enveloped)
            assert isinstance(decrypt(data, self.ring), Decrypted)

        envelope = pkcs7.PKCS7EnvelopeBuilder().add_recipient(self.library).set_content_encryption_algorithm(algorithms.AES256)
        tasks: dict[str, dict[str, Callable[[], object]]] = {
            "sign": {
                "ours": lambda: sign(content, [self.signer], NOW, detached=True),
                "key": lambda: self.key.sign(b"x" * 300, _PKCS1, _SHA256),
            },
            "verify": {"ours": ours_verify, "key": lambda: public.verify(signature, b"x" * 300, _PKCS1, _SHA256)},
            "encrypt": {
                "ours": lambda: encrypt(content, [self.addressee]),
                "key": lambda: public.encrypt(b"k" * 32, _PKCS1),
                "peer": lambda: envelope.set_data(content).encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary]),
            },
            "decrypt": {"ours": ours_decrypt, "key": lambda: self.key.decrypt(wrapped, _PKCS1)},
        }
        asn1crypto = asn1crypto_verify(signed, content, public)
        if asn1crypto:
            tasks["verify"]["peer"] = asn1crypto
        return tasks

    def processes(self) -> dict[str, list[str]]:
        """Give the command of each task."""
        signer, reader = ["-signer", "crt", "-inkey", "key"], ["-recip", "crt", "-inkey", "key"]
        return {
            "sign": ["-sign", "-binary", "-in", "content", "-outform", "DER", *signer],
            "verify": ["-verify", "-binary", "-noverify", "-inform", "DER", "-in", "signed", "-content", "content"],
            "encrypt": ["-encrypt", "-binary", "-in", "content", "-outform", "DER", "-aes-256-gcm", "-recip", "crt"],
            "decrypt": ["-decrypt", "-binary", "-inform", "DER", "-in", "sealed", *reader],
        }

    def process_us(self, task: str, rounds: int) -> float:
        """Give the best elapsed time of one process for one mail."""
        best = float("inf")
        for _ in range(rounds):
            started = time.perf_counter()
            subprocess.run(["openssl", "cms", *self.processes()[task], "-out", "out"], cwd=self.folder, check=True, capture_output=True)
            best = min(best, time.perf_counter() - started)
        return best * 1e6


def asn1crypto_verify(signed: bytes, content: bytes, key: rsa.RSAPublicKey) -> Callable[[], object] | None:
    """Give what a program on asn1crypto does to verify, None where it is not installed."""
    if find_spec("asn1crypto") is None:
        return None

    def check() -> None:
        asn1crypto_verifies(content, signed, key)

    check()
    return check


def speed_us() -> float:
    """Give what `openssl speed` takes for one signature; the best of three, as load from others only slows."""
    best = float("inf")
    for _ in range(3):
        said = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"rsa +2048 bits +\S+ +\S+ +([0-9.]+)", said)
        assert found, said
        best = min(best, 1e6 / float(found[1]))
    return best


def best_us(calls: dict[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Give each call's time, the calls by turns one by one: the tenth part of them that were quickest, as load from others only slows."""
    found: dict[str, list[int]] = {name: [] for name in calls}
    clock, ends = time.perf_counter_ns, time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < ends or len(found["ours"]) < 10:
        for name, call in calls.items():
            started = clock()
            call()
            found[name].append(clock() - started)
    return {name: sorted(times)[len(times) // 10] / 1e3 for name, times in found.items()}


def judged(task: str, size: int, found: dict[str, float]) -> dict[str, object]:
    """Put a row together and compare it with its goal."""
    row: dict[str, object] = {
        "task": task,
        "size_bytes": size,
        **{f"{who.replace(' ', '_')}_us": round(us, 1) for who, us in found.items()},
    }
    row["bytes_per_s"] = round(size / found["ours"] * 1e6)
    row["reached"] = None
    against, goal = GOALS[task]
    if size == SIZES[0] and against in found:
        row.update(
            against=against, ratio=round(found[against] / found["ours"], 3), goal=goal, reached=found[against] / found["ours"] >= goal
        )
    elif size == SIZES[-1]:
        row.update(against="bytes/s", goal=LARGE_GOAL, reached=row["bytes_per_s"] >= LARGE_GOAL)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for size in SIZES:
            for task, calls in bench.tasks(os.urandom(size)).items():
                found = best_us(calls, 0.3 if options.quick else 1.5)
                if task == "sign" and size == SIZES[0]:
                    found["openssl speed"] = speed_us()
                found["process"] = bench.process_us(task, 3 if options.quick else 15)
                rows.append(judged(task, size, found))
                who = "  ".join(f"{name} {us:.1f}" for name, us in found.items())
                verdict = {None: "", True: "reached", False: "MISSED"}[rows[-1]["reached"]]
                goal = (
                    f"  {rows[-1].get('ratio', rows[-1]['bytes_per_s'])} of {rows[-1].get('goal')} ({rows[-1].get('against')}): {verdict}"
                )
                print(f"{task:>8} {size:>8} bytes  us: {who}{goal if verdict else ''}", file=sys.stderr)
    if options.json:
        print(json.dumps({"benchmark": "cms", "rows": rows}))
    return 0 if all(row["reached"] is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
