# SPDX-License-Identifier: Apache-2.0
"""What `gatepost mail` does with a mail file: keys, certificates and anchors are read here, the S/MIME room does the rest."""

import base64
import re
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.certificate import Certificate, read_certificate
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.keys import OAEP, PKCS1
from gatepost.encryption.cms.local_key import LocalKey, PrivateKey
from gatepost.encryption.cms.policy import Policy
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.source import Collected
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.confidentiality import Confidentiality
from gatepost.encryption.smime.opening import Opened, open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReadPolicy, ReleasePolicy, Unauthenticated
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.verify import Asked, Report, report, shown_address
from gatepost.encryption.smime.writing import EightBit, EncryptAs, SignAs, encrypt, seal, sign
from gatepost.errors import UsageError
from gatepost.message.domains import a_label
from gatepost.message.mailboxes import parse_mailboxes

__all__ = (
    "CIPHERS",
    "Certificate",
    "Encrypting",
    "Identity",
    "Report",
    "Signing",
    "Verifying",
    "certificates",
    "decrypt_file",
    "encrypt_file",
    "identity",
    "sign_file",
    "unsigned_file",
    "verify_file",
)

CIPHERS = tuple(WRITTEN)
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+(.*?)-----END \1-----", re.DOTALL)
_LEGACY = Policy(sha1=True, triple_des=True)


class Identity(NamedTuple):
    """A private key, its certificate, and the certificates above it."""

    key: LocalKey
    certificate: Certificate
    chain: tuple[Certificate, ...]


class Signing(NamedTuple):
    """How a file is signed."""

    identity: Identity
    when: datetime
    opaque: bool = False
    pss: bool = False
    eight_bit: EightBit = "reencoded"
    header_protection: bool = False


class Encrypting(NamedTuple):
    """How a file is encrypted."""

    recipients: Sequence[Certificate]
    cipher: str = "aes-256-cbc"
    oaep: bool = False
    header_protection: bool = False
    confidentiality: Confidentiality = "baseline"
    """What of a protected header is left outside."""
    legacy_display: bool = False


class Verifying(NamedTuple):
    """What a file is verified against."""

    anchors: Sequence[Certificate]
    received: datetime
    shown: str = ""
    revocation_must_be_known: bool = False
    lists: Sequence[bytes] = ()
    """Revocation lists, in PEM or DER; nothing is fetched."""
    responses: Sequence[bytes] = ()
    """OCSP responses."""
    legacy: bool = False
    delegating: Sequence[str] = ()
    """Domains where a Sender may sign for From."""


def identity(untrusted: bytes, password: str, source: str) -> Identity:
    """Read a PKCS#12 file, in DER or in PEM's armour.

    Raises UsageError when it is none, the password is wrong, or it has no key with its certificate.
    """
    found = _PEM.search(untrusted)
    data = base64.b64decode(found[2]) if found and b"PKCS12" in found[1] else untrusted
    try:
        with warnings.catch_warnings(action="ignore"):  # old exports are not DER in every corner, and are read all the same
            key, first, more = pkcs12.load_key_and_certificates(data, password.encode() or None)
    except ValueError:
        raise UsageError(f"{source} is no PKCS#12 file that this password opens; export it anew with AES and give its password") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey):
        raise UsageError(f"{source} holds no key that is used for mail; export the key with its certificate")
    certificates = [one for one in (first, *more) if one is not None]
    own = _public(key)
    leaf = next((one for one in certificates if _encoded(one.public_key()) == own), None)
    if leaf is None:
        raise UsageError(f"{source} holds no certificate of its key; export both")
    chain = tuple(
        _certificate(one.public_bytes(Encoding.DER), source) for one in certificates if one is not leaf and one.subject != one.issuer
    )
    return Identity(LocalKey(key), _certificate(leaf.public_bytes(Encoding.DER), source), chain)


def certificates(untrusted: bytes, source: str) -> tuple[Certificate, ...]:
    """Read the certificates of a file: PEM, one in DER, or a bag of them (PKCS#7)."""
    blocks = [base64.b64decode(block) for kind, block in _PEM.findall(untrusted) if kind.endswith(b"CERTIFICATE")]
    if not blocks and isinstance(bag := read_cms(untrusted), SignedData):
        blocks = list(bag.encoded_certificates)
    return tuple(_certificate(block, source) for block in (blocks or [untrusted]))


def sign_file(raw: bytes, how: Signing) -> bytes:
    """Sign a mail."""
    return _or_raise(sign(raw, (_signer(how),), how.when, _sign_as(how)))


