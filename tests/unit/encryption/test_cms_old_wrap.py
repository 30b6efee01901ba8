# SPDX-License-Identifier: Apache-2.0
"""Triple-DES key wrap, which old programs use to curves' keys: read by policy, never written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_people import person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import algorithm
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.agreement import WRAPS, read_agreement
from gatepost.encryption.cms.enveloped.decrypt import decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.enveloped.old_wrap import unwrap_triple_des
from gatepost.encryption.cms.enveloped.recipient import Agreement
from gatepost.encryption.cms.fault import UNDECRYPTABLE, Fault
from gatepost.encryption.cms.policy import Policy

KEY = bytes.fromhex("255e0d1c07b646dfb3134cc843ba8aa71f025b7c0838251f")
CONTENT_KEY = bytes.fromhex("2923bf85e06dd6ae529149f1f1bae9eab3a7da3d860d3e98")
WRAPPED = bytes.fromhex("690107618ef092b3b48ca1796b234ae9fa33ebb4159604037db5d6a84eb3aac2768c632775a467d4")


def test_the_standards_own_example():
    """RFC 3217 §3.4: the key comes out."""
    assert unwrap_triple_des(KEY, WRAPPED) == CONTENT_KEY


@given(st.integers(0, len(WRAPPED) * 8 - 1))
def test_each_changed_bit_is_noticed(bit: int):
    """The checksum does not fit then."""
    changed = bytearray(WRAPPED)
    changed[bit // 8] ^= 1 << bit % 8
    assert unwrap_triple_des(KEY, bytes(changed)) is None


@given(st.binary(max_size=120))
def test_octets_of_any_length_are_read_or_not(wrapped: bytes):
    """A length that no wrapped key has is no error."""
    assert unwrap_triple_des(KEY, wrapped) is None


def wrapped_by_triple_des() -> Enveloped:
    """Give an object whose recipient's key is wrapped so, with octets that unwrap under no key."""
    data = read(encrypt(b"secret", [addressee(person("p256").certificate)]))
    assert isinstance(data, Enveloped)
    [entry] = data.recipients
    assert isinstance(entry, Agreement)
    wrap = algorithm(oids.TRIPLE_DES_WRAP, der.NULL)
    return data._replace(recipients=(entry._replace(algorithm=algorithm(entry.algorithm.oid, wrap.encoded), encrypted_key=WRAPPED),))


@pytest.mark.parametrize(("policy", "kind"), [(Policy(), "forbidden"), (Policy(triple_des=True), "undecryptable")])
def test_it_is_read_by_policy_alone(policy: Policy, kind: str):
    """Without the policy no key is asked; with it a key that does not come out is no other answer than any."""
    found = decrypt(wrapped_by_triple_des(), ring(person("p256")), policy)
    assert isinstance(found, Fault)
    assert found.kind == kind
    assert kind == "forbidden" or found == UNDECRYPTABLE


def test_it_is_never_written():
    """A content key of 24 octets goes out under AES, too."""
    data = read(encrypt(b"secret", [addressee(person("p256").certificate)]))
    assert isinstance(data, Enveloped)
    [entry] = data.recipients
    assert read_agreement(entry.algorithm).wrap.oid == oids.AES256_WRAP
    assert WRAPS[24].oid == oids.AES192_WRAP
