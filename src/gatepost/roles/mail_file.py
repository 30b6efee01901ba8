# SPDX-License-Identifier: Apache-2.0
"""What `gatepost mail` does with a mail file: who signs and who is written to is settled here, the S/MIME room does the rest."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import WRITTEN
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.keys import OAEP, PKCS1
from gatepost.encryption.cms.policy import LEGACY
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.credential import read_credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.fitness import unfit
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
from gatepost.roles.mail_material import Identity, anchors, certificates, identities, response, revocation_lists

__all__ = (
    "CIPHERS",
    "Certificate",
    "Encrypting",
    "Identity",
    "Report",
    "Signing",
    "Verifying",
    "anchors",
    "decrypt_file",
    "encrypt_file",
    "identities",
    "recipients",
    "response",
    "revocation_lists",
    "sign_file",
    "signing_identity",
    "unsigned_file",
    "verify_file",
)

CIPHERS = tuple(WRITTEN)


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
    """Revocation lists in DER; nothing is fetched."""
    responses: Sequence[bytes] = ()
    """OCSP responses."""
    legacy: bool = False
    delegating: Sequence[str] = ()
    """Domains where a Sender may sign for From."""


def signing_identity(found: Sequence[Identity], when: datetime, source: str) -> Identity:
    """Choose who signs at a time: the one key of a file that may, under the newest of its certificates that may.

    Raises UsageError when there is none, or more than one key: a guess would sign in another's name.
    """
    objections = [_signs_not(one.certificate, when) for one in found]
    fit = [one for one, objection in zip(found, objections, strict=True) if not objection]
    if not fit:
        raise UsageError(f"{source} holds no key that signs mail at that time ({objections[0]}); give one that is for it")
    keys = len({one.certificate.public_key for one in fit})
    if keys > 1:
        raise UsageError(f"{source} holds {keys} keys that sign mail; export the one that is meant into a file of its own")
    return max(fit, key=lambda one: _begin(one.certificate))


def recipients(untrusted: bytes, when: datetime, source: str) -> tuple[Certificate, ...]:
    """Read the certificates that a mail is to be encrypted to at a time; UsageError when one of them is not for that."""
    found = certificates(untrusted, source)
    for one in found:
        objection = unfit(one, "encrypt", when)
        if objection:
            raise UsageError(f"mail is not encrypted to {source} at that time ({objection}); give a certificate that is for it")
    return found


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
    return ReadPolicy(algorithms=LEGACY) if legacy else ReadPolicy()


def _validator(how: Verifying) -> Validator:
    away = "" if how.lists or how.responses else "no revocation list and no response was given"
    demands = Demands(sha1=True, least_rsa_bits=1024) if how.legacy else Demands()
    return Validator(how.anchors, Collected(how.lists, how.responses, away=away), demands)


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


def _signs_not(certificate: Certificate, when: datetime) -> str:
    scheme = default_scheme(certificate)
    return scheme.reason if isinstance(scheme, Fault) else unfit(certificate, "sign", when)


def _begin(certificate: Certificate) -> int:
    read = read_credential(certificate)
    return 0 if isinstance(read, Fault) else read.not_before


def _or_raise(written: bytes | Fault) -> bytes:
    if isinstance(written, Fault):
        raise UsageError(f"nothing was written: {written.reason}; mend the mail or choose another way")
    return written
