# SPDX-License-Identifier: Apache-2.0
"""EnvelopedData and AuthEnvelopedData: only those addressed read them, and nothing leaves unchecked."""

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, x25519
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import Person, certify, person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import AES128_CBC, AES256_CBC, AES256_GCM, CIPHERS, TRIPLE_DES_CBC, WRITTEN
from gatepost.encryption.cms.enveloped.decrypt import Decrypted, addressed_to, ciphertext_of, decrypt, open_content
from gatepost.encryption.cms.enveloped.encrypt import encrypt
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.enveloped.unwrapping import Agree, Unwrap, content_key, task_for
from gatepost.encryption.cms.fault import UNDECRYPTABLE, Fault
from gatepost.encryption.cms.identifier import Identifier, by_issuer
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.keys import OAEP, PKCS1, KeyRing, Transport
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.signer import default_scheme

CONTENT = b"Content-Type: text/plain\r\n\r\nSecret\r\n"
KINDS = ("rsa", "p256", "p384", "p521", "x25519")


def to(one: Person, **how: object) -> Addressee:
    made = addressee(one.certificate, **how)
    assert isinstance(made, Addressee), made
    return made


def enveloped(data: bytes) -> Enveloped:
    found = read(data)
    assert isinstance(found, Enveloped), found
    return found


def opened(data: bytes, *people: Person) -> Decrypted:
    found = decrypt(enveloped(data), ring(*people))
    assert isinstance(found, Decrypted), found
    return found


def fault(data: bytes, *people: Person) -> Fault:
    found = decrypt(enveloped(data), ring(*people))
    assert isinstance(found, Fault), found
    return found


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("cipher", WRITTEN)
@pytest.mark.parametrize("kind", KINDS)
def test_the_addressee_reads_what_is_encrypted(kind: str, cipher: str, by_key: bool):
    """To each kind of key, under each cipher, named either way; only GCM is authenticated."""
    found = opened(encrypt(CONTENT, [to(person(kind), by_key=by_key)], WRITTEN[cipher]), person(kind))
    assert (found.content, found.content_type, found.cipher) == (CONTENT, oids.DATA, cipher)
    assert found.authenticated == cipher.endswith("gcm")


@pytest.mark.parametrize("transport", [PKCS1, OAEP, Transport("oaep", "sha1", "sha1"), Transport("oaep", "sha512", "sha256", b"label")])
def test_each_way_of_key_transport_is_read(transport: Transport):
    """With two hashes and a label too."""
    assert opened(encrypt(CONTENT, [to(person("rsa"), transport=transport)]), person("rsa")).content == CONTENT


@settings(max_examples=60)
@given(content=st.binary(max_size=200), kinds=st.sets(st.sampled_from(KINDS), min_size=1), cipher=st.sampled_from(sorted(WRITTEN)))
def test_any_content_comes_back_to_each_addressee(content: bytes, kinds: set[str], cipher: str):
    """Of whatever length, to several at once."""
    data = encrypt(content, [to(person(kind)) for kind in kinds], WRITTEN[cipher])
    for kind in kinds:
        assert opened(data, person(kind)).content == content
    for kind in set(KINDS) - kinds:
        assert fault(data, person(kind)).kind == "not-addressed"


def test_every_mail_has_its_own_keys():
    """The same content twice has nothing in common but the names."""
    first, second = (enveloped(encrypt(CONTENT, [to(person("p256"))])) for _ in range(2))
    assert first.content is not None
    assert second.content is not None
    assert bytes(first.content.whole()) != bytes(second.content.whole())
    assert first.recipients[0].encrypted_key != second.recipients[0].encrypted_key
    assert first.recipients[0].originator != second.recipients[0].originator


