# SPDX-License-Identifier: Apache-2.0
"""Wycheproof's vectors for the primitives, through the paths that CMS takes."""

import json
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import load_der_private_key

from gatepost.encryption.cms.enveloped.agreement import unwrap, wrap
from gatepost.encryption.cms.enveloped.ciphers import CIPHERS, open_cbc, open_small_cbc, seal_cbc
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.keys import Transport
from gatepost.encryption.cms.limits import DEFAULT
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.measures import Measures
from gatepost.encryption.cms.octets import Octets
from gatepost.encryption.cms.public_key import load
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signature import holds
from shared_corpora import corpus


def vectors(name: str):
    """Give each test of a file with its group, and count what the answers were."""
    groups = json.loads((corpus("x509") / "wycheproof" / name).read_bytes())["testGroups"]
    for group in groups:
        for test in group["tests"]:
            yield group, test


def test_pss_verification():
    """Valid signatures hold, invalid ones do not."""
    counts: Counter[str] = Counter()
    for group, test in vectors("rsa_pss_2048_sha256_mgf1_32_test.json"):
        key = load(bytes.fromhex(group["publicKeyDer"]))
        assert not isinstance(key, Fault)
        scheme = Scheme("rsa-pss", "sha256", group["sLen"])
        assert holds(key, scheme, bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])) == (test["result"] == "valid"), test
        counts[test["result"]] += 1
    print("RSASSA-PSS", dict(counts))
    assert counts.total() == 108


def test_oaep_unwrapping():
    """Valid ones give the message, invalid ones random octets of its length."""
    counts: Counter[str] = Counter()
    for group, test in vectors("rsa_oaep_2048_sha256_mgf1sha256_test.json"):
        key = LocalKey(load_der_private_key(bytes.fromhex(group["privateKeyPkcs8"]), None, unsafe_skip_rsa_key_validation=True))
        message = bytes.fromhex(test["msg"])
        length = max(len(message), 16)
        found = key.unwrap(bytes.fromhex(test["ct"]), Transport("oaep", "sha256", "sha256", bytes.fromhex(test["label"])), length)
        assert len(found) == length
        assert len(message) < 16 or (found == message) == (test["result"] == "valid"), test
        counts[test["result"]] += 1
    print("RSAES-OAEP", dict(counts))
    assert counts.total() == 37


def test_agreement_on_p256():
    """Valid points give the secret, points off the curve or of another one nothing."""
    counts: Counter[str] = Counter()
    for _, test in vectors("ecdh_secp256r1_test.json"):
        key = LocalKey(ec.derive_private_key(int(test["private"], 16), ec.SECP256R1()))
        encoded = load(bytes.fromhex(test["public"]))
        if isinstance(encoded, Fault):
            assert test["result"] != "valid", test
            counts[f"{test['result']}, refused"] += 1
            continue
        if not isinstance(encoded, ec.EllipticCurvePublicKey) or encoded.curve.name != "secp256r1":
            counts[f"{test['result']}, another curve"] += 1
            assert test["result"] == "invalid"
            continue
        numbers = encoded.public_numbers()
        point = b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32)
        found = key.agree(point)
        assert (found is not None and found.hex() == test["shared"]) or test["result"] == "invalid", test
        counts[test["result"]] += 1
    print("ECDH P-256", dict(counts))
    assert counts.total() == 612


def test_agreement_on_x25519():
    """Valid ones give the secret; those whose secret is all zeros give nothing (RFC 8418 §2)."""
    counts: Counter[str] = Counter()
    for _, test in vectors("x25519_test.json"):
        key = LocalKey(x25519.X25519PrivateKey.from_private_bytes(bytes.fromhex(test["private"])))
        found = key.agree(bytes.fromhex(test["public"]))
        if int(test["shared"], 16):
            assert found is not None
            assert found.hex() == test["shared"], test
        else:
            assert found is None, test
        counts[test["result"] if found else f"{test['result']}, refused"] += 1
    print("X25519", dict(counts))
    assert counts.total() == 518


def test_cbc():
    """Valid ciphertexts give the message and are made of it, wrong paddings give nothing; at once and in slices."""
    counts: Counter[str] = Counter()
    ciphers = {cipher.key_length: cipher for cipher in CIPHERS.values() if not cipher.authenticated and cipher.block_length == 16}
    for _, test in vectors("aes_cbc_pkcs5_test.json"):
        key, vector, message, ciphertext = (bytes.fromhex(test[part]) for part in ("key", "iv", "msg", "ct"))
        found = open_small_cbc(ciphers[len(key)], key, vector, ciphertext)
        assert found == (message if test["result"] == "valid" else None), test
        octets = Octets(Measures(ciphertext, DEFAULT), 0, len(ciphertext), False)
        assert open_cbc(ciphers[len(key)], key, vector, octets) == found
        assert test["result"] != "valid" or seal_cbc(key, vector, message) == ciphertext
        counts[test["result"]] += 1
    print("AES-CBC", dict(counts))
    assert counts.total() == 216


def test_key_wrap():
    """Valid ones give the key and are made of it, invalid ones nothing."""
    counts: Counter[str] = Counter()
    for _, test in vectors("aes_wrap_test.json"):
        key, message, ciphertext = (bytes.fromhex(test[part]) for part in ("key", "msg", "ct"))
        found = unwrap(key, ciphertext)
        assert found == message if test["result"] == "valid" else found in (None, message), test
        assert test["result"] != "valid" or wrap(key, message) == ciphertext
        counts[test["result"]] += 1
    print("AES key wrap", dict(counts))
    assert counts.total() == 165


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"junk"])
def test_a_key_that_is_none_is_a_fault(junk: bytes):
    """Not an exception of the library."""
    assert isinstance(load(junk), Fault)
