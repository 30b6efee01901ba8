# SPDX-License-Identifier: Apache-2.0
"""SignedData: what we sign is intact, and nothing else ever is."""

import datetime

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, certify, person
from gatepost.encryption.cms import capabilities, der, oids
from gatepost.encryption.cms.algorithm import algorithm
from gatepost.encryption.cms.attributes import Attributes
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.content import read
from gatepost.encryption.cms.digests import digest
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.identifier import by_issuer
from gatepost.encryption.cms.policy import LEGACY, Policy
from gatepost.encryption.cms.scheme import Scheme
from gatepost.encryption.cms.signed.message import SignedData
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.verify import verify
from gatepost.encryption.cms.signed.write import sign, signed_data

CONTENT = b"Content-Type: text/plain\r\n\r\nHello\r\n"
KINDS = ("rsa", "p256", "p384", "p521", "ed25519")
TYPE, DIGEST = "the signed type of the content is absent or another one", "the content is not the one that was signed"


def signer(kind: str = "p256", **how) -> Signer:
    one = person(kind)
    scheme = default_scheme(one.certificate)
    assert isinstance(scheme, Scheme)
    return Signer(one.private, one.certificate, how.pop("scheme", scheme), **how)


def signed(data: bytes) -> SignedData:
    found = read(data)
    assert isinstance(found, SignedData), found
    return found


def verdict(data: bytes, content: bytes | None = None, **how) -> tuple[str, str]:
    [judgement] = verify(signed(data), content, **how)
    return judgement.verdict, judgement.reason


def with_info(one: Signer, attributes: bytes, signature: bytes | None = None, *, content: bytes | None = CONTENT, **how) -> bytes:
    """Put a SignedData together around attributes of one's own."""
    made = one.key.sign(attributes, one.scheme) if signature is None else signature
    return signed_data(content, [one], [one.info(attributes, made)], **how)


def attribute(kind: bytes, *values: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of(values))


def usual_attributes(content: bytes = CONTENT, name: str = "sha256") -> list[bytes]:
    return [
        attribute(oids.CONTENT_TYPE, der.oid(oids.DATA)),
        attribute(oids.MESSAGE_DIGEST, der.octet_string(digest(name, (content,)))),
    ]


@pytest.mark.parametrize("detached", [False, True])
@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_we_sign_is_intact(kind: str, by_key: bool, detached: bool):
    """With each kind of key; time, capabilities and certificate come back."""
    data = signed(sign(CONTENT, [signer(kind, by_key=by_key)], NOW, detached=detached))
    [judgement] = verify(data, CONTENT if detached else None)
    assert (judgement.verdict, judgement.reason, judgement.findings) == ("intact", "", ())
    assert judgement.certificate == person(kind).certificate
    assert judgement.signing_time == NOW
    assert judgement.capabilities == capabilities.OURS
    assert data.content_type == oids.DATA
    assert (data.content is None) == detached


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_pss_is_intact_with_each_digest(name: str):
    """Its parameters say digest, mask and salt."""
    scheme = Scheme("rsa-pss", name, 32)
    [judgement] = verify(signed(sign(CONTENT, [signer("rsa", scheme=scheme)], NOW)))
    assert (judgement.verdict, judgement.scheme) == ("intact", scheme)


@pytest.mark.parametrize("kind", KINDS)
def test_the_default_scheme_fits_the_key(kind: str):
    """And no key for agreement gets one."""
    expected = {"rsa": "sha256", "p256": "sha256", "p384": "sha384", "p521": "sha512", "ed25519": "sha512"}
    scheme = default_scheme(person(kind).certificate)
    assert isinstance(scheme, Scheme)
    assert scheme.digest == expected[kind]
    assert isinstance(default_scheme(person("x25519").certificate), Fault)


@pytest.mark.parametrize("kind", KINDS)
def test_every_changed_bit_of_the_content_breaks(kind: str):
    """Inside and outside."""
    opaque, detached = sign(CONTENT, [signer(kind)], NOW), sign(CONTENT, [signer(kind)], NOW, detached=True)
    for place in range(0, len(CONTENT), 7):
        changed = bytearray(CONTENT)
        changed[place] ^= 1
        assert verdict(detached, bytes(changed))[0] == "broken"
        assert verdict(opaque.replace(CONTENT, bytes(changed)))[0] == "broken"


