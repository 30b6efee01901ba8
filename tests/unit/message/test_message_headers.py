# SPDX-License-Identifier: Apache-2.0
"""Header fields: where they stand, what they say, what people read."""

import pytest

from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Headers

BLOCK = b"Subject: one\r\n two\r\nX-A : \tb\r\nno field\r\nSUBJECT: three\r\n"


def test_fields_stand_where_the_bytes_are() -> None:
    """Each field's span cuts out that field, folds and line end included, and no other byte."""
    raw = b"12345" + BLOCK
    fields = Headers(BLOCK, 5).fields
    assert [raw[field.start : field.end] for field in fields] == [b"Subject: one\r\n two\r\n", b"X-A : \tb\r\n", b"SUBJECT: three\r\n"]
    assert all(raw[field.value_start : field.end] == field.raw for field in fields)


def test_names_are_looked_up_in_any_case() -> None:
    """A field is found by its name in any case; the topmost one answers; a line that is no field is passed over."""
    headers = Headers(BLOCK)
    assert headers.text("subject") == "one two"
    assert headers.text("X-a") == "b"
    assert headers.count("Subject") == 2
    assert [field.text for field in headers.all("subject")] == ["one two", "three"]
    assert ("x-a" in headers, "from" in headers, headers.first("from"), headers.decoded("from")) == (True, False, None, "")
    assert len(headers) == 3


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ?=", "Grüße"),
        ("=?iso-8859-1?q?caf=E9_noir?= x", "café noir x"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?utf-8?q?a?= - =?utf-8?q?b?=", "a - b"),
        ("=?utf-8*en?q?a?=", "a"),
        ("=?utf-8?q?with blank?=", "with blank"),
        ("=?no-such-charset?q?a?=", "=?no-such-charset?q?a?="),
        ("=?no-such-charset?q?a?= =?utf-8?q?b?=", "=?no-such-charset?q?a?= b"),
        ("=?punycode?q?a?=", "=?punycode?q?a?="),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
        ("=?gb2312?b?xOO6ww==?=", "你好"),
    ],
)
def test_encoded_words_are_read(written: str, read: str) -> None:
    """Encoded words become text, a split character is put together, what cannot be decoded stays."""
    assert decode_words(written) == read


def test_raw_bytes_above_127_become_text() -> None:
    """Raw UTF-8 is read as that, other raw bytes as Windows-1252."""
    assert Headers(b"Subject: \xc3\xbc\r\n").text("subject") == "ü"
    assert Headers(b"Subject: \xfc\x80\r\n").text("subject") == "ü€"
