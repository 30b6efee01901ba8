# SPDX-License-Identifier: Apache-2.0
"""A small certification authority for tests of paths: certificates, revocation lists and OCSP responses on P-256 keys."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatepost.encryption.cms.certificate import Certificate

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
_serials = count(0x1000_0000_0000)
_list_numbers = count(1)


@lru_cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    """Give the key of this name, always the same in one run."""
    return ec.generate_private_key(ec.SECP256R1())


def name_of(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def usage(**bits: bool) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
        "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


class Authority:
    """Someone who issues: a name, a key, and a certificate once it has one."""

    def __init__(self, name: str, key_name: str = "") -> None:
        self.name = name_of(name)
        self.key = key(key_name or name)
        self.certificate: Certificate | None = None

    def issue(
        self,
        subject: str,
        *extensions: tuple[x509.ExtensionType, bool],
        subject_key: str = "",
        authority: bool = False,
        path_length: int | None = None,
        start: datetime = NOW - 100 * DAY,
        end: datetime = NOW + 100 * DAY,
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> Certificate:
        """Issue a certificate with these extensions and whether each is critical, and those that every one has."""
        public = key(subject_key or subject).public_key()
        builder = x509.CertificateBuilder(self.name, name_of(subject), public, next(_serials), start, end)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(True, path_length), True)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return Certificate(builder.sign(self.key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER))

    def sub(self, name: str, *extensions: tuple[x509.ExtensionType, bool], key_name: str = "", **more: object) -> "Authority":
        """Make an authority below this one."""
        below = Authority(name, key_name)
        below.certificate = self.issue(name, *extensions, subject_key=key_name or name, authority=True, **more)  # type: ignore[arg-type]
        return below

    def revoke(
        self,
        *certificates: Certificate,
        reason: x509.ReasonFlags | None = None,
        when: datetime = NOW - 10 * DAY,
        made: datetime = NOW - DAY,
        until: datetime | None = NOW + DAY,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """Make a revocation list with these certificates on it."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(made)
        builder = builder.next_update(until or NOW + DAY)
        builder = builder.add_extension(x509.CRLNumber(next(_list_numbers)), False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        for certificate in certificates:
            entry = x509.RevokedCertificateBuilder(int.from_bytes(certificate.serial, signed=True), when)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def respond(
        self,
        certificate: Certificate,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        responder: Certificate | None = None,
        responder_key: ec.EllipticCurvePrivateKey | None = None,
        made: datetime = NOW - DAY,
        until: datetime | None = NOW + DAY,
        revoked: datetime = NOW - 10 * DAY,
    ) -> bytes:
        """Answer about a certificate of this authority, by itself or by a delegate."""
        assert self.certificate is not None
        signer = x509.load_der_x509_certificate((responder or self.certificate).encoded)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=x509.load_der_x509_certificate(certificate.encoded),
            issuer=x509.load_der_x509_certificate(self.certificate.encoded),
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=made,
            next_update=until,
            revocation_time=revoked if status is ocsp.OCSPCertStatus.REVOKED else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        if responder is not None:
            builder = builder.certificates([signer])
        return builder.sign(responder_key or self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def root(name: str = "Root") -> Authority:
    """Make an authority that signed itself."""
    made = Authority(name)
    made.certificate = made.issue(name, authority=True)
    return made


MAIL = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
OCSP_SIGNING = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NO_CHECK = (x509.OCSPNoCheck(), False)


def addresses(*mailboxes: str) -> tuple[x509.ExtensionType, bool]:
    """Make alternative names of mail addresses."""
    return x509.SubjectAlternativeName([x509.RFC822Name(mailbox) for mailbox in mailboxes]), False
