# SPDX-License-Identifier: Apache-2.0
"""Fuzz what reads, verifies and decrypts CMS and judges certificates: `python tests/fuzz/fuzz_cms.py [-max_total_time=3600] [FOLDER]`.

Needs atheris. Whatever the bytes are, nothing raises; nothing is intact or authenticated that our own keys did not make, and
no certificate trusted that our own authority did not. A crasher that is found becomes a case of the unit tests. It begins with one
object of each kind, made with this run's keys; what it finds worth keeping goes to the folder.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gatepost"]):
    from gatepost.encryption.cms.capabilities import read_capabilities
    from gatepost.encryption.cms.certificate import Certificate, read_certificate
    from gatepost.encryption.cms.content import OtherContent, read
    from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
    from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
    from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
    from gatepost.encryption.cms.enveloped.encrypt import encrypt
    from gatepost.encryption.cms.enveloped.message import Enveloped
    from gatepost.encryption.cms.fault import Fault
    from gatepost.encryption.cms.limits import Limits
    from gatepost.encryption.cms.names import normalised
    from gatepost.encryption.cms.policy import LEGACY
    from gatepost.encryption.cms.public_key import load
    from gatepost.encryption.cms.scheme import Scheme
    from gatepost.encryption.cms.signed.message import SignedData
    from gatepost.encryption.cms.signed.signer import Signer, default_scheme
    from gatepost.encryption.cms.signed.verify import verify
    from gatepost.encryption.cms.signed.write import sign
    from gatepost.encryption.cms.times import read_time
    from gatepost.encryption.paths.demands import Demands
    from gatepost.encryption.paths.demands import Limits as PathLimits
    from gatepost.encryption.paths.passing import Passing
    from gatepost.encryption.paths.source import Collected
    from gatepost.encryption.paths.validator import Validator
    from gatepost.encryption.smime.purpose import purpose_of

sys.path.insert(0, str(Path(__file__).parent.parent))

from cryptography import x509
from cryptography.x509 import ocsp

from cms_people import NOW, person, ring
from path_authority import MAIL, addresses, root

CONTENT = b"Content-Type: text/plain\r\n\r\ncontent"
TIGHT = Limits(size_bytes=4096, depth=3, elements=50, indefinite=5, recipients=2, signers=2, certificates=2, attributes=4, small_bytes=300)
KINDS = ("rsa", "p256", "ed25519", "x25519")
OURS = ring(*(person(kind) for kind in KINDS if kind != "ed25519"))
CERTIFICATES = [person(kind).certificate for kind in KINDS]
ROOT = root()
ISSUER = ROOT.sub("Issuer")
ANNA = ISSUER.issue("Anna", MAIL, addresses("anna@example.org"))
ISSUED = {(one.subject, one.public_key) for one in (ROOT.certificate, ISSUER.certificate, ANNA)}
"""A certificate may be written anew around the same signed octets, so it is known by what is in them."""
RESPONSE = ISSUER.respond(ANNA)
LISTS = ROOT.revoke(), ISSUER.revoke(ISSUER.issue("Gone"))
SAID = x509.load_der_x509_crl(LISTS[1]).tbs_certlist_bytes, ocsp.load_der_ocsp_response(RESPONSE).tbs_response_bytes


def check_one(data: bytes) -> None:
    """Read one input in every way; the promises are asserted."""
    for limits in (Limits(), TIGHT):
        found = read(data, limits)
        if isinstance(found, SignedData):
            check_signed(found)
        elif isinstance(found, Enveloped):
            opened = decrypt(found, OURS, LEGACY)
            assert isinstance(opened, Fault | Decrypted)
            assert isinstance(opened, Fault) or not opened.authenticated or opened.content == CONTENT
        else:
            assert isinstance(found, Fault | OtherContent)
    certificate = read_certificate(data)
    if isinstance(certificate, Certificate):
        assert purpose_of(certificate).subject.isprintable()
        load(certificate.public_key)
        normalised(certificate.issuer)
        assert certificate.names[0]
        check_path(certificate)
    check_revocation(data)
    read_capabilities(data)
    read_time(data)


UNHURRIED = PathLimits(milliseconds=30_000)
"""Instrumented code on a busy machine must not be told from hostile input by the clock; tests of the limits are elsewhere."""


def check_path(certificate: Certificate) -> None:
    """Nothing leads to our root but what it issued; another authority's certificate in the path changes nothing."""
    for demands in (Demands(limits=UNHURRIED), Demands(strict=True, purpose="any", use="any", sha1=True, limits=UNHURRIED)):
        validator = Validator([ROOT.certificate], Collected(LISTS), demands)
        outcome = validator.validate(certificate, [ISSUER.certificate, certificate], NOW)
        assert outcome.verdict == "untrusted" or (certificate.subject, certificate.public_key) in ISSUED, outcome
        assert validator.validate(ANNA, [certificate, ISSUER.certificate], NOW).verdict == "trusted"


def check_revocation(data: bytes) -> None:
    """Only the issuer's own list or response says anything; none of what is found here clears her."""
    for source, passing in (
        (Collected((LISTS[0], data)), None),
        (Collected((LISTS[0],), (data,)), None),
        (Collected((LISTS[0],)), Passing((data,), NOW)),
    ):
        outcome = Validator([ROOT.certificate], source, Demands(limits=UNHURRIED)).validate(ANNA, [ISSUER.certificate], NOW, passing)
        assert outcome.verdict == "unknown" or any(signed in data for signed in SAID), outcome


def check_signed(data: SignedData) -> None:
    """Nothing but our own content is intact under our keys."""
    for detached in (None, CONTENT):
        for judgement in verify(data, detached, certificates=CERTIFICATES, policy=LEGACY):
            assert judgement.verdict != "intact" or judgement.certificate is not None
            if judgement.verdict == "intact" and judgement.certificate in CERTIFICATES:
                content = detached if data.content is None else bytes(data.content.whole())
                assert content == CONTENT
            assert judgement.capabilities is not None
    data.certificates()


def write_seeds(folder: Path) -> None:
    """Write one object of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        one = person(kind)
        scheme = default_scheme(one.certificate)
        if isinstance(scheme, Scheme):
            for detached in (False, True):
                data = sign(CONTENT, [Signer(one.private, one.certificate, scheme)], NOW, detached=detached)
                (folder / f"signed-{kind}-{detached}").write_bytes(data)
        made = addressee(one.certificate)
        if isinstance(made, Addressee):
            for name, cipher in WRITTEN.items():
                (folder / f"enveloped-{kind}-{name}").write_bytes(encrypt(CONTENT, [made], cipher))
        (folder / f"certificate-{kind}").write_bytes(one.certificate.encoded)
    for number, encoded in enumerate((*LISTS, RESPONSE, ANNA.encoded, ISSUER.certificate.encoded)):
        (folder / f"path-{number}").write_bytes(encoded)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as seeds:
        write_seeds(Path(seeds))
        atheris.Setup([*sys.argv, seeds], check_one)
        atheris.Fuzz()
