# SPDX-License-Identifier: Apache-2.0
"""Tag lists, and what signature fields say."""

import pytest

from gatepost.protection.mailauth.dkim.field import parse_signature
from gatepost.protection.mailauth.dkim.tags import MAX_BYTES, decode_base64, decode_number, parse_tags

GOOD = b" v=1; a=rsa-sha256; c=relaxed/simple; d=Example.ORG; s=sel;\r\n\th=From : to;\r\n\tbh=AAAA; b=QUJD\r\n REVG"


def values(untrusted: bytes) -> dict[bytes, bytes] | None:
    tags = parse_tags(untrusted)
    return None if tags is None else {name: tag.value for name, tag in tags.items()}


def test_a_list_is_read_with_folds_and_a_last_semicolon():
    """White space around names and values goes, inside it stays."""
    assert values(b" a = 1 ;\r\n\tb=x y;c=; ") == {b"a": b"1", b"b": b"x y", b"c": b""}


@pytest.mark.parametrize(
    "untrusted", [b"", b" ", b";", b"a", b"a=1;;b=2", b"a=1; a=2", b"1a=1", b"a=1;b", b"=1", b"a=\x00", b"a-b=1", b"a=1\x7f"]
)
def test_what_is_no_list_is_none(untrusted: bytes):
    """A malformed list, or one that names a tag twice, gives nothing at all."""
    assert parse_tags(untrusted) is None


def test_a_list_is_read_up_to_its_longest_length():
    """One byte more than the limit is refused."""
    assert parse_tags(b"a=" + b"x" * (MAX_BYTES - 2)) is not None
    assert parse_tags(b"a=" + b"x" * (MAX_BYTES - 1)) is None


def test_a_value_knows_where_it_stands():
    """The span of a value is all between its equals sign and the next semicolon."""
    tag = parse_tags(GOOD)[b"b"]
    assert GOOD[: tag.start].endswith(b"b=")
    assert GOOD[tag.start : tag.end] == b"QUJD\r\n REVG"


@pytest.mark.parametrize(
    ("value", "decoded"), [(b"QUJD\r\n\tREVG", b"ABCDEF"), (b"QUI=", b"AB"), (b"QUI", None), (b"Q!JD", None), (b"", b"")]
)
def test_base64_is_strict_but_for_folds(value: bytes, decoded: bytes | None):
    """Other characters and missing padding make a value unreadable."""
    assert decode_base64(value) == decoded


@pytest.mark.parametrize(
    ("value", "number"), [(b"0", 0), (b"12", 12), (b"9" * 76, int("9" * 76)), (b"9" * 77, None), (b"-1", None), (b"", None), (b"1_0", None)]
)
def test_numbers_are_digits_only(value: bytes, number: int | None):
    """Signs, separators and too many digits make no number."""
    assert decode_number(value) == number


def test_a_signature_field_is_read():
    """Names come in lower case, forms and hash are told, i= is the domain unless given."""
    signature = parse_signature(GOOD)
    assert signature.fault == ""
    assert (signature.signer.domain, signature.signer.selector, signature.identity) == ("example.org", "sel", "@example.org")
    assert signature.names == ("from", "to")
    assert (signature.relaxed_header, signature.relaxed_body) == (True, False)
    assert (signature.signer.value, signature.signer.start) == (b"ABCDEF", "QUJDREVG")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"v=1", b"v=2", "v= is not 1"),
        (b" v=1;", b"", "v= is not 1"),
        (b"rsa-sha256", b"dsa-sha1", "a= is missing or no algorithm that is known"),
        (b"relaxed/simple", b"nofws", "c= names no canonicalization that is known"),
        (b"Example.ORG", b"exa mple.org", "d= is missing or no domain"),
        (b"Example.ORG", b"", "d= is missing or no domain"),
        (b"s=sel", b"s=a..b", "s= is missing or no selector"),
        (b"From : to", b"to", "h= does not name From"),
        (b"From : to", b"from::to", "h= is missing or no list of field names"),
        (b"From : to", b"from" + b":to" * 256, "h= names more than 256 fields"),
        (b"bh=AAAA;", b"", "bh= is missing or no base64"),
        (b"b=QUJD", b"b=Q*JD", "b= is missing or no base64"),
        (b"s=sel", b"s=sel; q=http/get", "q= names no way to the key that is known"),
        (b"s=sel", b"s=sel; t=now", "t= is no time"),
        (b"s=sel", b"s=sel; x=12h", "x= is no time"),
        (b"s=sel", b"s=sel; t=10; x=10", "x= is not later than t="),
        (b"s=sel", b"s=sel; l=-1", "l= is no number"),
        (b"s=sel", b"s=sel; i=a@example.com", "i= is no identity within d="),
        (b"s=sel", b"s=sel; i=a@badexample.org", "i= is no identity within d="),
        (b"s=sel", b"s=sel; i=a", "i= is no identity within d="),
        (b"s=sel", b"s=sel; i=a=0Ab@example.org", "i= has characters that no address has"),
    ],
)
def test_each_fault_of_a_signature_field_is_named(old: bytes, new: bytes, fault: str):
    """What RFC 6376 §6.1.1 asks of the field is asked, one thing at a time."""
    assert parse_signature(GOOD.replace(old, new)).fault == fault


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        (b"@sub.Example.org", "@sub.example.org"),
        (b"jo=40e@example.org", "jo@e@example.org"),
        ("j\u00f6@example.org".encode(), "j\u00f6@example.org"),
    ],
)
def test_the_identity_may_be_below_the_domain(written: bytes, identity: str):
    """A subdomain, quoted-printable and UTF-8 are read (RFC 6376 §3.5, RFC 8616 §5)."""
    signature = parse_signature(GOOD.replace(b"s=sel", b"s=sel; i=" + written))
    assert (signature.fault, signature.identity) == ("", identity)


def test_a_domain_in_its_own_script_is_looked_up_as_a_labels():
    """U-labels in d= are the same domain (RFC 8616 §5)."""
    assert parse_signature(GOOD.replace(b"Example.ORG", "b\u00fccher.example".encode())).signer.domain == "xn--bcher-kva.example"
