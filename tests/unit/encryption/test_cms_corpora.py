# SPDX-License-Identifier: Apache-2.0
"""Other people's objects: each is read or refused by name, and those with a known answer get it."""

import base64
import json
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key, load_pem_private_key, pkcs12

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate, read_certificate
from gatepost.encryption.cms.content import OtherContent, read
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.name_text import name_for_people
from gatepost.encryption.cms.policy import LEGACY
from gatepost.encryption.cms.public_key import load
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.message.decode import decoded
from gatepost.message.parse import parse
from gatepost.message.tree import Entity
from shared_corpora import corpus, wire_form

_DEPTH = 8


def objects_in(data: bytes) -> Iterator[bytes]:
    """Give each CMS object in a file: the file itself when it is one, else what its parts say they are."""
    if data[:1] == b"\x30":
        yield data
        return
    if b"-----BEGIN" in data[:40]:
        yield from pem_in(data)
        return
    for leaf in parse(wire_form(data)).leaves():
        if "pkcs7" in leaf.content_type.full or leaf.filename.endswith((".p7m", ".p7s")):
            yield decoded(leaf).data


def pem_in(data: bytes) -> list[bytes]:
    """Take PEM apart; b'' where there is none."""
    parts = data.split(b"-----")
    inside = [inside for begin, inside in pairwise(parts) if begin.startswith(b"BEGIN ")]
    return [base64.b64decode(one.rpartition(b"\n\n")[2]) for one in inside]


def ring_of(folder: Path, password: bytes) -> KeyIndex:
    keys = KeyIndex()
    for path in sorted(folder.glob("*.p12")):
        with warnings.catch_warnings(action="ignore"):  # some are in BER
            key, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), password)
        for one in (certificate, *others):
            if one is not None and key is not None and one.public_key() == key.public_key():
                found = read_certificate(one.public_bytes(Encoding.DER))
                assert isinstance(found, Certificate)
                keys.add(found, LocalKey(key))
    return keys