@pytest.mark.parametrize("kind", KINDS)
def test_no_changed_bit_gives_another_content_under_gcm(kind: str):
    """Over the whole object: it is refused, or the content is the one that was encrypted."""
    data = encrypt(CONTENT, [to(person(kind))])
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        found = read(bytes(changed))
        if isinstance(found, Enveloped):
            result = decrypt(found, ring(person(kind)))
            assert isinstance(result, Fault) or result.content == CONTENT


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cipher", [AES256_GCM, AES256_CBC])
def test_every_failure_behind_the_key_has_one_answer(kind: str, cipher):
    """A wrong key, a wrong wrapping, a wrong tag or padding: the same fault, whatever was wrong.

    By chance one wrong key in 256 leaves something like a padding in CBC: that comes out as bytes that nothing vouches for.
    """

    def refused(data: Enveloped, keys: KeyRing) -> bool:
        found = decrypt(data, keys)
        return found == UNDECRYPTABLE or (cipher == AES256_CBC and isinstance(found, Decrypted) and not found.authenticated)

    data = enveloped(encrypt(CONTENT, [to(person(kind))], cipher))
    stranger = KeyIndex()
    stranger.add(person(kind).certificate, person(kind, "stranger").private)
    assert refused(data, stranger)
    [recipient] = data.recipients
    for broken in (b"", b"x", recipient.encrypted_key[:-1] + bytes((recipient.encrypted_key[-1] ^ 1,)), recipient.encrypted_key + b"x" * 8):
        changed = data._replace(recipients=(recipient._replace(encrypted_key=broken),))
        assert refused(changed, ring(person(kind)))
    if kind != "rsa":
        for point in (b"x", b"\0" * 32, b"\x04" + b"\0" * (len(recipient.originator) - 1)):
            changed = data._replace(recipients=(recipient._replace(originator=point),))
            assert refused(changed, ring(person(kind)))


@pytest.mark.parametrize("length", [0, 1, 15, 17, 31, 33])
def test_cbc_without_whole_blocks_has_the_same_answer(length: int):
    """And no exception of the library."""
    whole = encrypt(CONTENT, [to(person("rsa"))], AES128_CBC)
    data = enveloped(whole)
    assert data.content is not None
    ciphertext = bytes(data.content.whole())
    cut = read(_replace_ciphertext(whole, ciphertext, ciphertext[:length].ljust(length, b"x")))
    assert isinstance(cut, Enveloped)
    assert decrypt(cut, ring(person("rsa"))) == UNDECRYPTABLE


def _replace_ciphertext(whole: bytes, before: bytes, after: bytes) -> bytes:
    """Write an EnvelopedData again with another ciphertext, which came last in it."""
    from gatepost.encryption.cms.ber import SEQUENCE, cursor_on
    from gatepost.encryption.cms.limits import DEFAULT

    inside = cursor_on(whole, DEFAULT).enter(SEQUENCE)
    inside.raw()
    body = inside.enter(0xA0).enter(SEQUENCE)
    version, recipients = body.raw(), body.raw()
    content = body.enter(SEQUENCE)
    kind, cipher = content.raw(), content.raw()
    assert bytes(content.octets(0x80).whole()) == before
    inner = der.sequence(version, recipients, der.sequence(kind, cipher, der.element(0x80, after)))
    return der.sequence(der.oid(oids.ENVELOPED_DATA), der.explicit(0, inner))


def test_padding_is_taken_off_by_the_byte():
    """Contents of every length around a block come back."""
    for length in range(50):
        assert opened(encrypt(b"x" * length, [to(person("p256"))], AES128_CBC), person("p256")).content == b"x" * length


def test_a_cipher_of_the_other_kind_of_object_is_not_used():
    """GCM without its tag, or CBC with one, would be what a forger made of it (RFC 5084 §1.1)."""
    data = enveloped(encrypt(CONTENT, [to(person("rsa"))]))
    unsealed = decrypt(data._replace(authenticated=False, tag=b""), ring(person("rsa")))
    assert isinstance(unsealed, Fault)
    assert unsealed.kind == "unsupported"


@pytest.mark.parametrize("length", [0, 4, 8, 11, 13, 15, 17])
def test_a_tag_of_another_length_than_said_is_refused(length: int):
    """A short tag is easy to guess."""
    data = enveloped(encrypt(CONTENT, [to(person("rsa"))]))
    refused = decrypt(data._replace(tag=data.tag.ljust(17, b"x")[:length]), ring(person("rsa")))
    assert isinstance(refused, Fault)
    assert refused.kind == "malformed"


def test_authenticated_attributes_are_authenticated():
    """Attributes that are added break the tag."""
    data = enveloped(encrypt(CONTENT, [to(person("rsa"))]))
    from gatepost.encryption.cms.attributes import Attributes

    more = Attributes({}, b"\x31\x00", repeated=False, canonical=True)
    assert decrypt(data._replace(authenticated_attributes=more), ring(person("rsa"))) == UNDECRYPTABLE


