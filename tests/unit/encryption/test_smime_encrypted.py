# SPDX-License-Identifier: Apache-2.0
"""Encrypted mails: who is addressed gets the mail back; what could have been changed unnoticed is released as policy says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, person, ring
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.enveloped.addressee import Addressee, addressee
from gatepost.encryption.cms.enveloped.ciphers import AES128_CBC, AES256_CBC, AES256_GCM, WRITTEN
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.smime.layer import EncryptedLayer, SignedLayer
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.policy import RELEASE, ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign, wrap
from gatepost.message.decode import decoded
from gatepost.message.parse import parse

HEADER = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Secret plan\r\n"
MAIL = HEADER + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
HTML = HEADER + b'Content-Type: text/html\r\n\r\n<p>Secret</p><img src="http://evil.example/x">\r\n'
HOLD = ReleasePolicy("held")
GCM, CBC = EncryptAs(AES256_GCM), EncryptAs(AES256_CBC)


def to(*kinds: str) -> list[Addressee]:
    found = [addressee(person(kind).certificate) for kind in kinds]
    assert not any(isinstance(one, Fault) for one in found)
    return found


def encrypted(raw: bytes, how: EncryptAs = GCM, *kinds: str) -> bytes:
    written = encrypt(raw, to(*(kinds or ("p256",))), how)
    assert isinstance(written, bytes)
    return written


def signer() -> Signer:
    one = person("p256", "anna")
    return Signer(one.private, one.certificate, default_scheme(one.certificate))


@pytest.mark.parametrize("cipher", sorted(WRITTEN))
@pytest.mark.parametrize("kind", ["rsa", "p384", "x25519"])
def test_each_recipient_gets_the_mail_back(kind, cipher):
    """With each cipher and each kind of key; the envelope's fields stay outside."""
    written = encrypted(MAIL, EncryptAs(WRITTEN[cipher]), kind, "p256")
    assert b"All is well" not in written
    assert parse(written).headers.text("to") == "bob@example.org"
    for one in (kind, "p256"):
        opened = open_mail(written, ring(person(one)))
        assert opened.release == ("authenticated" if cipher.endswith("gcm") else "neutralised")
        assert opened.mail == HEADER + b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n"
    assert open_mail(written, ring(person("p521"))).release == "closed"


@settings(max_examples=60)
@given(
    body=st.binary(max_size=400).filter(lambda body: body.count(b"\n") == body.count(b"\r\n")), protect=st.booleans(), signed=st.booleans()
)
def test_any_mail_comes_back_whole(body, protect, signed):
    """Encrypted and decrypted, signed inside or not, with its header protected or not, the content is the same octets."""
    raw = HEADER + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + body
    how = EncryptAs(AES256_GCM, protect)
    written = seal(raw, (signer(),), NOW, to("p256"), encrypt_as=how) if signed else encrypt(raw, to("p256"), how)
    assert isinstance(written, bytes)
    assert (b"Secret plan" in written) == (not protect)
    opened = open_mail(written, ring(person("p256")), ReleasePolicy(signatures="removed"))
    assert opened.release == "authenticated"
    mail = parse(opened.mail)
    assert decoded(mail.root).data == body
    assert mail.headers.text("subject") == "Secret plan"
    assert mail.root.content_type.full == "application/octet-stream"


def test_a_signature_inside_is_kept_or_removed():
    """Kept it can be checked again by the reader; removed the mail is as if it had never been signed."""
    written = seal(MAIL, (signer(),), NOW, to("p256"), encrypt_as=CBC)
    kept = open_mail(written, ring(person("p256")))
    assert kept.release == "signed"
    assert read(kept.mail).layers[0].intact
    removed = open_mail(written, ring(person("p256")), ReleasePolicy(signatures="removed"))
    assert read(removed.mail).layers == ()
    assert removed.mail.endswith(b"\r\n\r\nAll is well.\r\n")


def test_cbc_content_is_held_or_neutralised():
    """Without a signature inside nothing that can fetch is released, and under a strict policy nothing at all."""
    written = encrypted(HTML, CBC)
    held = open_mail(written, ring(person("p256")), HOLD)
    assert (held.release, held.mail) == ("held", None)
    opened = open_mail(written, ring(person("p256")))
    assert opened.release == "neutralised"
    assert "neutralised" in opened.findings
    leaf = parse(opened.mail).root
    assert leaf.content_type.full == "text/plain"
    assert b"evil.example" not in decoded(leaf).data
    assert b"Secret" in decoded(leaf).data


@pytest.mark.parametrize("subtype", ["text/html", "image/svg+xml", "application/xhtml+xml", "application/octet-stream; name=a.html"])
def test_all_that_a_reader_could_take_for_html_is_neutralised(subtype):
    """By its type or by its name, in a multipart as well."""
    raw = HEADER + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nText.\r\n--x\r\nContent-Type: ' + subtype.encode()
    raw += b'\r\n\r\n<img src="http://evil.example/">\r\n--x--\r\n'
    opened = open_mail(encrypted(raw, CBC), ring(person("p256")))
    assert b"evil.example" not in opened.mail
    assert all(b"evil" not in decoded(leaf).data for leaf in parse(opened.mail).leaves())
    assert b"Text." in opened.mail


