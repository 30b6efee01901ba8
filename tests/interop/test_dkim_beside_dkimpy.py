# SPDX-License-Identifier: Apache-2.0
"""dkimpy as the independent judge, both ways: it reads what we sign and seal, and we read what it does."""

import asyncio

import dkim
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.contracts.authentication import Arc
from gatepost.message.parse import parse
from gatepost.protection.mailauth.arc.seal import seal
from gatepost.protection.mailauth.arc.validate import validate
from gatepost.protection.mailauth.dkim.sign import sign
from gatepost.protection.mailauth.dkim.verify import verify
from signing_keys import KeyZone, ed25519_key, pem_of, record_of, rsa_key, seed_of

ZONE = {"s._domainkey.a.example": record_of(rsa_key()), "e._domainkey.a.example": record_of(ed25519_key())}
NOW = 1_800_000_000.0

TEXT = st.text("abcXYZ.,;:=<>@\u00e4\u20ac  \t", max_size=12).map(str.encode)
FOLD = st.sampled_from([b"\r\n ", b"\r\n\t", b" \r\n  ", b"\t\r\n \t"])
VALUE = st.lists(st.tuples(TEXT, FOLD), max_size=3).map(lambda parts: b"".join(text + fold for text, fold in parts))
NAMES = st.sampled_from([b"Subject", b"To", b"X-Note", b"x-note", b"Date", b"Cc"])
FIELDS = st.lists(
    st.builds(lambda name, space, value: name + b":" + space + value + b"end\r\n", NAMES, st.sampled_from([b"", b" ", b"\t "]), VALUE),
    max_size=6,
)
PIECES = st.lists(
    st.sampled_from([b"word", b"w", b" ", b"   ", b"\t", b" \t ", b"\r\n", b"\r\n\r\n", b" \r\n", b".", b"\xff"]), max_size=30
)
# White space before the very end of a body that lacks its last line end is nobody's case on the wire, and dkimpy keeps it.
BODY = PIECES.map(lambda pieces: b"".join(pieces) if pieces[-1:] and pieces[-1].endswith(b"\r\n") else b"".join(pieces).rstrip(b" \t"))
FORMS = [(b"simple", b"simple"), (b"simple", b"relaxed"), (b"relaxed", b"simple"), (b"relaxed", b"relaxed")]
SIGNED = ["from", "subject", "to", "x-note"]

check = settings(max_examples=150)


def mail_of(fields: list[bytes], place: int, body: bytes) -> bytes:
    """Put a mail together, its From field among the others."""
    place = min(place, len(fields))
    return b"".join([*fields[:place], b"From: Ann <ann@a.example>\r\n", *fields[place:], b"\r\n", body])


def canonical(body: bytes, form: bytes) -> bytes:
    """Give a body's canonical form as dkimpy makes it."""
    return dkim.CanonicalizationPolicy.from_c_value(b"simple/" + form).canonicalize_body(body)


def answer(name: bytes, timeout: float = 5) -> bytes:
    return str(ZONE[name.decode().rstrip(".")]).encode()


@check
@given(fields=FIELDS, place=st.integers(0, 6), body=BODY, form=st.sampled_from(FORMS), rsa=st.booleans())
def test_dkimpy_verifies_what_we_sign(fields: list[bytes], place: int, body: bytes, form: tuple[bytes, bytes], rsa: bool):
    """In every form, over folds, repeated fields, white space and empty lines."""
    mail = mail_of(fields, place, body)
    key, selector = (rsa_key(), "s") if rsa else (ed25519_key(), "e")
    field = sign(mail, domain="a.example", selector=selector, key=key, now=1.5e9, headers=SIGNED, canonicalization=b"/".join(form).decode())
    assert dkim.DKIM(field + mail).verify(dnsfunc=answer)


