# SPDX-License-Identifier: Apache-2.0
"""Other programs that speak CMS: openssl, GnuPG's gpgsm, Bouncy Castle. Each signs, verifies, encrypts and decrypts one content.

An operation gives bytes or raises `PeerSaid` with the program's own words.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cms_people import Person, authority
from gatepost.encryption.cms.scheme import Scheme

_JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("bcmail", "bcpkix", "bcprov", "bcutil", "javax.mail", "javax.activation")]
T = TypeVar("T")
_TIMEOUT_S = 60
_JAVA_NAMES = {
    ("rsa-pkcs1", "sha256"): "SHA256withRSA",
    ("rsa-pkcs1", "sha384"): "SHA384withRSA",
    ("rsa-pkcs1", "sha512"): "SHA512withRSA",
    ("rsa-pss", "sha256"): "SHA256withRSAandMGF1",
    ("rsa-pss", "sha384"): "SHA384withRSAandMGF1",
    ("rsa-pss", "sha512"): "SHA512withRSAandMGF1",
    ("ecdsa", "sha256"): "SHA256withECDSA",
    ("ecdsa", "sha384"): "SHA384withECDSA",
    ("ecdsa", "sha512"): "SHA512withECDSA",
    ("ed25519", "sha512"): "Ed25519",
}


class PeerSaid(Exception):
    """What the peer said when it did not do it."""


class Peer(Protocol):
    """Another program; `detached` verification gives b''."""

    name: str

    def sign(self, content: bytes, who: Person, scheme: Scheme) -> bytes: ...
    def verify(self, signed: bytes, content: bytes) -> None: ...
    def encrypt(self, content: bytes, to: Person, cipher: str, way: str) -> bytes: ...
    def decrypt(self, sealed: bytes, who: Person) -> bytes: ...
    def close(self) -> None: ...


class OpenSSL:
    """`openssl cms`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = " ".join(subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.split()[:2])
        (folder / "ca.crt").write_bytes(authority()[1].public_bytes(Encoding.PEM))

    def _run(self, *arguments: str | Path, given: bytes) -> bytes:
        (self.folder / "in").write_bytes(given)
        command = ["openssl", "cms", "-in", "in", "-out", "out", "-binary", *arguments]
        answer = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        if answer.returncode:
            raise PeerSaid(answer.stderr.strip().splitlines()[-1][-150:])
        return (self.folder / "out").read_bytes()

    def sign(self, content: bytes, who: Person, scheme: Scheme) -> bytes:
        certificate, key = who.files(self.folder)
        options = (
            ["-keyopt", "rsa_padding_mode:pss", "-keyopt", f"rsa_pss_saltlen:{scheme.salt_length}"] if scheme.kind == "rsa-pss" else []
        )
        command = ["-sign", "-nodetach", "-outform", "DER", "-signer", certificate, "-inkey", key, "-md", scheme.digest, *options]
        return self._run(*command, given=content)

    def verify(self, signed: bytes, content: bytes) -> None:
        if self._run("-verify", "-inform", "DER", "-CAfile", "ca.crt", given=signed) != content:
            raise PeerSaid("another content")

    def encrypt(self, content: bytes, to: Person, cipher: str, way: str) -> bytes:
        certificate, _ = to.files(self.folder)
        options = []
        if way.startswith("oaep-"):
            digest = way.removeprefix("oaep-")
            options = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{digest}", "-keyopt", f"rsa_mgf1_md:{digest}"]
        elif way.startswith("sha"):
            options = ["-keyopt", f"ecdh_kdf_md:{way}"]
        return self._run("-encrypt", "-outform", "DER", f"-{cipher}", "-recip", certificate, *options, given=content)

    def decrypt(self, sealed: bytes, who: Person) -> bytes:
        certificate, key = who.files(self.folder)
        return self._run("-decrypt", "-inform", "DER", "-recip", certificate, "-inkey", key, given=sealed)

    def close(self) -> None:
        """Nothing runs between two operations."""


