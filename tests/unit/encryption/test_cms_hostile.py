# SPDX-License-Identifier: Apache-2.0
"""What a forger sends to cost us: each answer is typed, comes within a second, and takes less than 64 MiB beside the input."""

import time

import pytest

from cms_people import NOW, person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.content import OtherContent, read
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC
from gatepost.encryption.cms.enveloped.decrypt import decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.cms.public_key import load
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.signed.write import sign, signed_data
from resident_memory import resident_bytes

MEBIBYTE = 1 << 20


def info(kind: bytes, inner: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.explicit(0, inner))


def endless(tag: int, inner: bytes) -> bytes:
    return bytes((tag, 0x80)) + inner + b"\0\0"


def enveloped(content: bytes, recipients: bytes = b"") -> bytes:
    cipher = der.sequence(der.oid(oids.AES256_CBC), der.octet_string(b"x" * 16))
    held = der.sequence(der.oid(oids.DATA), cipher) if not content else der.element(0x30, der.oid(oids.DATA) + cipher + content)
    return info(oids.ENVELOPED_DATA, der.sequence(der.integer(0), der.element(0x31, recipients), held))


def signed(signers: bytes = b"", digests: bytes = b"", certificates: bytes = b"", content: bytes = b"") -> bytes:
    inner = der.sequence(der.oid(oids.DATA), content)
    return info(
        oids.SIGNED_DATA, der.element(0x30, der.integer(1) + der.element(0x31, digests) + inner + certificates + der.element(0x31, signers))
    )


def signer_info(attributes: bytes, name: bytes = b"") -> bytes:
    who, digest = name or person("p256").certificate.names[0], der.sequence(der.oid(oids.SHA256))
    return der.sequence(der.integer(1), who, digest, attributes, der.sequence(der.oid(oids.ECDSA_WITH_SHA256)), b"\x04\x00")


def our_recipient() -> bytes:
    algorithm = der.sequence(der.oid(oids.RSA), der.NULL)
    return der.sequence(der.integer(0), person("rsa").certificate.names[0], algorithm, der.octet_string(b"x" * 256))


def many_valued() -> bytes:
    return der.sequence(der.oid(oids.DATA), der.element(0x31, b"\x05\x00" * 500_000))


def vast_name() -> bytes:
    return der.sequence(person("p256").certificate.issuer, der.element(2, bytes(48 * MEBIBYTE)))


ATTRIBUTE = der.sequence(der.oid(oids.DATA), der.set_of([der.NULL]))
HOSTILE = {
    "a hundred megabytes": lambda: b"\x30\x84\x05\xf5\xe1\x00" + bytes(100_000_000),
    "sixty megabytes of nothing": lambda: bytes(60 * MEBIBYTE),
    "open without end": lambda: b"\x30\x80" * (30 * MEBIBYTE),
    "open without end in a signature": lambda: b"\x30\x80" + der.oid(oids.SIGNED_DATA) + b"\xa0\x80" + b"\x30\x80" * (30 * MEBIBYTE),
    "empty elements": lambda: endless(0x30, der.oid(oids.SIGNED_DATA) + endless(0xA0, b"\x05\x00" * (30 * MEBIBYTE))),
    "empty endless elements": lambda: endless(0x30, der.oid(oids.SIGNED_DATA) + endless(0xA0, b"\x30\x80\0\0" * (15 * MEBIBYTE))),
    "empty pieces": lambda: enveloped(der.element(0xA0, b"\x04\x00" * (30 * MEBIBYTE)), our_recipient()),
    "pieces of a byte": lambda: enveloped(der.element(0xA0, b"\x04\x01x" * (20 * MEBIBYTE)), our_recipient()),
    "half a million pieces": lambda: enveloped(der.element(0xA0, (b"\x04\x50" + b"x" * 80) * 499_999), our_recipient()),
    "deep pieces": lambda: enveloped(endless(0xA0, b"\x24\x80" * (30 * MEBIBYTE)), our_recipient()),
    "a piece that lies": lambda: enveloped(der.element(0xA0, (b"\x04\x01x" * 400_000) + b"\x04\x7f"), our_recipient()),
    "many recipients": lambda: enveloped(b"", our_recipient() * 150_000),
    "many entries of an agreement": lambda: enveloped(b"", _agreement(our_entry() * 500_000)),
    "many other recipients": lambda: enveloped(b"", b"\xa3\x00" * (20 * MEBIBYTE)),
    "many signers": lambda: signed(signer_info(b"") * 150_000),
    "many digests": lambda: signed(digests=b"\x30\x03\x06\x01\x2a" * (8 * MEBIBYTE)),
    "many certificates": lambda: signed(certificates=der.element(0xA0, b"\x30\x00" * (20 * MEBIBYTE))),
    "one vast certificate": lambda: signed(certificates=der.element(0xA0, der.octet_string(bytes(40 * MEBIBYTE)))),
    "vast attributes": lambda: signed(signer_info(der.element(0xA0, ATTRIBUTE * 2_000_000))),
    "an attribute of many values": lambda: signed(signer_info(der.element(0xA0, many_valued()))),
    "a vast serial number": lambda: signed(signer_info(b"", vast_name())),
    "a vast identifier": lambda: info(oids.DATA, b"")[:2] + der.element(6, b"\x81" * (40 * MEBIBYTE)),
}  # fmt: skip


