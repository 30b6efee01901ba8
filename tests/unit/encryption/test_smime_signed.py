# SPDX-License-Identifier: Apache-2.0
"""Signed mails: what is signed is found whole and judged; what stands beside it, or was changed, is not passed off as signed."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, authority, person
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.canonical import canonical
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import SignAs, sign
from gatepost.message.decode import decoded
from gatepost.message.parse import parse
from shared_corpora import wire_mails

MAIL = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n"
CERTIFIER = Certificate(authority()[1].public_bytes(Encoding.DER))


def trusting(anchors) -> PathTrust:
    return PathTrust(Validator(anchors))


def signer(kind: str = "p256", name: str = "anna") -> Signer:
    one = person(kind, name)
    return Signer(one.private, one.certificate, default_scheme(one.certificate))


def signed(raw: bytes = MAIL, *signers: Signer, **how) -> bytes:
    written = sign(raw, signers or (signer(),), NOW, SignAs(**how))
    assert isinstance(written, bytes)
    return written


def judged(raw: bytes, **asked) -> Report:
    return report(read(raw), Asked(trusting((CERTIFIER,)), NOW, **asked))


@pytest.mark.parametrize("form", ["multipart", "opaque"])
@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521", "ed25519"])
def test_a_signed_mail_is_bound_to_its_sender(kind, form):
    """In both forms and with each kind of key, it names its signer and how he signed."""
    found = judged(signed(MAIL, signer(kind), form=form))
    assert (found.verdict, found.bound, found.findings) == ("valid_bound", True, ())
    assert found.signers[0].addresses == ("anna@example.org",)
    assert found.chain == ("CN=anna,O=Example  Org", "CN=Example CA,O=Example  Org")


@settings(max_examples=60)
@given(
    body=st.binary(max_size=400),
    subtype=st.sampled_from(["text/plain; charset=utf-8", "application/octet-stream", "text/html"]),
    form=st.sampled_from(["multipart", "opaque"]),
    protect=st.booleans(),
)
def test_any_mail_comes_back_whole(body, subtype, form, protect):
    """Signed, verified, and unsigned again: a body in 7 bit is the same octets, any other the same content."""
    raw = f"From: anna@example.org\r\nTo: b@example.org\r\nContent-Type: {subtype}\r\n\r\n".encode() + body
    written = signed(raw, form=form, header_protection=protect)
    assert judged(written).verdict == "valid_bound"
    plain = without_signatures(written)
    assert plain.removed == 1
    assert decoded(parse(plain.mail).root).data == canonical(body)


def test_each_changed_octet_of_the_content_breaks_the_signature():
    """No octet of the signed part may change, its header included."""
    written = signed()
    content = parse(written).root.children[0]
    for place in range(content.header_start, content.end):
        changed = bytearray(written)
        changed[place] ^= 1
        assert judged(bytes(changed)).verdict in ("broken", "unsigned"), place


def test_trailing_blanks_and_empty_lines_are_signed_as_they_stand():
    """Neither blanks at a line's end nor empty lines at the content's end are lost between signing and verifying."""
    assert judged(signed(MAIL + b"blank \t\r\n\r\n\r\n")).verdict == "valid_bound"
    assert judged(signed(MAIL.rstrip())).verdict == "valid_bound"


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_part_beside_the_signed_one_breaks_the_mail(where):
    """The whole body must be covered."""
    written = signed()
    root = parse(written).root
    boundary = b"--" + root.content_type.boundary
    part = boundary + b"\r\nContent-Type: text/plain\r\n\r\nPay at once.\r\n"
    first, end = written.index(boundary), written.rindex(boundary)
    changed = written[:first] + part + written[first:] if where == "before" else written[:end] + part + written[end:]
    found = judged(changed)
    assert found.verdict == "broken"
    assert {"outside-signature", "no-signature-part"}.intersection(found.findings)
    assert not found.bound


def test_a_signed_mail_inside_another_is_not_this_mails_signature():
    """An attached signed mail says nothing of the mail that it is attached to."""
    outer = b'From: anna@example.org\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
    outer += b"--x\r\n\r\nPay.\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    found = judged(outer + signed() + b"\r\n--x--\r\n")
    assert (found.verdict, found.findings) == ("unsigned", ("protection-inside-only",))


def test_all_signers_must_be_intact_and_one_is_bound():
    """Two signers are both told; with one of them forged nothing holds."""
    two = signed(MAIL, signer(), signer("rsa", "bob"))
    found = judged(two)
    assert found.verdict == "valid_bound"
    assert {one.addresses[0] for one in found.signers} == {"anna@example.org", "bob@example.org"}
    assert judged(signed(MAIL, signer("rsa", "bob"))).verdict == "valid_mismatch"


def test_the_announced_digest_is_compared():
    """A micalg of another digest is a finding; the signature's own digest decides."""
    found = judged(signed().replace(b'micalg="sha-256"', b'micalg="sha-512"'))
    assert (found.verdict, found.findings) == ("valid_bound", ("other-digest-announced",))