def test_gcm_content_is_released_as_it_is():
    """Its tag vouches for it, so even HTML stays; with one octet changed it stays closed."""
    written = encrypted(HTML, GCM)
    assert open_mail(written, ring(person("p256")), HOLD).mail.endswith(HTML.partition(b"\r\n\r\n")[2])
    cms = bytearray(decoded(parse(written).root).data)
    cms[-40] ^= 1
    head = written.partition(b"\r\n\r\n")[0]
    assert open_mail(head + b"\r\n\r\n" + base64_lines(bytes(cms)), ring(person("p256"))).release == "closed"


def test_a_changed_cbc_block_never_leaves_as_it_is():
    """Whatever octet of the ciphertext is changed, the content is neutralised, held or closed, and never called sound."""
    written = encrypted(HTML, EncryptAs(AES128_CBC))
    head = written.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    cms = decoded(parse(written).root).data
    seen = set()
    for place in range(len(cms) - 110, len(cms)):
        changed = bytearray(cms)
        changed[place] ^= 0x20
        opened = open_mail(head + base64_lines(bytes(changed)), ring(person("p256")))
        seen.add(opened.release)
        assert opened.release in ("held", "closed", "neutralised")
        leaf = parse(opened.mail or b"").root.content_type
        assert opened.mail is None or b"<img" not in opened.mail or leaf.full == "text/plain" or leaf.maintype not in ("text", "image")
    assert "held" in seen  # a garbled header


def test_an_encrypted_part_beside_others_is_not_opened():
    """The oracle: a stranger's ciphertext in one's own mail stays ciphertext, with each of the ways to put it there."""
    part = encrypted(MAIL, GCM)
    content = part[part.index(b"Content-Type: application/pkcs7-mime") :]
    keys = ring(person("p256"))
    for kind in ("mixed", "alternative", "related", "report"):
        raw = (
            HEADER
            + b'Content-Type: multipart/%s; boundary="x"\r\n\r\n--x\r\n\r\nHi.\r\n--x\r\n' % kind.encode()
            + content
            + b"\r\n--x--\r\n"
        )
        opened = open_mail(raw, keys)
        assert (opened.release, opened.mail) == ("plain", raw)
        assert "protection-inside-only" in opened.findings


def test_what_is_decrypted_is_not_opened_further_in_a_part():
    """An encrypted part inside decrypted content stays closed too."""
    inner = encrypted(MAIL, GCM)
    content = inner[inner.index(b"Content-Type: application/pkcs7-mime") :]
    raw = HEADER + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nHi.\r\n--x\r\n' + content + b"\r\n--x--\r\n"
    opened = open_mail(encrypted(raw, GCM), ring(person("p256")))
    assert b"All is well" not in opened.mail
    assert "protection-inside-only" in opened.findings


@pytest.mark.parametrize("form", ["multipart", "opaque"])
def test_triple_wrapping_is_read_to_its_core(form):
    """Signed, encrypted, signed again (RFC 2634): three layers, and the mail inside; the outer signature says nothing of its author."""
    raw = wrap(MAIL, (signer(),), NOW, to("p256"), sign_as=SignAs(form), encrypt_as=CBC)
    assert isinstance(raw, bytes)
    opened = open_mail(raw, ring(person("p256")))
    assert [type(layer) for layer in opened.reading.layers] == [SignedLayer, EncryptedLayer, SignedLayer]
    assert opened.release == "signed"
    assert opened.reading.content.endswith(b"All is well.\r\n")
    assert "signed-ciphertext" in opened.findings
    assert parse(opened.mail).headers.text("subject") == "Secret plan"


