# SPDX-License-Identifier: Apache-2.0
"""Whether a signature is the shown sender's: each address counts, names vouch for nothing, and domains may sign for all."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms_people import person
from gatepost.config.limits import MessageLimits
from gatepost.encryption.smime.binding import bind, shown_by
from gatepost.encryption.smime.hidden import has_nearly_from, shows_behind_cr
from gatepost.encryption.smime.lookalike import reading_of
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.message.addresses import Address
from gatepost.message.headers import Headers

CERTIFICATE = person("p256", "anna").certificate
ANNA = purpose_of(CERTIFICATE)
DIGEST = CERTIFICATE.digest("sha256")


def bond(header: str, **domains: frozenset[bytes]):
    where = {name.replace("_", "."): digests for name, digests in domains.items()}
    block = header.replace("\n", "\r\n").encode()
    return bind(shown_by(Headers(block), MessageLimits(), lambda: block), ANNA, DIGEST, where)


@pytest.mark.parametrize(
    "header",
    [
        "From: anna@example.org\n",
        "From: ANNA@Example.ORG\n",
        "From: Anna A. <anna@example.org>\n",
        "From: anna@example.org <anna@example.org>\n",
        "From: anna@example.org\nReply-To: Anna <anna@example.org>\n",
        "From: anna@example.org\nReply-To: desk@example.org\n",  # the address is shown, and is the signer's
        "From: anna <anna@example.org>\nReply-To: desk@example.org\n",  # the issuer wrote this name
        'From: "anna"@example.org\n',  # quotes change nothing (RFC 5321 §4.1.2)
        'From: "An\\na"@example.org\n',
        "From: Sales: anna@example.org;\n",
        "From: Anna (Sales, Hamburg) <anna@example.org>\n",
        "From: Anna (anna@example.org) <anna@example.org>\n",
        "From: Anna @ <anna@example.org>\n",
        'From: "anna@example.org." <anna@example.org>\n',
        "From: Anna\n <anna@example.org>\n",
    ],
)
def test_the_signer_is_bound(header):
    """The address counts, in whatever letters and with whatever name."""
    assert bond(header)[0] == "bound"


@pytest.mark.parametrize(
    ("header", "finding"),
    [
        ("From: bob@example.org\n", "from-not-signer"),
        ("From: anna@example.com\n", "from-not-signer"),
        ("From: anna@example.org, bob@example.org\n", "from-not-signer"),
        ("From: anna@example.org\nFrom: bob@example.org\n", "from-repeated"),
        ("From: anna@example.org\nFrom: anna@example.org\n", "from-repeated"),
        ("From: Anna\n", "from-without-address"),
        ("From:\n", "from-without-address"),
        ("From: undisclosed:;\n", "from-without-address"),
        ("From: bob@example.org <anna@example.org>\n", "name-is-other-address"),
        ('From: "bob@example.org" <anna@example.org>\n', "name-is-other-address"),
        ("From: bob @ example.org <anna@example.org>\n", "name-is-other-address"),
        ("From: =?utf-8?q?bob=EF=BC=A0example=2Eorg?= <anna@example.org>\n", "name-is-other-address"),
        ("From: The Boss <anna@example.org>\nReply-To: boss@example.org\n", "answers-elsewhere"),
        ("From: anna@example.org\0@evil.example\n", "from-without-address"),
        ('From: "bob@example.org": anna@example.org;\n', "name-is-other-address"),
        ("From: bob@example.org: anna@example.org;\n", "from-without-address"),
        ("From: =?utf-8?q?bob=40example=2Eorg?=: anna@example.org;\n", "name-is-other-address"),
        ('From: anna@example.org, "bob@example.org": anna@example.org;\n', "name-is-other-address"),
        ("From: The Boss: anna@example.org;\nReply-To: boss@example.org\n", "answers-elsewhere"),
        ("From: The Boss <anna@example.org>\nReply-To: <boss@example.org> Boss\n", "answers-elsewhere"),
        ("From: The Boss <anna@example.org>\nReply-To: anna@example.org, " + "(" * 2000 + "boss@example.org\n", "answers-elsewhere"),
        ("From: Anna (bob@example.org) <anna@example.org>\n", "name-is-other-address"),
        ("From: (bob@example.org) Anna <anna@example.org>\n", "name-is-other-address"),
        ("From: Anna <anna@example.org> (bob@example.org)\n", "name-is-other-address"),
        ("From: Anna <anna(bob@example.org)@example.org>\n", "name-is-other-address"),
        ("From: Anna (x (bob\\@example.org)) <anna@example.org>\n", "name-is-other-address"),
        ("From: Anna (=?utf-8?q?bob=40example=2Eorg?=) <anna@example.org>\n", "name-is-other-address"),
        ("From: (anna) (bob@example.org) anna@example.org\n", "name-is-other-address"),
        ("From: anna@example.org (bob@example.org, who is out\n", "name-is-other-address"),
        ('From: "bob@example.org@" <anna@example.org>\n', "name-is-other-address"),
        ('From: "@bob@example.org" <anna@example.org>\n', "name-is-other-address"),
        ('From: "bob@@example.org" <anna@example.org>\n', "name-is-other-address"),
        ('From: "bob@example.org." <anna@example.org>\n', "name-is-other-address"),
        ('From: "bob@example.org @ anna@example.org" <anna@example.org>\n', "name-is-other-address"),
        ("From: Anna <anna@example.org>\rFrom: bob@example.org\n", "bare-line-end"),
        ("X: a\rFrom: bob@example.org\nFrom: anna@example.org\n", "bare-line-end"),
        ("X: a\rFrom: bob@example.org\n", "bare-line-end"),
        ("From: anna@example.org, " + "(" * 2000 + "bob@example.org\n", "from-without-address"),
        ('From: anna@example.org, ("' + "(" * 2000 + '" , bob@example.org\n', "from-without-address"),
        ("From: " + "anna@example.org, " * 6000 + "bob@example.org\n", "from-without-address"),
    ],
)
def test_another_shown_sender_is_a_mismatch(header, finding):
    """Each way to show somebody else is named."""
    found, findings = bond(header)
    assert found == "mismatch"
    assert finding in findings


@pytest.mark.parametrize(
    "name",
    [
        "=?x-foo?q?bob=40example=2Eorg?=",  # readers may show what is ASCII of an unknown charset (RFC 2047 §6.2)
        "=?x-foo?b?Ym9iQGV4YW1wbGUub3Jn?=",
        "=?x-foo?q?bob?= =?x-bar?q?=40example.org?=",
        "=?utf-8?q?bob?= =?x-foo?q?=40example.org?=",
        '"bob@example .org"',
        '"bob@example. org"',
        '"bob@example\u3002org"',
        '"bob@example\ua4f8org"',  # a letter that looks like a dot
        '"bob@example.org @ Home"',
        '"bob@example.org,anna@home"',
        '"bob:anna@example.com"',
        '"bob@example.org:anna@example.org"',
        '"anna@b\u00fccher.example"',
        '"\u202egro.elpmaxe@bob"',  # shown from right to left
    ],
)
def test_a_name_that_some_readers_show_as_another_address_unbinds(name):
    """In whatever way it is written."""
    found, findings = bond(f"From: {name} <anna@example.org>\n")
    assert (found, "name-is-other-address" in findings) == ("mismatch", True)


@pytest.mark.parametrize(
    "name",
    ["Anna@Home", "News @ Example GmbH", "C@f\u00e9", "Anna, 5 @ 10 EUR", "Twitter @anna", "Anna@home anna@example.org"],
)
def test_a_sign_without_a_domain_behind_it_is_told_and_no_more(name):
    """An address of the Internet has a domain of two labels at least."""
    assert bond(f'From: "{name}" <anna@example.org>\n') == ("bound", ("name-with-at-sign",))


@pytest.mark.parametrize("name", ["mailto:anna@example.org", "SIP:Anna@example.org", "=?x-foo?q?Anna?=", "=?x-foo?q?anna=40example.org?="])
def test_a_name_that_is_the_signers_own_address_is_right(name):
    """With what stands before an address in links, and in any charset."""
    assert bond(f'From: "{name}" <anna@example.org>\n') == ("bound", ())


@pytest.mark.parametrize("domain", ["b\u00fccher.example", "B\u00dcCHER.example", "xn--bcher-kva.example", "bu\u0308cher.example"])
def test_a_name_of_an_international_domain_is_compared_in_its_wire_form(domain):
    """However a reader's program writes the own domain (RFC 5891 §5)."""
    own = ANNA._replace(addresses=(Address("anna", "xn--bcher-kva.example"),))
    shown = shown_by(Headers(f'From: "anna@{domain}" <anna@xn--bcher-kva.example>\r\n'.encode()), MessageLimits())
    assert bind(shown, own, DIGEST, {}) == ("bound", ())
    shown = shown_by(Headers(f'From: "eve@{domain}" <anna@xn--bcher-kva.example>\r\n'.encode()), MessageLimits())
    assert bind(shown, own, DIGEST, {})[0] == "mismatch"


