# SPDX-License-Identifier: Apache-2.0
"""Authentication-Results is written, read and removed as RFC 8601 says, with authres as an independent judge."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.contracts.authentication import Arc, Authentication, DkimSignature, Dmarc, Spf
from gatepost.message.headers import Headers
from gatepost.message.parse import parse
from gatepost.protection.mailauth.results import (
    AuthenticationResults,
    MethodResult,
    Property,
    authentication_results,
    forged_fields,
    parse_results,
)
from shared_corpora import corpus

OURS = "mx.owned.example"

ALL = Authentication(
    spf=Spf("pass", "bounce.example.com", reason="ip4:192.0.2.0/24"),
    helo_spf=Spf("none", "mx.example.com", "helo"),
    dkim=(
        DkimSignature("pass", "example.com", "key1", "@example.com", "rsa-sha256", signature_start="aB/3+x=="),
        DkimSignature("fail", "example.org", "e", "ann@example.org", "ed25519-sha256", "the body was changed"),
    ),
    arc=Arc("pass", 2, ("one.example", "two.example"), 0),
    dmarc=Dmarc("pass", "example.com", "example.com", "example.com", "quarantine", dkim_aligned=True),
)


def value(field: bytes) -> bytes:
    name, colon, rest = field.partition(b":")
    assert (name, colon) == (b"Authentication-Results", b":")
    return rest


def judge(text: str) -> tuple[str, list[tuple]] | None:
    """Give what authres reads: the name, and each result with its reason and properties; None where it reads nothing."""
    authres = pytest.importorskip("authres")
    try:
        header = authres.AuthenticationResultsHeader.parse("Authentication-Results:" + text)
    except authres.AuthResError:
        return None
    results = [one for one in header.results if not isinstance(one, authres.NoneAuthenticationResult)]
    return header.authserv_id, [
        (one.method, one.result, one.reason or "", tuple((each.type, each.name, each.value) for each in one.properties)) for one in results
    ]


def ours(untrusted: bytes) -> tuple[str, list[tuple]] | None:
    field = parse_results(untrusted)
    return field and (field.authserv_id, [(*one[:3], tuple(map(tuple, one.properties))) for one in field.results])


def test_all_methods_are_written_for_people_and_programs():
    """One line a method, longer ones folded, each property with its registered name."""
    assert authentication_results(OURS, ALL).decode() == (
        "Authentication-Results: mx.owned.example;\r\n"
        '\tspf=pass reason="ip4:192.0.2.0/24" smtp.mailfrom=bounce.example.com;\r\n'
        "\tspf=none smtp.helo=mx.example.com;\r\n"
        "\tdkim=pass header.d=example.com header.i=@example.com header.s=key1\r\n"
        '\theader.a=rsa-sha256 header.b="aB/3+x==";\r\n'
        '\tdkim=fail reason="the body was changed" header.d=example.org\r\n'
        "\theader.i=ann@example.org header.s=e header.a=ed25519-sha256;\r\n"
        "\tarc=pass header.oldest-pass=0;\r\n"
        "\tdmarc=pass header.from=example.com policy.dmarc=quarantine\r\n"
    )


def test_a_mail_without_anything_says_so():
    """Each method has a result, also when there was nothing to check."""
    field = parse_results(value(authentication_results(OURS, Authentication())))
    assert [(one.method, one.result) for one in field.results] == [("spf", "none"), ("dkim", "none"), ("arc", "none"), ("dmarc", "none")]


def test_what_we_write_is_what_others_read():
    """authres and our own reader find the same in it."""
    written = value(authentication_results(OURS, ALL))
    found = ours(written)
    assert found[0] == OURS
    assert found[1][2] == (
        "dkim",
        "pass",
        "",
        (
            ("header", "d", "example.com"),
            ("header", "i", "@example.com"),
            ("header", "s", "key1"),
            ("header", "a", "rsa-sha256"),
            ("header", "b", "aB/3+x=="),
        ),
    )
    assert judge(re.sub(r"\r\n\t", " ", written.decode())) == found


_TEXT = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ['"', "\\", "a;b", "x\r\nInjected: y", "(", "a@b", "=?utf-8?Q??=", ""]
)


@given(_TEXT, _TEXT, _TEXT, _TEXT)
def test_no_text_of_a_stranger_breaks_the_field(domain, reason, selector, identity):
    """Whatever stands in a domain, reason or selector, the field is one field of ASCII with the same results in it."""
    found = Authentication(
        spf=Spf("fail", domain, reason=reason),
        dkim=(DkimSignature("permerror", domain, selector, identity, reason=reason, signature_start=selector),),
        dmarc=Dmarc("fail", domain, policy="reject", reason=reason),
    )
    written = authentication_results(OURS, found)
    assert written.isascii()
    assert re.fullmatch(rb"Authentication-Results: [ -~]*(\r\n\t[ -~]*[!-~])+\r\n", written)
    assert max(map(len, written.split(b"\r\n"))) < 998
    assert len(Headers(written).fields) == 1
    field = parse_results(value(written))
    assert field.authserv_id == OURS
    assert [(one.method, one.result) for one in field.results] == [
        ("spf", "fail"),
        ("dkim", "permerror"),
        ("arc", "none"),
        ("dmarc", "fail"),
    ]
    assert {one.name for result in field.results for one in result.properties} <= {"mailfrom", "d", "i", "s", "b", "from", "dmarc"}


def test_provider_fields_are_read_as_authres_reads_them():
    """Every field of the corpus that authres can read gives the same name, results, reasons and properties."""
    same = unreadable = 0
    for path in sorted((corpus("auth") / "authres-providers").rglob("*")):
        if not path.is_file():
            continue
        for field in parse(path.read_bytes()).headers.all("authentication-results"):
            theirs = judge(" ".join(field.text.split()))
            if theirs is None:
                unreadable += 1  # Outlook leaves the name out
                assert parse_results(field.raw) is not None
            else:
                same += 1
                assert ours(field.raw) == theirs, path
    print(f"Authentication-Results of providers: {same} read as authres does, {unreadable} more that it cannot read")
    assert same >= 190


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.example; none", AuthenticationResults("a.example")),
        ("a.example", AuthenticationResults("a.example")),
        ("a.example 1; spf=pass", AuthenticationResults("a.example", (MethodResult("spf", "pass"),))),
        ('(c) "a.example" (c (d)); DKIM / 1 (c) = (c) Pass (c)', AuthenticationResults("a.example", (MethodResult("dkim", "pass"),))),
        ('a; x=y reason="a;b" p . q = r', AuthenticationResults("a", (MethodResult("x", "y", "a;b", (Property("p", "q", "r"),)),))),
        ('a; x=y p.q="l; r"@b.c action=none', AuthenticationResults("a", (MethodResult("x", "y", "", (Property("p", "q", "l; r@b.c"),)),))),
        ("spf=pass smtp.helo=b", AuthenticationResults("", (MethodResult("spf", "pass", "", (Property("smtp", "helo", "b"),)),))),
        ("a; ;; =; spf; dkim=pass", AuthenticationResults("a", (MethodResult("dkim", "pass"),))),
        ("", None),
        (";", None),
        ("(only a comment", None),
    ],
)
def test_odd_fields_are_read(text, found):
    """Comments, quotes, versions and blanks stand where RFC 8601 §2.2 lets them, and what is wrong is passed over."""
    assert parse_results(text) == found


@given(st.text(alphabet='ab.;="()\\@/ \r\n\t', max_size=80) | st.text(max_size=80))
def test_no_text_raises(untrusted):
    """Any text gives a field or none."""
    parse_results(untrusted)
    forged_fields(Headers(b"Authentication-Results: " + untrusted.encode("utf-8", "replace") + b"\r\n"), [OURS])


@pytest.mark.parametrize("piece", ["a=b ", ";", '"', "(", "\\", "a.b=c;", '"x"@', "=", "()"])
def test_a_field_made_to_cost_time_costs_little(piece):
    """A megabyte of anything is read in well below a tenth of a second."""
    field, taken = (piece * 1_000_000)[:1_000_000], []
    for _ in range(5):  # the best of some: what else the process does, as collecting garbage, is not the reader's
        before = time.thread_time()
        parse_results(field)
        taken.append(time.thread_time() - before)
    assert min(taken) < 0.1


@pytest.mark.parametrize(
    "forged",
    [
        "mx.owned.example; dkim=pass",
        "MX.Owned.Example 1; none",
        '"mx.owned.example"; dkim=pass',
        '"mx\\.owned.example"; dkim=pass',
        "(hello) mx.owned.example (there); dkim=pass",
        "other.example (mx.owned.example); dkim=pass",
        "mx.owned.example.; dkim=pass",
        "mx.owned\0.example; dkim=pass",
        "\r\n mx.owned.example;\r\n dkim=pass",
        "mx.owned.example",
        "mx.owned.example=x; spf=pass",
    ],
)
def test_a_field_that_claims_to_be_ours_is_found(forged):
    """In any spelling; the span is the whole field, so that it can be cut out."""
    header = b"Received: x\r\nAuthentication-Results:" + forged.encode() + b"\r\nSubject: y\r\n"
    [(start, end)] = forged_fields(Headers(header), [OURS])
    assert header[:start] + header[end:] == b"Received: x\r\nSubject: y\r\n"


@pytest.mark.parametrize(
    "other", ["other.example; dkim=pass", "xmx.owned.example; none", "mx.owned.example.evil.example; none", "spf=pass"]
)
def test_the_fields_of_others_stay(other):
    """Who does not use our name claims nothing; ARC's own fields are no Authentication-Results."""
    fields = f"Authentication-Results: {other}\r\nARC-Authentication-Results: i=1; mx.owned.example; dkim=pass\r\n"
    assert forged_fields(Headers(fields.encode()), [OURS]) == []


def test_every_forged_field_of_the_corpus_is_found():
    """Of the mails with forged fields each claim is removed for who bears that name."""
    found = 0
    for path in sorted((corpus("auth") / "authres-providers").rglob("forged-authres-added*")):
        headers = parse(path.read_bytes()).headers
        claims = [field for field in headers.all("authentication-results") if field.text.startswith("aaa.com")]
        assert forged_fields(headers, ["aaa.com"]) == [(field.start, field.end) for field in claims]
        found += len(claims)
    print(f"forged Authentication-Results: {found} found")
    assert found > 0
