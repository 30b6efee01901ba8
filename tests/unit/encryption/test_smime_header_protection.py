# SPDX-License-Identifier: Apache-2.0
"""Protected header fields (RFC 9788): what each policy leaves outside, the legacy display in the text, and both read again."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign
from gatepost.message.decode import decoded, text_of
from gatepost.message.parse import parse

TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
ANNA, BOB = person("p256", "anna"), person("p256")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TO = (addressee(BOB.certificate),)
REMOVED = ReleasePolicy(signatures="removed")
HEADER = (
    b"From: Anna A. <anna@example.org>\r\nTo: Bob <bob@example.org>, =?utf-8?q?Carol_=C3=96?= <carol@example.com>\r\n"
    b"Date: Fri, 20 Feb 2026 18:30:02 -0500\r\nSubject: Dinner plans\r\nKeywords: food\r\nComments: none\r\n"
    b"Message-ID: <one@example.org>\r\nX-Mailer: Sample\r\n"
)
TEXT = b"Content-Type: text/plain\r\n\r\nAt eight, as ever.\r\n"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><body class='x'><p>At eight.</p></body></html>\r\n"
LEGACY = EncryptAs(AES256_GCM, True, legacy_display=True)


def sealed(raw: bytes, policy: str = "baseline", *, legacy: bool = False, cipher=AES256_GCM) -> bytes:
    written = encrypt(raw, TO, EncryptAs(cipher, True, policy, legacy))
    assert isinstance(written, bytes)
    return written


def inside(written: bytes):
    return parse(read(written, ring(BOB)).content)


def opened(written: bytes, policy: ReleasePolicy = REMOVED):
    found = open_mail(written, ring(BOB), policy)
    assert found.mail is not None, found
    return parse(found.mail)


OUTSIDE = {
    "none": {"subject": "Dinner plans", "keywords": "food", "comments": "none", "from": "Anna A. <anna@example.org>"},
    "baseline": {"subject": "[...]", "keywords": "", "comments": "", "from": "Anna A. <anna@example.org>"},
    "shy": {
        "subject": "[...]",
        "keywords": "",
        "comments": "",
        "from": "anna@example.org",
        "to": "bob@example.org, carol@example.com",
        "date": "Fri, 20 Feb 2026 23:30:02 +0000",
        "message-id": "<one@example.org>",
        "x-mailer": "Sample",
    },
}


@pytest.mark.parametrize("policy", OUTSIDE)
def test_each_policy_leaves_outside_what_it_says(policy):
    """Outside stands what the policy leaves, inside the mail's own fields and a record of what was left; the reader gets his own back."""
    written = sealed(HEADER + TEXT, policy)
    outer, content = parse(written).headers, inside(written)
    for name, value in OUTSIDE[policy].items():
        assert outer.text(name) == value, name
    assert content.root.content_type.parameters["hp"] == "cipher"
    record = [field.text for field in content.headers.all("hp-outer")]
    wanted = [f"{name}: {outer.text(name)}" for name in ("From", "To", "Date", "Subject", "Keywords", "Comments", "Message-ID", "X-Mailer")]
    assert record == [line for line in wanted if not line.endswith(": ")]
    mail = opened(written).headers
    for name in ("from", "to", "date", "subject", "keywords", "comments", "message-id", "x-mailer"):
        assert mail.text(name) == parse(HEADER).headers.text(name), name
    assert "hp-outer" not in mail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("From", "a@example.org, b@example.org"),  # the policy knows one author
        ("To", "friends: a@example.org;"),
        ("To", "undisclosed-recipients:;"),
        ("Cc", "Anna <anna@example.org> and more"),
        ("Date", "yesterday"),
        ("Date", "Fri, 32 Feb 2026 18:30:02 -0500"),
        ("Date", "Fri, 20 Feb 99999999999 18:30:02 -0500"),
        ("Reply-To", "Desk <desk@example.org>"),
    ],
)
def test_the_shy_policy_leaves_what_it_cannot_read(field, value):
    """A mail that cannot be answered would be worse than a name that is seen."""
    raw = f"{field}: {value}\r\n".encode() + TEXT
    assert parse(sealed(raw, "shy")).headers.text(field) == value