LIST = "List-Id: The friends of Example <friends.lists.example>\n"


@pytest.mark.parametrize(
    ("header", "found", "told"),
    [
        ("Reply-To: anna+news@example.org\n", "bound", False),
        ("Reply-To: <>\n", "bound", False),
        ("Reply-To: team@example.com, Anna <anna@example.org>\n", "bound", True),
        ("Reply-To: team@example.com, anna+news@example.org\n", "bound", True),
        ("Reply-To: team@example.org\n", "bound", True),
        ("Reply-To: friends@lists.example\n" + LIST, "bound", True),
        ("Reply-To: team@example.com\n", "mismatch", True),
        ("Reply-To: team@example.com\n" + LIST, "mismatch", True),
        ("Reply-To: team@example.org, team@example.com\n", "mismatch", True),
        ("Reply-To: team@sub.example.org\n", "mismatch", True),
        ("Reply-To: boss@example.org\n", "mismatch", True),  # whom the name means
        ("Reply-To: bigboss@example.org\n", "mismatch", True),
        ("Reply-To: boss@lists.example\n" + LIST, "mismatch", True),
        ("Reply-To: <> Boss\n", "mismatch", True),
        ("Reply-To: Team\n", "mismatch", True),
    ],
)
def test_others_may_answer_beside_the_signer_in_his_domain_and_for_a_list(header, found, told):
    """Under a name that no issuer wrote; nobody whom that name seems to mean, and nobody elsewhere."""
    bound, findings = bond("From: Boss <anna@example.org>\n" + header)
    assert (bound, "answers-elsewhere" in findings) == (found, told)