def our_entry() -> bytes:
    return der.sequence(person("p256").certificate.names[0], der.octet_string(b"x" * 40))


def _agreement(entries: bytes) -> bytes:
    originator = der.explicit(0, der.element(0xA1, der.sequence(der.oid(oids.EC_PUBLIC_KEY)) + der.bit_string(b"\x04" + b"x" * 64)))
    algorithm = der.sequence(der.oid(oids.STD_DH_SHA256_KDF), der.sequence(der.oid(oids.AES256_WRAP)))
    return der.element(0xA1, der.integer(3) + originator + algorithm + der.element(0x30, entries))


def judged(data: bytes) -> object:
    """Do all that a gateway would: read, verify, decrypt."""
    found = read(data)
    if isinstance(found, SignedData):
        return [judgement.verdict for judgement in verify(found)] + [judgement.verdict for judgement in verify(found, b"x")]
    if isinstance(found, Enveloped):
        return decrypt(found, ring(person("rsa"), person("p256")))
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_object_is_answered_soon_and_in_little_space(name: str):
    """No answer is an exception, or says that something is intact or decrypted."""
    data = HOSTILE[name]()
    judged(signed())  # what is loaded only once does not count
    before, started = resident_bytes(), time.process_time()
    answer = judged(data)
    spent, peak = time.process_time() - started, resident_bytes("VmHWM")
    assert isinstance(answer, Fault | OtherContent) or (isinstance(answer, list) and "intact" not in answer), answer
    assert spent < 1.0
    assert peak - before < 64 * MEBIBYTE


def test_many_signers_with_dear_keys_are_answered_soon():
    """As many as are allowed, each with the largest of the usual keys."""
    one = person("rsa4096")
    signer = Signer(one.private, one.certificate, Scheme("rsa-pkcs1", "sha256"))
    attributes = signer.to_be_signed(b"x" * 32, NOW)
    data = signed_data(b"x", [signer], [signer.info(attributes, bytes(511) + b"\x02")] * 32)
    started = time.process_time()
    assert judged(data) == ["broken"] * 64
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("cut", range(1, 400, 3))
def test_every_beginning_of_an_object_is_malformed(cut: int):
    """Wherever a mail was cut off."""
    one = person("p256")
    made = addressee(one.certificate)
    assert isinstance(made, Addressee)
    for whole in (
        sign(b"content" * 40, [Signer(one.private, one.certificate, Scheme("ecdsa", "sha256"))], NOW),
        encrypt(b"content" * 40, [made]),
        encrypt(b"content" * 40, [made], AES256_CBC),
    ):
        found = read(whole[:cut])
        assert isinstance(found, Fault)
        assert found.kind == "malformed"


def test_what_follows_an_object_is_left_alone():
    """As a line end more in a mail is."""
    one = person("p256")
    whole = sign(b"content", [Signer(one.private, one.certificate, Scheme("ecdsa", "sha256"))], NOW)
    for kind in (bytes, bytearray, memoryview):
        found = read(kind(whole + b"\r\n"))
        assert isinstance(found, SignedData)
        assert [judgement.verdict for judgement in verify(found)] == ["intact"]


def test_strangers_large_names_keys_and_certificates_are_not_kept():
    """What is remembered of certificates is small: however many large ones come, they leave nothing behind."""
    for number in range(40):
        large = bytes((number,)) * MEBIBYTE
        assert isinstance(load(large), Fault)
        assert normalised(large) == large
    before = resident_bytes()
    for number in range(40):
        large = bytes((number, 1)) * (MEBIBYTE // 2)
        load(large)
        normalised(large)
    assert resident_bytes() - before < 8 * MEBIBYTE
