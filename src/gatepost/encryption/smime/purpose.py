# SPDX-License-Identifier: Apache-2.0
"""What a certificate says of its own use in mail: addresses, names, and whether its key may sign (RFC 8550 §3, §4.4).

Read by the same code as paths are judged by, so that what constrains a name and who is bound by it mean the same name.
"""

from functools import lru_cache
from typing import NamedTuple

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.name_text import COMMON_NAME, PSEUDONYM, name_for_people, texts_in
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.credential import DIGITAL_SIGNATURE, NON_REPUDIATION, Credential, read_credential
from gatepost.encryption.paths.general_names import addresses_in
from gatepost.encryption.paths.mailbox import read_mailbox
from gatepost.message.addresses import Address

_MAIL = frozenset((oids.EMAIL_PROTECTION, oids.ANY_USAGE))
_MOST_NAMES = 1000
_SMALL = 8_192
"""Bytes of a certificate that is remembered; strangers' large ones would fill the memory."""


class Purpose(NamedTuple):
    """A certificate's words on its use; a malformed one says whose it is and may do nothing."""

    subject: str
    """For people (RFC 4514)."""
    serial: str
    """In hexadecimal."""
    names: tuple[str, ...]
    """Common names and pseudonyms that the issuer vouches for."""
    addresses: tuple[Address, ...]
    """The alternative names that are addresses; the subject's where no alternative name is for mail (RFC 8550 §3)."""
    objection: str
    """Why the key may not sign mail; '' when it may."""


def purpose_of(certificate: Certificate) -> Purpose:
    """Read what a certificate says of its use; what is small is remembered."""
    return _remembered(certificate) if len(certificate.encoded) <= _SMALL else _read(certificate)


def _read(certificate: Certificate) -> Purpose:
    subject = name_for_people(certificate.subject)
    serial = f"{int.from_bytes(certificate.serial, signed=True):x}"
    read = read_credential(certificate)
    if isinstance(read, Fault):
        return Purpose(subject, serial, (), (), f"the certificate is malformed: {read.reason}")
    found = (read_mailbox(mailbox) for mailbox in _mailboxes(read)[:_MOST_NAMES])
    addresses = tuple(dict.fromkeys(one for one in found if one is not None))
    names = (*texts_in(certificate.subject, COMMON_NAME), *texts_in(certificate.subject, PSEUDONYM))
    return Purpose(subject, serial, names[:_MOST_NAMES], addresses, _objection(read))


_remembered = lru_cache(maxsize=4096)(_read)


def _objection(credential: Credential) -> str:
    if not credential.allows(DIGITAL_SIGNATURE | NON_REPUDIATION):
        return "the certificate is not for signatures"
    if credential.purposes is not None and not _MAIL & credential.purposes:
        return "the certificate is not for mail"
    return ""


def _mailboxes(credential: Credential) -> list[bytes]:
    """Give the names for mail, as they stand in the certificate."""
    found = [name.value for name in credential.names if name.kind == "email"]
    if found:
        return found
    try:
        return [name.value for name in addresses_in(credential.certificate.subject)]
    except Refusal:
        return []
