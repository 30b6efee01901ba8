# SPDX-License-Identifier: Apache-2.0
"""Whatever an author wrote, its reader gets: odd types, repeated fields, marks of protection that nothing protects, passed-on mails."""

import time
from collections import Counter

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.canonical import canonical
from gatepost.encryption.smime.form import form_of_mail
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign
from gatepost.message.decode import decoded
from gatepost.message.parse import parse
from shared_corpora import wire_mails

FIELDS = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Secret\r\n"
ANNA = person("p256", "anna")
SIGNERS = (Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate)),)
TO = (addressee(ANNA.certificate),)
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
REMOVED = ReleasePolicy(signatures="removed")
GCM, CBC = EncryptAs(AES256_GCM), EncryptAs(AES256_CBC)
HIDING, HIDING_CBC = EncryptAs(AES256_GCM, header_protection=True), EncryptAs(AES256_CBC, header_protection=True)
WAYS = {
    "GCM": lambda raw: encrypt(raw, TO, GCM),
    "CBC": lambda raw: encrypt(raw, TO, CBC),
    "GCM, header protected": lambda raw: encrypt(raw, TO, HIDING),
    "CBC, header protected": lambda raw: encrypt(raw, TO, HIDING_CBC),
    "sealed": lambda raw: seal(raw, SIGNERS, NOW, TO),
    "sealed, header protected": lambda raw: seal(raw, SIGNERS, NOW, TO, encrypt_as=HIDING_CBC),
    "sealed, header signed": lambda raw: seal(raw, SIGNERS, NOW, TO, sign_as=SignAs(header_protection=True)),
}
SIGNED = {
    "clear": lambda raw: sign(raw, SIGNERS, NOW),
    "opaque": lambda raw: sign(raw, SIGNERS, NOW, SignAs("opaque")),
    "clear, header protected": lambda raw: sign(raw, SIGNERS, NOW, SignAs(header_protection=True)),
}


def fields(raw: bytes) -> list[tuple[str, str]]:
    """Give the fields of a mail but those of its content."""
    found = [(field.name.lower(), field.text) for field in parse(raw).headers]
    return sorted(one for one in found if one[0][:5] not in ("conte", "mime-"))


def got_back(way: str, raw: bytes) -> bytes:
    """Encrypt a mail one way and open it, or sign it and take the signature off."""
    if way in SIGNED:
        written = SIGNED[way](raw)
        assert judged(written).verdict == "valid_bound"
        return without_signatures(written).mail
    mail = open_mail(WAYS[way](raw), ring(ANNA), REMOVED).mail
    assert mail is not None
    return mail


def judged(raw: bytes) -> Report:
    return report(read(raw, ring(ANNA)), Asked(TRUST, NOW))


REPEATED = (
    b"Comments: a\r\nComments: b\r\n", b"Keywords: a\r\nKeywords: b\r\n", b"Cc: c@example.org\r\nCc: d@example.org\r\n",
    b"Subject: Another\r\n", b"To: carol@example.org\r\n", b"Reply-To: anna@example.org\r\nReply-To: anna@example.org\r\n",
    b"Thread-Topic: Secret\r\nThread-Topic: Plan\r\n", b"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n", b"From: anna@example.org\r\n",
)  # fmt: skip


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
@pytest.mark.parametrize("extra", REPEATED)
def test_a_field_that_is_written_twice_comes_back_twice(way, extra):
    """Whether the header is protected or not, and whether RFC 5322 lets it stand twice or not."""
    raw = FIELDS + extra + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
    # A second From unbinds, so its signature is not asked here.
    back = without_signatures(SIGNED[way](raw)).mail if way in SIGNED else got_back(way, raw)
    assert fields(back) == fields(raw)


