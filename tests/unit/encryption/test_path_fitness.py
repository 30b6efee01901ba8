# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate may be used to sign or to encrypt mail, before anything is written with it."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from cms_people import person
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.fitness import unfit
from path_authority import DAY, MAIL, NOW, name_of, root, usage

ROOT = root()
RSA = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def certificate(*extensions: x509.ExtensionType, secret=CURVE, critical: bool = True, start=NOW - DAY, end=NOW + DAY) -> Certificate:
    """Certify a key with these extensions alone."""
    builder = x509.CertificateBuilder(ROOT.name, name_of("Person"), secret.public_key(), 5, start, end)
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    return Certificate(builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER))


ANY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@pytest.mark.parametrize(
    ("use", "made"),
    [
        ("sign", certificate()),
        ("encrypt", certificate()),
        ("encrypt", certificate(MAIL[0])),
        ("sign", certificate(ANY)),
        ("sign", certificate(usage(digital_signature=True))),
        ("sign", certificate(usage(content_commitment=True))),
        ("encrypt", certificate(usage(key_agreement=True))),
        ("encrypt", certificate(usage(key_encipherment=True), secret=RSA)),
    ],
)
def test_what_says_nothing_against_it_is_fit(use, made):
    """What a certificate does not say forbids nothing (RFC 8550 §4.4)."""
    assert unfit(made, use, NOW) == ""


@pytest.mark.parametrize(
    ("use", "made", "why"),
    [
        ("sign", certificate(end=NOW - DAY / 2), "the certificate has expired"),
        ("encrypt", certificate(start=NOW + DAY / 2), "the certificate is not valid yet"),
        ("encrypt", certificate(SERVER), "the extended key usage does not name email-protection"),
        ("sign", certificate(SERVER), "the extended key usage does not name email-protection"),
        ("sign", certificate(usage(key_encipherment=True), secret=RSA), "the key usage does not allow to sign"),
        ("encrypt", certificate(usage(digital_signature=True)), "the key usage does not allow to encrypt"),
        ("encrypt", certificate(usage(key_encipherment=True)), "the key usage does not allow to encrypt"),
        ("encrypt", certificate(usage(key_agreement=True), secret=RSA), "the key usage does not allow to encrypt"),
        ("encrypt", certificate(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0")), "critical extension 1.2.3.4"),
        ("sign", person("rsa1024").certificate, "an RSA key of 1024 bits is too short"),
        ("sign", Certificate(certificate().encoded.replace(b"\x17\r26", b"\x17\rXX", 1)), "a time is malformed"),
    ],
)
def test_what_speaks_against_it_is_said(use, made, why):
    """Time, purpose, use, what is not understood, and a short key."""
    assert why in unfit(made, use, NOW)


def test_an_unknown_extension_that_is_not_critical_is_none_of_our_business():
    """It is there for others."""
    assert unfit(certificate(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\0"), critical=False), "sign", NOW) == ""