def test_a_name_that_is_like_the_own_address_feigns_nobody():
    """A certificate for a mailbox names no person, and many have several addresses."""
    assert bond("From: Anna Example <anna@example.org>\nReply-To: anna.team@example.org\n")[0] == "bound"


def test_many_answers_beside_many_names_cost_little():
    """A stranger chooses both numbers."""
    lists = LIST * 1_000
    for names, answers in ((2_000, 4_000), (1, 4_000), (10, 10), (1, 100)):
        name = '"' + "bob example " * 1_000 + '"'
        header = "From: " + ", ".join([f"{name if names == 1 else 'Boss'} <anna@example.org>"] * names)
        shown = shown_by(Headers(f"{header}\nReply-To: {', '.join(['team@example.net'] * answers)}\n{lists}".encode()), MessageLimits())
        begun = time.process_time()
        assert bind(shown, ANNA, DIGEST, {})[0] == "mismatch"
        assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "line",
    [
        "X: a\r b", "X: a\rb : c", "Received: from x\r\tby y", "Subject: a\r b", "X: a\rTo: bob@example.org",
        "X: a\rFromage: b", "X: a\rX-From: b",
    ],
)  # fmt: skip
def test_a_line_end_that_hides_nothing_is_a_finding_alone(line):
    """Some readers begin a line there, and see nothing in it that counts."""
    assert bond(f"{line}\nFrom: anna@example.org\n") == ("bound", ("bare-line-end",))


@pytest.mark.parametrize(
    "line",
    [
        "X: a\rfrom : b", "X: a\rSENDER: b", "X: a\rReply-To: b", "X: a\rContent-Type: text/html", "X: a\rContent-Disposition: inline",
        "X: a\rb", "X: b\r", "X: a\rPay me: 1000\n", "X: a\r\rb", "X: a\r\r\r", "X: a\n\rb", "X: a\r\ufeffFrom: b", "X: a\rFrom\0: b",
        "X: a\rb\rFrom: c",
    ],
)  # fmt: skip
def test_a_line_end_that_hides_a_field_or_the_headers_end_unbinds(line):
    """Another sender, other answers, another content, or a body that begins there: with an empty line, or one that is no field."""
    found, findings = bond(f"{line}\nFrom: anna@example.org\n")
    assert (found, findings) == ("mismatch", ("bare-line-end", "hidden-field"))


@pytest.mark.parametrize("name", ["\ufeffFrom", "From\0", "From\u00a0", " From", "Fr\0om", "\x7fFROM"])
def test_a_from_that_only_some_readers_see_is_a_mismatch(name):
    """Where there is no other; a Sender does not stand for it."""
    assert bond(f"{name}: anna@example.org\n") == ("mismatch", ("from-unreadable",))
    assert bond(f"{name}: boss@example.org\nSender: anna@example.org\n") == ("mismatch", ("from-unreadable",))


@pytest.mark.parametrize(
    ("header", "found", "finding"),
    [
        ("Sender: Anna <ANNA@example.org>\n", "bound", "from-missing"),
        ("Sender: Boss <boss@example.org>\n", "mismatch", "from-not-signer"),
        ("Sender: boss@example.com <anna@example.org>\n", "mismatch", "name-is-other-address"),
        ("Sender: Anna (boss@example.com) <anna@example.org>\n", "mismatch", "name-is-other-address"),
        ("Sender: boss@example.com, anna@example.org\n", "mismatch", "from-not-signer"),
        ("Sender: boss@example.com\nSender: anna@example.org\n", "mismatch", "from-repeated"),
        ("Sender: Anna\n", "mismatch", "from-without-address"),
        ("Sender: Boss <anna@example.org>\nReply-To: boss@example.com\n", "mismatch", "answers-elsewhere"),
    ],
)
def test_sender_stands_for_a_from_that_is_missing(header, found, finding):
    """RFC 8550 §3: the address in From or Sender is the signer's; who shows his name there shows it as in From."""
    bound, findings = bond(header)
    assert (bound, finding in findings) == (found, True)
    assert "from-missing" in findings