@settings(max_examples=300)
@given(place=st.integers(0), bit=st.integers(0, 7), kind=st.sampled_from(["rsa", "p256"]))
def test_no_changed_bit_of_the_object_is_intact_over_something_else(place: int, bit: int, kind: str):
    """A changed object is refused, broken or unknown; where it is still intact, what was signed is the same."""
    data = bytearray(_SIGNED[kind])
    data[place % len(data)] ^= 1 << bit
    found = read(bytes(data))
    if not isinstance(found, SignedData):
        return
    for judgement in verify(found):
        if judgement.verdict == "intact":
            assert judgement.signing_time == NOW
            assert found.content is not None
            assert bytes(found.content.whole()) == CONTENT
            assert judgement.certificate is not None
            assert judgement.certificate.public_key == person(kind).certificate.public_key


_SIGNED = {kind: sign(CONTENT, [signer(kind)], NOW) for kind in ("rsa", "p256")}


def test_content_inside_and_outside_is_broken():
    """Even when both are the same: which of them a reader shows is his choice (eContent confusion)."""
    data = sign(CONTENT, [signer()], NOW)
    assert verdict(data, CONTENT) == ("broken", "there is content inside the signature beside the one outside")


def test_content_that_is_missing_is_broken():
    """A detached signature alone says nothing."""
    assert verdict(sign(CONTENT, [signer()], NOW, detached=True))[0] == "broken"


def test_no_signers_give_no_judgement():
    """A bag of certificates is not signed by anybody."""
    bag = signed(signed_data(None, [], [], certificates=[person("rsa").certificate]))
    assert verify(bag) == ()
    assert verify(bag, CONTENT) == ()
    assert bag.certificates() == (person("rsa").certificate,)


def test_a_signer_whose_certificate_is_not_at_hand_is_unknown():
    """Until it is given."""
    one = signer()
    attributes = one.to_be_signed(digest("sha256", (CONTENT,)), NOW)
    info = one.info(attributes, one.key.sign(attributes, one.scheme))
    data = signed_data(CONTENT, [], [info], certificates=[person("rsa").certificate])
    assert verdict(data) == ("unknown", "the signer's certificate is not at hand")
    [judgement] = verify(signed(data), certificates=[one.certificate])
    assert (judgement.verdict, judgement.findings) == ("intact", ("digest-not-listed",))


def test_a_certificate_that_is_malformed_does_not_hide_the_signer():
    """It is a fault in its place."""
    one = signer()
    attributes = one.to_be_signed(digest("sha256", (CONTENT,)), NOW)
    info = one.info(attributes, one.key.sign(attributes, one.scheme))
    garbage = der.sequence(der.octet_string(b"x"))
    certificates = der.set_of([garbage, one.certificate.encoded], 0xA0)
    inner = der.sequence(der.oid(oids.DATA), der.explicit(0, der.octet_string(CONTENT)))
    whole = der.sequence(der.integer(1), der.set_of([one.encoded_digest]), inner, certificates, der.set_of([info]))
    data = signed(der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, whole)))
    assert sorted(type(found).__name__ for found in data.certificates()) == ["Certificate", "Fault"]
    assert [judgement.verdict for judgement in verify(data)] == ["intact"]


def test_a_namesake_with_another_key_is_not_taken_for_the_signer():
    """A certificate with the same issuer and number is tried, and does not hold; the right one does."""
    one = signer()
    serial = int.from_bytes(one.certificate.serial, signed=True)
    namesake = certify(person("p384").secret.public_key(), "namesake", serial=serial)
    data = sign(CONTENT, [one], NOW, certificates=[namesake])
    [judgement] = verify(signed(data))
    assert (judgement.verdict, judgement.certificate) == ("intact", one.certificate)
    bare = [judgement for judgement in verify(signed(sign(CONTENT, [one], NOW)), certificates=[namesake])]
    assert bare[0].certificate == one.certificate