@pytest.mark.parametrize(
    ("date", "utc"), [("1 Jan 2026 00:30 +0100", "31 Dec 2025 23:30:00 +0000"), ("1 Jan 2026 1:2 -0000", "1 Jan 2026 01:02:00 +0000")]
)
def test_the_shy_policy_writes_the_same_moment(date, utc):
    """The zone is hidden, the moment stays."""
    assert utc in parse(sealed(f"Date: {date}\r\n".encode() + TEXT, "shy")).headers.text("date").replace("01 Jan", "1 Jan")


def test_a_signature_alone_protects_and_hides_nothing():
    """hp="clear": the fields are inside and out, there is no record of an outside, and no legacy display."""
    written = sign(HEADER + TEXT, (SIGNER,), NOW, SignAs(header_protection=True))
    content = parse(read(written).content)
    assert content.root.content_type.parameters == {"hp": "clear"}
    assert "hp-outer" not in content.headers
    assert parse(written).headers.text("subject") == content.headers.text("subject") == "Dinner plans"
    assert content.root.body == b"At eight, as ever.\r\n"


AUTHORS = (
    b"User-Agent: Sample/1\r\nOrganization: Example\r\nX-Priority: 1\r\nList-Id: <team.example.org>\r\n"
    b"List-Unsubscribe: <mailto:a@example.org>\r\n"
    b"Thread-Index: AQHa\r\nX-Outer-Subject: was\r\nAutocrypt: addr=a\r\nx-folded: a\r\n b\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
)
TRANSPORTS = (
    b"Return-Path: <a@example.org>\r\nReceived: by x.example; Fri, 20 Feb 2026 18:30:02 -0500\r\nReceived-SPF: pass\r\n"
    b"Delivered-To: b@x.example\r\n"
    b"DKIM-Signature: v=1; h=from\r\nDomainKey-Signature: a=x\r\nARC-Seal: i=1\r\nARC-Message-Signature: i=1\r\n"
    b"ARC-Authentication-Results: i=1\r\n"
    b"Authentication-Results: x.example; dkim=pass\r\nResent-From: c@example.org\r\nBcc: d@example.org\r\n"
    b"HP-Outer: Subject: forged\r\n"
)


def fields(headers) -> list[tuple[str, str]]:
    return [(field.name.lower(), field.text) for field in headers]


@pytest.mark.parametrize("way", ["encrypted", "signed", "sealed"])
def test_all_that_is_the_authors_goes_inside(way):
    """RFC 9788 §5.2: every field but those of the structure; what the way of the mail wrote stays outside and is none of the author's."""
    raw = TRANSPORTS + HEADER + AUTHORS + b"MIME-Version: 1.0\r\n" + TEXT
    how = EncryptAs(AES256_GCM, True, "none")
    written = {
        "encrypted": lambda: encrypt(raw, TO, how),
        "signed": lambda: sign(raw, (SIGNER,), NOW, SignAs(header_protection=True)),
        "sealed": lambda: seal(raw, (SIGNER,), NOW, TO, encrypt_as=how),
    }[way]()
    content = inside(written).headers
    mine = fields(parse(HEADER + AUTHORS).headers)
    assert [one for one in fields(content) if one[0] not in ("content-type", "hp-outer")] == mine
    record = [tuple(field.text.split(": ", 1)) for field in content.all("hp-outer")]
    assert [(name.lower(), value) for name, value in record] == ([] if way == "signed" else mine)
    structure = ("mime-version", "content-type", "content-transfer-encoding", "content-disposition")
    assert [one for one in fields(parse(written).headers) if one[0] not in structure] == fields(
        parse(TRANSPORTS + HEADER + AUTHORS).headers
    )
    if way != "signed":
        mail = parse(open_mail(written, ring(BOB), REMOVED).mail).headers
        assert sorted(one for one in fields(mail) if one[0] not in structure) == sorted(
            fields(parse(TRANSPORTS + HEADER + AUTHORS).headers)
        )


