# SPDX-License-Identifier: Apache-2.0
"""The binding of whole mails, clause by clause: who decides, what he may be, and what is told where From is not the signer."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cms_people import NOW, authority, person
from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.identifier import by_issuer, by_key
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.binding import bind, shown_by
from gatepost.encryption.smime.layer import SignedLayer
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, SignerReport, report
from gatepost.encryption.smime.writing import SignAs, sign
from gatepost.message.headers import Headers

TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
ANNA = person("p256", "anna")
BODY = "To: bob@example.org\nContent-Type: text/plain\n\nAll is well.\n"
HERE = frozenset(("example.org",))


def signer(name: str = "anna") -> Signer:
    one = person("p256", name)
    return Signer(one.private, one.certificate, default_scheme(one.certificate))


def judged(header: str, *signers: Signer, protected: bool = False, outside: tuple[bytes, bytes] = (b"", b""), **asked) -> Report:
    """Sign a mail with this header, change it outside, and judge it."""
    raw = (header + BODY).replace("\n", "\r\n").encode()
    written = sign(raw, signers or (signer(),), NOW, SignAs(header_protection=protected))
    assert isinstance(written, bytes)
    return report(read(written.replace(*outside, 1) if outside[0] else written), Asked(TRUST, NOW, **asked))


def bond(header: str, **how):
    shown = shown_by(Headers(header.replace("\n", "\r\n").encode()), MessageLimits())
    return bind(shown, purpose_of(ANNA.certificate), ANNA.certificate.digest("sha256"), {}, **how)


@pytest.mark.parametrize(
    ("header", "verdict"),
    [
        ("From: anna@example.org\n", "valid_bound"),
        ("From: anna@example.org, anna@example.org\n", "valid_bound"),
        ("From: anna@example.org, bob@example.org\n", "valid_mismatch"),
        ("From: bob@example.org\n", "valid_mismatch"),
        ("From: bob@example.org\nSender: anna@example.org\n", "valid_mismatch"),
        ("From: bob@example.org\nSender: bob@example.org\n", "valid_mismatch"),
        ("From: anna@example.org\nSender: list@example.com\n", "valid_bound"),
        ("Sender: anna@example.org\n", "valid_bound"),
        ("Sender: bob@example.org\n", "valid_mismatch"),
        ("Subject: x\n", "valid"),
    ],
)
def test_from_decides(header, verdict):
    """Every address of From is the signer's; a Sender makes nothing of a From that is not, and takes nothing from one that is."""
    assert judged(header).verdict == verdict


def test_a_sender_signs_for_from_where_policy_says_so():
    """In a domain whose people may write for each other the mail is the domain's, never the shown person's own."""
    found = judged("From: boss@example.org\nSender: Anna <anna@example.org>\n", delegating=HERE)
    assert (found.verdict, found.bound) == ("valid_domain", True)
    assert found.findings == ("signed-by-sender",)
    assert found.reason == "the mail shows boss@example.org as its sender, and anna@example.org signed it"


@pytest.mark.parametrize(
    "header",
    [
        "From: boss@example.com\nSender: anna@example.org\n",  # another domain than the signer's
        "From: boss@example.org, eve@example.com\nSender: anna@example.org\n",
        "From: boss@example.org\nSender: anna@example.org, eve@example.org\n",
        "From: boss@example.org\nSender: eve@example.org\nSender: anna@example.org\n",
        "From: boss@example.org\nSender: Anna\n",
        "From: boss@example.org\nReply-To: anna@example.org\n",
        "From: boss@example.org\nResent-Sender: anna@example.org\n",
        "From: boss@example.org\nFrom: boss@example.org\nSender: anna@example.org\n",
        "From: king@example.org <boss@example.org>\nSender: anna@example.org\n",
    ],
)
def test_a_sender_signs_for_nobody_else(header):
    """Not across domains, not beside another Sender, not from any other field, and not under a name that reads as an address."""
    assert judged(header, delegating=HERE).verdict == "valid_mismatch"


def test_a_listed_domain_is_exact():
    """A domain below the listed one is another one."""
    assert bond("From: boss@sub.example.org\nSender: anna@example.org\n", delegating=HERE)[0] == "mismatch"
    assert bond("From: boss@example.org\nSender: anna@example.org\n", delegating=frozenset(("org",)))[0] == "mismatch"