def test_another_certificate_with_the_same_key_is_refused():
    """The signing-certificate attribute says which one was meant (RFC 5035)."""
    one = person("p256")
    other = certify(one.secret.public_key(), "other-name")
    scheme = Scheme("ecdsa", "sha256")
    attributes = Signer(one.private, one.certificate, scheme).to_be_signed(digest("sha256", (CONTENT,)), NOW)
    swapped = Signer(one.private, other, scheme)
    assert verdict(with_info(swapped, attributes)) == ("broken", "the signer meant another certificate")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda usual: [*usual, usual[0]], "an attribute is signed twice"),
        (lambda usual: [*usual, usual[1]], "an attribute is signed twice"),
        (lambda usual: usual[:1], DIGEST),
        (lambda usual: usual[1:], TYPE),
        (lambda usual: [attribute(oids.CONTENT_TYPE, der.oid(oids.SIGNED_DATA)), usual[1]], TYPE),
        (lambda usual: [attribute(oids.CONTENT_TYPE, der.oid(oids.DATA), der.oid(oids.SIGNED_DATA)), usual[1]], TYPE),
        (lambda usual: [usual[0], attribute(oids.MESSAGE_DIGEST)], DIGEST),
        (lambda usual: [usual[0], attribute(oids.MESSAGE_DIGEST, der.octet_string(b"x" * 32))], DIGEST),
        (lambda usual: [*usual, attribute(oids.SIGNING_CERTIFICATE_V2, der.sequence())], "the signer meant another certificate"),
        (lambda usual: [*usual, attribute(oids.ALGORITHM_PROTECTION, der.sequence())], "the algorithms are not the ones that were signed"),
    ],
)  # fmt: skip
def test_signed_attributes_that_contradict_are_broken(change, reason: str):
    """Though the key did sign them."""
    one = signer()
    assert verdict(with_info(one, der.set_of(change(usual_attributes())))) == ("broken", reason)


def test_exchanged_algorithms_are_noticed():
    """The attribute of RFC 6211 names the ones that were signed; a NULL more is no difference."""
    one = signer("rsa")
    protection = der.sequence(one.encoded_digest, b"\xa1" + algorithm(oids.RSA).encoded[1:])
    attributes = der.set_of([*usual_attributes(), attribute(oids.ALGORITHM_PROTECTION, protection)])
    assert verdict(with_info(one, attributes))[0] == "intact"
    other = der.sequence(one.encoded_digest, b"\xa1" + algorithm(oids.RSA_PSS).encoded[1:])
    attributes = der.set_of([*usual_attributes(), attribute(oids.ALGORITHM_PROTECTION, other)])
    assert verdict(with_info(one, attributes))[0] == "broken"


def test_attributes_out_of_order_are_intact_and_said_to_be():
    """Whether the signer hashed his own order or the one that DER demands."""
    one, usual = signer(), usual_attributes()
    ordered = der.set_of(usual)
    disordered = der.element(0x31, b"".join(sorted(usual, reverse=True)))
    assert ordered != disordered
    for hashed in (ordered, disordered):
        [judgement] = verify(signed(with_info(one, disordered, one.key.sign(hashed, one.scheme))))
        assert judgement.verdict == "intact"
        assert "not-canonical" in judgement.findings


