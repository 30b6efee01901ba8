# SPDX-License-Identifier: Apache-2.0
"""What a stranger's certificate says of itself: names of every kind are read, an address is exactly one, and nothing raises."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, authority
from gatepost.encryption.cms import der
from gatepost.encryption.cms.certificate import Certificate, read_certificate
from gatepost.encryption.cms.local_key import LocalKey
from gatepost.encryption.cms.oids import encoded
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.constraints import NameConstraints, NameRules
from gatepost.encryption.paths.extensions import inside
from gatepost.encryption.paths.general_names import GeneralName, read_general_name
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.purpose import Purpose, purpose_of
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import SignAs, sign
from path_authority import MAIL as MAIL_PURPOSE
from path_authority import key, root

TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
KEY = ec.generate_private_key(ec.SECP256R1())
ALTERNATIVE, ISSUERS, POINTS, ACCESS, AUTHORITY_KEY = "2.5.29.17", "2.5.29.18", "2.5.29.31", "1.3.6.1.5.5.7.1.1", "2.5.29.35"
COMMON, ORGANISATION, COUNTRY, PSEUDONYM, MAIL = "2.5.4.3", "2.5.4.10", "2.5.4.6", "2.5.4.65", "1.2.840.113549.1.9.1"
UTF8, NUMERIC, PRINTABLE, TELETEX, IA5, VISIBLE, BMP = 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1E


def of(oid: str) -> bytes:
    return der.oid(encoded(oid))


def name(*parts: tuple[str, int, bytes]) -> bytes:
    """Write a distinguished name, each part an attribute of a string type of its own."""
    return der.sequence(*(der.set_of([der.sequence(of(kind), der.element(tag, value))]) for kind, tag, value in parts))


def mail(address: bytes) -> bytes:
    return der.element(0x81, address)


def other(kind: str, value: bytes) -> bytes:
    return der.element(0xA0, of(kind) + der.explicit(0, value))


def utf8_mailbox(address: str) -> bytes:
    return other("1.3.6.1.5.5.7.8.9", der.element(UTF8, address.encode()))


X400 = der.element(0xA3, der.sequence())
EDI = der.element(0xA5, der.element(0xA1, der.element(UTF8, b"party")))
USER_PRINCIPAL = other("1.3.6.1.4.1.311.20.2.3", der.element(UTF8, b"anna@windows.example"))
ANNA = mail(b"anna@example.org")
PLAIN = name((COMMON, UTF8, b"Anna"))


def certified(subject: bytes = PLAIN, *extensions: tuple[str, bytes], begins: bytes = b"\x17\x0d260101000000Z") -> Certificate:
    """Certify what no library would write."""
    key, root = authority()
    algorithm = der.sequence(of("1.2.840.113549.1.1.11"), der.NULL)
    validity = der.sequence(begins, der.element(0x17, b"360101000000Z"))
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    written = [der.sequence(of(oid), der.octet_string(value)) for oid, value in extensions]
    body = [der.explicit(0, der.integer(2)), der.integer(77), algorithm, root.subject.public_bytes(), validity, subject, public]
    signed = der.sequence(*body, *([der.explicit(3, der.sequence(*written))] if written else []))
    return Certificate(der.sequence(signed, algorithm, der.bit_string(key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))))


def judged(certificate: Certificate, shown: str = "anna@example.org", trust: PathTrust = TRUST) -> Report:
    signer = Signer(LocalKey(KEY), certificate, default_scheme(certificate))
    written = sign(f"From: {shown}\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n".encode(), (signer,), NOW, SignAs())
    assert isinstance(written, bytes)
    return report(read(written), Asked(trust, NOW))


def said(subject: bytes = PLAIN, *alternatives: bytes) -> Purpose:
    extensions = [(ALTERNATIVE, der.sequence(*alternatives))] if alternatives else []
    return purpose_of(certified(subject, *extensions))


POINT = der.sequence(der.sequence(der.explicit(0, der.explicit(0, X400))))
PLACES = {
    "x400 beside the address": (ALTERNATIVE, der.sequence(X400, ANNA)),
    "edi beside the address": (ALTERNATIVE, der.sequence(EDI, ANNA)),
    "x400 of the issuer": (ISSUERS, der.sequence(X400)),
    "edi of the issuer": (ISSUERS, der.sequence(EDI)),
    "x400 at a list": (POINTS, POINT),
    "x400 of an access": (ACCESS, der.sequence(der.sequence(of("1.3.6.1.5.5.7.48.1"), X400))),
    "x400 of an authority": (AUTHORITY_KEY, der.sequence(der.element(0xA1, X400), der.element(0x82, b"\x05"))),
}


@pytest.mark.parametrize("place", PLACES)
def test_names_of_rare_kinds_are_no_trouble(place):
    """X.400 addresses and EDI parties may stand wherever names stand (RFC 5280 §4.2.1.6); the address beside them binds."""
    kind, value = PLACES[place]
    alternatives = () if kind == ALTERNATIVE else ((ALTERNATIVE, der.sequence(ANNA)),)
    assert judged(certified(PLAIN, (kind, value), *alternatives)).verdict == "valid_bound"


def test_a_strangers_own_certificate_with_such_a_name_is_untrusted():
    """Nobody needs an authority to send one: it is judged like every other that nobody certified."""
    found = judged(certified(PLAIN, (ALTERNATIVE, der.sequence(X400, ANNA))), trust=PathTrust(Validator(())))
    assert (found.verdict, found.signers[0].subject) == ("valid_untrusted", "CN=Anna")
    assert found.signers[0].addresses == ("anna@example.org",)


@pytest.mark.parametrize(
    "address",
    [
        b"boss@corp.example ", b" boss@corp.example", b"boss@corp.example\r\n", b"boss@corp.example,", b"boss@corp.example;",
        b"g:boss@corp.example;", b"boss @corp.example", b"boss@ corp.example", b"<boss@corp.example>", b"Boss <boss@corp.example>",
        b"boss@corp.example (Boss)", b"boss@corp.example\0", b"boss@corp.example.", b"boss@corp..example", b".boss@corp.example",
        b"boss.@corp.example", b"bo..ss@corp.example", b"boss", b"@corp.example", b"boss@", b"", b"a@b@corp.example", b'"boss@corp.example',
        b'"boss"x@corp.example', b"boss@-corp.example", b"boss@[corp.example]", b"boss@corp.example\tx", b'"bo\nss"@corp.example',
        b"=?utf-8?q?boss?= @corp.example",
    ],
)  # fmt: skip
def test_an_address_is_exactly_a_mailbox(address):
    """What has more or less than RFC 5321 §4.1.2 lets a mailbox have is no address, among the alternative names and in the subject."""
    assert said(PLAIN, mail(address)).addresses == ()
    assert said(name((MAIL, IA5, address))).addresses == ()


@pytest.mark.parametrize(
    ("address", "read_as"),
    [
        (b"anna@example.org", "anna@example.org"),
        (b"Anna.B+x@Example.ORG", "Anna.B+x@example.org"),
        (b'"anna b"@example.org', '"anna b"@example.org'),
        (b"anna@[192.0.2.1]", "anna@[192.0.2.1]"),
        (b"anna@[ipv6:2001:DB8::1]", "anna@[IPv6:2001:db8::1]"),
        (b"anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
    ],
)
def test_every_form_of_a_mailbox_is_read(address, read_as):
    """The local part stays as it is written, the domain is in the form that all have."""
    assert [str(one) for one in said(PLAIN, mail(address)).addresses] == [read_as]


def test_an_international_mailbox_is_read():
    """Its host in A-labels, however it was written (RFC 9598 §3)."""
    assert [str(one) for one in said(PLAIN, utf8_mailbox("änne@bücher.example")).addresses] == ["änne@xn--bcher-kva.example"]
    assert said(PLAIN, utf8_mailbox("änne @bücher.example")).addresses == ()
    assert said(PLAIN, utf8_mailbox("änne\u2028x@bücher.example")).addresses == ()


@pytest.mark.parametrize("odd", ["ä@b cher.example", "ä@-ü-.example", "ä@", "ä", "ä@ü..example"])
def test_an_international_mailbox_that_is_none_is_no_address(odd):
    """It binds nobody, takes nothing from the address beside it, and passes no constraint on addresses (RFC 9598 §3)."""
    purpose = said(PLAIN, ANNA, utf8_mailbox(odd))
    assert ([str(one) for one in purpose.addresses], purpose.objection) == (["anna@example.org"], "")
    name = read_general_name(inside(utf8_mailbox(odd)))
    for constraint in (b"example.org", b"anna@example.org"):
        for permitted, excluded in (((constraint,), ()), ((), (constraint,))):
            rules = NameRules(100)
            rules.add(NameConstraints(*(tuple(GeneralName("email", one) for one in many) for many in (permitted, excluded))))
            assert rules.objection([name])


@pytest.mark.parametrize(
    "address",
    [
        b"boss@corp.example ", b"g:boss@corp.example;", b"boss@corp.example\r\n", b"boss@corp.example,", b"boss@corp.example;",
        b"boss @corp.example", b"BOSS@corp.example", b'"boss"@corp.example',
    ],
)  # fmt: skip
@pytest.mark.parametrize("excluded", ["corp.example", "boss@corp.example"])
def test_an_authority_that_may_not_certify_an_address_cannot_dress_it_up(address, excluded):
    """The path fails, and without the constraint such a name binds only where it is an address and the same one."""
    top = root()
    below = top.sub("Constrained", (x509.NameConstraints(None, [x509.RFC822Name(excluded)]), True))
    written = x509.UnrecognizedExtension(x509.ObjectIdentifier(ALTERNATIVE), der.sequence(mail(address)))
    certificate = below.issue("Boss", MAIL_PURPOSE, (written, False))
    assert below.certificate is not None
    assert top.certificate is not None
    signer = Signer(LocalKey(key("Boss")), certificate, default_scheme(certificate))
    raw = b"From: boss@corp.example\r\nContent-Type: text/plain\r\n\r\nPay.\r\n"
    signed = sign(raw, (signer,), NOW, SignAs(certificates=(below.certificate,)))
    assert isinstance(signed, bytes)
    found = report(read(signed), Asked(PathTrust(Validator([top.certificate])), NOW))
    assert found.verdict == "valid_untrusted"
    assert "excluded subtree" in found.reason


OLD = name((MAIL, IA5, b"old@example.org"))


@pytest.mark.parametrize(
    ("alternatives", "addresses"),
    [
        ((USER_PRINCIPAL,), ["old@example.org"]),
        ((der.element(0x82, b"example.org"),), ["old@example.org"]),
        ((USER_PRINCIPAL, ANNA), ["anna@example.org"]),
        ((utf8_mailbox("änne@example.org"),), ["änne@example.org"]),
        ((mail(b"anna@example.org "),), []),  # the issuer wrote a mail name; that it is none is no reason to take another
    ],
)
def test_the_subjects_address_counts_where_no_alternative_name_is_for_mail(alternatives, addresses):
    """RFC 8550 §3: an account's or a host's name beside it says nothing of mail."""
    assert [str(one) for one in said(OLD, *alternatives).addresses] == addresses


@pytest.mark.parametrize("tag", [IA5, UTF8, PRINTABLE])
def test_the_subjects_address_is_read_in_each_usual_type(tag):
    """IA5String is right (RFC 5280 §4.1.2.6), UTF8String and PrintableString are met."""
    assert [str(one) for one in said(name((MAIL, tag, b"old@example.org"))).addresses] == ["old@example.org"]


def test_the_subjects_address_in_another_type_is_none():
    """A constraint would compare other octets than people read."""
    assert said(name((MAIL, BMP, "old@example.org".encode("utf-16-be")))).addresses == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((COMMON, TELETEX, "Jürgen Groß".encode("latin-1")), "CN=Jürgen Groß"),
        ((COMMON, BMP, "Jürgen".encode("utf-16-be")), "CN=Jürgen"),
        ((COMMON, UTF8, "Jürgen".encode()), "CN=Jürgen"),
        ((COUNTRY, PRINTABLE, b"GERMANY"), "C=GERMANY"),
        ((COMMON, UTF8, b""), "CN="),
        ((COMMON, UTF8, b"J\xfcrgen"), "CN=J\ufffdrgen"),
        ((COMMON, BMP, b"\xd8\x00"), "CN=\ufffd"),
        ((COMMON, 0x02, b"\x05"), "CN=#020105"),
        ((COMMON, UTF8, b'#a, "b"+c;<d>\\ '), 'CN=\\#a\\, \\"b\\"\\+c\\;\\<d\\>\\\\\\ '),
        ((COMMON, UTF8, b" a\0\r\n\x1b[1m"), "CN=\\ a\\00\\0D\\0A\\1B[1m"),
        (("1.2.3.4", UTF8, b"x"), "1.2.3.4=x"),
    ],
)
def test_a_subject_is_written_for_people(value, text):
    """In each string type, with what RFC 4514 escapes and all that no terminal should see."""
    assert said(name(value), ANNA).subject == text


def test_a_subject_is_written_as_the_library_does():
    """Last part first, parts of one set with a plus (RFC 4514 §2.1)."""
    common, mailbox = x509.NameAttribute(NameOID.COMMON_NAME, "Anna, B."), x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example.org")
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")
    written = x509.Name([x509.RelativeDistinguishedName([country]), x509.RelativeDistinguishedName([common, mailbox])])
    assert said(written.public_bytes()).subject == written.rfc4514_string()


def test_a_teletex_name_is_no_reason_to_distrust():
    """Old issuers write umlauts so (RFC 5280 §4.1.2.4), and the name vouches for the shown one."""
    subject = name((COMMON, TELETEX, "Jürgen".encode("latin-1")), (PSEUDONYM, UTF8, b"JG"))
    assert judged(certified(subject, (ALTERNATIVE, der.sequence(ANNA)))).verdict == "valid_bound"
    assert said(subject, ANNA).names == ("Jürgen", "JG")


MALFORMED = {
    "a cut list of names": (ALTERNATIVE, b"\x30\x03"),
    "octets that are not ASCII": (ALTERNATIVE, der.sequence(mail("änne@example.org".encode()))),
    "a usage that is none": ("2.5.29.15", der.integer(3)),
    "a purpose that is none": ("2.5.29.37", der.sequence(der.integer(3))),
    "policies that are none": ("2.5.29.32", der.NULL),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_certificate_says_who_it_names_and_signs_nothing(what):
    """The reason is told; subject and number are there for the track."""
    found = judged(certified(PLAIN, MALFORMED[what]))
    assert (found.verdict, found.signers[0].subject, found.signers[0].serial) == ("valid_untrusted", "CN=Anna", "4d")
    assert found.reason


@pytest.mark.parametrize("moment", [b"\x17\x0b2601010000Z", b"\x18\x1120260101000000.0Z", b"\x17\x11260101000000+0100"])
def test_a_certificate_s_time_has_one_form(moment):
    """With seconds, without parts of them, in UTC (RFC 5280 §4.1.2.5)."""
    assert "time" in purpose_of(certified(PLAIN, begins=moment)).objection


def test_a_version_that_does_not_exist_is_no_certificate_to_trust():
    """X.509 has three; what a later one means nobody knows."""
    plain = certified(PLAIN, (ALTERNATIVE, der.sequence(ANNA)))
    strange = Certificate(plain.encoded.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020108")))
    assert "version" in purpose_of(strange).objection
    assert purpose_of(plain).objection == ""


@pytest.mark.parametrize(
    ("usage", "objection"), [("2.5.29.15", "the certificate is not for signatures"), ("2.5.29.37", "the certificate is not for mail")]
)
def test_a_key_for_something_else_signs_no_mail(usage, objection):
    """Key encipherment alone, and a web server's purpose alone."""
    value = der.bit_string(b"\x20") if usage.endswith("15") else der.sequence(of("1.3.6.1.5.5.7.3.1"))
    assert purpose_of(certified(PLAIN, (usage, value))).objection == objection