def test_each_mismatch_names_both_addresses():
    """Who reads the verdict sees whom the mail shows and who signed it."""
    found = judged("From: Boss <boss@example.com>\n")
    assert found.reason == "the mail shows boss@example.com as its sender, and anna@example.org signed it"
    found = judged("From: boss@example.com\nSender: anna@example.org\n")
    assert found.findings == ("signed-by-sender", "from-not-signer")
    assert "boss@example.com" in found.reason
    assert "anna@example.org" in found.reason
    found = judged("From: anna@example.org\n", protected=True, outside=(b"From: anna@", b"From: boss@"))
    assert (found.verdict, "from-differs" in found.findings) == ("valid_mismatch", True)
    assert "boss@example.org, anna@example.org" in found.reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("From: bob@example.org <anna@example.org>\n", "under a name that reads as another address"),
        ("From: Boss <anna@example.org>\nReply-To: eve@example.com\n", "answers to it go elsewhere"),
        ("From: anna@example.org\nFrom: anna@example.org\n", "more than one From"),
        ("From: Anna\n", "no address"),
        ("From: anna@example.org\nX: a\r From: bob@example.org\n", "a line end that only some readers see"),
    ],
)
def test_a_mismatch_of_another_kind_is_told_as_such(header, reason):
    """Where the addresses are the signer's, two equal ones would explain nothing."""
    found = judged(header, outside=(b"\r From", b"\rFrom"))
    assert found.verdict == "valid_mismatch"
    assert reason in found.reason


def test_a_mail_that_only_a_sender_shows_is_his_or_a_mismatch_that_names_both():
    """RFC 8550 §3: the address in From or Sender is the signer's."""
    assert judged("Sender: Anna <anna@example.org>\n").findings == ("from-missing",)
    found = judged("Sender: Boss <boss@example.com>\n")
    assert found.findings == ("from-not-signer", "from-missing")
    assert found.reason == "the mail shows boss@example.com as its sender, and anna@example.org signed it"


def test_a_from_that_only_some_readers_see_is_told():
    """A mail without any other From is nobody's only where no reader sees one; outside, such a line is no field and breaks the mail."""
    content = b"From\0: boss@example.org\r\nContent-Type: text/plain; hp=clear\r\n\r\nAll is well.\r\n"
    head = b"To: bob@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = report(read(head + base64_lines(sign_cms(content, (signer(),), NOW))), Asked(TRUST, NOW))
    assert (found.verdict, found.findings) == ("valid_mismatch", ("from-unreadable",))
    assert "so that only some readers take it for one" in found.reason
    found = judged("X: a\n", outside=(b"X: a", b"From\0: boss@example.org"))
    assert (found.verdict, found.findings) == ("broken", ("stray-line",))


def test_a_line_end_that_hides_nothing_is_told_and_no_more():
    """The header of a whole mail is looked at as it stands, the protected one too."""
    for protected in (False, True):
        found = judged("From: Boss <anna@example.org>\nX: a\r b\nReply-To: eve@example.com\n", protected=protected)
        assert "answers to it go elsewhere" in found.reason
        found = judged("From: anna@example.org\nSubject: a\r b\n", protected=protected)
        assert (found.verdict, "bare-line-end" in found.findings) == ("valid_bound", True)


def test_a_signer_whose_certificate_is_missing_is_told_as_the_object_names_him():
    """By its issuer and serial number, or by his key."""
    one = person("p256", "anna").certificate
    by_serial, by_key_identifier = by_issuer(one.issuer, one.serial), by_key(b"\x12\x34")
    serial = f"{int.from_bytes(one.serial):x}"
    cms = sign_cms(b"\r\nAll is well.\r\n", (signer(),), NOW)
    cms = cms.replace(one.encoded, b"\xa3" + one.encoded[1:])  # one in a format that is not read
    head = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    reading = read(head + base64_lines(cms))
    found = report(reading, Asked(TRUST, NOW))
    assert found.verdict == "unverifiable"
    assert found.signers[0].serial == serial
    assert found.signers[0].subject.startswith(f"whoever holds certificate {serial} of CN=")
    (layer,) = reading.layers
    assert isinstance(layer, SignedLayer)
    (who,) = layer.judgements
    assert who.signer.name == by_serial
    keyed = layer._replace(judgements=(who._replace(signer=who.signer._replace(name=by_key_identifier)),))
    found = report(reading._replace(layers=(keyed,)), Asked(TRUST, NOW))
    assert (found.signers[0].subject, found.signers[0].serial) == ("whoever holds the key 1234", "")