def bare(one: Signer, content: bytes, signature: bytes, kind: bytes = oids.DATA) -> bytes:
    """Put a SignedData without signed attributes together."""
    info = der.sequence(der.integer(1), one.name, one.encoded_digest, one._scheme, der.octet_string(signature))
    return signed_data(content, [one], [info], content_type=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_without_attributes_is_over_the_content(kind: str):
    """It is intact and said to have none."""
    one = signer(kind)
    [judgement] = verify(signed(bare(one, CONTENT, one.key.sign(CONTENT, one.scheme))))
    assert (judgement.verdict, judgement.findings) == ("intact", ("no-signed-attributes",))
    assert judgement.signing_time is None


def test_signed_attributes_do_not_pass_for_content():
    """A forger takes the attributes of a real signature for the content of one without (RFC 5652 §5.4's ambiguity)."""
    one = signer()
    attributes = one.to_be_signed(digest("sha256", (CONTENT,)), NOW)
    forged = bare(one, attributes, one.key.sign(attributes, one.scheme))
    assert verdict(forged) == ("broken", "the content is the signed attributes of another signature")


def test_without_attributes_only_plain_data_is_signed():
    """Another type would not be covered (RFC 5652 §5.3)."""
    one = signer()
    assert verdict(bare(one, CONTENT, one.key.sign(CONTENT, one.scheme), oids.ENVELOPED_DATA))[0] == "broken"


def test_two_digests_in_one_signature_are_broken():
    """The content's and the signature's must be the same (RFC 8933)."""
    one = signer("p256", scheme=Scheme("ecdsa", "sha384"))
    attributes = der.set_of(usual_attributes(name="sha256"))
    data = with_info(one, attributes).replace(one.encoded_digest, signer("p256").encoded_digest)
    assert verdict(data) == ("broken", "the content is hashed with sha256, the signature with sha384")


def test_a_signature_of_another_kind_than_the_key_is_broken():
    """An RSA scheme beside a curve's key does not raise."""
    one = signer("p256")
    other = Signer(one.key, one.certificate, Scheme("rsa-pkcs1", "sha256"))
    attributes = der.set_of(usual_attributes())
    assert verdict(with_info(other, attributes, b"x" * 256))[0] == "broken"


def test_unknown_algorithms_are_unknown():
    """MD5, DSA and whatever comes: nobody says intact or broken."""
    md5 = algorithm(oids.encoded("1.2.840.113549.2.5")).encoded
    data = _SIGNED["rsa"].replace(signer("rsa").encoded_digest, md5)
    found = read(data)
    assert isinstance(found, Fault)  # the lengths no longer fit
    one = signer("rsa")
    attributes = der.set_of(usual_attributes())
    info = der.sequence(der.integer(1), one.name, md5, b"\xa0" + attributes[1:], one._scheme, der.octet_string(b"x"))
    assert verdict(signed_data(CONTENT, [one], [info]))[0] == "unknown"


def test_short_keys_are_refused_or_marked():
    """Below the policy's bound nothing is verified; below 2048 bits the judgement says so."""
    one = person("rsa1024")
    data = sign(CONTENT, [Signer(one.private, one.certificate, Scheme("rsa-pkcs1", "sha256"))], NOW)
    [judgement] = verify(signed(data))
    assert (judgement.verdict, judgement.reason) == ("unknown", "an RSA key of 1024 bits is not accepted")
    assert (judgement.findings, judgement.certificate) == (("short-key",), one.certificate)
    [judgement] = verify(signed(data), policy=LEGACY)
    assert (judgement.verdict, judgement.findings) == ("intact", ("short-key",))
    assert verdict(data, policy=LEGACY._replace(rsa_bits=1025)) == ("unknown", "an RSA key of 1024 bits is not accepted")


@pytest.mark.parametrize("pss", [False, True])
@pytest.mark.parametrize("kind", ["rsa1024", "rsa2047"])
def test_nobody_signs_with_a_short_key(kind: str, pss: bool):
    """Whoever reads it would refuse it; no algorithm that is written depends on how much is read."""
    assert default_scheme(person(kind).certificate, pss=pss) == Fault("forbidden", f"an RSA key of {kind[3:]} bits is too short")


def test_sha1_needs_the_policy():
    """It is forbidden, then intact and marked."""
    one = signer("rsa", scheme=Scheme("rsa-pkcs1", "sha1"))
    data = sign(CONTENT, [one], NOW)
    assert verdict(data) == ("unknown", "signatures over SHA-1 are not accepted")
    [judgement] = verify(signed(data), policy=Policy(sha1=True))
    assert (judgement.verdict, judgement.findings) == ("intact", ("sha1",))
    [judgement] = verify(signed(data))
    assert (judgement.verdict, judgement.findings, judgement.certificate) == ("unknown", ("sha1",), person("rsa").certificate)
    assert judgement.scheme is not None
    assert judgement.scheme.digest == "sha1"


def test_each_of_several_signers_is_judged():
    """One that is broken does not touch the other."""
    first, second = signer("rsa"), signer("ed25519")
    infos = []
    for one in (first, second):
        attributes = one.to_be_signed(digest(one.scheme.digest, (CONTENT,)), NOW)
        infos.append(one.info(attributes, one.key.sign(attributes, one.scheme) if one is first else b"x" * 64))
    judged = verify(signed(signed_data(CONTENT, [first, second], infos)))
    assert sorted(judgement.verdict for judgement in judged) == ["broken", "intact"]


def test_nothing_is_believed_of_a_signer_who_is_not_intact():
    """Neither his time nor what he can decrypt."""
    [judgement] = verify(signed(sign(CONTENT, [signer()], NOW, detached=True)), b"other")
    assert judgement.verdict == "broken"
    assert judgement.signing_time is None
    assert judgement.capabilities == ()


def test_countersignatures_are_kept_as_they_came():
    """They are not signed and not judged."""
    one = signer()
    attributes = one.to_be_signed(digest("sha256", (CONTENT,)), NOW)
    info = one.info(attributes, one.key.sign(attributes, one.scheme))
    more = b"\xa1" + der.set_of([attribute(oids.COUNTERSIGNATURE, info)])[1:]
    outer = der.element(0x30, info[info.index(one._head) :] + more)
    [judgement] = verify(signed(signed_data(CONTENT, [one], [outer])))
    assert judgement.verdict == "intact"
    assert judgement.signer.countersignatures == (info,)


def test_an_encryption_certificate_can_be_named():
    """For answers, when it is another one than the signer's."""
    one, other = person("p256"), person("rsa")
    data = signed(sign(CONTENT, [Signer(one.private, one.certificate, Scheme("ecdsa", "sha256"), encrypt_to=other.certificate)], NOW))
    [judgement] = verify(data)
    attributes = judgement.signer.signed
    assert isinstance(attributes, Attributes)
    value = attributes.only(oids.KEY_PREFERENCE)
    assert value is not None
    assert b"\x30" + value[1:] == other.certificate.names[0]


def test_signing_is_done_by_the_key_wherever_it_lives():
    """The key is asked once for each signer, with the signed attributes and the scheme, and nothing else."""

    all_asked: list[tuple[bytes, Scheme]] = []

    class Elsewhere:
        kind = "p256"

        def sign(self, to_be_signed: bytes, scheme: Scheme) -> bytes:
            all_asked.append((to_be_signed, scheme))
            return person("p256").private.sign(to_be_signed, scheme)

    data = sign(CONTENT, [Signer(Elsewhere(), person("p256").certificate, Scheme("ecdsa", "sha256"))], NOW)
    assert verdict(data)[0] == "intact"
    [(asked, scheme)] = all_asked
    assert asked[:1] == b"\x31"
    assert scheme == Scheme("ecdsa", "sha256")


@settings(max_examples=60)
@given(
    content=st.binary(max_size=400),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    detached=st.booleans(),
    when=st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2080, 1, 1)),
)
def test_any_content_comes_back_intact(content: bytes, kinds: list[str], detached: bool, when: datetime.datetime):
    """By any signers, at any time."""
    moment = when.replace(microsecond=0, tzinfo=datetime.UTC)
    data = signed(sign(content, [signer(kind) for kind in kinds], moment, detached=detached))
    judged = verify(data, content if detached else None)
    assert [judgement.verdict for judgement in judged] == ["intact"] * len(kinds)
    assert {judgement.signing_time for judgement in judged} == {moment}
    assert detached or (data.content is not None and bytes(data.content.whole()) == content)