ODD_TYPES = (
    b'text/plain; name="abc', b"text/plain (abc", b'text/plain; name="a\\', b"text/plain; (a;b", b"text/plain;", b"text/plain; ;",
    b"text/plain;\r\n charset=utf-8", b"TEXT/Plain ; charset=utf-8", b"text/plain, text/html",
)  # fmt: skip


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
@pytest.mark.parametrize("kind", ODD_TYPES)
def test_an_odd_type_hides_no_mark_of_protected_fields(way, kind):
    """The mark stands before a quote or a comment that is never closed, so the fields inside are found."""
    raw = FIELDS + b"Content-Type: " + kind + b"\r\n\r\nAll is well.\r\n"
    back = got_back(way, raw)
    assert fields(back) == fields(raw)
    if way not in ("CBC", "CBC, header protected"):
        assert parse(back).headers.text("content-type") == parse(raw).headers.text("content-type")
    assert b"All is well." in decoded(parse(back).root).data


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
@pytest.mark.parametrize("kind", [b"text", b"", b"(a) ;", b'te"xt/plain', b"(a", b'"', b"(a) text/plain", b'text; name="a'])
def test_a_type_that_is_none_takes_the_mark_or_is_refused(way, kind):
    """Else the subject would be hidden and never found again."""
    raw = FIELDS + b"Content-Type: " + kind + b"\r\n\r\nAll is well.\r\n"
    written = (WAYS | SIGNED)[way](raw)
    if written == Fault("unsupported", "the mail's Content-Type is so odd that its header cannot be protected"):
        assert kind in (b"(a", b'"', b'text; name="a') and ("protected" in way or "signed" in way)
    else:
        assert fields(got_back(way, raw)) == fields(raw)


MARKS = (
    b'; hp="cipher"',
    b"; hp=clear",
    b"; hp=x",
    b'; protected-headers="v1"',
    b'; hp-legacy-display="1"',
    b"; hp=cipher; hp-legacy-display=1",
)


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_in_a_mail_that_nothing_protects_is_taken_off(way, mark):
    """Its reader would else look for fields inside, or take the first lines of its text for some."""
    raw = FIELDS + b"Content-Type: text/plain" + mark + b"; charset=utf-8\r\n\r\nSubject: Secret\r\n\r\nAll is well.\r\n"
    assert b"Secret" not in (WAYS[way](raw) if way in WAYS and "header protected" in way else b"")
    back = got_back(way, raw)
    assert fields(back) == fields(raw)
    assert parse(back).content_type.parameters == {"charset": "utf-8"}
    assert parse(back).root.body == b"Subject: Secret\r\n\r\nAll is well.\r\n"


@pytest.mark.parametrize("mark", [b"; hp*0=a", b"; hp*=utf-8''cipher", b"; (x) hp=cipher", b"; hp =cipher"])
def test_a_mark_that_is_written_oddly_is_taken_off_or_refused(mark):
    """It is never left where somebody could believe it."""
    raw = FIELDS + b"Content-Type: text/plain" + mark + b"\r\n\r\nAll is well.\r\n"
    for way in WAYS.values():
        written = way(raw)
        if isinstance(written, Fault):
            assert "in an odd way" in written.reason
        else:
            assert fields(open_mail(written, ring(ANNA), REMOVED).mail) == fields(raw)


INNER = b"From: anna@example.org\r\nTo: old@example.org\r\nSubject: Old\r\nX-A: b\r\nContent-Type: text/plain\r\n\r\nOld text.\r\n"


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
@pytest.mark.parametrize("more", [b"", b"; forwarded=yes", b"; forwarded=no", b"; forwarded=x; name=y"])
def test_a_mail_that_is_nothing_but_another_of_the_same_author_stays_one(way, more):
    """Who passes his own mail on means that mail, and no header for the one around it; nor does a stranger say otherwise."""
    raw = FIELDS + b"Content-Type: message/rfc822" + more + b"\r\n\r\n" + INNER
    back = got_back(way, raw)
    assert fields(back) == fields(raw)
    assert parse(back).root.body == INNER