class Gpgsm:
    """GnuPG's gpgsm, with a home of its own; it chooses schemes and key transport itself."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.folder = folder
        said = subprocess.run(["gpgsm", "--version"], capture_output=True, text=True, check=True).stdout.split()
        self.name = f"gpgsm {said[2]}"
        ca = authority()[1]
        (self.home / "trustlist.txt").write_text(f"{_sha1(ca)} S relax\n")
        (self.home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-policy-checks\nbatch\nno-tty\npinentry-mode loopback\n")
        (self.home / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
        self._run("--import", given=ca.public_bytes(Encoding.DER))
        self.have: dict[str, str] = {}

    def _run(self, *arguments: str, given: bytes) -> bytes:
        reading, writing = os.pipe()
        command = ["gpgsm", "--homedir", str(self.home), "--passphrase-fd", str(reading), *arguments]
        os.write(writing, b"x\n")
        os.close(writing)
        try:
            answer = subprocess.run(command, input=given, capture_output=True, pass_fds=[reading], check=False, timeout=_TIMEOUT_S)
        finally:
            os.close(reading)
        if answer.returncode:
            lines = [line for line in answer.stderr.decode(errors="replace").splitlines() if "warning" not in line.lower()]
            raise PeerSaid((lines or ["no word"])[-1].removeprefix("gpgsm: ")[-150:])
        return answer.stdout

    def _import(self, who: Person) -> str:
        """Have the person's key; give how gpgsm calls it."""
        if who.name not in self.have:
            self._run("--import", given=who.certificate.encoded)
            named = _sha1(x509.load_der_x509_certificate(who.certificate.encoded))
            listed = self._run("--with-keygrip", "--with-colons", "--list-keys", named, given=b"").decode()
            grips = [line.split(":")[9] for line in listed.splitlines() if line.startswith("grp:")]
            # Straight into the agent's folder: importing PKCS#12 with a curve's key ends gpgsm 2.2.40 with a signal.
            folder = self.home / "private-keys-v1.d"
            folder.mkdir(mode=0o700, exist_ok=True)
            (folder / f"{grips[0]}.key").write_bytes(_secret_expression(who.secret))
            self.have[who.name] = named
        return self.have[who.name]

    def sign(self, content: bytes, who: Person, scheme: Scheme) -> bytes:
        if scheme.kind == "rsa-pss":
            raise PeerSaid("(it has no option for RSASSA-PSS)")
        return self._run("--sign", "--digest-algo", scheme.digest, "--local-user", self._import(who), given=content)

    def sign_beside(self, content: bytes, who: Person) -> bytes:
        """Sign detached."""
        return self._run("--detach-sign", "--digest-algo", "sha256", "--local-user", self._import(who), given=content)

    def verify(self, signed: bytes, content: bytes) -> None:
        if self.verified(signed) not in (content, b""):
            raise PeerSaid("another content")

    def verified(self, signed: bytes) -> bytes:
        """Verify, and give the content."""
        return self._run("--output", "-", "--verify", given=signed)

    def verify_beside(self, signature: bytes, content: bytes) -> None:
        """Verify a detached signature."""
        (self.folder / "signature").write_bytes(signature)
        self._run("--verify", str(self.folder / "signature"), "-", given=content)

    def encrypt(self, content: bytes, to: Person, cipher: str, way: str) -> bytes:
        if cipher.endswith("gcm") or way.startswith("oaep"):
            raise PeerSaid("(it has no option for GCM)" if cipher.endswith("gcm") else "(it has no option for OAEP)")
        self._run("--import", given=to.certificate.encoded)
        named = _sha1(x509.load_der_x509_certificate(to.certificate.encoded))
        if way.startswith("hkdf"):
            raise PeerSaid("(it has no X25519 in CMS)")
        names = {"aes-128-cbc": "AES", "aes-192-cbc": "AES192", "aes-256-cbc": "AES256"}
        return self._run("--encrypt", "--cipher-algo", names[cipher], "--recipient", named, given=content)

    def decrypt(self, sealed: bytes, who: Person) -> bytes:
        self._import(who)
        return self._run("--decrypt", given=sealed)

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], capture_output=True, check=False)


