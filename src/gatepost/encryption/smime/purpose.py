# SPDX-License-Identifier: Apache-2.0
"""What a certificate says of its own use in mail: addresses, names, and whether its key may sign (RFC 8550 §3, §4.4)."""

from functools import lru_cache
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.message.addresses import Address
from gatepost.message.mailboxes import parse_mailboxes

_SMTP_UTF8_MAILBOX = ObjectIdentifier("1.3.6.1.5.5.7.8.9")
"""An address whose local part is not ASCII (RFC 9598 §3)."""
_UTF8_STRING = 0x0C
_LIMITS = MessageLimits()
_MOST_NAMES = 1000
_SMALL = 8_192
"""Bytes of a certificate that is remembered; strangers' large ones would fill the memory."""


class Purpose(NamedTuple):
    """A certificate's words on its use; one that the library refuses says nothing and may do nothing."""

    subject: str
    """For people (RFC 4514)."""
    serial: str
    """In hexadecimal."""
    names: tuple[str, ...]
    """Common names and pseudonyms that the issuer vouches for."""
    addresses: tuple[Address, ...]
    """The alternative names that are addresses; the subject's where it has no alternative names at all (RFC 8550 §3)."""
    objection: str
    """Why the key may not sign mail; '' when it may."""


def purpose_of(certificate: Certificate) -> Purpose:
    """Read what a certificate says of its use; what is small is remembered."""
    return _remembered(certificate) if len(certificate.encoded) <= _SMALL else _read(certificate)


def _read(certificate: Certificate) -> Purpose:
    read = certificate.x509()
    if isinstance(read, Fault):
        return Purpose("", "", (), (), read.reason)
    try:
        subject = read.subject
        extensions = read.extensions
    except (ValueError, x509.DuplicateExtension):
        return Purpose("", f"{read.serial_number:x}", (), (), "the certificate's names or extensions are malformed")
    texts = _alternative_names(extensions)
    found = (_address(text) for text in (_texts(subject, NameOID.EMAIL_ADDRESS) if texts is None else texts))
    addresses = tuple(dict.fromkeys(one for one in found if one is not None))
    names = (*_texts(subject, NameOID.COMMON_NAME), *_texts(subject, NameOID.PSEUDONYM))
    return Purpose(subject.rfc4514_string(), f"{read.serial_number:x}", names, addresses, _objection(extensions))


_remembered = lru_cache(maxsize=4096)(_read)


def _objection(extensions: x509.Extensions) -> str:
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.KeyUsage) and not (value.digital_signature or value.content_commitment):
            return "the certificate is not for signatures"
        if isinstance(value, x509.ExtendedKeyUsage) and not _MAIL.intersection(value):
            return "the certificate is not for mail"
    return ""


def _texts(subject: x509.Name, kind: ObjectIdentifier) -> list[str]:
    values = [one.value for one in subject.get_attributes_for_oid(kind)]
    return [value for value in values[:_MOST_NAMES] if isinstance(value, str)]


def _alternative_names(extensions: x509.Extensions) -> list[str] | None:
    """Give the addresses among the alternative names, None where the certificate has no such names."""
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    found = names.get_values_for_type(x509.RFC822Name)
    for other in names.get_values_for_type(x509.OtherName):
        if other.type_id == _SMTP_UTF8_MAILBOX:
            found.extend(_utf8(other.value))
    return found[:_MOST_NAMES]


_MAIL = frozenset({ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


def _utf8(encoded: bytes) -> list[str]:
    try:
        return [cursor_on(encoded, Limits(size_bytes=4096)).value(_UTF8_STRING).decode()]
    except (Refusal, UnicodeDecodeError):
        return []


def _address(untrusted: str) -> Address | None:
    """Read one address in the form that the mail's own addresses have."""
    read = parse_mailboxes(untrusted, _LIMITS)
    found = read.addresses
    # A text with more than the address (a second one, a display name) is no address that an issuer checked.
    return found[0] if len(read.mailboxes) == 1 and found and "<" not in untrusted and "(" not in untrusted else None
