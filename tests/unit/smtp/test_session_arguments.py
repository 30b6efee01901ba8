# SPDX-License-Identifier: Apache-2.0
"""The arguments of EHLO, MAIL and RCPT: what is an address, what is a parameter, and what each wrong one is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.smtp.session.paths import parse_arguments, parse_path
from unit.smtp.dialogue import Dialogue, codes

LOCAL_255, LABEL = "x" * 255, "a" * 63

SENDERS = [
    ("plain", "<a@example.org>", "a@example.org"),
    ("null", "<>", "None"),
    ("a space after the colon", " <a@example.org>", "a@example.org"),
    ("capitals in the domain", "<A.b@EXAMPLE.ORG>", "A.b@example.org"),
    ("quoted", '<"a b"@example.org>', '"a b"@example.org'),
    ("quoted with a bracket", '<"a>b"@example.org>', '"a>b"@example.org'),
    ("quoted with an at", '<"a@b"@example.org>', '"a@b"@example.org'),
    ("quoted with a quote", '<"a\\"b"@example.org>', '"a\\"b"@example.org'),
    ("quoted and empty", '<""@example.org>', '""@example.org'),
    ("a source route", "<@hop.example,@two.example:a@example.org>", "a@example.org"),
    ("an IPv4 literal", "<a@[192.0.2.1]>", "a@[192.0.2.1]"),
    ("an IPv6 literal", "<a@[ipv6:2001:DB8::0001]>", "a@[IPv6:2001:db8::1]"),
    ("the longest local part", f"<{LOCAL_255}@example.org>", f"{LOCAL_255}@example.org"),
    ("all that an atom may hold", "<!#$%&'*+-/=?^_`{|}~@example.org>", "!#$%&'*+-/=?^_`{|}~@example.org"),
    ("an underscore in the domain", "<a@_x.example.org>", "a@_x.example.org"),
    ("one label", "<a@localhost>", "a@localhost"),
    ("a long label", f"<a@{LABEL}.example>", f"a@{LABEL}.example"),
]


@pytest.mark.parametrize(("name", "path", "sender"), SENDERS, ids=[row[0] for row in SENDERS])
def test_an_address_is_taken_as_it_is_meant(name, path, sender):
    """The local part stays as written, the domain is normalised, a source route is dropped (RFC 5321 appendix C)."""
    talk = Dialogue()
    talk.say(b"EHLO c")
    assert codes(talk.say(f"MAIL FROM:{path}".encode())) == ["250 2.1.0"]
    assert str(talk.session.envelope.sender) == sender


WRONG_PATHS = [
    ("no brackets", "a@example.org", "501 5.5.4"),
    ("no end", "<a@example.org", "501 5.5.4"),
    ("no start", "a@example.org>", "501 5.5.4"),
    ("nothing", "", "501 5.5.4"),
    ("text glued on", "<a@example.org>x", "501 5.5.4"),
    ("a parameter glued on", "<a@example.org>SIZE=1", "501 5.5.4"),
    ("an open quote", '<"a@example.org>', "501 5.5.4"),
    ("two paths", "<a@example.org> <b@example.org>", "501 5.5.4"),
    ("no domain", "<a>", "553 5.1.7"),
    ("no local part", "<@example.org>", "553 5.1.7"),
    ("an empty domain", "<a@>", "553 5.1.7"),
    ("two ats", "<a@b@example.org>", "553 5.1.7"),
    ("a space inside", "<a b@example.org>", "553 5.1.7"),
    ("a bracket inside", "<<a@example.org>", "553 5.1.7"),
    ("a dot first", "<.a@example.org>", "553 5.1.7"),
    ("a dot last", "<a.@example.org>", "553 5.1.7"),
    ("two dots", "<a..b@example.org>", "553 5.1.7"),
    ("a dot after the domain", "<a@example.org.>", "553 5.1.7"),
    ("a hyphen first in the domain", "<a@-example.org>", "553 5.1.7"),
    ("a label of 64", f"<a@{LABEL}a.example>", "553 5.1.7"),
    ("a local part of 256", f"<x{LOCAL_255}@example.org>", "553 5.1.7"),
    ("no IPv4 literal", "<a@[192.0.2.256]>", "553 5.1.7"),
    ("no IPv6 literal", "<a@[IPv6:::g]>", "553 5.1.7"),
    ("a literal without an end", "<a@[192.0.2.1>", "553 5.1.7"),
    ("a broken source route", "<@hop.example a@example.org>", "553 5.1.7"),
    ("a control character", "<a\x01b@example.org>", "553 5.1.7"),
    ("a comment", "<a(x)@example.org>", "553 5.1.7"),
    ("a quote in the middle", '<a"b"c@example.org>', "553 5.1.7"),
    ("postmaster alone as a sender", "<postmaster>", "553 5.1.7"),
]


@pytest.mark.parametrize(("name", "path", "code"), WRONG_PATHS, ids=[row[0] for row in WRONG_PATHS])
def test_what_is_no_address_is_refused(name, path, code):
    """As a sender and as a recipient, each with its own code; the session goes on."""
    talk = Dialogue()
    talk.say(b"EHLO c")
    assert codes(talk.say(f"MAIL FROM:{path}".encode())) == [code]
    talk.say(b"MAIL FROM:<a@example.org>")
    if path != "<postmaster>":
        assert codes(talk.say(f"RCPT TO:{path}".encode())) == [code.replace("5.1.7", "5.1.3")]
    assert codes(talk.say(b"RCPT TO:<b@example.com>")) == ["250 2.1.5"]


def test_postmaster_needs_no_domain_as_a_recipient():
    """In any case of letters (RFC 5321 §4.1.1.3)."""
    talk = Dialogue()
    talk.say(b"EHLO c", b"MAIL FROM:<>")
    assert codes(talk.say(b"RCPT TO:<PostMaster>", b"RCPT TO:<Postmaster@example.com>")) == ["250 2.1.5"] * 2
    assert [str(one.address) for one in talk.session.envelope.recipients] == ["postmaster", "Postmaster@example.com"]


def test_the_null_path_is_only_a_sender():
    """`RCPT TO:<>` names nobody."""
    talk = Dialogue()
    assert codes(talk.say(b"EHLO c", b"MAIL FROM:<>", b"RCPT TO:<>")) == ["250", "250 2.1.0", "553 5.1.3"]


def test_a_domain_in_another_script_becomes_its_a_label():
    """With SMTPUTF8 an address may hold UTF-8; its domain is held as the wire needs it (RFC 6531 §3.2, RFC 5891)."""
    talk = Dialogue()
    said = talk.say(b"EHLO c", "MAIL FROM:<jörg@bücher.example> SMTPUTF8".encode(), "RCPT TO:<ü@BÜCHER.example>".encode())
    assert codes(said) == ["250", "250 2.1.0", "250 2.1.5"]
    assert str(talk.session.envelope.sender) == "jörg@xn--bcher-kva.example"
    assert str(talk.session.envelope.recipients[0].address) == "ü@xn--bcher-kva.example"
    assert talk.session.envelope.smtputf8


@pytest.mark.parametrize(
    "line", ["MAIL FROM:<jörg@example.org>", "MAIL FROM:<a@bücher.example>", "MAIL FROM:<ü@example.org> BODY=8BITMIME"]
)
def test_utf8_that_was_not_announced_is_refused(line):
    """Also in a recipient, when MAIL did not say SMTPUTF8 (RFC 6531 §3.5)."""
    talk = Dialogue()
    talk.say(b"EHLO c")
    assert codes(talk.say(line.encode())) == ["553 5.6.7"]
    talk.say(b"MAIL FROM:<a@example.org>")
    assert codes(talk.say("RCPT TO:<ü@example.com>".encode())) == ["553 5.6.7"]


def test_bytes_that_are_no_utf8_are_no_argument():
    """Not even with SMTPUTF8."""
    talk = Dialogue()
    talk.say(b"EHLO c")
    assert codes(talk.say(b"MAIL FROM:<\xff@example.org> SMTPUTF8", b"MAIL FROM:<\xc3@example.org>")) == ["501 5.5.4"] * 2


PARAMETERS = [
    ("SIZE=1000", "250 2.1.0", {"size_declared": 1000}),
    ("size=0", "250 2.1.0", {"size_declared": 0}),
    ("SIZE=100000", "250 2.1.0", {"size_declared": 100_000}),
    ("SIZE=100001", "552 5.3.4", None),
    ("SIZE=99999999999999999999", "552 5.3.4", None),
    ("SIZE=999999999999999999999", "501 5.5.4", None),
    ("SIZE=-1", "501 5.5.4", None),
    ("SIZE=1e3", "501 5.5.4", None),
    ("SIZE=", "501 5.5.4", None),
    ("SIZE", "501 5.5.4", None),
    ("SIZE=1 SIZE=2", "501 5.5.4", None),
    ("SIZE=1 size=1", "501 5.5.4", None),
    ("BODY=7BIT", "250 2.1.0", {"body": "7BIT"}),
    ("BODY=8bitmime", "250 2.1.0", {"body": "8BITMIME"}),
    ("BODY=BINARYMIME", "555 5.5.4", None),
    ("BODY", "501 5.5.4", None),
    ("SMTPUTF8", "250 2.1.0", {"smtputf8": True}),
    ("SMTPUTF8=yes", "501 5.5.4", None),
    ("RET=FULL", "250 2.1.0", {"ret": "FULL"}),
    ("RET=hdrs", "250 2.1.0", {"ret": "HDRS"}),
    ("RET=SOME", "555 5.5.4", None),
    ("RET", "501 5.5.4", None),
    ("ENVID=aB+2Bc", "250 2.1.0", {"envid": "aB+2Bc"}),
    ("ENVID=a+2bc", "555 5.5.4", None),
    ("ENVID=a+GGc", "555 5.5.4", None),
    ("ENVID=a=b", "501 5.5.4", None),
    ("ENVID", "501 5.5.4", None),
    ("ENVID=" + "x" * 100, "250 2.1.0", {"envid": "x" * 100}),
    ("ENVID=" + "x" * 101, "555 5.5.4", None),
    ("AUTH=<>", "250 2.1.0", {}),
    ("AUTH=a@example.org", "250 2.1.0", {}),
    ("SIZE=1 BODY=8BITMIME RET=FULL ENVID=e SMTPUTF8", "250 2.1.0", {"size_declared": 1, "body": "8BITMIME", "ret": "FULL", "envid": "e"}),
    ("  SIZE=1   BODY=7BIT  ", "250 2.1.0", {"size_declared": 1, "body": "7BIT"}),
    ("REQUIRETLS", "555 5.5.4", None),
    ("XFORWARD=x", "555 5.5.4", None),
    ("NOTIFY=NEVER", "555 5.5.4", None),
    ("=x", "501 5.5.4", None),
    ("SIZE =1", "501 5.5.4", None),
    ("-X=1", "501 5.5.4", None),
]


@pytest.mark.parametrize(("parameters", "code", "held"), PARAMETERS, ids=[row[0][:30] for row in PARAMETERS])
def test_each_parameter_of_mail(parameters, code, held):
    """A good one is held as written, a malformed one is 501, an unknown or unserved one 555, a size beyond the limit 552."""
    talk = Dialogue(size_bytes=100_000)
    talk.say(b"EHLO c")
    assert codes(talk.say(f"MAIL FROM:<a@example.org> {parameters}".encode())) == [code]
    envelope = talk.session.envelope
    assert (envelope is None) == (held is None)
    assert held is None or {name: getattr(envelope, name) for name in held} == held


RCPT_PARAMETERS = [
    ("NOTIFY=NEVER", "250 2.1.5", ("NEVER", "")),
    ("NOTIFY=success,Failure,DELAY", "250 2.1.5", ("SUCCESS,FAILURE,DELAY", "")),
    ("NOTIFY=NEVER,FAILURE", "555 5.5.4", None),
    ("NOTIFY=SOMETIMES", "555 5.5.4", None),
    ("NOTIFY=FAILURE,", "555 5.5.4", None),
    ("NOTIFY=FAILURE,,DELAY", "555 5.5.4", None),
    ("NOTIFY", "501 5.5.4", None),
    ("NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4", None),
    ("ORCPT=rfc822;aB+2B@example.com", "250 2.1.5", ("", "rfc822;aB+2B@example.com")),
    ("ORCPT=rfc822;", "555 5.5.4", None),
    ("ORCPT=;a@example.com", "555 5.5.4", None),
    ("ORCPT=a@example.com", "555 5.5.4", None),
    ("ORCPT=rfc822;a+ZZ@example.com", "555 5.5.4", None),
    ("ORCPT=rfc822;" + "x" * 493, "250 2.1.5", ("", "rfc822;" + "x" * 493)),
    ("ORCPT=rfc822;" + "x" * 494, "555 5.5.4", None),
    ("ORCPT", "501 5.5.4", None),
    ("NOTIFY=DELAY ORCPT=utf-8;\\x{FC}@example.com", "250 2.1.5", ("DELAY", "utf-8;\\x{FC}@example.com")),
    ("SIZE=1", "555 5.5.4", None),
    ("RRVS=2026-01-01T00:00:00Z", "555 5.5.4", None),
]


@pytest.mark.parametrize(("parameters", "code", "held"), RCPT_PARAMETERS, ids=[row[0][:30] for row in RCPT_PARAMETERS])
def test_each_parameter_of_rcpt(parameters, code, held):
    """A good one is held as written (RFC 3461 §4.1, §4.2), the others are refused as MAIL's are."""
    talk = Dialogue()
    talk.say(b"EHLO c", b"MAIL FROM:<a@example.org>")
    assert codes(talk.say(f"RCPT TO:<b@example.com> {parameters}".encode())) == [code]
    assert [(one.notify, one.orcpt) for one in talk.session.envelope.recipients] == ([] if held is None else [held])