EIGHT_BIT = MAIL + "Grüße, und eine Zeile.\r\n".encode() + b"x" * 1200 + b"\r\n"


def test_eight_bit_mail_is_made_fit_for_every_relay():
    """Text becomes quoted-printable before it is signed, so that no relay that knows 7 bit alone breaks the signature."""
    written = signed(EIGHT_BIT)
    assert written.isascii()
    assert max(map(len, written.split(b"\r\n"))) <= 998
    assert judged(written).verdict == "valid_bound"
    assert b"Content-Transfer-Encoding: quoted-printable" in read(written).content


def test_eight_bit_mail_is_signed_opaque_or_refused_where_the_rule_says():
    """The content is then signed as it is, inside base64, or not at all."""
    opaque = signed(EIGHT_BIT, eight_bit="opaque")
    assert b"smime-type=signed-data" in opaque
    assert "Grüße".encode() in read(opaque).content
    assert judged(opaque).verdict == "valid_bound"
    assert isinstance(sign(EIGHT_BIT, (signer(),), NOW, SignAs(eight_bit="refused")), Fault)


def test_what_cannot_be_encoded_is_signed_opaque():
    """An 8-bit header of a part has no 7-bit form, so the mail is signed opaque and not broken."""
    raw = b'From: anna@example.org\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
    raw += b"--x\r\nContent-Description: \xff\r\n\r\nhi\r\n--x--\r\n"
    written = signed(raw)
    assert b"smime-type=signed-data" in written
    assert judged(written).verdict == "valid_bound"


def test_parts_are_encoded_each_as_it_needs():
    """Of several parts only those that need it change, and a part that is no text becomes base64."""
    raw = (
        b'From: anna@example.org\r\nContent-Type: multipart/mixed; boundary="x"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
        b"--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nplain = plain\r\n--x--\r\n"
    )
    written = signed(raw)
    content = read(written).content
    assert judged(written).verdict == "valid_bound"
    assert content.count(b"quoted-printable") == content.count(b"base64") == content.count(b"7bit") == 1
    assert b"plain = plain" in content
    assert b"AP8=" in content


def test_a_client_signature_is_kept_or_removed():
    """A signed mail stays as it is when it should be signed; without its signature the gateway's own takes the place."""
    client = signed(MAIL, signer("p256", "client"))
    assert signed(client) == client
    plain = without_signatures(client).mail
    assert parse(plain).headers.text("subject") == "Plan"
    assert b"pkcs7" not in plain
    assert judged(signed(plain)).verdict == "valid_bound"


def test_the_marks_of_a_protected_header_go_with_the_signature():
    """A mail without its signature protects nothing, and can be signed again with its header protected."""
    plain = without_signatures(signed(header_protection=True)).mail
    assert b"hp=" not in plain
    assert parse(plain).headers.text("subject") == "Plan"
    again = signed(plain, header_protection=True)
    assert parse(read(again).content).root.content_type.parameters == {"hp": "clear"}
    assert judged(again).verdict == "valid_bound"


