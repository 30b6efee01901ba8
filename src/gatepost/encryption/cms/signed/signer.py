# SPDX-License-Identifier: Apache-2.0
"""One who signs: a key, its certificate, and how. All that does not change from mail to mail is written once."""

from datetime import datetime

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.capabilities import OURS, Capability, write_capabilities
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.digests import ENCODED, SIZES
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.identifier import key_identifier
from gatepost.encryption.cms.keys import SigningKey
from gatepost.encryption.cms.public_key import is_bound_to, kind_of, load, too_short
from gatepost.encryption.cms.scheme import Scheme, write_scheme
from gatepost.encryption.cms.signed.algorithm_protection import write_protection
from gatepost.encryption.cms.signing_certificate import write_signing_certificate
from gatepost.encryption.cms.times import write_time

_VERSION_BY_ISSUER, _VERSION_BY_KEY = der.integer(1), der.integer(3)


class Signer:
    """A signing key with its certificate; use it for any number of mails."""

    __slots__ = ("_constant", "_digest_head", "_head", "_scheme", "certificate", "encoded_digest", "key", "name", "scheme")

    def __init__(
        self,
        key: SigningKey,
        certificate: Certificate,
        scheme: Scheme,
        *,
        by_key: bool = False,
        capabilities: tuple[Capability, ...] = OURS,
        encrypt_to: Certificate | None = None,
    ) -> None:
        """Prepare to sign; `by_key` names the signer by key identifier where the certificate has one.

        `encrypt_to` is the certificate that answers should be encrypted to, when it is another one (RFC 8551 §2.5.3).
        """
        by_issuer, key_name = certificate.names
        self.key, self.certificate, self.scheme = key, certificate, scheme
        self.name = key_name if by_key and key_name is not None else by_issuer
        self.encoded_digest = ENCODED[scheme.digest]
        self._scheme = write_scheme(scheme)
        version = _VERSION_BY_ISSUER if key_identifier(self.name) is None else _VERSION_BY_KEY
        self._head = version + self.name + self.encoded_digest
        size = SIZES[scheme.digest]
        self._digest_head = _attribute(oids.MESSAGE_DIGEST, der.octet_string(bytes(size)))[:-size]
        self._constant = [
            _attribute(oids.ALGORITHM_PROTECTION, write_protection(self.encoded_digest, self._scheme)),
            _attribute(oids.SIGNING_CERTIFICATE_V2, write_signing_certificate(certificate)),
        ]
        if capabilities:
            self._constant.append(_attribute(oids.SMIME_CAPABILITIES, write_capabilities(capabilities)))
        if encrypt_to is not None:
            self._constant.append(_attribute(oids.KEY_PREFERENCE, _preference(encrypt_to)))

    def to_be_signed(self, digest: bytes, when: datetime, content_type: bytes = oids.DATA) -> bytes:
        """Write the signed attributes, as the SET that is signed."""
        kind = _DATA if content_type == oids.DATA else _attribute(oids.CONTENT_TYPE, der.oid(content_type))
        return der.set_of((*self._constant, kind, self._digest_head + digest, _attribute(oids.SIGNING_TIME, write_time(when))))

    def info(self, to_be_signed: bytes, signature: bytes) -> bytes:
        """Write the SignerInfo; in it the SET that was signed has a tag of the context."""
        return der.sequence(self._head, b"\xa0", to_be_signed[1:], self._scheme, der.octet_string(signature))


def default_scheme(certificate: Certificate, *, pss: bool = False) -> Scheme | Fault:
    """Choose a scheme by the certificate's key: SHA-256, and with larger curves the digest of their strength (RFC 8551 §2.2).

    A fault where the key signs nothing, or nothing that is believed.
    """
    key = load(certificate.public_key)
    if isinstance(key, Fault):
        return key
    if (objection := too_short(key)) is not None:
        return objection
    kind = kind_of(key)
    if kind == "rsa":
        if pss or is_bound_to(certificate.public_key, oids.RSA_PSS):
            return Scheme("rsa-pss", "sha256", SIZES["sha256"])
        return Scheme("rsa-pkcs1", "sha256")
    if kind == "ed25519":
        return Scheme("ed25519", "sha512")
    if kind == "x25519":
        return Fault("unsupported", "a key for X25519 cannot sign")
    return Scheme("ecdsa", {"384": "sha384", "521": "sha512", "512": "sha512"}.get(kind.removesuffix("r1")[-3:], "sha256"))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of((value,)))


def _preference(certificate: Certificate) -> bytes:
    """Write smimeEncryptionKeyPreference by issuer and serial number."""
    return b"\xa0" + certificate.names[0][1:]


_DATA = _attribute(oids.CONTENT_TYPE, der.oid(oids.DATA))