def enveloped(content: bytes, cipher) -> bytes:
    kind = b"authEnveloped-data" if cipher.authenticated else b"enveloped-data"
    head = b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return FIELDS + head + base64_lines(encrypt_cms(content, TO, cipher))


@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM], ids=["CBC", "GCM"])
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_protected_header_with_a_line_that_is_no_field_is_not_believed(cipher, kind):
    """Readers differ in where it ends, so all of it stays where it was, and nothing is taken from it."""
    inner = INNER.replace(b"X-A: b\r\n", b"Dear Bob\r\n").replace(b"text/plain", kind.encode())
    for content in (b"Content-Type: message/rfc822; forwarded=no\r\n\r\n" + inner, b"Content-Type: text/plain; hp=cipher\r\n" + inner):
        mail = open_mail(enveloped(content, cipher), ring(ANNA)).mail
        assert fields(mail) == fields(FIELDS)
        assert b"Dear Bob" in mail and b"Old text." in mail.replace(base64_lines(b"Old text."), b"Old text.")


def test_a_protected_header_that_nobody_parts_alike_still_unbinds():
    """Some readers show the sender inside, so a signature speaks for both."""
    content = b"Content-Type: text/plain; hp=clear\r\nFrom: boss@example.org\r\nno field\r\n\r\nx\r\n"
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert judged(FIELDS + head + base64_lines(sign_cms(content, SIGNERS, NOW))).verdict == "valid_mismatch"


@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM], ids=["CBC", "GCM"])
def test_a_protected_field_that_is_not_believed_stays_readable(cipher):
    """It acts on nothing under its other name, and nothing of what was written is lost."""
    content = (
        b"Content-Type: text/plain; hp=cipher\r\nFrom: Boss <boss@example.org>\r\nTo: b@x.example\r\nReply-To: eve@x.example\r\n\r\nx\r\n"
    )
    mail = parse(open_mail(enveloped(content, cipher), ring(ANNA)).mail).headers
    assert (mail.text("from"), "reply-to" in mail) == ("anna@example.org", False)
    assert (mail.text("x-inner-from"), mail.text("x-inner-reply-to")) == ("Boss <boss@example.org>", "eve@x.example")
    assert "b@x.example" in (mail.text("to"), mail.text("x-inner-to"))


def test_a_protected_field_that_differs_stays_readable_when_the_signature_goes():
    """The one outside counts, which others checked; what was signed is not lost."""
    written = sign(FIELDS + b"Cc: c@example.org\r\nContent-Type: text/plain\r\n\r\nx\r\n", SIGNERS, NOW, SignAs(header_protection=True))
    changed = written.replace(b"Subject: Secret", b"Subject: [list] Secret", 1).replace(b"Cc: c@example.org\r\n", b"", 1)
    mail = parse(without_signatures(changed).mail).headers
    assert [mail.text(name) for name in ("subject", "x-inner-subject", "cc", "x-inner-cc")] == [
        "[list] Secret",
        "Secret",
        "",
        "c@example.org",
    ]
    assert [field.name for field in parse(without_signatures(written).mail).headers if field.name.startswith("X-Inner")] == []


@pytest.mark.parametrize("count", [4_900, 5_100, 9_990, 10_000])
@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
def test_what_could_not_be_read_again_is_refused(way, count):
    """A header that grows beyond our own limits when it is protected."""
    raw = FIELDS + b"a: b\r\n" * (count - 4) + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
    written = (WAYS | SIGNED)[way](raw)
    if isinstance(written, Fault):
        assert written.kind == "too-large" and count > 5_000
    else:
        assert fields(got_back(way, raw)) == fields(raw)
    assert isinstance(written, Fault) == (count > 9_980 or (count > 5_000 and "header protected" in way and way in WAYS))


DECOYS = (b"text/html", b"text/plain", b"message/rfc822", b"image/png")