@pytest.mark.parametrize("topic", ["smime", "pki-protocols"])
def test_every_object_is_read_or_refused_by_name(topic: str):
    """And whatever is read is judged, and decrypted with no key, without an exception; the same with each byte beside it changed."""
    kinds: Counter[str] = Counter()
    for path in sorted(corpus(topic).rglob("*")):
        if not path.is_file():
            continue
        for data in objects_in(path.read_bytes()):
            kinds[judge(data)] += 1
            for place in range(0, len(data), max(1, len(data) // 40)):
                judge(data[:place] + bytes((data[place] ^ 0x81,)) + data[place + 1 :])
    print(topic, dict(kinds))
    assert kinds.total() >= {"smime": 100, "pki-protocols": 5}[topic]
    assert topic != "smime" or kinds["SignedData"] >= 40
    assert topic != "smime" or kinds["Enveloped"] >= 20


def judge(data: bytes) -> str:
    found = read(data)
    if isinstance(found, SignedData):
        for detached in (None, b"x"):
            verify(found, detached, policy=LEGACY)
        for certificate in found.certificates():
            if isinstance(certificate, Certificate):
                assert purpose_of(certificate).subject.isprintable()
                assert load(certificate.public_key)
                assert certificate.names
    if isinstance(found, Enveloped):
        assert isinstance(decrypt(found, KeyIndex(), LEGACY), Fault)
    if isinstance(found, Fault):
        assert found.reason
    return type(found).__name__


def layers(entity: Entity, keys: KeyIndex, depth: int = 0) -> Iterator[object]:
    """Give what is found of each layer, the outer one first: judgements of signers, or what was decrypted."""
    kind = entity.content_type.full
    if depth == _DEPTH:
        return
    if kind == "multipart/signed":
        content, signature = entity.children
        data = read(decoded(signature).data)
        assert isinstance(data, SignedData)
        yield from verify(data, entity.raw[content.header_start : content.end])
        yield from layers(content, keys, depth + 1)
    elif "pkcs7-mime" in kind:
        data = read(decoded(entity).data)
        inner = b""
        if isinstance(data, SignedData):
            yield from verify(data)
            assert data.content is not None
            inner = bytes(data.content.whole())
        elif isinstance(data, Enveloped):
            found = decrypt(data, keys, LEGACY)
            yield found
            inner = found.content if isinstance(found, Decrypted) else b""
        yield from layers(parse(wire_form(inner)).root, keys, depth + 1)
    else:
        for child in entity.children:
            yield from layers(child, keys, depth + 1)


def test_thunderbirds_messages_are_judged_as_thunderbird_judges_them():
    """Every signature that it calls good is intact, every one that it calls bad for its bytes is broken; all to Bob is decrypted."""
    folder = corpus("smime") / "thunderbird"
    keys = ring_of(folder, b"nss")
    signatures = decryptions = 0
    for name, expected in json.loads((folder / "expected.json").read_bytes())["messages"].items():
        found = list(layers(parse(wire_form((folder / name).read_bytes())).root, keys))
        verdicts = [one.verdict for one in found if not isinstance(one, Decrypted | Fault)]
        for one in found:
            assert not isinstance(one, Fault), (name, one)
        decryptions += sum(isinstance(one, Decrypted) for one in found)
        signatures += len(verdicts)
        if ".bad." in name or "mismatch" in name:
            assert verdicts == ["broken"], name
        elif expected.get("default", {}).get("sig_good"):
            assert set(verdicts) == {"intact"}, name
        assert ".env" not in name or any(isinstance(one, Decrypted) for one in found), name
        assert "sig" not in name or verdicts, name
    print("thunderbird: signatures", signatures, "decryptions", decryptions)
    assert (signatures, decryptions) >= (35, 15)


def test_openssls_messages_to_thunderbird_are_decrypted():
    """By agreement on a curve, and by OAEP with two hashes."""
    folder = corpus("smime") / "thunderbird-interop"
    keys = ring_of(folder, b"nss")
    names = sorted(path.name for path in folder.glob("*.env"))
    for name in names:
        [found] = [one for one in layers(parse(wire_form((folder / name).read_bytes())).root, keys) if isinstance(one, Decrypted | Fault)]
        assert isinstance(found, Decrypted), (name, found)
        assert found.content
    assert len(names) >= 3


def test_the_examples_of_rfc_4134_are_read():
    """Old as they are: RSA over SHA-1 is intact by policy, DSS is unknown, RC2 is unsupported, Triple-DES is decrypted by policy."""
    folder = corpus("smime") / "rfc4134"
    keys = KeyIndex()
    bob = read_certificate((folder / "BobRSASignByCarl.cer").read_bytes())
    assert isinstance(bob, Certificate)
    secret = load_der_private_key((folder / "BobPrivRSAEncrypt.pri").read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    keys.add(bob, LocalKey(secret))
    known = [read_certificate(path.read_bytes()) for path in sorted(folder.glob("*.cer"))]
    certificates = [one for one in known if isinstance(one, Certificate)]
    content = (folder / "ExContent.bin").read_bytes()
    answers = {}
    for path in sorted([*folder.glob("?.?.bin"), *folder.glob("?.?.eml")]):
        [data] = objects_in(path.read_bytes())
        found = read(data)
        if isinstance(found, SignedData):
            detached = content if found.content is None else None
            answers[path.name] = [one.verdict for one in verify(found, detached, certificates=certificates, policy=LEGACY)]
        elif isinstance(found, Enveloped):
            opened = decrypt(found, keys, LEGACY)
            answers[path.name] = opened.content if isinstance(opened, Decrypted) else opened.kind
        else:
            answers[path.name] = found if isinstance(found, OtherContent) else found.kind
    print("rfc4134:", answers)
    assert "malformed" not in answers.values()
    assert answers["3.1.bin"] == OtherContent(oids.DATA)
    assert answers["5.2.bin"] in ("unsupported", "undecryptable")
    assert answers["5.3.eml"] == content


def test_protected_headers_are_decrypted():
    """Bob's mail has the content that its author says it has."""
    folder = corpus("smime") / "protected-headers"
    pem = (folder / "bob.p12").read_bytes()
    keys = KeyIndex()
    key, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(b"".join(pem.split(b"-----")[2].split())), b"bob")
    assert certificate is not None
    found = read_certificate(certificate.public_bytes(Encoding.DER))
    assert isinstance(found, Certificate)
    keys.add(found, LocalKey(key))
    results = list(layers(parse(wire_form((folder / "smime-enc+legacy-disp.eml").read_bytes())).root, keys))
    assert isinstance(results[0], Decrypted), results
    inner = (folder / "smime-enc+legacy-disp.inner").read_bytes()
    assert results[0].content.strip() in (inner.strip(), wire_form(inner).strip()) or b"pkcs7" in results[0].content


def test_no_oracle_mail_opens_without_its_key():
    """The mails with their key, and without."""
    folder = corpus("smime") / "covert-content"
    certificate = x509.load_pem_x509_certificate((folder / "assets/secret-keys/manager@bigcorporation.crt").read_bytes())
    found = read_certificate(certificate.public_bytes(Encoding.DER))
    assert isinstance(found, Certificate)
    keys = KeyIndex()
    secret = (folder / "assets/secret-keys/manager@bigcorporation.key").read_bytes()
    keys.add(found, LocalKey(load_pem_private_key(secret, b"test12345678")))
    opened = 0
    for path in sorted(folder.rglob("*.eml")):
        for data in objects_in(path.read_bytes()):
            enveloped = read(data)
            if isinstance(enveloped, Enveloped):
                assert isinstance(decrypt(enveloped, KeyIndex(), LEGACY), Fault)
                result = decrypt(enveloped, keys, LEGACY)
                opened += isinstance(result, Decrypted)
                assert not isinstance(result, Decrypted) or not result.authenticated
    assert opened >= 3


def test_every_certificate_is_outlined():
    """Even those that the strict library refuses; issuer, subject and number are the library's where it takes them."""
    outlined = refused = 0
    for path in sorted(corpus("x509").rglob("*")):
        if path.suffix.lower() not in (".crt", ".cer", ".der", ".pem"):
            continue
        data = path.read_bytes()
        for one in pem_in(data) or [data]:
            found = read_certificate(one)
            if isinstance(found, Fault):
                refused += 1
                with pytest.raises(ValueError):
                    x509.load_der_x509_certificate(one)
                continue
            outlined += 1
            with warnings.catch_warnings(action="ignore"), suppress(ValueError):  # warnings of numbers that are not positive
                library = x509.load_der_x509_certificate(one)
                assert found.issuer == library.issuer.public_bytes()
                assert found.subject == library.subject.public_bytes()
                assert name_for_people(found.subject) == library.subject.rfc4514_string()
                assert int.from_bytes(found.serial, signed=True) == library.serial_number
            load(found.public_key)
    print("certificates:", outlined, "no certificates:", refused)
    assert outlined >= 300