@pytest.mark.parametrize(("policy", "is_hidden"), [("none", False), ("baseline", True), ("shy", True)])
def test_a_topic_that_tells_the_subject_is_hidden_with_it(policy, is_hidden):
    """Outlook writes the subject into Thread-Topic too; the reader gets both back."""
    raw = b"Subject: RE: Plan to buy\r\nThread-Topic: Plan to buy\r\nThread-Index: AQHa\r\n" + TEXT
    for written in (sealed(raw, policy), sealed(raw, policy, legacy=True), sealed(raw, policy, cipher=AES256_CBC)):
        outer = parse(written).headers
        assert ("thread-topic" in outer) == (not is_hidden)
        assert (b"Plan to buy" in written) == (not is_hidden)
        assert [field.text for field in inside(written).headers.all("hp-outer")][-1] == "Thread-Index: AQHa"
    mail = opened(sealed(raw, policy)).headers
    assert (mail.text("subject"), mail.text("thread-topic"), mail.text("thread-index")) == ("RE: Plan to buy", "Plan to buy", "AQHa")


def test_a_topic_that_a_server_adds_outside_is_no_finding():
    """Exchange writes one from the subject that it sees; the one inside counts, or none is there to tell."""
    raw = HEADER + b"Thread-Topic: Dinner\r\n" + TEXT
    for mail, topic in ((raw, "Dinner"), (HEADER + TEXT, "[...]")):
        written = b"Thread-Topic: [...]\r\n" + seal(mail, (SIGNER,), NOW, TO, encrypt_as=EncryptAs(AES256_GCM, True))
        found = report(read(written, ring(BOB)), Asked(TRUST, NOW))
        assert (found.verdict, found.findings) == ("valid_bound", ())
        assert opened(written).headers.text("thread-topic") == topic


@pytest.mark.parametrize("name", [b"Boss Big", b"=?utf-8?q?Anna_=C3=84=2E?=", b"", b"Anna A. (Boss)", b"Boss: Anna A."])
def test_another_name_outside_a_signed_from_is_told(name):
    """The address binds as ever, and the changed name, group or comment is a finding."""
    written = sign(HEADER + TEXT, (SIGNER,), NOW, SignAs(header_protection=True))
    changed = written.replace(b"From: Anna A. <anna@example.org>", b"From: " + name + b" <anna@example.org>" + b";" * (b":" in name), 1)
    found = report(read(changed), Asked(TRUST, NOW))
    assert (found.verdict, found.findings) == ("valid_bound", ("header-differs",))


def test_a_from_that_is_written_otherwise_is_no_other():
    """Quotes, folds and encoded words that say the same change nothing."""
    written = sign(HEADER + TEXT, (SIGNER,), NOW, SignAs(header_protection=True))
    for same in (b'"Anna A." <anna@example.org>', b"Anna\r\n A. <ANNA@example.org>", b"=?utf-8?q?Anna_A=2E?= <anna@example.org>"):
        assert report(read(written.replace(b"Anna A. <anna@example.org>", same, 1)), Asked(TRUST, NOW)).findings == ()


def test_another_name_outside_an_encryption_is_told():
    """What was left outside is known by HP-Outer, From's name too; the reader gets the protected one with the other beside it."""
    written = seal(HEADER + TEXT, (SIGNER,), NOW, TO, encrypt_as=EncryptAs(AES256_GCM, True))
    assert "header-differs" not in report(read(written, ring(BOB)), Asked(TRUST, NOW)).findings
    changed = written.replace(b"From: Anna A. <", b"From: Boss Big <", 1)
    found = report(read(changed, ring(BOB)), Asked(TRUST, NOW))
    assert (found.verdict, "header-differs" in found.findings) == ("valid_bound", True)
    mail = opened(changed).headers
    assert (mail.text("from"), mail.text("x-outer-from")) == ("Anna A. <anna@example.org>", "Boss Big <anna@example.org>")
    assert "x-outer-from" not in opened(written).headers


def test_the_legacy_display_stands_before_a_text():
    """Who decrypts and knows nothing of protected fields reads the subject above the text; who knows them does not."""
    written = sealed(HEADER + TEXT, legacy=True)
    content = inside(written)
    assert content.root.content_type.parameters == {"hp-legacy-display": "1", "hp": "cipher"}
    assert content.root.body == b"Subject: Dinner plans\r\n\r\nAt eight, as ever.\r\n"
    mail = opened(written)
    assert mail.root.body == b"At eight, as ever.\r\n"
    assert mail.root.content_type.parameters == {}
    assert mail.headers.text("subject") == "Dinner plans"