@check
@given(
    fields=FIELDS,
    place=st.integers(0, 6),
    body=BODY,
    form=st.sampled_from(FORMS),
    rsa=st.booleans(),
    length=st.booleans(),
    more=st.booleans(),
)
def test_we_verify_what_dkimpy_signs(
    fields: list[bytes], place: int, body: bytes, form: tuple[bytes, bytes], rsa: bool, length: bool, more: bool
):
    """The same the other way; with l= what is added after the signed part is said, without it it breaks the signature."""
    mail = mail_of(fields, place, body)
    key, selector, algorithm = (pem_of(rsa_key()), b"s", b"rsa-sha256") if rsa else (seed_of(ed25519_key()), b"e", b"ed25519-sha256")
    signer = dkim.DKIM(mail, signature_algorithm=algorithm)
    field = signer.sign(selector, b"a.example", key, canonicalize=form, include_headers=[name.encode() for name in SIGNED], length=length)
    added = (b"" if body.endswith(b"\r\n") or not body else b"\r\n") + b"added\r\n" if more else b""
    [found] = asyncio.run(verify(KeyZone(ZONE), parse(field + mail + added), NOW))
    if more:
        before, after = canonical(body, form[1]), canonical(body + added, form[1])
        assert found.result == ("pass" if length and after.startswith(before) else "fail")
        assert found.reason.startswith("only the first" if found.result == "pass" else "the body")
    else:
        assert (found.result, found.reason) == ("pass", "")


@check
@given(fields=FIELDS, place=st.integers(0, 6), body=BODY, change=st.sampled_from([b"Ann", b"word", b"end"]), form=st.sampled_from(FORMS))
def test_both_refuse_what_was_changed(fields: list[bytes], place: int, body: bytes, change: bytes, form: tuple[bytes, bytes]):
    """Where a signed byte is another one neither of us passes the mail; where none is, both do."""
    mail = mail_of(fields, place, body)
    field = sign(
        mail, domain="a.example", selector="e", key=ed25519_key(), now=1.5e9, headers=SIGNED, canonicalization=b"/".join(form).decode()
    )
    changed = field + mail.replace(change, b"other", 1)
    [found] = asyncio.run(verify(KeyZone(ZONE), parse(changed), NOW))
    try:
        judged = dkim.DKIM(changed).verify(dnsfunc=answer)
    except dkim.ValidationError:
        judged = False
    assert (found.result == "pass") == judged


@settings(max_examples=40)
@given(fields=FIELDS, place=st.integers(0, 6), body=BODY, hops=st.integers(1, 3))
def test_dkimpy_validates_what_we_seal(fields: list[bytes], place: int, body: bytes, hops: int):
    """Chains of several sets, over the same mails."""
    mail = mail_of(fields, place, body)
    for hop in range(hops):
        found = Arc("pass" if hop else "none")
        results = b"mx%d.a.example; arc=%s" % (hop, found.result.encode())
        mail = seal(mail, results=results, found=found, domain="a.example", selector="s", key=rsa_key(), now=1.5e9, headers=SIGNED) + mail
    verdict, sets, reason = dkim.ARC(mail).verify(dnsfunc=answer)
    assert verdict == b"pass", reason
    assert len(sets) == hops


@settings(max_examples=40)
@given(fields=FIELDS, place=st.integers(0, 6), body=BODY, hops=st.integers(1, 3))
def test_we_validate_what_dkimpy_seals(fields: list[bytes], place: int, body: bytes, hops: int):
    """The same the other way."""
    mail = mail_of(fields, place, body)
    for hop in range(hops):
        mail = b"Authentication-Results: mx%d.a.example; arc=%s\r\n" % (hop, b"pass" if hop else b"none") + mail
        headers = dkim.ARC(mail).sign(
            b"s",
            b"a.example",
            pem_of(rsa_key()),
            b"mx%d.a.example" % hop,
            include_headers=[name.encode() for name in SIGNED],
            timestamp=1_500_000_000 + hop,
        )
        mail = b"".join(headers) + mail
    found = asyncio.run(validate(KeyZone(ZONE), parse(mail), NOW))
    assert (found.result, found.instances, found.reason) == ("pass", hops, "")