def test_keys_are_found_by_name_and_not_tried():
    """A key that could open the object is not asked when the object does not name it, and only the first named one is."""
    asked: list[str] = []

    class Counting(LocalKey):
        __slots__ = ("who",)

        def unwrap(self, encrypted: bytes, transport: Transport, length: int) -> bytes:
            asked.append(self.who)
            return super().unwrap(encrypted, transport, length)

    def counting(one: Person) -> Counting:
        key = Counting(one.secret)
        key.who = one.name
        return key

    first, second = person("rsa", "first"), person("rsa", "second")
    data = enveloped(encrypt(CONTENT, [to(first), to(second)]))
    renamed = KeyIndex()
    renamed.add(certify(first.secret.public_key(), "elsewhere", key_identifier=False), counting(first))
    assert decrypt(data, renamed) == Fault("not-addressed", "none of the 2 recipients is one of our keys")
    assert asked == []
    both = KeyIndex()
    for one in (first, second):
        both.add(one.certificate, counting(one))
    assert isinstance(decrypt(data, both), Decrypted)
    assert len(asked) == 1


def test_an_issuer_in_another_form_is_found():
    """A peer writes the name in another string type and with other blanks (RFC 5280 §7.1)."""
    one = person("rsa")
    issuer, serial = one.certificate.issuer, one.certificate.serial
    other = issuer.replace(b"\x0c\x0cExample  Org", b"\x13\x0cEXAMPLE orG ")
    assert other != issuer
    assert ring(one).find(by_issuer(other, serial)) is one.private
    assert ring(one).find(by_issuer(other.replace(b"EXAMPLE", b"ANOTHER"), serial)) is None
    assert ring(one).find(Identifier(b"\x30\x03junk")) is None


def to_ber(data: bytes) -> bytes:
    """Write DER again with indefinite lengths throughout, and octet strings in pieces."""
    from gatepost.encryption.cms.ber import cursor_on
    from gatepost.encryption.cms.limits import DEFAULT

    cursor, written = cursor_on(data, DEFAULT), b""
    while cursor.peek() != -1:
        tag = cursor.peek()
        if tag & 0x20:
            inside = cursor.enter(tag)
            written += bytes((tag, 0x80)) + to_ber(inside.data[inside.position : inside.end]) + b"\0\0"
        elif tag in (0x04, 0x80):
            value = cursor.value(tag)
            pieces = der.octet_string(value[:3]) + b"\x24\x80" + der.octet_string(value[3:]) + b"\0\0"
            written += bytes((tag | 0x20, 0x80)) + pieces + b"\0\0"
        else:
            written += cursor.raw()
    return written


@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("cipher", [AES128_CBC, AES256_GCM])
@pytest.mark.parametrize("kind", KINDS)
def test_an_object_in_ber_throughout_is_read(kind: str, cipher, by_key: bool):
    """Names, parameters, keys and content: nothing has a length, every octet string is in pieces."""
    data = encrypt(CONTENT, [to(person(kind), by_key=by_key)], cipher)
    assert opened(to_ber(data), person(kind)).content == CONTENT


@pytest.mark.parametrize(("oid", "sign_only"), [(oids.RSA_PSS, True), (oids.RSA_OAEP, False)])
def test_a_key_that_is_bound_to_one_scheme_is_used_with_it_alone(oid: bytes, sign_only: bool):
    """A certificate may say that its RSA key is for PSS, or for OAEP (RFC 4055 §1.2)."""
    one = person("rsa")
    usual = der.sequence(der.oid(oids.RSA), der.NULL)
    bound = der.sequence(der.oid(oid), der.NULL)
    assert len(usual) == len(bound)
    certificate = Certificate(one.certificate.encoded.replace(usual, bound))
    made, scheme = addressee(certificate), default_scheme(certificate)
    assert isinstance(scheme, Scheme)
    assert scheme.kind == ("rsa-pss" if sign_only else "rsa-pkcs1")
    if sign_only:
        assert isinstance(made, Fault)
        return
    assert isinstance(made, Addressee)
    data = enveloped(encrypt(CONTENT, [made]))
    assert data.recipients[0].algorithm.oid == oids.RSA_OAEP
    keys = KeyIndex()
    keys.add(certificate, one.private)
    assert isinstance(decrypt(data, keys), Decrypted)


def test_a_key_without_identifier_is_found_by_its_hash():
    """As RFC 5280 §4.2.1.2 would have made it."""
    one = person("rsa")
    bare = certify(one.secret.public_key(), "bare", key_identifier=False)
    keys = KeyIndex()
    keys.add(bare, one.private)
    name = one.certificate.names[1]
    assert name is not None
    assert keys.find(name) is one.private