def test_after_helo_no_parameter_is_known():
    """Who has not said EHLO was offered none (RFC 5321 §4.1.1.11)."""
    talk = Dialogue()
    talk.say(b"HELO c")
    assert codes(talk.say(b"MAIL FROM:<a@example.org> SIZE=1")) == ["555 5.5.4"]
    assert codes(talk.say(b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.com> NOTIFY=NEVER")) == ["250 2.1.0", "555 5.5.4"]


NAMES = [
    *((name, True) for name in (b"client.example", b"[192.0.2.1]", b"[IPv6:2001:db8::1]", b"my_host", b"X" * 255)),
    *((name, False) for name in (b"X" * 256, b"a b", b"a\tb", b"<a>", b"a(b)", b"a;b", b"\xc3\xbc", b"")),
]


@pytest.mark.parametrize("verb", [b"EHLO", b"HELO"])
@pytest.mark.parametrize(("name", "taken"), NAMES)
def test_a_clients_name_can_not_break_a_trace_header(verb, name, taken):
    """Letters, digits and what names and literals hold; nothing that could end or open something in a header."""
    talk = Dialogue()
    assert codes(talk.say(verb + b" " + name)) == ["250" if taken else "501 5.5.4"]
    assert talk.session.helo == (name.decode() if taken else "")


@given(st.text(max_size=60), st.sampled_from(["FROM:", "TO:"]))
def test_no_argument_raises(text, keyword):
    """Whatever stands there, it is arguments or it is none."""
    parse_arguments(text, keyword)
    parse_arguments(f"{keyword}<{text}>", keyword)
    parse_path(text)


@given(st.text(alphabet='a"\\@.<>:,[] é', max_size=20))
def test_an_address_that_is_taken_can_be_said_again(text):
    """What we will write into our own MAIL and RCPT reads back as the same address."""
    address = parse_path(text)
    if address is not None and address.domain:
        assert parse_path(str(address)) == address
        again = parse_arguments(f"TO:<{address}>", "TO:")
        assert again is not None and again.address == address
