# SPDX-License-Identifier: Apache-2.0
"""What a certificate path costs: remembered, anew with its certificates known, and wholly new, beside two libraries.

    .venv/bin/python bench/paths.py [--quick] [--json]

DESCRIPTION. A person, an issuer, a root; P-256 and RSA-2048; two revocation lists of 10,000 entries each. `remembered` is the second
question about the same certificate; `known` a new validator, so that the path is built and walked again while signatures are remembered;
`new` a certificate that was never seen, one for each call. `library` is `cryptography.x509.verification`, which asks nobody about
revocation; `pyhanko` is pyhanko-certvalidator with the same lists, where it is installed. Microseconds of which half the calls keep
within; GOAL: remembered at most 5.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOAL_MICROSECONDS = 5.0
KINDS: dict[str, Callable[[], ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA-2048": lambda: rsa.generate_private_key(65537, 2048),
}


class House:
    """A root, an issuer below it, persons below that, and their lists."""

    def __init__(self, kind: str, persons: int, entries: int) -> None:
        self.keys = [KINDS[kind]() for _ in range(3)]
        self.root = self._issue("Root", 0, "Root", 0, 1)
        self.issuer = self._issue("Root", 0, "Issuer", 1, 2)
        self.persons = [self._issue("Issuer", 1, f"Person {number}", 2, 100 + number) for number in range(persons)]
        self.lists = [self._list("Root", 0, entries), self._list("Issuer", 1, entries)]

    def _issue(self, issuer: str, issuer_key: int, subject: str, key: int, serial: int) -> x509.Certificate:
        public = self.keys[key].public_key()
        builder = x509.CertificateBuilder(_name(issuer), _name(subject), public, serial, NOW - 100 * DAY, NOW + 100 * DAY)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.keys[issuer_key].public_key()), False)
        if key < 2:
            builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        else:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name("person@example.com")]), False)
            builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return builder.sign(self.keys[issuer_key], hashes.SHA256())

    def _list(self, issuer: str, key: int, entries: int) -> bytes:
        builder = x509.CertificateRevocationListBuilder(_name(issuer), NOW - DAY, NOW + DAY).add_extension(x509.CRLNumber(1), False)
        entry = x509.RevokedCertificateBuilder(revocation_date=NOW - DAY)
        revoked = [entry.serial_number(2**100 + number).build() for number in range(entries)]
        builder = x509.CertificateRevocationListBuilder(_name(issuer), NOW - DAY, NOW + DAY, builder._extensions, revoked)
        return builder.sign(self.keys[key], hashes.SHA256()).public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _ours(certificate: x509.Certificate) -> Certificate:
    return Certificate(certificate.public_bytes(Encoding.DER))


def median(call: Callable[[int], object], calls: int) -> float:
    """Give the microseconds that half the calls keep within."""
    taken = []
    for number in range(calls):
        begun = time.perf_counter_ns()
        call(number)
        taken.append(time.perf_counter_ns() - begun)
    return statistics.median(taken) / 1000


def measure(kind: str, calls: int, entries: int) -> dict[str, float]:
    """Measure one kind of key."""
    house = House(kind, calls, entries)
    root, issuer, source = _ours(house.root), _ours(house.issuer), Collected(house.lists)
    encoded = [person.public_bytes(Encoding.DER) for person in house.persons]
    validator = Validator([root], source)
    person = Certificate(encoded[0])

    def judge(by: Validator, certificate: Certificate) -> None:
        assert by.validate(certificate, [issuer], NOW).verdict == "trusted"

    judge(validator, person)
    found = {
        "remembered": median(lambda _: validator.validate(person, (), NOW), calls * 10),
        "remembered, from new bytes": median(lambda _: validator.validate(Certificate(bytes(memoryview(encoded[0]))), (), NOW), calls * 10),
        "known": median(lambda _: judge(Validator([root], source), person), calls),
        "new": median(lambda number: judge(validator, Certificate(encoded[number])), calls),
    }
    policy = ExtensionPolicy.permit_all()
    authority = policy.require_present(x509.BasicConstraints, x509.verification.Criticality.AGNOSTIC, None)
    store = Store([house.root])
    verifier = PolicyBuilder().store(store).time(NOW).extension_policies(ca_policy=authority, ee_policy=policy).build_client_verifier()
    parsed = house.issuer
    found["library"] = median(lambda number: verifier.verify(x509.load_der_x509_certificate(encoded[number]), [parsed]), calls)
    peer = _pyhanko(house, encoded)
    if peer is not None:
        found["pyhanko"] = median(peer, min(calls, 100))
    return found


def _pyhanko(house: House, encoded: list[bytes]) -> Callable[[int], object] | None:
    try:
        import pyhanko_certvalidator as library
        from asn1crypto import crl
        from asn1crypto import x509 as peer_x509
    except ImportError:
        return None
    roots = [peer_x509.Certificate.load(house.root.public_bytes(Encoding.DER))]
    others = [peer_x509.Certificate.load(house.issuer.public_bytes(Encoding.DER))]
    lists = [crl.CertificateList.load(one) for one in house.lists]

    def judge(number: int) -> object:
        context = library.ValidationContext(
            trust_roots=roots, other_certs=others, crls=lists, moment=NOW, allow_fetching=False, revocation_mode="require"
        )
        validator = library.CertificateValidator(peer_x509.Certificate.load(encoded[number]), validation_context=context)
        return asyncio.run(validator.async_validate_path())

    return judge


def main() -> int:
    """Print the table; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    calls, entries = (50, 1_000) if arguments.quick else (500, 10_000)
    found = {kind: measure(kind, calls, entries) for kind in KINDS}
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for kind, rows in found.items():
            for row, microseconds in rows.items():
                print(f"{kind:10} {row:28} {microseconds:10.1f} µs")
    missed = [kind for kind, rows in found.items() if rows["remembered"] > GOAL_MICROSECONDS]
    print(f"goal: remembered at most {GOAL_MICROSECONDS} µs: {'missed' if missed else 'met'}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
