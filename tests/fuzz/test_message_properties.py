# SPDX-License-Identifier: Apache-2.0
"""The mail room against bytes that nobody wrote."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.auto import is_bounce_or_auto
from gatepost.message.content_type import parse_content_type, parse_disposition
from gatepost.message.decode import from_base64, from_quoted_printable, text_of
from gatepost.message.domains import a_label
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Headers
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.parse import parse
from gatepost.message.raw import has_long_line
from gatepost.message.received import received
from gatepost.message.splice import remove_field, replace_body, splice

LIMITS = MessageLimits()
SMALL = MessageLimits(
    depth=3, message_depth=2, parts=5, headers=6, header_bytes=1000, parameters=3, continuations=2, comment_depth=2, addresses=3
)

# Pieces of which mails are made, so that structure comes up far more often than in plain random bytes.
PIECES = [
    b"--a",
    b"--ab",
    b"--",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b";",
    b"=",
    b'"',
    b"(",
    b")",
    b"\\",
    b"\0",
    b"\xff",
    b"x",
]
PIECES += [
    b"\r\n--a\r\n",
    b"\r\n--ab\r\n",
    b"\r\n--a--\r\n",
    b"\r\n--ab--\r\n",
    b"--a x\r\n",
    b"From: a@b.c\r\n",
    b"To: b\r\n c",
    b"Subject: =?utf-8?q?=C3?=",
]
PIECES += [b"Content-Type: multipart/mixed; boundary=a\r\n\r\n", b'Content-Type: multipart/digest; boundary="ab"\r\n\r\n']
PIECES += [
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/plain; charset*0=utf-8\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
]
PIECES += [b"Content-Disposition: attachment; filename*=utf-8''%C3%BC\r\n", b"YQ==", b"=C3", b"=?x?b?", b"?=", b"<", b">", b",", b"@", b"."]
MAILS = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)), max_size=40).map(b"".join)
LIMIT_SETS = st.sampled_from([LIMITS, SMALL])


@settings(max_examples=400)
@given(raw=MAILS, limits=LIMIT_SETS)
def test_parse_takes_any_bytes(raw: bytes, limits: MessageLimits) -> None:
    """Nothing raises; spans are ordered, nested and inside the mail; every defect is in the catalogue."""
    message = parse(raw, limits)
    assert set(message.defects) <= set(defects.SENTENCES)
    assert message.exceeded is None or message.exceeded in limits.__struct_fields__
    assert (message.root.header_start, message.root.end) == (0, len(raw))
    assert len(list(message.walk())) <= limits.parts
    for entity in message.walk():
        assert entity.header_start <= entity.header_end <= entity.body_start <= entity.end
        position = entity.body_start
        for child in entity.children:
            assert position <= child.header_start
            assert child.end <= entity.end
            position = child.end
    assert splice(raw, []) == raw
    is_bounce_or_auto(message, null_sender=False)


@settings(max_examples=300)
@given(raw=MAILS, limits=LIMIT_SETS)
def test_every_leaf_and_field_can_be_read(raw: bytes, limits: MessageLimits) -> None:
    """Fields, names, addresses and text of any mail are read without an exception."""
    for entity in parse(raw, limits).walk():
        assert isinstance(entity.filename, str)
        for field in entity.headers:
            assert raw[field.value_start : field.end] == field.raw
            assert isinstance(field.decoded, str)
            parse_mailboxes(field.raw, limits)
        if entity.is_leaf:
            assert isinstance(text_of(entity).text, str)


@settings(max_examples=300)
@given(raw=MAILS, body=st.binary(max_size=5))
def test_an_edit_changes_its_own_bytes_only(raw: bytes, body: bytes) -> None:
    """Around a replaced body and a removed field all bytes stay."""
    for entity in parse(raw).walk():
        edited = splice(raw, [replace_body(entity, body)])
        assert edited.startswith(raw[: entity.body_start])
        assert edited.endswith(raw[entity.end :])
        for field in entity.headers:
            assert splice(raw, [remove_field(field)]) == raw[: field.start] + raw[field.end :]


@settings(max_examples=300)
@given(value=st.one_of(MAILS, st.binary(max_size=60)), limits=LIMIT_SETS)
def test_values_of_any_bytes_are_read(value: bytes, limits: MessageLimits) -> None:
    """Types, dispositions, mailboxes, words and bodies never raise, whatever the bytes."""
    parse_content_type(value, limits)
    parse_disposition(value, limits)
    answer = parse_mailboxes(value, limits)
    assert len(answer.mailboxes) <= limits.addresses
    for address in answer.addresses:
        assert address.local
        assert "\r" not in str(address)
        assert "\n" not in str(address)
    from_base64(value)
    from_quoted_printable(value)
    decode_words(value.decode("latin-1"))
    Headers(value).text("x")


@settings(max_examples=300)
@given(untrusted=st.one_of(st.text(max_size=70), st.from_regex(r"[A-Za-z0-9ßüÜ日._-]{1,40}", fullmatch=True)))
def test_a_normalised_domain_stays_as_it_is(untrusted: str) -> None:
    """Normalising twice is normalising once, and the result can travel anywhere."""
    domain = a_label(untrusted)
    if domain is not None:
        assert a_label(domain) == domain
        assert domain.isascii()
        assert domain == domain.lower()


@settings(max_examples=200)
@given(helo=st.text(max_size=60), lines=st.lists(st.integers(min_value=0, max_value=1100), max_size=6))
def test_trace_field_and_line_check(helo: str, lines: list[int]) -> None:
    """Any name gives one field; the check for long lines is that of looking at each line."""
    raw = received(untrusted_helo=helo, client="192.0.2.1", hostname="mx.example.org", protocol="SMTP", track="1", at=0)
    assert len(Headers(raw).fields) == 1
    mail = b"".join(b"x" * length + b"\r\n" for length in lines)
    assert has_long_line(mail) == any(length > 998 for length in lines)