@pytest.mark.parametrize("kind", DECOYS)
def test_a_signature_that_calls_itself_something_to_show_breaks_the_mail(kind):
    """Readers show a part by its type, and what is in it nobody signed."""
    written = sign(FIELDS + b"Content-Type: text/plain\r\n\r\nx\r\n", SIGNERS, NOW)
    own = b'application/pkcs7-signature; name="smime.p7s"'
    assert own in written
    assert judged(written.replace(own, b'application/octet-stream; name="smime.p7s"')).verdict == "valid_bound"
    found = judged(written.replace(own, kind + b'; name="smime.p7s"'))
    assert (found.verdict, found.findings) == ("broken", ("no-signature-part",))


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: odd\r\n",
    ],
)
def test_a_body_whose_encoding_is_in_doubt_is_signed_as_it_is(head):
    """A multipart may have no encoding, two fields are read differently, and an unknown one is nobody's to change."""
    raw = FIELDS + head + b"\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    written = sign(raw, SIGNERS, NOW)
    assert parse(written).content_type.full == "application/pkcs7-mime"
    assert without_signatures(written).mail.endswith(head + b"\r\nGr\xc3\xbc\xc3\x9fe\r\n")


BASELINE, SHY = EncryptAs(AES256_GCM, header_protection=True), EncryptAs(AES256_GCM, header_protection=True, confidentiality="shy")
NAMED = (
    b"From: Anna Secretname <anna@example.org>\r\nTo: Bob Hiddenname <bob@example.org>\r\nDate: Fri, 20 Feb 2026 18:30:02 +0100\r\n"
    b"Subject: Real secret\r\nComments: top secret\r\nContent-Type: text/plain\r\n\r\nx\r\n"
)
HIDDEN = (b"Real secret", b"top secret", b"Secretname", b"Hiddenname", b"+0100")


def test_what_was_kept_of_an_inner_header_is_hidden_when_the_mail_is_encrypted_again():
    """Whether a signature or an encryption came off before: the fields that tell of it go inside, and come back."""
    signed = sign(NAMED, SIGNERS, NOW, SignAs(header_protection=True))
    changed = signed.replace(b"Subject: Real secret", b"Subject: [l]", 1).replace(b"Comments: top secret\r\n", b"", 1)
    removed = without_signatures(changed).mail
    assert b"X-Inner-Subject: Real secret" in removed
    for written in (encrypt(removed, TO, SHY), seal(removed, SIGNERS, NOW, TO, encrypt_as=SHY)):
        assert [word for word in HIDDEN if word in written] == []
        assert fields(open_mail(written, ring(ANNA), REMOVED).mail) >= fields(removed)
    once = open_mail(encrypt(NAMED, TO, EncryptAs(AES256_CBC, header_protection=True, confidentiality="shy")), ring(ANNA)).mail
    assert b"X-Inner-From: Anna Secretname" in once
    again = encrypt(once, TO, SHY)
    assert [word for word in HIDDEN if word in again] == []
    back = parse(open_mail(again, ring(ANNA)).mail).headers
    assert (back.text("x-inner-from"), back.text("subject")) == ("Anna Secretname <anna@example.org>", "Real secret")
    assert b"hidden line" not in encrypt(b"X-Stray-Lines: hidden line\r\n" + NAMED, TO, BASELINE)


