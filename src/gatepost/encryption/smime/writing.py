# SPDX-License-Identifier: Apache-2.0
"""Sign and encrypt whole mails (RFC 8551 §3.3 to §3.5).

A clear signature is over a content that every relay leaves alone; one that cannot be made so is signed opaque, or refused, as the
caller's rule says. A mail that is signed already is left as it is: signatures directly inside each other are read differently by
different readers, so who wants his own removes the other one first (`removal.py`). Around an encryption one is made by `wrap` alone.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import Addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, Cipher
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.smime.canonical import canonical
from gatepost.encryption.smime.confidentiality import Confidentiality
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.frame import content_of, mail_fields
from gatepost.encryption.smime.protection import encrypted_content, signed_content
from gatepost.encryption.smime.seven_bit import base64_lines, is_fit, seven_bit
from gatepost.message.glance import glance
from gatepost.message.tree import Message

EightBit = Literal["reencoded", "opaque", "refused"]
"""What becomes of a content that is not fit for a clear signature: made fit, or else opaque; opaque at once; refused."""

_MICALG = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}
_LIMITS = MessageLimits()


class SignAs(NamedTuple):
    """How a mail is signed."""

    form: Literal["multipart", "opaque"] = "multipart"
    eight_bit: EightBit = "reencoded"
    header_protection: bool = False
    """Whether From, Subject and their like are signed with the content."""
    certificates: tuple[Certificate, ...] = ()
    """The chain that goes along, without the root."""


class EncryptAs(NamedTuple):
    """How a mail is encrypted."""

    cipher: Cipher = AES256_CBC
    header_protection: bool = False
    """Whether the fields go inside as well; only for who is known to read them there."""
    confidentiality: Confidentiality = "baseline"
    """What of them is left outside; nothing is hidden without header protection."""
    legacy_display: bool = False
    """Whether hidden fields stand in the text as well, for readers that do not look inside."""


CLEAR = SignAs()
COMPATIBLE = EncryptAs()


def sign(raw: bytes, signers: Sequence[Signer], when: datetime, how: SignAs = CLEAR) -> bytes | Fault:
    """Sign a mail; one that is signed or encrypted already comes back as it is."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := _unfit(mail, parts_matter=how.header_protection):
        return fault
    if form_of_mail(mail) != "none":
        return bytes(mail.raw)
    content = signed_content(mail) if how.header_protection and not _is_protected(mail) else content_of(mail)
    return _signed(mail_fields(mail), content, signers, when, how)


def encrypt(raw: bytes, to: Sequence[Addressee], how: EncryptAs = COMPATIBLE) -> bytes | Fault:
    """Encrypt a mail, signed or not."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := _unfit(mail, parts_matter=how.header_protection):
        return fault
    if how.header_protection and form_of_mail(mail) == "none" and not _is_protected(mail):
        fields, content = encrypted_content(mail, how.confidentiality, legacy_display=how.legacy_display)
    else:
        fields, content = mail_fields(mail), content_of(mail)
    return _encrypted(fields, content, to, how.cipher)


def seal(
    raw: bytes,
    signers: Sequence[Signer],
    when: datetime,
    to: Sequence[Addressee],
    *,
    sign_as: SignAs = CLEAR,
    encrypt_as: EncryptAs = COMPATIBLE,
) -> bytes | Fault:
    """Sign a mail and encrypt the signed content; header protection is that of the encryption."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := _unfit(mail, parts_matter=encrypt_as.header_protection):
        return fault
    if form_of_mail(mail) != "none" or not encrypt_as.header_protection or _is_protected(mail):
        signed = sign(raw, signers, when, sign_as)
        return signed if isinstance(signed, Fault) else encrypt(signed, to, encrypt_as)
    fields, content = encrypted_content(mail, encrypt_as.confidentiality, legacy_display=encrypt_as.legacy_display)
    inside = _signed(b"", content, signers, when, sign_as)
    if isinstance(inside, Fault):
        return inside
    inside = inside.removeprefix(b"MIME-Version: 1.0\r\n")
    return _encrypted(fields, inside, to, encrypt_as.cipher)


def wrap(
    raw: bytes,
    signers: Sequence[Signer],
    when: datetime,
    to: Sequence[Addressee],
    *,
    sign_as: SignAs = CLEAR,
    encrypt_as: EncryptAs = COMPATIBLE,
) -> bytes | Fault:
    """Sign, encrypt, and sign the ciphertext too (RFC 2634 §1.1): the outer signature is for who passes the mail on."""
    sealed = seal(raw, signers, when, to, sign_as=sign_as, encrypt_as=encrypt_as)
    if isinstance(sealed, Fault):
        return sealed
    mail = glance(sealed, _LIMITS)
    return _signed(mail_fields(mail), content_of(mail), signers, when, sign_as)


def _signed(fields: bytes, content: bytes, signers: Sequence[Signer], when: datetime, how: SignAs) -> bytes | Fault:
    opaque = how.form == "opaque"
    if not opaque:
        fit = seven_bit(content, _LIMITS) if how.eight_bit != "opaque" else content if is_fit(content) else None
        if how.eight_bit == "refused" and fit != content:
            return Fault("unsupported", "the mail is not in 7 bit, and a clear signature would not survive")
        opaque, content = fit is None, content if fit is None else fit
    if opaque:
        cms = sign_cms(content, signers, when, certificates=how.certificates)
        return _object(fields, "signed-data", cms)
    cms = sign_cms(content, signers, when, detached=True, certificates=how.certificates)
    digests = ",".join(sorted({_MICALG[signer.scheme.digest] for signer in signers}))
    boundary = f"=_{secrets.token_hex(16)}"
    head = (
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg="{digests}"; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n"
    )
    between = (
        f"\r\n--{boundary}\r\n"
        'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    )
    return b"".join((fields, head.encode(), content, between.encode(), base64_lines(cms), f"--{boundary}--\r\n".encode()))


def _encrypted(fields: bytes, content: bytes, to: Sequence[Addressee], cipher: Cipher) -> bytes | Fault:
    if not to:
        return Fault("not-addressed", "there is nobody to encrypt to")
    cms = encrypt_cms(content, to, cipher, content_type=oids.DATA)
    return _object(fields, "authEnveloped-data" if cipher.authenticated else "enveloped-data", cms)


def _object(fields: bytes, kind: str, cms: bytes) -> bytes:
    head = (
        "MIME-Version: 1.0\r\n"
        f'Content-Type: application/pkcs7-mime; smime-type={kind};\r\n name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
    )
    return b"".join((fields, head.encode(), base64_lines(cms)))


def _unfit(mail: Message, *, parts_matter: bool) -> Fault | None:
    """Refuse a mail that was not read whole; where its parts do not matter, one whose header was not."""
    if mail.outline is not None and not parts_matter:
        return None
    return Fault("too-large", f"the mail exceeds the limit message.{mail.exceeded}") if mail.exceeded else None


def _is_protected(mail: Message) -> bool:
    return "hp" in mail.content_type.parameters
