# SPDX-License-Identifier: Apache-2.0
"""Sign and encrypt whole mails (RFC 8551 §3.3 to §3.5).

A clear signature is over a content that every relay leaves alone; one that cannot be made so is signed opaque, or refused, as the
caller's rule says. A mail that is signed already is left as it is: signatures directly inside each other are read differently by
different readers, so who wants his own removes the other one first (`removal.py`). Around an encryption one is made by `wrap` alone.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import Addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, Cipher
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.enveloped.encrypt import encrypted
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.cms.signed.write import signed
from gatepost.encryption.cms.space import LARGE, AnyBytes, written
from gatepost.encryption.smime.canonical import canonical
from gatepost.encryption.smime.confidentiality import Confidentiality
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.frame import Pieces, content_pieces, mail_fields
from gatepost.encryption.smime.protection import encrypted_content, signed_content
from gatepost.encryption.smime.seven_bit import are_fit, base64_lines, base64_pieces, seven_bit
from gatepost.message.glance import glance
from gatepost.message.tree import Message

EightBit = Literal["reencoded", "opaque", "refused"]
"""What becomes of a content that is not fit for a clear signature: made fit, or else opaque; opaque at once; refused."""

_MICALG = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}
_LIMITS = MessageLimits()
_MIME = b"MIME-Version: 1.0\r\n"

_Made = Pieces | chain[AnyBytes] | Fault
"""What was made: a few pieces, or of a large object as many as come, or why not."""


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
    content = signed_content(mail) if how.header_protection and not _is_protected(mail) else content_pieces(mail)
    return _whole(_signed(mail_fields(mail) + _MIME, content, signers, when, how))


def encrypt(raw: bytes, to: Sequence[Addressee], how: EncryptAs = COMPATIBLE) -> bytes | Fault:
    """Encrypt a mail, signed or not."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := _unfit(mail, parts_matter=how.header_protection):
        return fault
    if how.header_protection and form_of_mail(mail) == "none" and not _is_protected(mail):
        fields, content = encrypted_content(mail, how.confidentiality, legacy_display=how.legacy_display)
    else:
        fields, content = mail_fields(mail), content_pieces(mail)
    return _whole(_encrypted(fields + _MIME, content, to, how.cipher))


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
    if fault := _unfit(mail, parts_matter=encrypt_as.header_protection or sign_as.header_protection):
        return fault
    if form_of_mail(mail) != "none":
        return encrypt(raw, to, encrypt_as)
    is_protected = _is_protected(mail)
    if encrypt_as.header_protection and not is_protected:
        fields, content = encrypted_content(mail, encrypt_as.confidentiality, legacy_display=encrypt_as.legacy_display)
    else:
        fields = mail_fields(mail)
        content = signed_content(mail) if sign_as.header_protection and not is_protected else content_pieces(mail)
    inside = _signed(b"", content, signers, when, sign_as)
    if isinstance(inside, Fault):
        return inside
    if isinstance(inside, chain) or len(raw) <= LARGE:
        inside = (written(inside),)
    return _whole(_encrypted(fields + _MIME, inside, to, encrypt_as.cipher))


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
    return _whole(_signed(mail_fields(mail) + _MIME, content_pieces(mail), signers, when, sign_as))


def _signed(fields: bytes, content: Pieces, signers: Sequence[Signer], when: datetime, how: SignAs) -> _Made:
    """Sign a content; without fields before it what is made is a content too, and no mail."""
    opaque = how.form == "opaque"
    if not opaque:
        fit = seven_bit(content, _LIMITS) if how.eight_bit != "opaque" else content if are_fit(content) else None
        if how.eight_bit == "refused" and fit is not content:
            return Fault("unsupported", "the mail is not in 7 bit, and a clear signature would not survive")
        opaque, content = fit is None, content if fit is None else fit
    if opaque:
        if len(content) > 1:
            return _object(fields, "signed-data", base64_pieces(signed(content, signers, when, certificates=how.certificates)))
        return _object(fields, "signed-data", (base64_lines(sign_cms(content[0], signers, when, certificates=how.certificates)),))
    [cms] = signed(content, signers, when, detached=True, certificates=how.certificates)
    digests = ",".join(sorted({_MICALG[signer.scheme.digest] for signer in signers}))
    boundary = f"=_{secrets.token_hex(16)}"
    head = (
        f'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg="{digests}"; boundary="{boundary}"\r\n\r\n'
        f"--{boundary}\r\n"
    )
    between = (
        f"\r\n--{boundary}\r\n"
        'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
    )
    return fields, head.encode(), *content, between.encode(), base64_lines(cms), f"--{boundary}--\r\n".encode()


def _encrypted(fields: bytes, content: Pieces, to: Sequence[Addressee], cipher: Cipher) -> _Made:
    if not to:
        return Fault("not-addressed", "there is nobody to encrypt to")
    kind = "authEnveloped-data" if cipher.authenticated else "enveloped-data"
    if len(content) > 1:
        return _object(fields, kind, base64_pieces(encrypted(content, to, cipher)))
    return _object(fields, kind, (base64_lines(encrypt_cms(content[0], to, cipher, content_type=oids.DATA)),))


def _object(fields: bytes, kind: str, lines: Pieces | Iterator[bytes]) -> Pieces | chain[AnyBytes]:
    head = (
        f'Content-Type: application/pkcs7-mime; smime-type={kind};\r\n name="smime.p7m"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
    )
    if isinstance(lines, tuple):
        return fields, head.encode(), *lines
    return chain[AnyBytes]((fields, head.encode()), lines)


def _whole(made: _Made) -> bytes | Fault:
    """Put a mail together."""
    if isinstance(made, Fault):
        return made
    return written(made) if isinstance(made, chain) else b"".join(made)


def _unfit(mail: Message, *, parts_matter: bool) -> Fault | None:
    """Refuse a mail that was not read whole; where its parts do not matter, one whose header was not."""
    if mail.outline is not None and not parts_matter:
        return None
    return Fault("too-large", f"the mail exceeds the limit message.{mail.exceeded}") if mail.exceeded else None


def _is_protected(mail: Message) -> bool:
    return "hp" in mail.content_type.parameters