def test_the_legacy_display_stands_first_in_an_html_body():
    """As a div of its class with the fields in a pre, and in no other place."""
    content = inside(sealed(HEADER.replace(b"Dinner plans", b"Dinner & <plans>") + HTML, legacy=True))
    assert content.root.body.startswith(
        b"<html><body class='x'>\r\n"
        b'<div class="header-protection-legacy-display">\r\n<pre>Subject: Dinner &amp; &lt;plans&gt;</pre>\r\n</div>\r\n<p>At eight.</p>'
    )
    text = opened(sealed(HEADER + HTML, legacy=True)).root.body
    assert b"legacy" not in text
    assert b"<body class='x'><p>At eight.</p>" in text.replace(b"\r\n", b"")


def test_the_legacy_display_names_all_that_a_policy_hides():
    """Under the shy policy names and date stand there too, for people; fields that nobody hides do not."""
    body = inside(
        sealed(HEADER + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHi.\r\n", "shy", legacy=True)
    ).root
    lines = text_of(body).text.split("\n")
    assert lines[:5] == [
        "Subject: Dinner plans",
        "From: Anna A. <anna@example.org>",
        "To: Bob <bob@example.org>, Carol Ö <carol@example.com>",
        "Date: Fri, 20 Feb 2026 18:30:02 -0500",
        "",
    ]
    nothing = HEADER.replace(b"Dinner plans", b"[...]") + TEXT
    assert "hp-legacy-display" not in inside(sealed(nothing, legacy=True)).root.content_type.parameters
    assert "hp-legacy-display" not in inside(sealed(HEADER + TEXT, "none", legacy=True)).root.content_type.parameters


SUBJECT = b"Subject: =?utf-8?q?Pr=C3=BCfung?=\r\n"


@pytest.mark.parametrize(
    ("head", "body", "marked"),
    [
        (b"", b"At eight.\r\n", True),  # no type at all is plain text
        (b"Content-Type: text/plain; charset=us-ascii\r\n", b"At eight.\r\n", True),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n", b"Gr=FC=DFe\r\n", True),
        (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", b"QXQgZWlnaHQuDQo=\r\n", True),
        (b"Content-Type: text/plain; charset=koi8-r\r\n", b"At eight.\r\n", False),  # it cannot write the subject
        (b"Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n", b"//5BAHQA\r\n", False),
        (b"Content-Type: text/plain; charset=no-such\r\n", b"At eight.\r\n", False),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n", b"undeclared \xff\r\n", False),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n", b"!!!!\r\n", False),
        (b"Content-Type: text/csv\r\n", b"a,b\r\n", False),
        (b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n", b"a note\r\n", False),
        (b'Content-Type: text/plain; name="a;b"; format=flowed\r\n', b"At eight.\r\n", True),
    ],
)
def test_a_text_keeps_its_content_whatever_its_charset(head, body, marked):
    """The subject is written in the text's own charset, or the text stays as it was; taken out again it is the same text."""
    raw = SUBJECT + b"MIME-Version: 1.0\r\n" + head + b"\r\n" + body
    content = inside(sealed(raw, legacy=True)).root
    before = parse(raw).root
    if marked:
        assert text_of(content).text == "Subject: Prüfung\n\n" + text_of(before).text
        assert content.content_type.parameters.get("name") == before.content_type.parameters.get("name")
    else:
        assert decoded(content).data == decoded(before).data
    assert ("hp-legacy-display" in content.content_type.parameters) == marked
    assert text_of(opened(sealed(raw, legacy=True)).root).text == text_of(before).text


def test_only_main_body_parts_have_a_legacy_display():
    """Of alternatives each, of other multiparts the first; attachments and what comes after the first part stay as they are."""
    alternatives = b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n' + TEXT + b"--b\r\n" + HTML + b"--b--\r\n"
    note = b"Content-Type: text/plain; name=note.txt\r\n\r\nA note.\r\n"
    raw = HEADER + b'Content-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\n' + alternatives + b"--a\r\n" + note + b"--a--\r\n"
    content = inside(sealed(raw, legacy=True))
    marks = [leaf.content_type.parameters.get("hp-legacy-display") for leaf in content.leaves()]
    assert marks == ["1", "1", None]
    assert [b"Dinner" in leaf.body for leaf in content.leaves()] == [True, True, False]
    mail = opened(sealed(raw, legacy=True))
    assert [b"Dinner" in leaf.body for leaf in mail.leaves()] == [False, False, False]
    assert all("hp-legacy-display" not in leaf.content_type.parameters for leaf in mail.leaves())
    assert [text_of(leaf).text.strip() for leaf in mail.leaves()][::2] == ["At eight, as ever.", "A note."]


def test_a_legacy_display_stays_where_a_signature_is_kept():
    """The signature is over the text as it is; without it the display goes."""
    written = seal(HEADER + TEXT, (SIGNER,), NOW, TO, encrypt_as=LEGACY)
    kept = open_mail(written, ring(BOB))
    assert b"Subject: Dinner plans\r\n\r\nAt eight" in kept.mail
    assert read(kept.mail).layers[0].intact
    found = report(read(kept.mail), Asked(TRUST, NOW))
    assert (found.verdict, found.findings) == ("valid_bound", ())
    assert opened(written).root.body == b"At eight, as ever.\r\n"


def enveloped(content: bytes, header: bytes = b"Subject: [...]\r\nFrom: Anna <anna@example.org>\r\n", cipher=AES256_GCM) -> bytes:
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return header + head + base64_lines(encrypt_cms(content, TO, cipher))


EXAMPLE = (
    b"Date: Wed, 21 Jan 2026 20:40:48 -0500\r\nFrom: Anna <anna@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Lunch\r\n"
    b"Message-ID: <legacy@example.org>\r\nMIME-Version: 1.0\r\n%s"
    b"HP-Outer: Date: Wed, 21 Jan 2026 20:40:48 -0500\r\nHP-Outer: From: Anna <anna@example.org>\r\n"
    b"HP-Outer: To: Bob <bob@example.org>\r\nHP-Outer: Subject: [...]\r\nHP-Outer: Message-ID: <legacy@example.org>\r\n\r\n%s"
)
"""The shape of the examples in RFC 9788, appendix E: other fields than ours, in another order, the marks on a line of their own."""
PLAIN_TYPE = b'Content-Type: text/plain; charset="us-ascii"; hp-legacy-display="1";\r\n hp="cipher"\r\n'
HTML_TYPE = PLAIN_TYPE.replace(b"plain", b"html")
PLAIN_BODY = b"Subject: Lunch\r\n\r\nAt one, and to the park\r\nfrom there.\r\n"
HTML_BODY = (
    b'<html><head><title></title></head><body>\r\n<div class="header-protection-legacy-display">\r\n<pre>Subject: Lunch</pre>\r\n</div>\r\n'
    b"<p>\r\nAt one.\r\n</p>\r\n</body></html>\r\n"
)


def test_an_example_in_plain_text_is_read():
    """Its element is gone, its fields are the mail's, its marks are gone too."""
    mail = opened(enveloped(EXAMPLE % (PLAIN_TYPE, PLAIN_BODY)))
    assert mail.root.body == b"At one, and to the park\r\nfrom there.\r\n"
    assert mail.root.content_type.parameters == {"charset": "us-ascii"}
    assert (mail.headers.text("subject"), mail.headers.text("message-id")) == ("Lunch", "<legacy@example.org>")


def test_an_example_in_html_is_read():
    """The div is gone and what follows it stands."""
    mail = opened(enveloped(EXAMPLE % (HTML_TYPE, HTML_BODY)))
    assert b"Lunch" not in mail.root.body
    assert b"<body><p>\r\nAt one.\r\n</p>" in mail.root.body.replace(b"<body>\r\n", b"<body>")
    assert mail.root.content_type.parameters == {"charset": "us-ascii"}


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        (PLAIN_TYPE.replace(b'hp="cipher"', b'hp="clear"'), PLAIN_BODY),
        (PLAIN_TYPE.replace(b'hp="cipher"', b'protected-headers="v1"'), PLAIN_BODY),
        (PLAIN_TYPE.replace(b'="1"', b'="2"'), PLAIN_BODY),
        (PLAIN_TYPE.replace(b'hp-legacy-display="1";', b""), PLAIN_BODY),
        (PLAIN_TYPE, b"a text without a blank line\r\n"),
        (PLAIN_TYPE.replace(b"text/plain", b"text/csv"), PLAIN_BODY),
        (PLAIN_TYPE + b"Content-Disposition: attachment; filename=a.txt\r\n", PLAIN_BODY),
        (HTML_TYPE, HTML_BODY.replace(b"<p>", b"").replace(b"<body>", b"<body><p>first</p>")),
        (HTML_TYPE, HTML_BODY.replace(b"header-protection", b"other")),
        (HTML_TYPE, HTML_BODY.replace(b"<pre>", b"<div><pre>")),
        (HTML_TYPE, HTML_BODY.replace(b"</div>", b"")),
    ],
)
def test_no_other_text_is_taken_out(type_, body):
    """Without the mark, without hp="cipher", in an attachment, or where the element does not stand as it should, nothing is removed."""
    assert opened(enveloped(EXAMPLE % (type_, body))).root.body == body