def test_a_signature_stays_where_parts_would_be_lost():
    """With a part beside the signed one the mail is given back as it came."""
    written = signed()
    boundary = b"--" + parse(written).root.content_type.boundary
    end = written.rindex(boundary)
    changed = written[:end] + boundary + b"\r\n\r\nMore.\r\n" + written[end:]
    assert without_signatures(changed).mail == changed


@pytest.mark.parametrize("other", ["application/x-pkcs7-signature", "application/pkcs7-signature"])
def test_old_names_are_known(other):
    """The names with x- are read like those without."""
    assert judged(signed().replace(b"application/pkcs7-signature", other.encode())).verdict == "valid_bound"


def test_an_opaque_mail_is_known_by_its_file_name_alone():
    """Some relays make a p7m an octet-stream; its name still tells (RFC 8551 §3.9)."""
    raw = signed(MAIL, form="opaque").replace(b"application/pkcs7-mime; smime-type=signed-data", b"application/octet-stream")
    assert judged(raw).verdict == "valid_bound"


@pytest.mark.parametrize("detached", [False, True])
def test_what_was_signed_as_something_else_is_no_mail(detached):
    """A time stamp or a receipt, put into a mail with its signature as it is, is not a mail of its signer's."""
    content = b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
    receipt = oids.encoded("1.2.840.113549.1.9.16.1.1")
    for kind, verdict in ((oids.DATA, "valid_bound"), (receipt, "broken")):
        cms = base64_lines(sign_cms(content, (signer(),), NOW, detached=detached, content_type=kind))
        written = signed(content.replace(b"Content", b"From: anna@example.org\r\nContent", 1), form="multipart" if detached else "opaque")
        place = written.rindex(b"\r\n\r\nM") + 4
        end = written.index(b"\r\n--", place) + 2 if detached else len(written)
        found = judged(written[:place] + cms + written[end:])
        assert found.verdict == verdict
        assert ("other-content" in found.findings) == (kind == receipt)


def test_revocation_that_nobody_knows_counts_where_policy_says():
    """The same mail is valid softly and of unknown status where revocation must be known."""
    assert judged(signed()).verdict == "valid_bound"
    assert judged(signed(), revocation_must_be_known=True).verdict == "unknown_status"


def test_nobody_is_trusted_without_an_anchor():
    """An intact signature of a chain that leads nowhere is untrusted."""
    assert report(read(signed()), Asked(trusting(()), NOW)).verdict == "valid_untrusted"


def test_a_message_that_breaks_off_inside_is_signed_to_its_last_octet():
    """An enclosed message without a body ends where the signed part does, not in the boundary's line end."""
    raw = b'From: anna@example.org\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n'
    assert judged(signed(raw)).verdict == "valid_bound"


def test_real_mails_are_signed_and_come_back_whole():
    """Whatever a real mail is made of, its signature holds, and without it each leaf has the content that it had."""
    seen = 0
    for topic in ("mime", "dsn"):
        for name, stored in wire_mails(topic):
            raw = canonical(stored)
            written = sign(raw, (signer(),), NOW, SignAs(header_protection=seen % 2 == 0))
            if isinstance(written, Fault) or written == raw:
                continue
            layer = read(written).layers[0]
            assert layer.intact, name
            assert leaves(without_signatures(written).mail) == leaves(raw), name
            seen += 1
    assert seen >= 500


def leaves(raw: bytes):
    return [(leaf.content_type.full, decoded(leaf).data) for leaf in parse(raw).leaves()]


@pytest.mark.parametrize(
    "extra", [b"Content-Type: text/plain\r\n", b"Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n"]
)
def test_a_type_that_is_named_twice_breaks_the_mail(extra):
    """Readers differ in which of two types counts, so nobody knows what they show as signed."""
    found = judged(signed().replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n", 1))
    assert found.verdict == "broken"
    assert "ambiguous-type" in found.findings