@pytest.mark.parametrize("transport", [PKCS1, OAEP])
@pytest.mark.parametrize("kind", ["rsa1024", "rsa2047"])
def test_nobody_writes_to_a_short_key(kind: str, transport: Transport):
    """What is encrypted to it others can read; mail that came so is opened all the same."""
    short = person(kind)
    assert addressee(short.certificate, transport=transport) == Fault("forbidden", f"an RSA key of {kind[3:]} bits is too short")


def impossible(kind: str) -> Certificate:
    """Certify a key with which nothing can be computed: nobody but a forger makes one, and authorities have certified some."""
    if kind == "x25519":
        return certify(x25519.X25519PublicKey.from_public_bytes(b"\1" + bytes(31)), "impossible")
    usual = person("rsa")
    numbers = usual.secret.public_key().public_numbers()
    modulus = der.integer(numbers.n)
    return Certificate(usual.certificate.encoded.replace(modulus, modulus[:-1] + bytes((modulus[-1] & 0xFE,))))


@pytest.mark.parametrize("kind", ["even modulus", "x25519"])
@pytest.mark.parametrize("transport", [PKCS1, OAEP])
def test_a_key_that_is_none_is_a_value(kind: str, transport: Transport):
    """Whoever is to be written to chose his key; it fails before a mail is written."""
    found = addressee(impossible(kind), transport=transport)
    assert isinstance(found, Fault)
    assert found.kind == "unsupported"


def test_a_key_takes_what_lost_a_leading_zero():
    """Some peers write the number without it; the octets of a modulus are rounded up."""
    short = person("rsa2047")
    public = short.secret.public_key()
    for _ in range(2000):
        encrypted = public.encrypt(b"k" * 16, padding.PKCS1v15())
        if encrypted[0] == 0:
            break
    assert short.private.unwrap(encrypted.lstrip(b"\0"), PKCS1, 16) == b"k" * 16


@pytest.mark.parametrize("kind", KINDS)
def test_decryption_can_be_done_in_steps(kind: str):
    """The task for the key is small and plain, so that the key can be elsewhere and answer later."""
    data = enveloped(encrypt(CONTENT, [to(person(kind))]))
    ciphertext = ciphertext_of(data)
    assert not isinstance(ciphertext, Fault)
    [addressed] = addressed_to(data, ring(person(kind)))
    task = task_for(addressed, ciphertext.cipher)
    assert isinstance(task, Unwrap if kind == "rsa" else Agree)
    assert sum(len(part) for part in task if isinstance(part, bytes)) < 600
    key = person(kind).private
    answer = key.unwrap(*task) if isinstance(task, Unwrap) else key.agree(*task)
    assert open_content(ciphertext, content_key(addressed, ciphertext.cipher, answer)) == CONTENT
    assert open_content(ciphertext, content_key(addressed, ciphertext.cipher, None)) is None


def test_an_entry_for_a_key_of_another_kind_is_a_fault():
    """Nobody asks a curve's key to unwrap as RSA does, or the other way round."""
    names = {kind: enveloped(encrypt(CONTENT, [to(person(kind))])).recipients[0] for kind in ("rsa", "p256")}
    data = enveloped(encrypt(CONTENT, [to(person("rsa"))]))
    for asked, named in (("rsa", "p256"), ("p256", "rsa")):
        crossed = data._replace(recipients=(names[asked]._replace(name=names[named].name),))
        found = decrypt(crossed, ring(person("rsa"), person("p256")))
        assert isinstance(found, Fault)
        assert found.kind == "malformed"


def test_a_wrong_content_key_is_random_and_never_an_error():
    """RSA PKCS#1 v1.5 with wrong padding, wrong length or wrong size: octets of the right number, other ones each time."""
    key = person("rsa").private
    for encrypted in (b"", b"x", b"x" * 256, b"\xff" * 256, b"x" * 300):
        for transport in (PKCS1, OAEP):
            answers = {key.unwrap(encrypted, transport, 32) for _ in range(2)}
            assert {len(answer) for answer in answers} == {32}


def test_triple_des_is_never_written():
    """Nor is anything encrypted to nobody."""
    assert TRIPLE_DES_CBC.name not in WRITTEN
    assert TRIPLE_DES_CBC.oid in CIPHERS
    with pytest.raises(ValueError, match="is not written"):
        encrypt(CONTENT, [to(person("rsa"))], TRIPLE_DES_CBC)
    with pytest.raises(ValueError, match="nobody"):
        encrypt(CONTENT, [])


def test_keys_that_only_sign_are_not_written_to():
    """Ed25519 cannot."""
    made = addressee(person("ed25519").certificate)
    assert isinstance(made, Fault)
    assert made.kind == "unsupported"