@pytest.mark.parametrize(
    "kind",
    [
        b'multipart/mixed; boundary="a; hp=cipher"', b"text/plain; name=\"report; hp='q'.txt\"", b'text/plain; (; hp=x) name="a"',
        b'text/plain; charset=utf-8; hp="a\\"b"; name=y', b'text/plain; hp="a; name=z"; name="y; hp=1"', b"text/plain; x-hp=1; name=hp=2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
def test_what_only_looks_like_a_mark_is_left_alone(way, kind):
    """A boundary, a name or a comment that holds the word keeps it; a mark goes with all of its value."""
    raw = FIELDS + b"Content-Type: " + kind + b"\r\n\r\n--a; hp=cipher\r\n\r\nAll is well.\r\n--a; hp=cipher--\r\n"
    written = (WAYS | SIGNED)[way](raw)
    if isinstance(written, Fault):
        assert "odd" in written.reason and kind.count(b'\\"')
        return
    expected = {name: value for name, value in parse(raw).content_type.parameters.items() if name != "hp"}
    assert parse(got_back(way, raw)).content_type.parameters == expected


@pytest.mark.parametrize("second", [b"text/html", b"text/plain", b"text/html; hp=cipher"])
@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
def test_of_two_types_none_is_marked(way, second):
    """Readers differ in which of them counts, so what we wrote would be broken by our own word."""
    raw = FIELDS + b"Content-Type: text/plain\r\nContent-Type: " + second + b"\r\n\r\nAll is well.\r\n"
    written = (WAYS | SIGNED)[way](raw)
    needs_none = "protected" not in way and way != "sealed, header signed" and b"hp" not in second
    assert isinstance(written, Fault) is not needs_none
    if needs_none and way != "CBC":
        assert judged(written).verdict in ("valid_bound", "unsigned")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: text/plain; hp=cipher\r\nFrom: anna@example.org\r\nX-Foo: a\r\nImportance: high\r\nHP-Outer: X-Foo: b\r\n\r\nx\r\n",
        b"Content-Type: message/rfc822; forwarded=no\r\n\r\nFrom: anna@example.org\r\nX-Foo: a\r\nImportance: high\r\n\r\nx\r\n",
        b"X-Foo: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nImportance: high\r\n\r\nx\r\n",
        b"X-Foo: a\r\nContent-Type : text/plain\r\nImportance: high\r\n\r\nx\r\n",
        b"X-Foo: a\r\nContent-Type: text/html\r\nImportance: high\r\n\r\n<p>x\r\n",
    ],
)
@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM], ids=["CBC", "GCM"])
def test_a_field_that_stands_inside_alone_stays_readable(cipher, content, signed):
    """Nobody acts on it under its new name; a mail that was encrypted with its header by another program loses nothing."""
    if signed:
        head = b"X-Bar: c\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        content = head + base64_lines(sign_cms(content, SIGNERS, NOW))
    for policy in (REMOVED, ReleasePolicy()):
        mail = parse(open_mail(enveloped(content, cipher), ring(ANNA), policy).mail).headers
        if not signed or policy is REMOVED:  # else they stand inside the signature that is kept
            assert (mail.text("x-inner-x-foo"), mail.text("x-inner-importance")) == ("a", "high")
        if signed:
            assert mail.text("x-inner-x-bar") == "c"
        assert "x-inner-mime-version" not in mail and "x-inner-hp-outer" not in mail