def encrypt_file(raw: bytes, how: Encrypting, signing: Signing | None = None) -> bytes:
    """Encrypt a mail; with `signing` it is signed first."""
    to = [_addressee(one, oaep=how.oaep) for one in how.recipients]
    encrypt_as = EncryptAs(WRITTEN[how.cipher], how.header_protection, how.confidentiality, how.legacy_display)
    if signing is None:
        return _or_raise(encrypt(raw, to, encrypt_as))
    return _or_raise(seal(raw, (_signer(signing),), signing.when, to, sign_as=_sign_as(signing), encrypt_as=encrypt_as))


def decrypt_file(raw: bytes, keys: Iterable[Identity], unauthenticated: Unauthenticated, *, removed: bool, legacy: bool) -> Opened:
    """Open a mail with whichever of these keys it names."""
    policy = ReleasePolicy(unauthenticated, "removed" if removed else "kept")
    return open_mail(raw, _ring(keys), policy, _reading(legacy=legacy))


def verify_file(raw: bytes, keys: Sequence[Identity], how: Verifying) -> Report:
    """Judge a mail's signatures; with keys those inside its encryption."""
    policy = _reading(legacy=how.legacy)
    shown = None
    if how.shown:
        mailboxes = parse_mailboxes(how.shown, MessageLimits()).mailboxes
        if len(mailboxes) != 1 or mailboxes[0].address is None:
            raise UsageError(f"{how.shown!r} is no address; give --from one like anna@company.example")
        shown = shown_address(mailboxes[0])
    trust = PathTrust(_validator(how))
    delegating = frozenset(map(_domain, how.delegating))
    asked = Asked(trust, how.received, revocation_must_be_known=how.revocation_must_be_known, shown=shown, delegating=delegating)
    return report(read(raw, _ring(keys) if keys else None, policy), asked)


def unsigned_file(raw: bytes) -> bytes:
    """Take a mail's signatures off."""
    return without_signatures(raw).mail


def _domain(given: str) -> str:
    domain = a_label(given)
    if domain is None:
        raise UsageError(f"{given!r} is no domain; give --on-behalf one like company.example")
    return domain


def _reading(*, legacy: bool) -> ReadPolicy:
    return ReadPolicy(algorithms=_LEGACY) if legacy else ReadPolicy()


def _validator(how: Verifying) -> Validator:
    lists = [encoded for given in how.lists for encoded in _lists(given)]
    away = "" if lists or how.responses else "no revocation list and no response was given"
    demands = Demands(sha1=True, least_rsa_bits=1024) if how.legacy else Demands()
    return Validator(how.anchors, Collected(lists, how.responses, away=away), demands)


def _lists(given: bytes) -> list[bytes]:
    return [base64.b64decode(block) for kind, block in _PEM.findall(given) if kind.endswith(b"CRL")] or [given]


def _ring(keys: Iterable[Identity]) -> KeyIndex:
    ring = KeyIndex()
    for one in keys:
        ring.add(one.certificate, one.key)
    return ring


def _signer(how: Signing) -> Signer:
    scheme = default_scheme(how.identity.certificate, pss=how.pss)
    if isinstance(scheme, Fault):
        raise UsageError(f"the mail cannot be signed ({scheme.reason}); give a key that signs")
    return Signer(how.identity.key, how.identity.certificate, scheme)


def _sign_as(how: Signing) -> SignAs:
    return SignAs("opaque" if how.opaque else "multipart", how.eight_bit, how.header_protection, how.identity.chain)


def _addressee(certificate: Certificate, *, oaep: bool) -> Addressee:
    found = addressee(certificate, transport=OAEP if oaep else PKCS1)
    if isinstance(found, Fault):
        raise UsageError(f"the mail cannot be encrypted to this certificate ({found.reason}); give one that is for encryption")
    return found


def _certificate(encoded: bytes, source: str) -> Certificate:
    found = read_certificate(encoded)
    if isinstance(found, Fault):
        raise UsageError(f"{source} holds no certificate that can be read ({found.reason}); give one in PEM or DER")
    return found


def _public(key: PrivateKey) -> bytes:
    return _encoded(key.public_key())


def _encoded(public: object) -> bytes:
    write = getattr(public, "public_bytes", None)
    return b"" if write is None else bytes(write(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _or_raise(written: bytes | Fault) -> bytes:
    if isinstance(written, Fault):
        raise UsageError(f"nothing was written: {written.reason}; mend the mail or choose another way")
    return written
