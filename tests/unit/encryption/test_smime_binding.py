# SPDX-License-Identifier: Apache-2.0
"""Whether a signature is the shown sender's: each address counts, names vouch for nothing, and domains may sign for all."""

import time

import pytest

from cms_people import person
from gatepost.config.limits import MessageLimits
from gatepost.encryption.smime.binding import bind, shown_by
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.message.addresses import Address
from gatepost.message.headers import Headers

CERTIFICATE = person("p256", "anna").certificate
ANNA = purpose_of(CERTIFICATE)
DIGEST = CERTIFICATE.digest("sha256")


def bond(header: str, **domains: frozenset[bytes]):
    where = {name.replace("_", "."): digests for name, digests in domains.items()}
    return bind(shown_by(Headers(header.replace("\n", "\r\n").encode()), MessageLimits()), ANNA, DIGEST, where)


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
    ],
    ids=["a name", "comments", "addresses", "answers"],
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