def test_a_mark_in_the_open_takes_nothing_out():
    """A signed mail that was never encrypted could else hide its first paragraph."""
    content = EXAMPLE % (PLAIN_TYPE, PLAIN_BODY)
    header = b"From: Anna <anna@example.org>\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = header + base64_lines(sign_cms(content, (SIGNER,), NOW))
    assert read(raw).content == content
    assert open_mail(raw, ring(BOB), REMOVED).release == "plain"


def test_content_that_nobody_vouches_for_keeps_its_legacy_display():
    """Of its protected fields only the subject is believed, so what the display says of the others must not be lost."""
    mail = opened(enveloped(EXAMPLE % (PLAIN_TYPE, PLAIN_BODY), cipher=AES256_CBC))
    assert mail.root.body == PLAIN_BODY


def test_a_recipient_who_was_added_outside_is_answered_by_nobody():
    """A field that the sender would have protected and did not is none of his: it stays readable, and is no field that counts."""
    outside = b"Subject: [...]\r\nFrom: Anna <anna@example.org>\r\nCc: eve@evil.example\r\nReply-To: eve@evil.example\r\nX-Spam: no\r\n"
    mail = opened(enveloped(EXAMPLE % (PLAIN_TYPE, PLAIN_BODY), outside)).headers
    assert "cc" not in mail
    assert "reply-to" not in mail
    assert (mail.text("x-outer-cc"), mail.text("x-outer-reply-to"), mail.text("x-spam")) == ("eve@evil.example", "eve@evil.example", "no")
    assert mail.text("to") == "Bob <bob@example.org>"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ((b"", b""), False),
        ((b"Subject: [...]", b"Subject: Pay at once"), True),
        ((b"To: Bob", b"To: Eve"), True),
        ((b"Subject: [...]", b"Subject: Dinner plans"), False),  # as the sender wrote it inside
    ],
)
def test_what_was_changed_outside_an_encryption_is_found(change, finding):
    """The record inside says what the sender left outside; anything else is somebody else's."""
    written = seal(HEADER + TEXT, (SIGNER,), NOW, TO, encrypt_as=EncryptAs(AES256_GCM, True))
    found = report(read(written.replace(*change, 1) if change[0] else written, ring(BOB)), Asked(TRUST, NOW))
    assert found.verdict == "valid_bound"
    assert ("header-differs" in found.findings) == finding