def test_a_signature_around_what_stays_closed_is_told():
    """Without a key, with a stranger's, and around what cannot be read as ciphertext, it says nothing of who wrote what is inside."""
    raw = wrap(MAIL, (signer(),), NOW, to("p256"), encrypt_as=CBC)
    assert isinstance(raw, bytes)
    garbled = sign_cms(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nAll is well.\r\n", (signer(),), NOW)
    opaque = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(garbled)
    for reading in (read(raw), read(raw, ring(person("p521"))), read(opaque)):
        assert [type(layer) for layer in reading.layers] == [SignedLayer, EncryptedLayer]
        assert "signed-ciphertext" in reading.all_findings
    assert "signed-ciphertext" not in read(encrypted(MAIL)).all_findings


def test_layers_are_bounded():
    """A ninth layer is not read, and the mail is not called sound."""
    raw = MAIL
    for _ in range(9):
        raw = encrypted(raw, GCM)
    reading = read(raw, ring(person("p256")))
    assert len(reading.layers) == 8
    assert "too-many-layers" in reading.findings


@pytest.mark.parametrize("form", ["multipart", "opaque"])
def test_protected_fields_travel_inside(form):
    """Outside stands a subject that says nothing; inside stands what was outside, and the reader gets his own subject back."""
    how = EncryptAs(AES256_GCM, header_protection=True)
    written = seal(MAIL + b"x\r\n", (signer(),), NOW, to("p256"), sign_as=SignAs(form), encrypt_as=how)
    assert parse(written).headers.text("subject") == "[...]"
    opened = open_mail(written, ring(person("p256")))
    content = parse(opened.reading.content)
    assert content.root.content_type.parameters["hp"] == "cipher"
    outer = [field.text for field in content.headers.all("hp-outer")]
    assert outer == ["From: anna@example.org", "To: bob@example.org", "Subject: [...]"]
    assert parse(opened.mail).headers.text("subject") == "Secret plan"
    assert "x-outer-subject" not in parse(opened.mail).headers  # it is as the sender left it
    assert read(opened.mail).layers[0].intact


def test_a_whole_mail_inside_is_read_as_protected_fields():
    """RFC 8551 §3.1: the content is message/rfc822, and its fields are the mail's own."""
    # Ours would say that it is passed on.
    inside = b"Content-Type: message/rfc822; forwarded=no\r\n\r\n" + MAIL.replace(b"Secret plan", b"The real one")
    head = b"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    opened = open_mail(HEADER + head + base64_lines(encrypt_cms(inside, to("p256"), AES256_GCM)), ring(person("p256")))
    mail = parse(opened.mail)
    assert mail.headers.text("subject") == "The real one"
    assert (mail.root.content_type.full, mail.root.body) == ("text/plain", b"All is well.\r\n")


def test_a_forwarded_mail_inside_stays_an_attachment():
    """Another author's mail inside is not taken for this mail."""
    inside = HEADER + b"Content-Type: message/rfc822\r\n\r\n" + MAIL.replace(b"anna@", b"carol@")
    opened = open_mail(encrypted(inside, GCM), ring(person("p256")))
    assert parse(opened.mail).root.content_type.full == "message/rfc822"


def test_only_the_subject_is_taken_from_content_that_nobody_vouches_for():
    """A changed Reply-To in CBC content would send the answer to a stranger."""
    raw = MAIL.replace(b"Subject:", b"Reply-To: boss@example.org\r\nSubject:")
    written = encrypted(raw, EncryptAs(AES256_CBC, header_protection=True))
    stripped = written.replace(b"Reply-To: boss@example.org\r\n", b"")
    mail = parse(open_mail(stripped, ring(person("p256"))).mail)
    assert mail.headers.text("subject") == "Secret plan"
    assert "reply-to" not in mail.headers


def test_a_text_without_a_header_becomes_a_plain_mail():
    """Some programs encrypt a bare text; none of it is taken for header fields."""
    cms = encrypt_cms(b"no header at all\r\nX-Evil: 1\r\n\r\nmore\r\n", to("p256"))
    raw = HEADER + b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(cms)
    mail = parse(open_mail(raw, ring(person("p256")), RELEASE).mail)
    assert "x-evil" not in mail.headers
    assert mail.root.body == b"no header at all\r\nX-Evil: 1\r\n\r\nmore\r\n"


def test_what_is_encrypted_as_something_else_stays_closed():
    """An object directly inside another has no MIME type, and is not shown as text."""
    cms = encrypt_cms(MAIL, to("p256"), content_type=oids.SIGNED_DATA)
    raw = HEADER + b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(cms)
    opened = open_mail(raw, ring(person("p256")))
    assert (opened.release, opened.mail) == ("closed", None)
    assert "no MIME entity" in opened.reason


def test_a_signed_mail_is_encrypted_as_it_stands():
    """The signature inside is the one that was made before."""
    signed = sign(MAIL, (signer(),), NOW)
    assert isinstance(signed, bytes)
    opened = open_mail(encrypted(signed, CBC), ring(person("p256")))
    assert opened.release == "signed"
    assert opened.reading.layers[1].intact


def test_a_defect_in_a_part_leaves_the_mail_what_it_is():
    """A part whose header is odd does not make plain text of the whole mail."""
    raw = HEADER + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nno colon here\r\n\r\nHi.\r\n--x--\r\n'
    opened = open_mail(encrypted(raw, GCM), ring(person("p256")))
    assert parse(opened.mail).root.content_type.full == "multipart/mixed"


def test_a_parameter_that_only_looks_like_a_mark_stays():
    """What is taken out of the content's type is the mark of protected fields, and nothing of a file's name."""
    raw = MAIL.replace(b"text/plain", b"text/plain; hp=clear").replace(
        b"\r\n\r\n", b'\r\nContent-Disposition: attachment; filename="a; hp=b"\r\n\r\n', 1
    )
    opened = open_mail(encrypted(raw, GCM), ring(person("p256")))
    assert b'filename="a; hp=b"' in opened.mail
    assert b"text/plain\r\n" in opened.mail