EVERYTHING = certified(
    name((COUNTRY, PRINTABLE, b"DE"), (ORGANISATION, TELETEX, b"Gro\xdf"), (COMMON, BMP, "ü".encode("utf-16-be")), (MAIL, IA5, b"a@b.c")),
    *PLACES.values(),
    ("2.5.29.30", der.sequence(der.element(0xA0, der.sequence(ANNA)))),
    ("2.5.29.15", der.bit_string(b"\x80")),
    ("2.5.29.37", der.sequence(of("1.3.6.1.5.5.7.3.4"))),
    ("2.5.29.32", der.sequence(der.sequence(of("2.5.29.32.0")))),
).encoded  # fmt: skip


@settings(max_examples=300)
@given(st.data())
def test_any_damaged_certificate_gets_an_answer(data):
    """Octets changed, cut out, doubled, in a certificate with a name of every kind: never an exception, and never trust."""
    raw = bytearray(EVERYTHING)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        if data.draw(st.booleans()):
            raw[place] = data.draw(st.integers(0, 255))
        else:
            raw[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    certificate = read_certificate(bytes(raw))
    if isinstance(certificate, Certificate):
        purpose = purpose_of(certificate)
        assert isinstance(purpose.subject, str)
        assert TRUST.beside((), (), NOW).judge(certificate, NOW).trusted is (bytes(raw) == EVERYTHING and not purpose.objection)