def test_a_from_that_differs_inside_an_encryption_is_a_mismatch():
    """Whatever the record says: the signer is bound to both."""
    written = seal(HEADER + TEXT, (SIGNER,), NOW, TO, encrypt_as=EncryptAs(AES256_GCM, True, "shy"))
    assert report(read(written, ring(BOB)), Asked(TRUST, NOW)).verdict == "valid_bound"
    forged = written.replace(b"From: anna@", b"From: boss@", 1)
    assert report(read(forged, ring(BOB)), Asked(TRUST, NOW)).verdict == "valid_mismatch"


def test_an_odd_subject_makes_no_second_line():
    """A line end in an encoded word would else put a field of its own into the display."""
    raw = b"Subject: =?utf-8?q?a=0D=0A=0D=0AReply-To=3A_eve?=\r\n" + TEXT
    assert inside(sealed(raw, legacy=True)).root.body.startswith(b"Subject: a Reply-To: eve\r\n\r\n")


def test_a_signed_mail_that_is_passed_on_is_not_this_mails_header():
    """A message inside that has a protection of its own is an attachment, though its author is the same."""
    inner = sign(HEADER + TEXT, (SIGNER,), NOW)
    mail = opened(enveloped(b"Content-Type: message/rfc822\r\n\r\n" + inner))
    assert (mail.root.content_type.full, mail.headers.text("subject")) == ("message/rfc822", "[...]")
