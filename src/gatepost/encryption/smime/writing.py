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
from gatepost.encryption.cms import limits as cms_limits
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import Addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, Cipher
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.enveloped.encrypt import encrypted
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.write import signed
from gatepost.encryption.cms.space import LARGE, written
from gatepost.encryption.smime.canonical import canonical
from gatepost.encryption.smime.confidentiality import Confidentiality
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.frame import Pieces, content_pieces, mail_fields
from gatepost.encryption.smime.neutral import is_garbled
from gatepost.encryption.smime.prepared import prepared, unfit, unparted
from gatepost.encryption.smime.protection import ENCRYPTED, SIGNED, encrypted_content, signed_content
from gatepost.encryption.smime.seven_bit import are_fit, base64_lines, base64_pieces, seven_bit
from gatepost.message.glance import glance

EightBit = Literal["reencoded", "opaque", "refused"]
"""What becomes of a content that is not fit for a clear signature: made fit, or else opaque; opaque at once; refused."""

_MICALG = {"sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}
_LIMITS = MessageLimits()
MOST_BYTES = cms_limits.DEFAULT.size_bytes
"""Bytes of an object that is written: a larger one we could not read ourselves."""
_BESIDE = 128
"""Bytes of an encrypted object beside its content and its recipients: heads, vector and padding."""
_EACH_RECIPIENT = 1024
"""More bytes than the entry of one takes; RSA of 4,096 bits and a long name are under 800."""
_MIME = b"MIME-Version: 1.0\r\n"
_OBJECT = b"Content-Type: application/pkcs7-mime; smime-type="
_NAMED = b';\r\n name="smime.p7m"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n\r\n'


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
    """Whether the fields go inside as well; only for who is known to read them there. Not for a mail that is protected already: the content
    is as it is, and its own signature's."""
    confidentiality: Confidentiality = "baseline"
    """What of them is left outside; nothing is hidden without header protection."""
    legacy_display: bool = False
    """Whether hidden fields stand in the text as well, for readers that do not look inside."""


CLEAR = SignAs()
COMPATIBLE = EncryptAs()


def sign(raw: bytes, signers: Sequence[Signer], when: datetime, how: SignAs = CLEAR) -> bytes | Fault:
    """Sign a mail; one that is signed or encrypted already comes back as it is."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := unfit(mail, parts_matter=how.header_protection):
        return fault
    if form_of_mail(mail) != "none":
        return bytes(mail.raw)
    ready = prepared(mail, mark=SIGNED if how.header_protection else b"")
    if isinstance(ready, Fault):
        return ready
    content = signed_content(ready) if how.header_protection else content_pieces(ready)
    return _whole(_signed(mail_fields(mail) + _MIME, content, signers, when, how))


def encrypt(raw: bytes, to: Sequence[Addressee], how: EncryptAs = COMPATIBLE) -> bytes | Fault:
    """Encrypt a mail, signed or not."""
    mail = glance(canonical(raw), _LIMITS)
    if fault := unfit(mail, parts_matter=how.header_protection):
        return fault
    if form_of_mail(mail) != "none":
        if how.header_protection:
            return Fault("unsupported", "the mail is protected already, so its header cannot go inside; encrypt it without that")
        return unparted(mail) or _encrypted(mail_fields(mail) + _MIME, content_pieces(mail), to, how.cipher)
    ready = prepared(mail, mark=ENCRYPTED, times=2) if how.header_protection else prepared(mail, mark=b"")
    if isinstance(ready, Fault):
        return ready
    if how.header_protection:
        if not how.cipher.authenticated and is_garbled(ready.raw[: ready.root.header_end]):
            return Fault("unsupported", "the mail's header holds controls or is no UTF-8, which under CBC nobody could tell from tampering")
        fields, content = encrypted_content(ready, how.confidentiality, legacy_display=how.legacy_display)
    else:
        fields, content = mail_fields(ready), content_pieces(ready)
    return _encrypted(fields + _MIME, content, to, how.cipher)


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
    if fault := unfit(mail, parts_matter=encrypt_as.header_protection or sign_as.header_protection):
        return fault
    if form_of_mail(mail) != "none":
        return encrypt(raw, to, encrypt_as)
    mark = ENCRYPTED if encrypt_as.header_protection else SIGNED if sign_as.header_protection else b""
    ready = prepared(mail, mark=mark, times=2 if mark is ENCRYPTED else 1)
    if isinstance(ready, Fault):
        return ready
    if encrypt_as.header_protection:
        fields, content = encrypted_content(ready, encrypt_as.confidentiality, legacy_display=encrypt_as.legacy_display)
    else:
        fields = mail_fields(ready)
        content = signed_content(ready) if sign_as.header_protection else content_pieces(ready)
    inside = _signed(b"", content, signers, when, sign_as)
    if isinstance(inside, Fault):
        return inside
    return _encrypted(fields + _MIME, inside if len(raw) > LARGE else (b"".join(inside),), to, encrypt_as.cipher)


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


def _signed(fields: bytes, content: Pieces, signers: Sequence[Signer], when: datetime, how: SignAs) -> Pieces | Fault:
    """Sign a content; without fields before it what is made is a content too, and no mail."""
    opaque = how.form == "opaque"
    if not opaque:
        fit = seven_bit(content, _LIMITS) if how.eight_bit != "opaque" else content if are_fit(content) else None
        if how.eight_bit == "refused" and fit is not content:
            return Fault("unsupported", "the mail is not in 7 bit, and a clear signature would not survive")
        opaque, content = fit is None, content if fit is None else fit
    if opaque:
        cms = signed(content, signers, when, certificates=how.certificates)
        if (size := sum(map(len, cms))) > MOST_BYTES:
            return _too_large(size)
        return (_object(fields, b"signed-data", base64_pieces(cms) if size > LARGE else base64_lines(b"".join(cms)), size),)
    [signature] = signed(content, signers, when, detached=True, certificates=how.certificates)
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
    return fields, head.encode(), *content, between.encode(), base64_lines(signature), f"--{boundary}--\r\n".encode()


def _encrypted(fields: bytes, content: Pieces, to: Sequence[Addressee], cipher: Cipher) -> bytes | Fault:
    if not to:
        return Fault("not-addressed", "there is nobody to encrypt to")
    kind = b"authEnveloped-data" if cipher.authenticated else b"enveloped-data"
    if len(content) > 1 or len(content[0]) > LARGE:
        if (size := sum(map(len, content)) + _BESIDE + _EACH_RECIPIENT * len(to)) > MOST_BYTES:
            return _too_large(size)
        return _object(fields, kind, base64_pieces(encrypted(content, to, cipher)), sum(map(len, content)))
    return _object(fields, kind, base64_lines(encrypt_cms(content[0], to, cipher, content_type=oids.DATA)))


def _too_large(size: int) -> Fault:
    return Fault("too-large", f"the object would have about {size} bytes, more than the {MOST_BYTES} that are read")


def _object(fields: bytes, kind: bytes, lines: bytes | Iterator[bytes], size: int = 0) -> bytes:
    front = fields, _OBJECT, kind, _NAMED
    return b"".join((*front, lines)) if isinstance(lines, bytes) else written(chain(front, lines), _encoded(size) + len(fields))


def _encoded(size: int) -> int:
    """Give about how many characters an object of this size has in lines of base64, or a few more."""
    return size * 78 // 57 + LARGE


def _whole(made: Pieces | Fault) -> bytes | Fault:
    """Put a mail together."""
    return made if isinstance(made, Fault) else b"".join(made)
