# SPDX-License-Identifier: Apache-2.0
"""A large object in a space of its own: its pieces come together there, its plaintext comes into being there, and nobody's bytes change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, person, ring
from cms_slices import in_slices
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.content import read as read_cms
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, decrypt
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.fault import UNDECRYPTABLE, Refusal
from gatepost.encryption.cms.limits import DEFAULT
from gatepost.encryption.cms.scheme import Scheme, write_scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.space import Space

ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
KEYS, TO = ring(ANNA), (addressee(ANNA.certificate),)


def pieces_of(value: bytes, cuts: list[int], depth: int, *, endless: bool) -> bytes:
    """Write an octet string in BER: cut at these places, the later pieces within others."""
    places = sorted({min(place, len(value)) for place in cuts})
    parts = [der.octet_string(value[start:stop]) for start, stop in zip([0, *places], [*places, len(value)], strict=True)]
    for level in range(depth):
        inner = b"".join(parts[level:])
        parts = [*parts[:level], b"\x24\x80" + inner + b"\0\0" if endless else der.element(0x24, inner)]
    return b"\x24\x80" + b"".join(parts) + b"\0\0"


@settings(max_examples=200)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=9), st.integers(0, 3), st.booleans(), st.booleans())
def test_pieces_come_together_in_a_space(value, cuts, depth, endless, first):
    """They are hashed and taken as they came, and what follows them is read as before."""
    space = Space()
    space.write(der.sequence(pieces_of(value, cuts, depth, endless=endless), der.integer(5)))
    inside = cursor_on(space, DEFAULT).enter(0x30)
    octets = inside.octets()
    if first:
        octets.check()
    assert inside.number() == 5
    assert b"".join(octets.blocks()) == value
    assert octets.take() == value
    assert octets.bound == 0


def test_malformed_pieces_are_refused_before_anything_moves():
    """So that whoever reads on reads what came."""
    data = der.sequence(der.element(0x24, b"\x04\x03abc\x04\x03def\x02\x01\x05"))
    space = Space()
    space.write(data)
    octets = cursor_on(space, DEFAULT).enter(0x30).octets()
    for _ in range(2):
        with pytest.raises(Refusal):
            octets.check()
    assert space.octets() == data


@pytest.mark.parametrize("cipher", [AES256_GCM, AES256_CBC])
@pytest.mark.parametrize("place", [-1, -40, None])
def test_nothing_is_left_of_a_plaintext_that_nobody_vouches_for(cipher, place):
    """The object was opened in its own memory: afterwards there is nothing in it, and with a wrong tag no word but the usual."""
    data = bytearray(encrypt_cms(b"All is well.\r\n" * 40, TO, cipher))
    if place is not None:
        data[place] ^= 1
    space = Space()
    space.write(data)
    with in_slices():
        found = read_cms(space)
        assert isinstance(found, Enveloped)
        assert found.content is not None
        answer = decrypt(found, KEYS)
    assert isinstance(answer, Decrypted) or answer == UNDECRYPTABLE
    assert isinstance(answer, Decrypted) == (place is None or (cipher is AES256_CBC and place == -40))
    assert b"".join(found.content.blocks()) == b""


def bare(kind: str, scheme: Scheme, content: bytes, number: int) -> SignedData:
    """Sign a content itself, without attributes, by so many signers."""
    one = person(kind)
    digest = der.sequence(der.oid({"sha256": oids.SHA256, "sha512": oids.SHA512}[scheme.digest]))
    signature = one.private.sign(content, scheme)
    info = der.sequence(der.integer(1), one.certificate.names[0], digest, write_scheme(scheme), der.octet_string(signature))
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(content)))
    held = der.element(0xA0, one.certificate.encoded)
    inside = der.sequence(der.integer(1), der.set_of([digest]), inner, held, der.element(0x31, info * number))
    found = read_cms(der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside)))
    assert isinstance(found, SignedData)
    return found


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("rsa", Scheme("rsa-pkcs1", "sha256")), ("rsa", Scheme("rsa-pss", "sha256", 32)), ("p256", Scheme("ecdsa", "sha256"))],
)
@pytest.mark.parametrize("large", [10, 10_000])
def test_a_signature_over_a_large_content_itself_is_judged_by_its_digest(kind, scheme, large):
    """However many signers there are it is hashed once; over another content it is broken."""
    with in_slices(large):
        data = bare(kind, scheme, b"All is well.\r\n" * 9, 4)
        assert [one.verdict for one in verify(data)] == ["intact"] * 4
        other = bare(kind, scheme, b"All is lost.\r\n" * 9, 1)
        assert [one.verdict for one in verify(data._replace(content=other.content))] == ["broken"] * 4


def test_few_signers_have_a_large_content_hashed_by_their_key():
    """Two of them; nobody says what the others' signatures are."""
    with in_slices(10):
        data = bare("ed25519", Scheme("ed25519", "sha512"), b"All is well.\r\n" * 9, 4)
        assert [one.verdict for one in verify(data)] == ["intact", "intact", "unknown", "unknown"]
    assert [one.verdict for one in verify(data)] == ["intact"] * 4


def test_octets_are_changed_under_nobody():
    """Who holds what a space gave him keeps it as it was."""
    space = Space(room=10)
    space.write(b"one two")
    held = space.octets()
    with space.view() as view:
        view[:3] = b"six"
    space.keep(0, 3)
    space.grow(2)
    assert (held, space.octets()[:3], len(space)) == (b"one two", b"six", 5)
    adopted = Space(held)
    with adopted.view() as view:
        view[0] = 0
    assert (held[:1], adopted.octets()[:1]) == (b"o", b"\0")


def test_attributes_are_no_content_in_pieces_either():
    """A large content that reads as another signature's attributes is not what a signer without attributes signed."""
    one = SIGNER
    attributes = one.to_be_signed(bytes(32), NOW)
    assert isinstance(attributes, bytes)
    with in_slices(10):
        [judgement] = verify(bare("p256", Scheme("ecdsa", "sha256"), attributes, 1))
    assert judgement.verdict == "broken"
    assert "attributes" in judgement.reason