@pytest.mark.parametrize("policy", ["none", "baseline", "shy"])
@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM], ids=["CBC", "GCM"])
def test_ordinary_mail_comes_back_without_kept_fields(cipher, policy):
    """Folds, quotes and encoded words that a way changes are no difference, nor is a date in another zone."""
    raw = (
        b'From: "Anna A." <anna@example.org>\r\nTo: =?utf-8?q?Bob_=C3=96?= <bob@example.org>,\r\n Carol <carol@example.org>\r\n'
        b"Date: Fri, 20 Feb 2026 18:30:02 +0100\r\nSubject: Plan\r\nX-Mailer: a\r\n b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    )
    written = seal(raw, SIGNERS, NOW, TO, encrypt_as=EncryptAs(cipher, True, policy))
    changed = (
        written.replace(b'"Anna A." <anna', b"=?utf-8?q?Anna_A=2E?= <anna").replace(b",\r\n Carol", b", Carol").replace(b"a\r\n b", b"a b")
    )
    back = open_mail(changed, ring(ANNA), REMOVED)
    kept = [field.name for field in parse(back.mail).headers if field.name.startswith("X-Inner")]
    assert (back.release, kept) == ("authenticated" if cipher.authenticated else "signed", [])
    assert "header-differs" not in judged(changed).findings
    signed = sign(raw, SIGNERS, NOW, SignAs(header_protection=True)).replace(b'"Anna A." <anna', b"=?utf-8?q?Anna_A=2E?= <anna", 1)
    assert judged(signed).findings == ()
    assert b"X-Inner" not in without_signatures(signed).mail


@pytest.mark.parametrize("way", [*WAYS, *SIGNED])
def test_a_cr_alone_that_begins_a_line_is_refused(way):
    """We would not believe it either; one within a fold harms nobody."""
    raw = b"X: a\rPay me\r\n" + FIELDS + b"Content-Type: text/plain\r\n\r\nx\r\n"
    written = (WAYS | SIGNED)[way](raw)
    assert isinstance(written, Fault) and "a CR alone" in written.reason
    within = (WAYS | SIGNED)[way](raw.replace(b"\rPay", b"\r Pay"))
    assert isinstance(within, bytes) or (way == "CBC, header protected" and within.kind == "unsupported")


def test_a_header_that_its_reader_would_hold_is_not_written():
    """Under CBC octets that are no UTF-8 look like tampering."""
    raw = FIELDS + b"X-Name: \xfc\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    written = WAYS["CBC, header protected"](raw)
    assert isinstance(written, Fault) and "which under CBC" in written.reason
    for way in ("GCM, header protected", "CBC", "sealed, header protected"):
        assert open_mail(WAYS[way](raw), ring(ANNA), REMOVED).mail is not None


@pytest.mark.parametrize("outer", [b"Subject: x\r\n", b"To: a@b.example\r\n", b""])
@pytest.mark.parametrize("inner", ["Subject: y%d\r\n", "To: a%d@b.example\r\n", "X-%d: y\r\n", "HP-Outer: Subject: %d\r\n"])
def test_thousands_of_fields_inside_and_out_take_no_long_time(outer, inner):
    """Each is looked at once, and not once for every other one."""
    content = b"Content-Type: text/plain; hp=clear\r\n" + "".join(inner % number for number in range(9_000)).encode() + b"\r\nx\r\n"
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    signed = outer * 9_000 + FIELDS + head + base64_lines(sign_cms(content, SIGNERS, NOW))
    encrypted = outer * 9_000 + enveloped(content, AES256_CBC)
    for work in (lambda: without_signatures(signed), lambda: judged(signed), lambda: open_mail(encrypted, ring(ANNA))):
        begun = time.process_time()
        work()
        assert time.process_time() - begun < 3.0


REFUSED = ("is no header field", "holds a CR alone", "two Content-Types", "so odd that", "which under CBC")


@pytest.mark.parametrize("topic", ["mail-real", "mime", "dsn"])
def test_real_mails_come_back_whole(topic):
    """All fields and all leaves of each; one that is refused is told why, and nothing is between."""
    ways = ("GCM, header protected", "CBC, header protected", "sealed, header protected", "clear, header protected")
    counts = Counter()
    for name, raw in wire_mails(topic):
        mail = parse(canonical(raw))
        if len(raw) > 200_000 or not len(mail.headers) or form_of_mail(mail) != "none":
            continue
        way = ways[counts.total() % len(ways)]
        written = (WAYS | SIGNED)[way](raw)
        if isinstance(written, Fault):
            assert any(reason in written.reason for reason in REFUSED), (name, written)
            counts["refused"] += 1
            continue
        counts["whole"] += 1
        back = without_signatures(written).mail if way in SIGNED else open_mail(written, ring(ANNA), REMOVED).mail
        assert fields(back) == fields(canonical(raw.replace(b"\0", b" ") if b"\0" in raw[: mail.root.header_end] else raw)), name
        if way != "CBC, header protected":  # which makes HTML a text
            assert leaves(back) == leaves(canonical(raw)), name
    assert counts["whole"] > 9 * counts["refused"], counts


def leaves(raw: bytes) -> list[tuple[str, str, bytes]]:
    return [(one.content_type.full, one.filename, decoded(one).data.replace(b"\r\n", b"\n").rstrip(b"\n")) for one in parse(raw).leaves()]


def test_what_stands_between_layers_stays_readable():
    """A header around an inner signature, and one around a protected message: nothing of them is lost with the layer."""
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    innermost = head + base64_lines(sign_cms(b"Content-Type: text/plain\r\n\r\nx\r\n", SIGNERS, NOW))
    twice = FIELDS + head + base64_lines(sign_cms(b"X-Mid: m\r\nno field\r\nSubject: Middle\r\n" + innermost, SIGNERS, NOW))
    mail = parse(without_signatures(twice).mail).headers
    assert [mail.text(name) for name in ("x-inner-x-mid", "x-inner-subject", "x-stray-lines")] == ["m", "Middle", "no field"]
    content = b"X-Foo: a\r\nSubject: wrapper\r\nContent-Type: message/rfc822; forwarded=no\r\n\r\n" + INNER
    mail = parse(open_mail(enveloped(content, AES256_GCM), ring(ANNA)).mail).headers
    assert (mail.text("subject"), mail.text("x-inner-x-foo"), mail.text("x-inner-subject")) == ("Old", "a", "wrapper")


@pytest.mark.parametrize("how", [BASELINE, SHY, HIDING_CBC])
def test_a_mail_that_goes_back_and_forth_does_not_grow(how):
    """What a policy left outside is no change on the way, and is not kept."""
    once = open_mail(encrypt(NAMED, TO, how), ring(ANNA)).mail
    mail = once
    for _ in range(4):
        mail = open_mail(encrypt(mail, TO, how), ring(ANNA)).mail
    assert fields(mail) == fields(once) == fields(NAMED)


@pytest.mark.parametrize("form", ["multipart", "opaque"])
def test_a_protected_mail_whose_header_cannot_go_inside_is_refused(form):
    """Its content is its signature's, so nothing would be hidden, and nobody would be told."""
    signed = sign(NAMED, SIGNERS, NOW, SignAs(form))
    for written in (encrypt(signed, TO, SHY), seal(signed, SIGNERS, NOW, TO, encrypt_as=BASELINE), encrypt(encrypt(NAMED, TO), TO, SHY)):
        assert isinstance(written, Fault) and "protected already" in written.reason
    assert isinstance(encrypt(signed, TO), bytes)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_a_date_means_the_same_wherever_the_gateway_stands(zone, monkeypatch):
    """Without a zone it is in UTC, and not in ours."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        signed = sign(NAMED.replace(b"+0100", b"-0000"), SIGNERS, NOW, SignAs(header_protection=True))
        told = [judged(signed.replace(b"-0000", other, 1)).findings for other in (b"+0000", b"-0000", b"+0100")]
        assert told == [(), (), ("header-differs",)]
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (b"Anna <anna@example.org>", b"=?utf-8?q?=3D=3Futf-8=3Fq=3FAnna=3F=3D?= <anna@example.org>"),
        (b"Board: anna@example.org, b@x.example;, Press:;", b"Board: anna@example.org;, Press: b@x.example;"),
        (b"anna@example.org", b"<@evil.example:anna@example.org>"),
    ],
)
def test_what_readers_show_differently_is_different(inside, outside):
    """Names that hold an encoded word, who stands in which group, and routes."""
    raw = FIELDS.replace(b"To: bob@example.org", b"To: " + inside) + b"\r\nx\r\n"
    signed = sign(raw, SIGNERS, NOW, SignAs(header_protection=True))
    assert judged(signed).findings == ()
    assert judged(signed.replace(inside, outside, 1)).findings == ("header-differs",)