class BouncyCastle:
    """Bouncy Castle for Java; one process that does all operations."""

    PROGRAM = "BouncyCms.java"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        version = _JARS[0].resolve().stem.removeprefix("bcmail-")
        self.name = f"Bouncy Castle {version}"
        source = Path(__file__).parent / "interop" / self.PROGRAM
        command = ["java", "-Xshare:auto", "-cp", ":".join(map(str, _JARS)), str(source)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def _do(self, *job: str | Path) -> None:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin and stdout
        stdin.write("\t".join(map(str, job)) + "\n")
        stdin.flush()
        answer = stdout.readline().strip()
        if answer != "ok":
            raise PeerSaid(answer[:150] or "it ended")

    def _file(self, name: str, given: bytes = b"") -> Path:
        path = self.folder / name
        path.write_bytes(given)
        return path

    def _keys(self, who: Person) -> tuple[Path, Path]:
        secret = who.secret.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return self._file("bc.crt", who.certificate.encoded), self._file("bc.key", secret)

    def sign(self, content: bytes, who: Person, scheme: Scheme) -> bytes:
        algorithm = _JAVA_NAMES[scheme.kind, scheme.digest]
        self._do("sign", self._file("in", content), self._file("out"), *self._keys(who), algorithm, "opaque")
        return (self.folder / "out").read_bytes()

    def verify(self, signed: bytes, content: bytes) -> None:
        self._do("verify", self._file("in", signed), "")

    def encrypt(self, content: bytes, to: Person, cipher: str, way: str) -> bytes:
        self._do("encrypt", self._file("in", content), self._file("out"), self._keys(to)[0], cipher, way)
        return (self.folder / "out").read_bytes()

    def decrypt(self, sealed: bytes, who: Person) -> bytes:
        self._do("decrypt", self._file("in", sealed), self._file("out"), *self._keys(who))
        return (self.folder / "out").read_bytes()

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(_TIMEOUT_S)
        if self.process.stdout:
            self.process.stdout.close()


def _secret_expression(secret: object) -> bytes:
    """Write a private key as libgcrypt keeps it."""
    if isinstance(secret, rsa.RSAPrivateKey):
        numbers = secret.private_numbers()
        # libgcrypt wants p < q, and u = 1/p mod q.
        p, q = sorted((numbers.p, numbers.q))
        public = numbers.public_numbers
        parts = {"n": public.n, "e": public.e, "d": numbers.d, "p": p, "q": q, "u": pow(p, -1, q)}
        return _expression("rsa", {name: number.to_bytes(number.bit_length() // 8 + 1) for name, number in parts.items()})
    if not isinstance(secret, ec.EllipticCurvePrivateKey):
        raise PeerSaid("(it has no such keys in CMS)")
    size = (secret.curve.key_size + 7) // 8
    point = secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    curve = f"NIST P-{secret.curve.key_size}".encode()
    return _expression("ecc", {"curve": curve, "q": point, "d": secret.private_numbers().private_value.to_bytes(size)})


def _expression(kind: str, parts: dict[str, bytes]) -> bytes:
    inside = b"".join(b"(%d:%s%d:%s)" % (len(name), name.encode(), len(value), value) for name, value in parts.items())
    return b"(11:private-key(%d:%s%s))" % (len(kind), kind.encode(), inside)


def _sha1(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


HAS_OPENSSL = shutil.which("openssl") is not None
HAS_GPGSM = shutil.which("gpgsm") is not None and shutil.which("gpg-agent") is not None
HAS_BOUNCY_CASTLE = shutil.which("javac") is not None and all(jar.exists() for jar in _JARS)
"""It is written in source, so it takes a whole JDK."""


def peers_at_hand(folder: Path) -> list[Peer]:
    """Start every peer that this machine has."""
    return started(folder, ((OpenSSL, HAS_OPENSSL), (Gpgsm, HAS_GPGSM), (BouncyCastle, HAS_BOUNCY_CASTLE)))


def started(folder: Path, kinds: Iterable[tuple[Callable[[Path], T], bool]]) -> list[T]:
    """Start those that are there, each in a folder of its own."""
    found: list[T] = []
    for kind, there in kinds:
        if there:
            own = folder / kind.__name__
            own.mkdir(parents=True)
            found.append(kind(own))
    return found