@given(st.text(st.sampled_from("=?x-foo?q?b?=@. :<>\u3002\u202e\u00fcab\ud800"), max_size=60))
def test_what_a_name_reads_as_is_always_told(text):
    """Whatever stands in it: an own address never as another one, and nothing without an @ as one."""
    assert reading_of("anna@example.org", frozenset((("anna", "example.org"),))) == "nothing"
    found = reading_of(text, frozenset())
    assert found in ("nothing", "sign", "another")
    assert "@" in text or "=?" in text or found == "nothing"


@pytest.mark.parametrize("piece", [b"\r\xff", b"\rfrom", b"\nf\xff\xff", b"\xff", b"\r\n\r\r\n", b"\r\n from\0", b"\rcontent-x"])
def test_lines_that_some_readers_see_are_looked_for_in_linear_time(piece):
    """A stranger chooses the header."""
    begun = time.process_time()
    for look in (shows_behind_cr, has_nearly_from):
        look(b"X: y" + piece * 100_000)
        look(piece * 100_000)
    assert time.process_time() - begun < 0.5


def test_inside_and_outside_a_protection_one_from_is_enough():
    """A Sender stands for no From where the other header has one."""
    anna = shown_by(Headers(b"From: anna@example.org\r\n"), MessageLimits())
    sender = shown_by(Headers(b"Sender: x@lists.example\r\n"), MessageLimits())
    for shown in (anna.beside(sender), sender.beside(anna)):
        assert bind(shown, ANNA, DIGEST, {}) == ("bound", ("sender-not-signer",))
    assert bind(sender.beside(sender), ANNA, DIGEST, {})[0] == "mismatch"


def test_an_address_that_readers_show_as_another_binds_nobody():
    """An encoded word, or an address in quotes, in the local part (RFC 2047 §5 forbids the one), though its certificate is right."""
    for local in ("=?utf-8?q?bob=40example=2Eorg?=", "=?utf-8?q?bob?=", '"bob@example.org"', '"bob@example.org "'):
        eve = ANNA._replace(addresses=(Address(local, "evil.example"),))
        shown = shown_by(Headers(f"From: Eve <{local}@evil.example>\r\n".encode()), MessageLimits())
        found, findings = bind(shown, eve, DIGEST, {})
        assert (found, "name-is-other-address" in findings) == ("mismatch", True), local


@pytest.mark.parametrize(
    "header",
    [
        'From: "' + "z@evil.example " * 15_000 + '" <z@evil.example>\n',
        "From: " + " ".join(["(z@evil.example)"] * 14_000) + " z@evil.example\n",
        "From: " + ", ".join(["z@evil.example"] * 4_999) + "\n",
        "From: X <z@evil.example>\nReply-To: " + ", ".join(["z@evil.example"] * 4_999) + "\n",
        'From: "' + " ".join(f"z@{chr(0xE0 + n % 20)}{n}" for n in range(15_000)) + '" <z@evil.example>\n',
    ],
    ids=["a name", "comments", "addresses", "answers", "signs"],
)
def test_many_addresses_beside_a_certificate_of_many_cost_little(header):
    """A stranger chooses both numbers; the time is for their sum, not their product."""
    eve = ANNA._replace(addresses=(*(Address(f"a{number}", "evil.example") for number in range(999)), Address("z", "evil.example")))
    shown = shown_by(Headers(header.encode()), MessageLimits())
    begun = time.process_time()
    assert bind(shown, eve, DIGEST, {})[0] == "bound"
    assert time.process_time() - begun < 0.5


def test_without_from_there_is_nothing_to_bind_to():
    """A bare entity shows nobody."""
    assert bond("Subject: hi\n") == ("nothing", ())


def test_a_domains_certificate_signs_for_all_of_it():
    """Only for the domain that it was accepted for, and only this certificate."""
    mine = frozenset((DIGEST,))
    assert bond("From: bob@example.org\n", example_org=mine)[0] == "domain"
    assert bond("From: anna@example.org\n", example_org=mine)[0] == "bound"
    assert bond("From: bob@example.com\n", example_org=mine)[0] == "mismatch"
    assert bond("From: bob@example.org, eve@example.com\n", example_org=mine)[0] == "mismatch"
    assert bond("From: bob@example.org\n", example_org=frozenset((b"other",)))[0] == "mismatch"
    assert bond("From: eve@x.example <bob@example.org>\n", example_org=mine)[0] == "mismatch"