def test_a_sender_that_is_not_the_signer_is_told():
    """From is the signer's, so the mail is bound; that somebody else sent it is a finding."""
    assert judged("From: anna@example.org\nSender: list@example.com\n").findings == ("sender-not-signer",)


def test_a_sender_only_outside_the_signature_does_not_bind_where_another_is_signed():
    """With the header protected, every Sender must be the signer, inside and outside."""
    header = "From: boss@example.org\nSender: bob@example.org\n"
    found = judged(header, protected=True, outside=(b"Sender: bob@", b"Sender: anna@"), delegating=HERE)
    assert found.verdict == "valid_mismatch"


def test_of_several_signers_the_bound_one_decides():
    """Whose certificate is From's is found wherever he stands, and the chain is his; that all must hold is told by the others."""
    for order in (("anna", "bob"), ("bob", "anna")):
        found = judged("From: anna@example.org\n", *map(signer, order))
        assert found.verdict == "valid_bound"
        assert found.chain[0] == "CN=anna,O=Example  Org"
        assert len(found.signers) == 2


def test_all_signers_must_be_trusted():
    """One of them under an unknown authority makes the mail untrusted, though the bound one is not."""
    for order in (0, 1):
        signers = [signer(), stranger()]
        found = judged("From: anna@example.org\n", *(reversed(signers) if order else signers))
        assert (found.verdict, found.bound) == ("valid_untrusted", False)


def stranger() -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW - datetime.timedelta(1), NOW + datetime.timedelta(9))
    certificate = Certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    return Signer(LocalKey(key), certificate, default_scheme(certificate))


def test_who_signed_is_told_where_his_algorithm_is_refused():
    """The track says who used SHA-1, and that he did."""
    one = person("rsa", "anna")
    cms = sign_cms(b"\r\nAll is well.\r\n", (Signer(one.private, one.certificate, Scheme("rsa-pkcs1", "sha1")),), NOW)
    head = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = report(read(head + base64_lines(cms)), Asked(TRUST, NOW))
    assert (found.verdict, found.findings) == ("unverifiable", ("sha1",))
    assert found.signers == (SignerReport("CN=anna,O=Example  Org", ("anna@example.org",), found.signers[0].serial, "sha1", "rsa-pkcs1"),)


def certified(subject: list[x509.NameAttribute], *alternatives: x509.GeneralName) -> Certificate:
    key, root = authority()
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    builder = x509.CertificateBuilder(root.subject, x509.Name(subject), public, 9, NOW - datetime.timedelta(1), NOW + datetime.timedelta(9))
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), False)
    return Certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


MAIL_IN_SUBJECT = x509.NameAttribute(NameOID.EMAIL_ADDRESS, "old@example.org")


@pytest.mark.parametrize(
    ("alternatives", "addresses"),
    [
        ((), ["old@example.org"]),
        ((x509.RFC822Name("new@example.org"),), ["new@example.org"]),
        ((x509.RFC822Name("one@example.org"), x509.RFC822Name("two@example.org")), ["one@example.org", "two@example.org"]),
        ((x509.DNSName("example.org"),), ["old@example.org"]),
    ],
)
def test_the_subjects_address_counts_only_without_alternative_names_for_mail(alternatives, addresses):
    """An issuer who writes such names has said with them whose certificate it is; a host's name says nothing of mail."""
    assert [str(one) for one in purpose_of(certified([MAIL_IN_SUBJECT], *alternatives)).addresses] == addresses


def test_a_certificate_without_an_address_binds_nobody():
    """It may be a partner's for his whole domain; by itself it is nobody's."""
    nameless = purpose_of(certified([x509.NameAttribute(NameOID.COMMON_NAME, "anna@example.org")]))
    shown = shown_by(Headers(b"From: anna@example.org\r\n"), MessageLimits())
    assert bind(shown, nameless, b"digest", {})[0] == "mismatch"
    assert bind(shown, nameless, b"digest", {"example.org": frozenset((b"digest",))})[0] == "domain"