def test_a_signers_issuer_in_another_form_is_found():
    """A peer writes the issuer's name in another string type, or a length in more octets than it needs."""
    one = signer()
    issuer, serial = one.certificate.issuer, one.certificate.serial
    other = issuer.replace(b"\x0c\x0cExample  Org", b"\x13\x0cEXAMPLE orG ")
    assert other != issuer
    attributes = one.to_be_signed(digest("sha256", (CONTENT,)), NOW)
    signature = one.key.sign(attributes, one.scheme)
    info = one.info(attributes, signature)
    long_form = one.name[:1] + b"\x82\x00" + one.name[1:]
    for name in (by_issuer(other, serial), long_form):
        body = info[info.index(one._head) :].replace(one.name, name)
        [judgement] = verify(signed(signed_data(CONTENT, [one], [der.element(0x30, body)])))
        assert judgement.verdict == "intact"
    stranger = by_issuer(other.replace(b"EXAMPLE", b"ANOTHER"), serial)
    body = info[info.index(one._head) :].replace(one.name, stranger)
    assert verdict(signed_data(CONTENT, [one], [der.element(0x30, body)]))[0] == "unknown"


def test_certificates_a_strict_library_refuses_still_name_the_signer():
    """A negative serial number is one, a version that does not exist another."""
    one = person("p256")
    positive = certify(one.secret.public_key(), "negative", serial=0x55AA55AA55AA55AA)
    negative = Certificate(positive.encoded.replace(bytes.fromhex("020855aa55aa55aa55aa"), bytes.fromhex("0208d5aa55aa55aa55aa")))
    [judgement] = verify(signed(sign(CONTENT, [Signer(one.private, negative, Scheme("ecdsa", "sha256"))], NOW)))
    assert (judgement.verdict, judgement.certificate) == ("intact", negative)
    version_nine = Certificate(positive.encoded.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020108")))
    assert version_nine.issuer == positive.issuer
    with pytest.raises(x509.InvalidVersion):
        x509.load_der_x509_certificate(version_nine.encoded)
    [judgement] = verify(signed(sign(CONTENT, [Signer(one.private, version_nine, Scheme("ecdsa", "sha256"))], NOW)))
    assert judgement.verdict == "intact"
