# SPDX-License-Identifier: Apache-2.0
"""One signature directly inside another: where both are of one mind whose mail it is, it is his; where they are not, it is nobody's."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cms_people import NOW, authority, certify, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.frame import content_of
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, encrypt
from gatepost.message.parse import parse

CERTIFIER = Certificate(authority()[1].public_bytes(Encoding.DER))
HEADER = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n"
CONTENT = b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
BOB = person("p256")


def signer(name: str = "anna") -> Signer:
    one = person("p256", name)
    return Signer(one.private, one.certificate, default_scheme(one.certificate))


def stranger(name: str = "anna") -> Signer:
    """One whom nobody certified, under a name of his choice."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, NOW.replace(year=2025), NOW.replace(year=2036))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(f"{name}@example.org")]), False)
    certificate = Certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    return Signer(LocalKey(key), certificate, default_scheme(certificate))


def layer(content: bytes, form: str, *signers: Signer) -> bytes:
    """Sign an entity, whatever it is, and give the one around it."""
    cms = base64_lines(sign_cms(content, signers, NOW, detached=form == "S"))
    if form == "O":
        return b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n" + cms
    boundary = b"b%d" % len(content)
    head = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=' + boundary
    part = b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n" + cms
    return head + b"\r\n\r\n--" + boundary + b"\r\n" + content + b"\r\n--" + boundary + b"\r\n" + part + b"--" + boundary + b"--\r\n"


def nested(forms: str, *signers: Signer, header: bytes = HEADER) -> bytes:
    """Sign in the forms that are named from outside to inside, each by one signer."""
    entity = CONTENT
    for form, one in reversed(list(zip(forms, signers, strict=True))):
        entity = layer(entity, form, one)
    return header + entity


def judged(raw: bytes, **asked) -> Report:
    return report(read(raw), Asked(PathTrust(Validator((CERTIFIER,))), NOW, **asked))


@pytest.mark.parametrize("forms", ["SS", "SO", "OS", "SSS", "OSO"])
def test_all_of_one_mind_are_one_answer(forms):
    """Whichever signature a reader shows, it is the shown sender's: there is no doubt, and the finding stays."""
    found = judged(nested(forms, *[signer()] * len(forms)))
    assert (found.verdict, found.bound, found.findings, found.reason) == ("valid_bound", True, ("nested-signatures",), "")
    assert [one.addresses for one in found.signers] == [("anna@example.org",)] * len(forms)


@pytest.mark.parametrize("forms", ["SS", "SO", "OS"])
@pytest.mark.parametrize("place", [0, 1])
def test_another_signer_in_either_place_is_a_mismatch(forms, place):
    """Some readers show the one and some the other; the reason names both."""
    who = [signer(), signer()]
    who[place] = signer("carol")
    found = judged(nested(forms, *who))
    assert (found.verdict, found.bound) == ("valid_mismatch", False)
    assert {"nested-signatures", "from-not-signer"} <= set(found.findings)
    assert found.reason.count("anna@example.org") >= 2
    assert "carol@example.org" in found.reason


@pytest.mark.parametrize("place", [0, 1])
def test_a_stranger_in_either_place_is_untrusted(place):
    """Also one who calls himself as the sender is called; the reason names both."""
    who = [signer(), signer()]
    who[place] = stranger()
    found = judged(nested("SS", *who))
    assert (found.verdict, found.bound) == ("valid_untrusted", False)
    assert found.reason.count("anna@example.org") == 2
    assert found.chain == ("CN=anna",)
    assert judged(nested("SS", stranger(), stranger())).verdict == "valid_untrusted"


def test_untrusted_goes_before_a_mismatch():
    """Of several verdicts the worst one is the mail's."""
    assert judged(nested("SS", signer("carol"), stranger())).verdict == "valid_untrusted"
    assert judged(nested("SS", stranger(), signer("carol"))).verdict == "valid_untrusted"


def test_the_weakest_binding_is_the_mails():
    """A domain's certificate around the sender's own binds to the domain, in either order."""
    public = ec.generate_private_key(ec.SECP256R1())
    gateway = Signer(LocalKey(public), certify(public.public_key(), "gateway"), default_scheme(certify(public.public_key(), "gateway")))
    domains = {"example.org": frozenset({gateway.certificate.digest("sha256")})}
    for who in ((gateway, signer()), (signer(), gateway)):
        found = judged(nested("SS", *who), domains=domains)
        assert (found.verdict, found.bound) == ("valid_domain", True)


def test_an_inner_signature_that_is_broken_breaks_the_mail():
    """The outer one is made over it, and is intact."""
    inner = layer(CONTENT, "S", signer()).replace(b"All is well", b"All is lost")
    found = judged(HEADER + layer(inner, "S", signer()))
    assert found.verdict == "broken"


def test_opaque_in_opaque_is_read_by_all_alike():
    """There the outermost alone is shown, so it speaks, and there is no finding."""
    found = judged(nested("OO", signer(), signer("carol")))
    assert (found.verdict, found.findings) == ("valid_bound", ())


def test_unknown_revocation_of_either_is_the_mails():
    """Where it must be known."""
    assert judged(nested("SS", signer(), signer()), revocation_must_be_known=True).verdict == "unknown_status"


def test_without_a_from_both_are_valid():
    """There is nobody to bind to."""
    assert judged(nested("SS", signer(), signer("carol"), header=b"To: bob@example.org\r\n")).verdict == "valid"


@pytest.mark.parametrize("forms", ["SS", "OS"])
def test_content_under_cbc_with_two_intact_signatures_is_released(forms):
    """Nobody changed what two keys signed; with the inner one broken it is neutralised."""
    removed = ReleasePolicy(signatures="removed")
    for change, release in ((b"", "signed"), (b"lost", "neutralised")):
        entity = layer(CONTENT, forms[1], signer())
        entity = layer(entity.replace(b"well", change) if change else entity, forms[0], signer())
        written = encrypt(HEADER + entity, (addressee(BOB.certificate),), EncryptAs(AES256_CBC))
        opened = open_mail(written, ring(BOB), removed)
        assert opened.release == release
    assert content_of(parse(nested("SS", signer(), signer()))).startswith(b"Content-Type: multipart/signed")
